"""Exports come back through the tools' own libraries."""

import csv
import hashlib
import json
import re
import shutil
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image

from pix2seg.catalog.catalog import Catalog
from pix2seg.catalog.export import EXPORT, FORMATS, export_catalog
from pix2seg.catalog.export.base import exported_photos
from pix2seg.catalog.export.coco import compress
from pix2seg.catalog.export.labelstudio import brush_rle
from pix2seg.catalog.schema import colors_of, read_mask_png
from pix2seg.colors.table import read_table
from pix2seg.errors import CatalogError, OutputError

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))
FRONT = "women/front0"
PICTURES = (".jpg", ".png")


def stored_masks(catalog: Catalog) -> dict[str, NDArray[np.uint8]]:
    """Masks by photo without suffix."""
    good = [row for row in catalog.all_rows() if row["status"] == "ok"]
    return {row["file"].removesuffix(".jpg"): read_mask_png(row["mask"]) for row in good}


@given(MASKS)
def test_coco_rle_is_that_of_pycocotools(mask: NDArray[np.bool_]) -> None:
    coder = pytest.importorskip("pycocotools.mask")
    theirs = coder.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert compress(mask) == theirs["counts"].decode()


@settings(max_examples=20)
@given(MASKS, st.booleans())
def test_brush_rle_is_read_by_label_studio(mask: NDArray[np.bool_], large: bool) -> None:
    brush = pytest.importorskip("label_studio_sdk.converter.brush")
    if large:
        mask = np.pad(mask, ((0, 150), (0, 150)))  # runs of more than 65,536 bytes
    image = brush.decode_rle(brush_rle(mask)).reshape(*mask.shape, 4)
    assert (image == np.where(mask, 255, 0)[..., None]).all()


def test_coco_comes_back(small_catalog: Catalog, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    assert export_catalog(small_catalog, "coco", tmp_path / "out", photos=True).photos == 4
    read = coco.COCO(str(tmp_path / "out" / "annotations.json"))
    names = {c["id"]: c["name"] for c in read.loadCats(read.getCatIds())}
    assert names == {1: "skin", 2: "hair", 3: "clothes"}
    stored = stored_masks(small_catalog)
    for image in read.loadImgs(read.getImgIds()):
        assert (tmp_path / "out" / "images" / image["file_name"]).is_file()
        mask = np.zeros((image["height"], image["width"]), np.uint8)
        for annotation in read.loadAnns(read.getAnnIds(image["id"])):
            part = read.annToMask(annotation).astype(bool)
            mask[part] = annotation["category_id"]
            assert annotation["area"] == part.sum()
            x, y, width, height = annotation["bbox"]
            assert part[y : y + height, x : x + width].sum() == part.sum()
            assert part[y, x : x + width].any()
            assert part[y : y + height, x].any()
        assert (mask == stored.pop(image["file_name"].removesuffix(".jpg"))).all()
    assert not stored


@pytest.mark.parametrize(
    ("to", "theirs"), [("coco", "coco"), ("cvat", "voc_segmentation"), ("voc", "voc_segmentation")]
)
def test_datumaro_reads_masks(small_catalog: Catalog, tmp_path: Path, to: str, theirs: str) -> None:
    datumaro = pytest.importorskip("datumaro")
    out = tmp_path / "out"
    export_catalog(small_catalog, to, out, photos=True)
    if to == "coco":  # as datumaro wants it laid out
        (out / "annotations").mkdir()
        (out / "annotations.json").rename(out / "annotations" / "instances_train.json")
        (out / "images").rename(out / "train")
        (out / "images").mkdir()
        (out / "train").rename(out / "images" / "train")
    dataset = datumaro.Dataset.import_from(str(out), theirs)
    labels = [label.name for label in dataset.categories()[datumaro.AnnotationType.label]]
    stored = stored_masks(small_catalog)
    assert len(dataset) == len(stored)
    classes = ["background", "skin", "hair", "clothes"]
    for item in dataset:
        mask = np.zeros_like(stored[item.id])
        for annotation in item.annotations:
            if annotation.type == datumaro.AnnotationType.mask:
                mask[annotation.image.astype(bool)] = classes.index(labels[annotation.label])
        assert (mask == stored[item.id]).all()


def test_voc_has_boxes(small_catalog: Catalog, tmp_path: Path) -> None:
    from xml.etree.ElementTree import parse

    export_catalog(small_catalog, "voc", tmp_path / "out")
    mask = stored_masks(small_catalog)[FRONT]
    root = parse(tmp_path / "out" / "Annotations" / f"{FRONT}.xml").getroot()
    things = {thing.findtext("name"): thing.find("bndbox") for thing in root.iter("object")}
    names = ["background", "skin", "hair", "clothes"]
    assert set(things) == {names[i] for i in np.unique(mask) if i}
    for name, box in things.items():
        assert box is not None
        rows, columns = np.nonzero(mask == names.index(name or ""))
        edges = [int(box.findtext(edge) or 0) for edge in ("xmin", "ymin", "xmax", "ymax")]
        assert edges == [columns.min() + 1, rows.min() + 1, columns.max() + 1, rows.max() + 1]


def test_label_studio_comes_back(small_catalog: Catalog, tmp_path: Path) -> None:
    brush = pytest.importorskip("label_studio_sdk.converter.brush")
    interface = pytest.importorskip("label_studio_sdk.label_interface")
    export_catalog(small_catalog, "labelstudio", tmp_path / "out")
    text = (tmp_path / "out" / "labeling_interface.xml").read_text()
    labels = interface.LabelInterface(text).get_tag("tag").labels
    tasks: list[dict[str, Any]] = json.loads((tmp_path / "out" / "tasks.json").read_text())
    stored = stored_masks(small_catalog)
    for task in tasks:
        assert task["data"]["image"] == f"/data/local-files/?d={task['data']['file']}"
        results = task["predictions"][0]["result"]
        flat = [r | r["value"] for r in results]
        mask = np.zeros_like(stored[task["data"]["file"].removesuffix(".jpg")])
        for key, layer in brush.decode_from_annotation("tag", flat).items():
            mask[layer > 0] = 1 + list(labels).index(key.split("-")[1])
        assert (mask == stored.pop(task["data"]["file"].removesuffix(".jpg"))).all()
    assert not stored


def test_imagefolder_comes_back(small_catalog: Catalog, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export_catalog(small_catalog, "imagefolder", tmp_path / "out")
    read = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache")
    )["train"]
    stored = {row["sha256"]: row for row in small_catalog.all_rows() if row["status"] == "ok"}
    assert len(read) == 4
    for example in read:
        row = stored.pop(example["sha256"])
        assert example["image"].size == (row["width"], row["height"])
        assert (np.asarray(example["mask"]) == read_mask_png(row["mask"])).all()
        assert example["palettes"][0]["class"] == "clothes"


def test_csv_is_the_table(small_catalog: Catalog, tmp_path: Path) -> None:
    export_catalog(small_catalog, "csv", tmp_path / "out")
    colors = read_table(tmp_path / "out" / "colors.csv")
    swatches = sum(len(list(colors_of(row))) for row in small_catalog.all_rows())
    assert len(colors) == swatches
    with (tmp_path / "out" / "photos.csv").open(newline="") as file:
        photos = list(csv.DictReader(file))
    assert [p["file"] for p in photos].count("women/front0.jpg") == 1
    assert all(0 <= float(p["coverage clothes"]) <= 1 for p in photos)


def test_no_cell_is_a_formula_to_a_spreadsheet(
    shop: Path, fill: Callable[[str, str], Catalog], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(shop / "women" / "front0.jpg", tmp_path / "in" / "=1+2.jpg")
    export_catalog(fill(str(tmp_path / "in"), str(tmp_path / "book")), "csv", tmp_path / "out")
    for name in ("photos.csv", "colors.csv"):
        with (tmp_path / "out" / name).open(newline="") as file:
            assert {row["file"] for row in csv.DictReader(file)} == {"'=1+2.jpg"}


@pytest.mark.parametrize("to", FORMATS)
def test_without_photos_nothing_is_written(small_catalog: Catalog, tmp_path: Path, to: str) -> None:
    assert export_catalog(small_catalog, to, tmp_path / "out", where="width < 0") == (0, [])
    assert not (tmp_path / "out").exists()


def test_pandas_reads_the_shards(small_catalog: Catalog) -> None:
    pandas = pytest.importorskip("pandas")
    shards = sorted(Path(small_catalog.folder.location).glob("*.parquet"))
    photos = pandas.concat(map(pandas.read_parquet, shards))
    assert len(shards) > 1
    assert photos["file"].tolist() == [row["file"] for row in small_catalog.all_rows()]


def test_what_is_exported(small_catalog: Catalog, tmp_path: Path) -> None:
    exported = export_catalog(
        small_catalog, "voc", tmp_path / "women", where="file LIKE 'women/%' AND person.found"
    )
    assert exported == (2, [])
    names = (tmp_path / "women" / "ImageSets" / "Segmentation" / "train.txt").read_text().split()
    assert names == [FRONT, "women/front1"]
    with Image.open(tmp_path / "women" / "SegmentationClass" / f"{FRONT}.png") as mask:
        assert (np.asarray(mask) == stored_masks(small_catalog)[FRONT]).all()
    for where, message in (
        ("qualty < 1", "no column 'qualty'; quality\\?$"),
        ("zzz < 1", "no column 'zzz'; there are uri, file, .*, model$"),
        ("true) OR (true", ".*syntax error"),
    ):
        with pytest.raises(CatalogError, match=rf"--where '{re.escape(where)}': {message}"):
            export_catalog(small_catalog, "voc", tmp_path / "a", where=where)
    with pytest.raises(CatalogError, match=", ".join(FORMATS)):
        export_catalog(small_catalog, "yolo", tmp_path / "a")
    with pytest.raises(OutputError, match="not empty"):
        export_catalog(small_catalog, "voc", tmp_path / "women")
    with pytest.raises(CatalogError, match="--masks --garments"):
        export_catalog(small_catalog, "voc", tmp_path / "b", garments=True)
    with pytest.raises(CatalogError, match="csv would have no masks of garments"):
        export_catalog(small_catalog, "csv", tmp_path / "b", garments=True)


def test_no_photo_replaces_another(
    shop: Path, fill: Callable[[str, str], Catalog], tmp_path: Path
) -> None:
    """A folder with photos beside a tar of other photos with the same names."""
    source, fronts = tmp_path / "in", sorted(shop.rglob("front*.jpg"))
    (source / "shop").mkdir(parents=True)
    shutil.copy(fronts[0], source / "shop" / "0001.jpg")
    with tarfile.open(source / "shop.tar", "w") as tar:
        tar.add(fronts[1], "0001.jpg")
        tar.add(fronts[2], "0001.JPG")
        tar.add(fronts[3], "0001.png")
    catalog = fill(str(source), str(tmp_path / "book"))
    found = list(exported_photos(catalog, None, None, copied=False))
    for names in ({photo.file.lower() for photo in found}, {photo.stem.lower() for photo in found}):
        assert len(names) == 4
    assert [photo.file for photo in found][:2] == ["shop/0001.jpg", "shop/0001-2.jpg"]
    alone = {photo.file for photo in exported_photos(catalog, None, None, copied=True)}
    assert alone == {"shop/0001.jpg", "shop/0001-2.jpg", "shop/0001-3.JPG", "shop/0001-4.png"}
    export_catalog(catalog, "voc", tmp_path / "out", photos=True)
    copied = [file.read_bytes() for file in (tmp_path / "out" / "JPEGImages").rglob("*.*")]
    assert sorted(copied) == sorted(file.read_bytes() for file in fronts)
    assert len(list((tmp_path / "out" / "SegmentationClass").rglob("*.png"))) == 4


def test_no_mask_replaces_a_photo_called_alike(
    shop: Path, fill: Callable[[str, str], Catalog], tmp_path: Path
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    names = ("x.jpg", "x.mask.png", "masks/x.png", "images/x.jpg")
    for name, front in zip(names, sorted(shop.rglob("front*.jpg")), strict=True):
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(front, source / name)
    catalog = fill(str(source), str(tmp_path / "book"))
    export_catalog(catalog, "imagefolder", out)
    stored = {row["sha256"]: row for row in catalog.all_rows()}
    for text in (out / "metadata.jsonl").read_text("utf-8").splitlines():
        line = json.loads(text)
        data = (out / line["file_name"]).read_bytes()
        mask = (out / line["mask_file_name"]).read_bytes()
        row = stored.pop(hashlib.sha256(data).hexdigest())
        assert (read_mask_png(mask) == read_mask_png(row["mask"])).all()
    assert not stored


@pytest.mark.parametrize("to", FORMATS)
def test_an_export_that_fails_can_be_tried_again(
    shop: Path,
    fill: Callable[[str, str], Catalog],
    tmp_path: Path,
    full_disk: Callable[[int], AbstractContextManager[None]],
    to: str,
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(shop / "men", source)
    catalog = fill(str(source), str(tmp_path / "book"))
    out.mkdir()
    with full_disk(100), pytest.raises(OutputError, match="cannot write"):
        export_catalog(catalog, to, out, photos=True)
    assert not list(out.iterdir())
    (out / EXPORT).mkdir()  # as one that is killed leaves it
    (out / EXPORT / "half").touch()
    assert export_catalog(catalog, to, out, photos=True) == (2, [])
    assert not [file for file in out.rglob("*") if file.name in (EXPORT, "half")]
    assert len(list(out.rglob("*.jpg"))) == 2


@pytest.mark.parametrize("to", FORMATS)
def test_photos_that_are_gone_or_have_changed_are_left_out(
    shop: Path, fill: Callable[[str, str], Catalog], tmp_path: Path, to: str
) -> None:
    source, out, fronts = tmp_path / "in", tmp_path / "out", sorted(shop.rglob("front*.jpg"))
    source.mkdir()
    for name, front in zip(("altered", "lost", "same"), fronts, strict=False):
        shutil.copy(front, source / f"{name}.jpg")
    catalog = fill(str(source), str(tmp_path / "book"))
    shutil.copy(fronts[3], source / "altered.jpg")
    (source / "lost.jpg").unlink()
    exported = export_catalog(catalog, to, out, photos=True)
    assert exported.photos == 1
    altered, lost = map(str, exported.left_out)
    assert altered.startswith(f"{source / 'altered.jpg'} has changed since it was catalogued")
    assert lost == f"{source / 'lost.jpg'} does not exist"
    assert [file.name for file in out.rglob("*.jpg")] == ["same.jpg"]
    told = "".join(file.read_text() for file in out.rglob("*.*") if file.suffix not in PICTURES)
    assert "same" in told
    assert "altered" not in told
    assert "lost" not in told
