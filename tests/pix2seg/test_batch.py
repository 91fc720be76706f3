from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pix2seg import Segmenter
from pix2seg.batch import Done, Outputs, segment_files, segment_files_in_processes
from pix2seg.errors import OutputError, PhotoError
from pix2seg.inputs import InputPhoto

MAX_PIXELS = 10_000_000


@pytest.fixture
def inputs(photos: list[Path], tmp_path: Path) -> list[InputPhoto]:
    """Two photos, and one between that is none."""
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    paths = [photos[0], tmp_path / "bad.jpg", photos[1]]
    return [InputPhoto(path, Path("women") / path.name) for path in paths]


def test_processes_write_what_one_process_writes(
    small_onnx: Path, inputs: list[InputPhoto], tmp_path: Path
) -> None:
    arguments: dict[str, Any] = {"weights": small_onnx, "person": "none", "device": "cpu"}
    alone, shared = (
        Outputs(tmp_path / "alone", colors=True),
        Outputs(tmp_path / "shared", colors=True),
    )
    ours = list(segment_files(Segmenter(**arguments), inputs, alone, MAX_PIXELS))
    theirs = list(segment_files_in_processes(arguments, inputs, shared, MAX_PIXELS, 2))
    for first, second, photo in zip(ours, theirs, inputs, strict=True):
        if photo.path.name == "bad.jpg":
            assert isinstance(first, PhotoError)
            assert isinstance(second, PhotoError)
            continue
        assert isinstance(first, Done)
        assert isinstance(second, Done)
        assert first.document == second.document
        assert first.document is not None
        assert first.document["image"]["file"] == photo.relative.as_posix()
        masks = [
            np.asarray(Image.open(folder.out / f"{photo.stem}.mask.png"))
            for folder in (alone, shared)
        ]
        assert np.array_equal(*masks)


def test_results_count_as_done_only_when_all_are_written(
    garment_weights: Path, small_photo: Path, tmp_path: Path
) -> None:
    """A run may be killed before any file, after another run that was asked for less."""
    plain = Segmenter(garment_weights, person="none", device="cpu")(small_photo)
    everyone = replace(plain, people=(plain, plain))
    wishes = {"cutouts": True, "garments": True, "map": True}
    done = set(Outputs(tmp_path, everyone=True, **wishes).files(InputPhoto(small_photo, Path("a"))))
    written = everyone.save(tmp_path, "a", **wishes)
    for before in (set[Path](), set(plain.save(tmp_path, "a")), set(everyone.save(tmp_path, "a"))):
        for count in range(len(written)):
            there = before | set(written[:count])
            assert not done <= there or there == set(written)


def test_cut_outs_of_garments_are_missed_where_two_runs_wanted_half_each(
    garment_weights: Path, small_photo: Path, tmp_path: Path
) -> None:
    result = Segmenter(garment_weights, person="none", device="cpu")(small_photo)
    photo, both = InputPhoto(small_photo, Path("a")), Outputs(tmp_path, cutouts=True, garments=True)
    result.save(tmp_path, "a", cutouts=True)
    result.save(tmp_path, "a", garments=True)
    assert all(file.is_file() for file in both.files(photo))
    assert not both.are_written(photo)
    result.save(tmp_path, "a", cutouts=True, garments=True)
    assert both.are_written(photo)
    (tmp_path / "a.garments.png").write_bytes(b"broken")
    assert not both.are_written(photo)


def test_results_that_cannot_be_written_are_told_for_each_photo(
    small_onnx: Path, inputs: list[InputPhoto], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    segmenter = Segmenter(small_onnx, person="none", device="cpu")
    done = list(segment_files(segmenter, inputs, Outputs(tmp_path / "file"), MAX_PIXELS))
    kinds = (OutputError, PhotoError, OutputError)
    assert all(isinstance(item, kind) for item, kind in zip(done, kinds, strict=True))
