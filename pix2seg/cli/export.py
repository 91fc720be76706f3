"""`pix2seg export`: from weights files to ONNX files, which run without PyTorch."""

from pathlib import Path
from typing import Annotated

import typer

from pix2seg.cli.telling import news


def export(
    weights: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="WEIGHTS",
            help="Weights files (.safetensors) of generators and person extractors; default: the "
            "two in the box.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files; default: beside the weights.")
    ] = None,
) -> None:
    """Turn weights into ONNX files, checked against PyTorch."""
    import os

    from pix2seg.engines.base import built_in_file
    from pix2seg.errors import OutputError
    from pix2seg.export import export_to_onnx
    from pix2seg.generators.info import BUILT_IN as GENERATOR
    from pix2seg.preprocess.person.mask_rcnn.info import BUILT_IN as PERSON

    console = news()
    files = weights or [built_in_file(GENERATOR), built_in_file(PERSON)]
    paths = [(out or file.parent) / f"{file.stem}.onnx" for file in files]
    taken: dict[str, Path] = {}
    for file, path in zip(files, paths, strict=True):
        other = taken.setdefault(os.path.realpath(path), file)
        if other is not file:
            raise OutputError(
                f"{other} and {file} would both become {path}; export them one by one, each with "
                "an --out of its own"
            )
    for file, path in zip(files, paths, strict=True):
        difference = export_to_onnx(file, path)
        console.print(
            f"{path}: {path.stat().st_size / 1e6:.1f} MB, at most {difference:.2g} of an output's "
            "largest number from PyTorch's results",
        )
