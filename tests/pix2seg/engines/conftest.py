"""The networks in the box for each engine; the ONNX files are exported on the spot."""

from pathlib import Path

import pytest

from pix2seg.engines.base import built_in_file
from pix2seg.export import export_to_onnx
from pix2seg.generators.info import BUILT_IN as GENERATOR
from pix2seg.preprocess.person.mask_rcnn.info import BUILT_IN as PERSON

Networks = tuple[Path, Path]
"""The files of a generator and of a person extractor."""


@pytest.fixture(scope="session")
def torch_networks() -> Networks:
    return built_in_file(GENERATOR), built_in_file(PERSON)


@pytest.fixture(scope="session")
def onnx_networks(tmp_path_factory: pytest.TempPathFactory, torch_networks: Networks) -> Networks:
    folder = tmp_path_factory.mktemp("onnx")
    generator, person = (folder / f"{file.stem}.onnx" for file in torch_networks)
    for weights, path in zip(torch_networks, (generator, person), strict=True):
        export_to_onnx(weights, path)
    return generator, person
