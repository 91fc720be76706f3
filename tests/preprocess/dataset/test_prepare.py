import json
import shutil
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike
from PIL import Image
from scipy.io import savemat
from typer.testing import CliRunner

from pix2seg.classes import Scheme, load_scheme
from pix2seg.cli import app
from pix2seg.errors import DatasetError, OutputError, PersonError
from pix2seg.preprocess.dataset.ccp import ccp_sources, read_label_names, read_labels
from pix2seg.preprocess.dataset.dataset import Dataset, read_image
from pix2seg.preprocess.dataset.folder import (
    folder_sources,
    read_mask,
    read_mask_of_two,
    without_mask,
)
from pix2seg.preprocess.dataset.prepare import (
    Preparation,
    Prepared,
    on_both_sides,
    prepare,
    showing_class,
)
from pix2seg.preprocess.dataset.split import FIRST_TENTH, Fold, split_of
from pix2seg.segmenter import load_person

LABELS = ("null", "accessories", "hair", "skin", "coat")


@pytest.fixture
def ccp(tmp_path: Path, photos: list[Path]) -> Path:
    """Real photos in CCP's layout, with labels 0 (null), 2 (hair), 3 (skin), 4 (coat)."""
    root = tmp_path / "ccp"
    (root / "photos").mkdir(parents=True)
    (root / "annotations" / "pixel-level").mkdir(parents=True)
    savemat(root / "label_list.mat", {"label_list": np.array([LABELS], object)})
    label_of_class = np.array([0, 3, 2, 4], np.uint8)
    for i in range(24):
        photo = photos[i % len(photos)]
        with Image.open(photo) as image, Image.open(photo.with_suffix(".png")) as mask:
            small = image.reduce(8)
            small.save(root / "photos" / f"{i:04}.jpg")
            labels = label_of_class[np.asarray(mask.resize(small.size, Image.Resampling.NEAREST))]
        path = root / "annotations" / "pixel-level" / f"{i:04}.mat"
        savemat(path, {"groundtruth": labels}, do_compression=True)
    return root


def prepare_ccp(root: Path, out: Path, fold: Fold = FIRST_TENTH) -> list[Prepared]:
    scheme = Scheme.from_dict(
        {
            "name": "four",
            "classes": [
                {"name": "background", "labels": ["null"], "color": "#000000"},
                {"name": "skin", "labels": ["skin"], "color": "#ffff00"},
                {"name": "hair", "labels": ["hair"], "color": "#00ffff"},
                {"name": "clothes", "labels": ["*"], "color": "#ff00ff"},
            ],
        }
    )
    table = scheme.lookup(read_label_names(root / "label_list.mat"))
    preparation = Preparation(out, scheme, table, read_labels, (64, 96))
    facts = {"source": "ccp", "fold": str(fold)}
    return list(prepare(ccp_sources(root, fold), preparation, facts))


def test_ccp_becomes_a_data_set(ccp: Path, tmp_path: Path) -> None:
    results = prepare_ccp(ccp, tmp_path / "out")
    assert all(r.pixels is not None for r in results)
    dataset = Dataset(tmp_path / "out")
    assert dataset.size == (64, 96)
    assert sorted(dataset.names("train") + dataset.names("val")) == [f"{i:04}" for i in range(24)]
    assert all(split_of(name) == "val" for name in dataset.names("val"))
    photo, mask = dataset.read(dataset.names("train")[0])
    assert photo.shape == (96, 64, 3)
    assert mask.shape == (96, 64)
    assert set(np.unique(mask)) <= {0, 1, 2, 3}
    shares = [c["pixels"] for c in dataset.facts.classes.values()]
    assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert list(dataset.facts.classes) == ["background", "skin", "hair", "clothes"]


def test_validation_photos_are_kept_as_they_came(ccp: Path, tmp_path: Path) -> None:
    prepare_ccp(ccp, tmp_path / "out")
    full = Dataset(tmp_path / "out").full()
    assert full
    for photo in full:
        original = ccp / "photos" / f"{photo.name}.jpg"
        assert photo.photo.read_bytes() == original.read_bytes()
        labels = read_labels(ccp / "annotations" / "pixel-level" / f"{photo.name}.mat")
        mask = read_image(photo.mask)
        assert np.array_equal(mask == 1, labels == LABELS.index("skin"))
        assert np.array_equal(mask == 3, labels == LABELS.index("coat"))


def test_broken_files_are_named_and_skipped(ccp: Path, tmp_path: Path) -> None:
    (ccp / "photos" / "0003.jpg").write_bytes(b"no photo")
    (ccp / "photos" / "0004.jpg").unlink()
    (ccp / "annotations" / "pixel-level" / "0005.mat").write_bytes(b"")
    savemat(ccp / "annotations" / "pixel-level" / "0006.mat", {"groundtruth": np.zeros((2, 2))})
    savemat(ccp / "annotations" / "pixel-level" / "0007.mat", {"other": np.zeros((2, 2))})
    broken = {r.name: r.error for r in prepare_ccp(ccp, tmp_path / "out") if r.pixels is None}
    assert sorted(broken) == ["0003", "0004", "0005", "0006", "0007"]
    assert "0003.jpg" in broken["0003"]
    assert "2x2" in broken["0006"]
    assert "groundtruth" in broken["0007"]
    dataset = Dataset(tmp_path / "out")
    assert not set(broken) & set(dataset.names("train") + dataset.names("val"))


def test_interrupted_preparation_is_no_data_set_and_can_be_done_again(
    ccp: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    prepare_ccp(ccp, out)
    table = np.zeros(len(LABELS), np.uint8)
    preparation = Preparation(out, load_scheme("four"), table, read_labels, (64, 96))
    begun = prepare(ccp_sources(ccp), preparation, {"source": "ccp"})
    next(begun)
    begun.close()
    with pytest.raises(DatasetError, match="pix2seg prepare"):
        Dataset(out)
    prepare_ccp(ccp, out)
    assert len(Dataset(out).names("train")) > 0
    assert not list(out.rglob(".*"))


def files(folder: Path) -> dict[Path, bytes]:
    """What lies in a folder."""
    return {f.relative_to(folder): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_preparing_again_leaves_nothing_of_before(ccp: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare_ccp(ccp, out)
    for name in ("0000", Dataset(out).names("val")[0]):
        (ccp / "annotations" / "pixel-level" / f"{name}.mat").unlink()
    (out / "notes.txt").write_text("mine")
    preparation = Preparation(
        out,
        load_scheme("four"),
        np.array([0, 3, 2, 1, 3], np.uint8),
        read_labels,
        (64, 96),
        garment_table=np.zeros(len(LABELS), np.uint8),
    )
    broken_off = prepare(ccp_sources(ccp), preparation, {"source": "ccp"})
    for _ in range(12):
        next(broken_off)
    broken_off.close()
    as_png = []
    for source in ccp_sources(ccp):
        photo = source.photo.with_suffix(".png")
        source.photo.rename(photo)  # readers go by what is in a file, not by its name
        as_png.append(replace(source, photo=photo))
    list(prepare(as_png, replace(preparation, garment_table=None), {"source": "ccp"}))
    (out / "notes.txt").unlink()  # it was not prepare's to remove
    fresh = replace(preparation, out=tmp_path / "fresh", garment_table=None)
    list(prepare(as_png, fresh, {"source": "ccp"}))
    assert files(out) == files(fresh.out)
    assert {f.name for f in out.iterdir() if f.is_file()} == {"dataset.json", "split.json"}
    assert {photo.photo.suffix for photo in Dataset(out).full()} == {".png"}


def test_photos_are_never_prepared_onto_themselves(ccp: Path, tmp_path: Path) -> None:
    link, store = tmp_path / "link", tmp_path / "store"
    link.symlink_to(ccp)
    store.mkdir()
    for photo in (ccp / "photos").iterdir():  # what a link in the folder leads to is no safer
        photo.rename(store / photo.name)
        photo.symlink_to(store / photo.name)
    before, kept = files(ccp), files(store)
    for out in (ccp, link):
        with pytest.raises(OutputError, match="holds the photos themselves; name another folder"):
            prepare_ccp(ccp, out)
    data = tmp_path / "data"
    (data / "full").mkdir(parents=True)
    ccp.rename(data / "full" / "ccp")
    with pytest.raises(OutputError, match="data holds the photos themselves"):
        prepare_ccp(data / "full" / "ccp", data)
    assert (files(data / "full" / "ccp"), files(store)) == (before, kept)


def test_masks_are_never_prepared_onto_themselves(photos: list[Path], tmp_path: Path) -> None:
    own, out = tmp_path / "own", tmp_path / "out"
    for folder in (own, out / "masks"):
        folder.mkdir(parents=True)
    shutil.copy(photos[0], own / "a.jpg")
    shutil.copy(photos[0].with_suffix(".png"), out / "masks" / "a.png")
    before = files(tmp_path)
    words = ["prepare", "folder", own, out / "masks", out, "--scheme", "four", "--size", "64x96"]
    with pytest.raises(OutputError, match="out holds the photos themselves"):
        CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert files(tmp_path) == before


def test_files_of_no_data_set_are_left_alone(ccp: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "photos").mkdir(parents=True)
    (out / "photos" / "0001.jpg").write_text("mine")
    (out / "dataset.json").write_text('{"name": "mine"}')
    before = files(out)
    with pytest.raises(OutputError, match=r"holds files of no data set: .*0001\.jpg; name another"):
        prepare_ccp(ccp, out)
    assert files(out) == before


BROKEN_FACTS = (
    "",
    "{",
    "[" * 100_000,
    "[]",
    '"x"',
    "null",
    '{"format": "pix2seg.dataset/1"}',
    '{"format": "pix2seg.dataset/1", "scheme": {}, "size": [64], "source": "x", "classes": {}}',
)
BROKEN_NAMES = ("", "[]", "{}", '{"train": ["a"], "val": []}', '{"train": "a", "val": ["b"]}')


@pytest.mark.parametrize(
    ("file", "text"),
    [("dataset.json", t) for t in BROKEN_FACTS] + [("split.json", t) for t in BROKEN_NAMES],
)
def test_broken_json_is_named(small_dataset: Dataset, tmp_path: Path, file: str, text: str) -> None:
    for name in ("dataset.json", "split.json"):
        shutil.copy(small_dataset.root / name, tmp_path)
    assert Dataset(tmp_path).fingerprint() == small_dataset.fingerprint()
    (tmp_path / file).write_text(text)
    with pytest.raises(DatasetError) as error:
        Dataset(tmp_path)
    said = str(error.value)
    assert said.startswith(f"{tmp_path / file} is broken (")
    assert said.endswith("; prepare the data set anew")
    assert "\n" not in said


def test_data_set_of_another_version_is_named(small_dataset: Dataset, tmp_path: Path) -> None:
    facts = {**small_dataset.facts.model_dump(), "format": "pix2seg.dataset/0"}
    (tmp_path / "dataset.json").write_text(json.dumps(facts))
    with pytest.raises(DatasetError, match="not a prepared data set of this version"):
        Dataset(tmp_path)


def test_names_that_are_no_unicode_are_kept(ccp: Path, tmp_path: Path) -> None:
    sources = [replace(source, name=f"{source.name}\udcff") for source in ccp_sources(ccp)]
    table = np.array([0, 3, 2, 1, 3], np.uint8)
    preparation = Preparation(tmp_path / "out", load_scheme("four"), table, read_labels, (64, 96))
    list(prepare(sources, preparation, {"source": "ccp"}))
    names = Dataset(tmp_path / "out").splits.values()
    assert {n for split in names for n in split} == {source.name for source in sources}


def test_wrong_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not the CCP data set"):
        ccp_sources(tmp_path)
    with pytest.raises(DatasetError, match="not a prepared data set"):
        Dataset(tmp_path)


@pytest.mark.parametrize(
    "labels",
    [
        np.full((4, 4), 300, np.uint16),
        np.full((4, 4), -1, np.int16),
        np.full((4, 4), 0.5),
        np.full((4, 4), np.nan),
        np.full((4, 4), 1.0, object),
        np.zeros((2, 2, 2), np.uint8),
        "text",
    ],
    ids=["300", "negative", "half", "nan", "cells", "three axes", "text"],
)
def test_labels_that_are_no_ids_are_refused(tmp_path: Path, labels: ArrayLike) -> None:
    savemat(tmp_path / "x.mat", {"groundtruth": labels})
    with pytest.raises(DatasetError, match=r"x\.mat holds"):
        read_labels(tmp_path / "x.mat")


@pytest.mark.parametrize("names", [np.zeros((2, 2)), np.full((1, 2), 1.0, object)])
def test_list_without_label_names_is_refused(tmp_path: Path, names: ArrayLike) -> None:
    savemat(tmp_path / "label_list.mat", {"label_list": names})
    with pytest.raises(DatasetError, match="holds no list of label names"):
        read_label_names(tmp_path / "label_list.mat")


def test_annotation_with_flipped_bytes_is_refused_or_read(ccp: Path) -> None:
    path = next((ccp / "annotations" / "pixel-level").glob("*.mat"))
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        flipped = bytearray(whole)
        flipped[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        try:
            assert read_labels(path).dtype == np.uint8
        except DatasetError:
            refused += 1
    assert refused > 20


def test_mask_of_16_bits_does_not_wrap(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.fromarray(np.array([[0, 3]], np.uint16)).save(path)
    assert read_mask(path).tolist() == [[0, 3]]
    Image.fromarray(np.array([[0, 257]], np.uint16)).save(path)
    with pytest.raises(DatasetError, match="values up to 257"):
        read_mask(path)


def test_mask_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    Image.new("L", (4, 4)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="cannot read"):
        read_mask(path)


def test_place_that_cannot_be_written_is_told_before_any_work(ccp: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"cannot write to .*file"):
        prepare_ccp(ccp, tmp_path / "file")


def test_first_reason_is_told_where_no_photo_can_be_used(ccp: Path, tmp_path: Path) -> None:
    for photo in (ccp / "photos").iterdir():
        photo.unlink()
    with pytest.raises(DatasetError, match=r"none of 24 photos .*0000\.jpg does not exist"):
        prepare_ccp(ccp, tmp_path / "out")


def test_full_disk_spoils_one_photo_and_leaves_no_half_files(
    ccp: Path, tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    table = np.array([0, 3, 2, 1, 3], np.uint8)
    preparation = Preparation(tmp_path / "out", load_scheme("four"), table, read_labels, (64, 96))
    with full_disk(1000):
        result = preparation.prepare(ccp_sources(ccp)[0])
    assert result.pixels is None
    assert "cannot write" in result.error
    assert not [f for f in (tmp_path / "out").rglob("*") if f.is_file()]


def test_ccp_is_prepared_from_the_command_line(ccp: Path, tmp_path: Path) -> None:
    labels = [label for c in load_scheme("ccp59").classes for label in c.labels]
    savemat(ccp / "label_list.mat", {"label_list": np.array([labels], object)})
    (ccp / "photos" / "0003.jpg").write_bytes(b"no photo")
    words = ["prepare", "ccp", str(ccp), str(tmp_path / "out"), "--size", "64x96"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "0003.jpg" in result.output
    assert "23 photos prepared" in result.output
    dataset = Dataset(tmp_path / "out")
    assert dataset.scheme == load_scheme("four")
    assert dataset.size == (64, 96)
    assert len(dataset.names("train")) + len(dataset.names("val")) == 23


def test_folder_pairs_photos_and_masks_by_name(tmp_path: Path) -> None:
    for folder in ("photos/a", "masks/a"):
        (tmp_path / folder).mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "photos" / "a" / "one.webp")
    Image.new("L", (4, 4)).save(tmp_path / "masks" / "a" / "one.png")
    (source,) = folder_sources(tmp_path / "photos", tmp_path / "masks")
    assert source.name == "a/one"
    assert source.photo.name == "one.webp"
    Image.new("RGB", (4, 4)).save(tmp_path / "photos" / "a" / "one.jpg")
    with pytest.raises(DatasetError, match="same name"):
        folder_sources(tmp_path / "photos", tmp_path / "masks")


def test_copies_of_a_photo_are_on_one_side(photos: list[Path], tmp_path: Path) -> None:
    for folder in ("photos", "masks"):
        (tmp_path / folder).mkdir()
    names = [f"{i}" for i in range(30)]
    for name in names:
        shutil.copy(photos[int(name) % 3], tmp_path / "photos" / f"{name}.jpg")
        shutil.copy(photos[0].with_suffix(".png"), tmp_path / "masks" / f"{name}.png")
    assert {split_of(name) for name in names[::3]} == {"train", "val"}
    sources = folder_sources(tmp_path / "photos", tmp_path / "masks")
    sides = [{s.split for s in sources if int(s.name) % 3 == photo} for photo in range(3)]
    assert sorted(map(len, sides)) == [1, 1, 1]
    assert set.union(*sides) == {"train", "val"}


def test_what_segment_writes_is_taken_as_masks(tmp_path: Path) -> None:
    for folder in ("photos", "results"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "photos" / "one.jpg")
    for kind in ("mask", "overlay", "clothes"):
        Image.new("L", (4, 4)).save(tmp_path / "results" / f"one.{kind}.png")
    (source,) = folder_sources(tmp_path / "photos", tmp_path / "results")
    assert (source.name, source.photo.name) == ("one", "one.jpg")
    assert source.labels.name == "one.mask.png"


def test_masks_of_garments_teach_both_heads(photos: list[Path], tmp_path: Path) -> None:
    both = tmp_path / "both"  # photos, and beside them what segment --garments writes
    both.mkdir()
    for i, photo in enumerate(photos):
        shutil.copy(photo, both / f"{i}.jpg")
        mask = read_mask(photo.with_suffix(".png"))
        shutil.copy(photo.with_suffix(".png"), both / f"{i}.mask.png")
        named = np.where(mask == 3, np.uint8(9), mask)  # whatever is worn is trousers
        Image.fromarray(named).save(both / f"{i}.garments.png")
    words = ["prepare", "folder", both, both, tmp_path / "out", "--scheme", "four", "--garments"]
    result = CliRunner().invoke(app, [*map(str, words), "--size", "128x192"])
    assert result.exit_code == 0, result.output
    dataset = Dataset(tmp_path / "out")
    for name in dataset.names("train"):
        files = (dataset.root / folder / f"{name}.png" for folder in ("masks", "garments"))
        mask, kinds = map(read_mask, files)
        assert (mask == 3).any()
        assert np.array_equal(kinds == 9, mask == 3)
        assert np.array_equal(kinds[mask != 3], mask[mask != 3])
    wrong = both / f"{name}.garments.png"
    Image.fromarray(np.full_like(read_mask(wrong), 16)).save(wrong)
    result = CliRunner().invoke(app, [*map(str, words), "--size", "128x192"])
    assert result.exit_code == 2
    assert f"{wrong} has label 16; the highest is 15" in result.output


def test_photos_without_masks_and_masks_without_photos_are_named(
    photos: list[Path], tmp_path: Path
) -> None:
    both = tmp_path / "both"  # photos, and beside them what segment writes
    both.mkdir()
    for i in range(12):
        # What follows a JPEG's end makes it no copy, of which all would go to one side.
        (both / f"{i}.jpg").write_bytes(photos[0].read_bytes() + bytes([i]))
        shutil.copy(photos[0].with_suffix(".png"), both / f"{i}.mask.png")
        shutil.copy(photos[0], both / f"{i}.overlay.png")
    (both / "0.mask.png").rename(both / "none.mask.png")
    (both / "1.txt").write_text("what is no photo has no say")
    words = ["prepare", "folder", both, both, tmp_path / "out", "--scheme", "four"]
    result = CliRunner().invoke(app, [*map(str, words), "--size", "64x96"])
    assert result.exit_code == 2
    named = [line for line in result.stderr.splitlines() if "skipped" in line]
    assert named[0] == f"pix2seg: skipped {both / '0.jpg'}: it has no mask"
    assert "0.overlay.png: it has no mask" in named[1]  # without its mask, a picture like others
    assert named[2].startswith(f"pix2seg: skipped none: {both / 'none'}")
    told = f"11 photos prepared in {tmp_path / 'out'}: 10 to train, 1 to validate, 1 skipped"
    assert named[3] == told
    assert len(named) == 4


def test_masks_may_lie_beside_photos_under_the_same_names(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "one.jpg")
    Image.new("L", (4, 4)).save(tmp_path / "one.png")
    (source,) = folder_sources(tmp_path, tmp_path)
    assert (source.photo.name, source.labels.name) == ("one.jpg", "one.png")
    assert without_mask(tmp_path, [source]) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ccp", "nope"], "nope/label_list.mat does not exist; is its folder CCP's?"),
        (["folder", "nope", "nope", "--scheme", "four"], "nope is not a folder"),
    ],
)
def test_a_folder_that_is_not_there_is_named_in_one_line(
    tmp_path: Path, words: list[str], message: str
) -> None:
    command = ["prepare", *words, str(tmp_path / "out")]
    with pytest.raises(DatasetError) as error:
        CliRunner().invoke(app, command, catch_exceptions=False)
    assert str(error.value) == message


def test_black_and_white_mask_is_two_classes(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    for mode in ("1", "L"):
        Image.fromarray(np.array([[0, 255]], np.uint8)).convert(mode).save(path)
        assert read_mask_of_two(path).tolist() == [[0, 1]]
    assert read_mask(path).tolist() == [[0, 255]]
    Image.fromarray(np.array([[0, 3]], np.uint8)).save(path)
    assert read_mask_of_two(path).tolist() == read_mask(path).tolist() == [[0, 3]]
    Image.new("RGB", (2, 2)).save(path)
    with pytest.raises(DatasetError, match="colour channels"):
        read_mask(path)


@pytest.mark.parametrize("scheme", ["garment2", "four"])
def test_black_and_white_masks_are_for_two_classes(
    photos: list[Path], tmp_path: Path, scheme: str
) -> None:
    both = tmp_path / "both"
    both.mkdir()
    for i, photo in enumerate(photos):
        shutil.copy(photo, both / f"{i}.jpg")
        clothes = read_mask(photo.with_suffix(".png")) == 3
        Image.fromarray(clothes.astype(np.uint8) * 255).save(both / f"{i}.png")
    words = ["prepare", "folder", both, both, tmp_path / "out", "--scheme", scheme]
    result = CliRunner().invoke(app, [*map(str, words), "--size", "64x96"])
    if scheme == "garment2":
        assert result.exit_code == 0, result.output
        assert Dataset(tmp_path / "out").facts.classes["garment"]["pixels"] > 0.05
    else:
        assert "(0 and 255 are for schemes of two classes)" in str(result.exception)


def test_classes_that_no_photo_shows_are_named(photos: list[Path], tmp_path: Path) -> None:
    both = tmp_path / "both"
    both.mkdir()
    for i, photo in enumerate(photos):
        shutil.copy(photo, both / f"{i}.jpg")
        skin = read_mask(photo.with_suffix(".png")) == 1
        Image.fromarray(skin.astype(np.uint8)).save(both / f"{i}.png")
    words = ["prepare", "folder", both, both, tmp_path / "out", "--scheme", "four"]
    result = CliRunner().invoke(app, [*map(str, words), "--size", "64x96"])
    assert result.exit_code == 0
    assert "no photo shows hair, clothes; are the masks and --scheme right?" in result.output


def test_masks_may_have_whole_names_of_photos(photos: list[Path], tmp_path: Path) -> None:
    for i, photo in enumerate(photos):
        shutil.copy(photo, tmp_path / f"{i}.jpg")
        (tmp_path / "masks").mkdir(exist_ok=True)
        shutil.copy(photo.with_suffix(".png"), tmp_path / "masks" / f"{i}.jpg.png")
    sources = folder_sources(tmp_path, tmp_path / "masks")
    assert without_mask(tmp_path, sources) == []


def test_dataset_json_is_readable(ccp: Path, tmp_path: Path) -> None:
    prepare_ccp(ccp, tmp_path / "out")
    facts = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert facts["format"] == "pix2seg.dataset/1"
    assert facts["photos"] == 24


def test_each_photo_validates_in_one_of_the_folds(ccp: Path, tmp_path: Path) -> None:
    validated = []
    for fold in (Fold(1, 2), Fold(2, 2)):
        out = tmp_path / str(fold.number)
        prepare_ccp(ccp, out, fold)
        dataset = Dataset(out)
        assert dataset.facts.fold == str(fold)
        assert not set(dataset.names("train")) & set(dataset.names("val"))
        validated += dataset.names("val")
    assert sorted(validated) == sorted(path.stem for path in (ccp / "photos").iterdir())


def test_people_found_by_an_extractor_come_with_the_data_set(
    photos: list[Path], tmp_path: Path
) -> None:
    masks, only_photos = tmp_path / "masks", tmp_path / "photos"
    for folder in (masks, only_photos):
        folder.mkdir()
    names = iter(f"photo{i}" for i in range(1000))
    for split, quality in (("train", 95), ("val", 94)):  # copies would all go to one side
        name = next(n for n in names if split_of(n) == split)
        with Image.open(photos[0]) as image, Image.open(photos[0].with_suffix(".png")) as mask:
            small = image.reduce(4)
            small.save(only_photos / f"{name}.jpg", quality=quality)
            mask.resize(small.size, Image.Resampling.NEAREST).save(masks / f"{name}.png")
    same = np.arange(4, dtype=np.uint8)
    sources = folder_sources(only_photos, masks)
    preparation = Preparation(
        tmp_path / "out", load_scheme("four"), same, read_mask, (64, 96), "grabcut"
    )
    torch.set_num_threads(2)
    try:
        assert all(r.pixels is not None for r in prepare(sources, preparation, {"source": "x"}))
        assert torch.get_num_threads() == 2  # the caller's own threads are not prepare's to set
    finally:
        torch.set_num_threads(1)
    dataset = Dataset(tmp_path / "out")
    assert dataset.has_people
    assert dataset.facts.extractor == "grabcut"
    assert dataset.facts.person.startswith("grabcut")
    found = dataset.read_person(dataset.names("train")[0])
    assert found.shape == (96, 64)
    assert set(np.unique(found)) == {0, 255}
    unknown, before = replace(preparation, person="yolo"), files(preparation.out)
    with pytest.raises(PersonError, match="no person extractor 'yolo'"):
        list(prepare(sources, unknown, {"source": "x"}))
    assert files(preparation.out) == before


def test_only_photos_that_show_a_class(ccp: Path, tmp_path: Path) -> None:
    sources = ccp_sources(ccp)
    bare = sources[3]
    labels = read_labels(bare.labels)
    savemat(bare.labels, {"groundtruth": np.where(labels == 2, 0, labels).astype(np.uint8)})
    table = np.array([0, 3, 2, 1, 3], np.uint8)
    with_hair = showing_class(sources, 2, table, read_labels)
    assert bare not in with_hair
    assert 0 < len(with_hair) < len(sources)
    assert showing_class(sources, 0, table, read_labels) == sources


def test_first_pass_of_another_generator_finds_the_people(
    ccp: Path, small_weights: Path, tmp_path: Path
) -> None:
    table = load_scheme("four").lookup(read_label_names(ccp / "label_list.mat"))
    preparation = Preparation(
        tmp_path / "out",
        load_scheme("four"),
        table,
        read_labels,
        (64, 96),
        "cascade",
        {"weights": str(small_weights)},
        load=load_person,
    )
    list(prepare(ccp_sources(ccp), preparation, {"source": "ccp"}))
    dataset = Dataset(tmp_path / "out")
    assert dataset.facts.person.startswith("cascade small ")
    assert dataset.facts.person_options == {"weights": str(small_weights)}
    assert dataset.has_people


def test_options_of_an_extractor_are_refused_without_one(
    photos: list[Path], tmp_path: Path
) -> None:
    words = ["prepare", "folder", photos[0].parent, photos[0].parent, tmp_path / "out"]
    words = [*map(str, words), "--scheme", "four", "--size", "64x96"]
    for option in (["--person-weights", "x.safetensors"], ["--trust"]):
        refused = CliRunner().invoke(app, [*words, *option])
        assert refused.exit_code == 2
        assert "add --person" in refused.output
    assert not (tmp_path / "out").exists()
    trusted = CliRunner().invoke(app, [*words, "--person", "none"])
    assert trusted.exit_code == 0, trusted.output
    assert Dataset(tmp_path / "out").facts.person_options == {}


def test_photos_of_one_name_matter_where_a_mask_wants_one(
    photos: list[Path], tmp_path: Path
) -> None:
    for name in ("a.jpg", "b.jpg", "b.jpeg"):
        shutil.copy(photos[0], tmp_path / name)
    shutil.copy(photos[0].with_suffix(".png"), tmp_path / "a.png")
    (source,) = folder_sources(tmp_path, tmp_path)
    assert source.photo == tmp_path / "a.jpg"
    shutil.copy(photos[0].with_suffix(".png"), tmp_path / "b.png")
    with pytest.raises(DatasetError, match=r"b\.jpe?g and .*b\.jpe?g have the same name"):
        folder_sources(tmp_path, tmp_path)


def test_crop_keeps_what_a_segmenter_looks_at(photos: list[Path], tmp_path: Path) -> None:
    only_photos, masks = tmp_path / "photos", tmp_path / "masks"
    only_photos.mkdir()
    masks.mkdir()
    for i in range(20):  # the person stands small in the middle of a wide black photo
        source = photos[i % len(photos)]
        for file, out in ((source, only_photos), (source.with_suffix(".png"), masks)):
            with Image.open(file) as image:
                wide = Image.new("RGB" if out == only_photos else "L", (400, 300))
                small = np.asarray(image.resize((64, 96), Image.Resampling.NEAREST))
                wide.paste(Image.fromarray(small), (168, 100))
                wide.save(out / f"{i}{file.suffix}")
    same, sources = np.arange(4, dtype=np.uint8), folder_sources(only_photos, masks)
    preparation = Preparation(
        tmp_path / "out", load_scheme("four"), same, read_mask, (64, 96), "grabcut", crop=True
    )
    assert all(r.pixels is not None for r in prepare(sources, preparation, {"source": "x"}))
    dataset = Dataset(preparation.out)
    assert dataset.facts.crop is True
    pairs = [dataset.read(name) for name in dataset.names("train")]
    assert all(photo.shape == (96, 64, 3) for photo, _ in pairs)
    shares = [np.mean(read_mask(source.labels) > 0) for source in sources]
    assert np.mean([np.mean(mask > 0) for _, mask in pairs]) > 4 * np.mean(shares)
    with pytest.raises(DatasetError, match="--crop needs to know where the people are"):
        list(prepare(sources, replace(preparation, person=None), {"source": "x"}))


@pytest.mark.parametrize("where", ["photos", "masks", "photos/new", "masks/new"])
def test_a_data_set_among_the_originals_is_refused(
    photos: list[Path], tmp_path: Path, where: str
) -> None:
    for file, place in ((photos[0], "photos/a/1.jpg"), (photos[0], "photos/2.jpg")):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / place)
    for place in ("masks/a/1.png", "masks/2.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos[0].with_suffix(".png"), tmp_path / place)
    before = files(tmp_path)
    words = ["prepare", "folder", tmp_path / "photos", tmp_path / "masks", tmp_path / where]
    with pytest.raises(OutputError, match="lies among the photos or masks themselves"):
        CliRunner().invoke(app, [*map(str, words), "--scheme", "four"], catch_exceptions=False)
    assert files(tmp_path) == before


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("count", [2, 3])
def test_two_photos_are_enough(photos: list[Path], tmp_path: Path, split: str, count: int) -> None:
    names = [name for name in map(str, range(100)) if split_of(name) == split][:count]
    for name, photo in zip(names, photos, strict=False):
        for folder, file in (("photos", photo), ("masks", photo.with_suffix(".png"))):
            (tmp_path / folder).mkdir(exist_ok=True)
            shutil.copy(file, tmp_path / folder / f"{name}{file.suffix}")
    words = ["prepare", "folder", tmp_path / "photos", tmp_path / "masks", tmp_path / "out"]
    options = ["--scheme", "four", "--size", "64x96"]
    result = CliRunner().invoke(app, [*map(str, words), *options], catch_exceptions=False)
    assert result.exit_code == 0
    dataset = Dataset(tmp_path / "out")
    train, val = (dataset.names(side) for side in ("train", "val"))
    assert sorted([*train, *val]) == sorted(names)
    assert min(len(train), len(val)) == 1
    assert f"{count} photos prepared in" in result.stderr
    assert f"{len(train)} to train, {len(val)} to validate" in result.stderr


def test_what_has_photos_on_both_sides_keeps_them(ccp: Path) -> None:
    sources = ccp_sources(ccp)
    assert on_both_sides(sources) == sources
    one = sources[:1]
    assert on_both_sides(one) == one


def test_a_data_set_is_left_alone_where_none_would_take_its_place(
    ccp: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    prepare_ccp(ccp, out)
    before = files(out)
    sources = ccp_sources(ccp)
    broken = [replace(s, photo=ccp / "none") if s.split == "val" else s for s in sources]
    to_train = [source for source in sources if source.split == "train"]
    right = np.array([0, 3, 2, 1, 3], np.uint8)
    for given, table, message in (
        (sources, right[:1], "none of 24 photos could be used; the first: .*0000"),
        (broken, right, "none that could be used fell into the val split"),
        (to_train, right, "none that could be used fell into the val split"),
        ([], right, "of 0 photos, none that could be used"),
    ):
        for place in (out, tmp_path / "new"):
            preparation = Preparation(place, load_scheme("four"), table, read_labels, (64, 96))
            with pytest.raises(DatasetError, match=message):
                list(prepare(given, preparation, {"source": "ccp"}))
        assert files(out) == before
    assert not (tmp_path / "new").exists()


def test_masks_of_other_photos_or_classes_leave_a_data_set_alone(
    photos: list[Path], tmp_path: Path, run_here: Callable[..., Any]
) -> None:
    for folder in ("photos", "masks", "others"):
        (tmp_path / folder).mkdir()
    for i in range(12):
        (tmp_path / "photos" / f"{i}.jpg").write_bytes(photos[0].read_bytes() + bytes([i]))
        shutil.copy(photos[0].with_suffix(".png"), tmp_path / "masks" / f"{i}.png")
        Image.new("L", (4, 4)).save(tmp_path / "others" / f"{i}.png")
    words = ["prepare", "folder", tmp_path / "photos"]
    out = [tmp_path / "out", "--size", "64x96"]
    assert run_here(*words, tmp_path / "masks", *out, "--scheme", "four").code == 0
    before = files(tmp_path)
    for masks, scheme in (("others", "four"), ("masks", "dress3")):
        ended = run_here(*words, tmp_path / masks, *out, "--scheme", scheme)
        assert ended.code == 2
        assert "none of 12 photos could be used" in ended.err
        assert files(tmp_path) == before
