import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from pix2seg.catalog.export.base import Exported
from pix2seg.catalog.export.coco import write as write_coco
from pix2seg.catalog.export.cvat import write as write_cvat
from pix2seg.catalog.export.labelstudio import write as write_labelstudio
from pix2seg.classes import load_scheme
from pix2seg.errors import DatasetError
from pix2seg.preprocess.dataset.corrected import (
    coco_masks,
    cvat_masks,
    labelstudio_masks,
)

FOUR = load_scheme("four")
PIXELS = st.integers(0, 3)
MASKS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=30), elements=PIXELS)


def exported(mask: NDArray[np.uint8], name: str = "women/a.jpg") -> Exported:
    row = {
        "uri": f"/shop/{name}",
        "offset": None,
        "sha256": "0" * 64,
        "height": mask.shape[0],
        "width": mask.shape[1],
        "quality": 0.5,
        "model": {"generator": "small"},
    }
    return Exported(row, name, name.removesuffix(".jpg"), mask)


@given(mask=MASKS)
def test_masks_come_back(tmp_path_factory: pytest.TempPathFactory, mask: NDArray[np.uint8]) -> None:
    out = tmp_path_factory.mktemp("out")
    write_coco(out, iter([exported(mask)]), FOUR)
    write_cvat(out, iter([exported(mask)]), FOUR)
    write_labelstudio(out, iter([exported(mask)]), FOUR)
    tasks = json.loads((out / "tasks.json").read_text())
    tasks[0]["annotations"] = tasks[0].pop("predictions")  # somebody looked, and agreed
    (out / "tasks.json").write_text(json.dumps(tasks))
    found = [*coco_masks(out / "annotations.json", FOUR), *cvat_masks(out, FOUR)]
    if mask.any():  # Label Studio does not tell the size of a photo without brushes
        found += labelstudio_masks(out / "tasks.json", FOUR)
    for name, read in found:
        assert name == "women/a"
        assert (read == mask).all()


def test_other_codes_of_coco(tmp_path: Path) -> None:
    def read(segmentation: Any) -> NDArray[np.uint8]:
        annotation = {"image_id": 7, "category_id": 5, "segmentation": segmentation}
        image = {"id": 7, "file_name": "a.jpg", "width": 4, "height": 3}
        data = {"categories": [{"id": 5, "name": "hair"}], "images": [image]}
        (tmp_path / "coco.json").write_text(json.dumps(data | {"annotations": [annotation]}))
        return next(coco_masks(tmp_path / "coco.json", FOUR))[1]

    square = np.array([[0, 2, 2, 0], [0, 2, 2, 0], [0, 0, 0, 0]])
    assert (read({"size": [3, 4], "counts": [3, 2, 1, 2, 4]}) == square).all()
    assert (read([[1, 0, 3, 0, 3, 2, 1, 2]])[:2, 1:3] == 2).all()
    for wrong in (
        {"size": [3, 4], "counts": [3, 2]},
        {"size": [3, 4], "counts": [-3, 15]},
        {"size": [300, 4], "counts": [1200]},
        {"size": [3, 4], "counts": "???"},
        [["a", "b"]],
        [[float("nan"), 0, 1, 1]],
    ):
        with pytest.raises(DatasetError, match="no COCO file"):
            read(wrong)
    for box in ([], None):
        with pytest.raises(DatasetError, match=r"a\.jpg has an annotation without segmentation"):
            read(box)


def test_other_tools_of_label_studio(tmp_path: Path) -> None:
    def read(*results: dict[str, Any]) -> list[NDArray[np.uint8]]:
        tasks[0]["annotations"] = [{"result": [*brushes, *results]}]
        (tmp_path / "tasks.json").write_text(json.dumps(tasks))
        return [mask for _, mask in labelstudio_masks(tmp_path / "tasks.json", FOUR)]

    mask = np.eye(3, dtype=np.uint8)
    write_labelstudio(tmp_path, iter([exported(mask)]), FOUR)
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    brushes = tasks[0].pop("predictions")[0]["result"]
    assert (read({"type": "choices", "value": {"choices": ["good"]}})[0] == mask).all()
    for drawn in ("polygonlabels", "rectanglelabels"):
        with pytest.raises(DatasetError, match=rf"women/a\.jpg has {drawn}, .* with the brush"):
            read({"type": drawn, "value": {"points": [[0, 0], [50, 0], [50, 50]]}})


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("/data/local-files/?d=women/a%20b.jpg", "women/a b"),
        ("/data/upload/1/abcd1234-a.jpg", "a"),
        ("women/a.jpg", "women/a"),
    ],
)
def test_photos_of_label_studio_are_known_by_their_names(
    tmp_path: Path, image: str, name: str
) -> None:
    mask = np.eye(3, dtype=np.uint8)
    write_labelstudio(tmp_path, iter([exported(mask)]), FOUR)
    (task,) = json.loads((tmp_path / "tasks.json").read_text())
    task["annotations"] = task.pop("predictions")
    task["data"] = {"image": image}
    (tmp_path / "tasks.json").write_text(json.dumps([task]))
    ((found, _),) = labelstudio_masks(tmp_path / "tasks.json", FOUR)
    assert found == name
    task["data"]["image"] = "s3://bucket/a.jpg"
    (tmp_path / "tasks.json").write_text(json.dumps([task]))
    with pytest.raises(DatasetError, match=r"s3://bucket/a\.jpg names no photo .* a 'file'"):
        next(labelstudio_masks(tmp_path / "tasks.json", FOUR))


def test_files_without_masks_are_named(tmp_path: Path) -> None:
    empty: list[Exported] = []
    write_coco(tmp_path, iter(empty), FOUR)
    with pytest.raises(DatasetError, match=r"annotations\.json names no images"):
        next(coco_masks(tmp_path / "annotations.json", FOUR))
    write_cvat(tmp_path, iter(empty), FOUR)
    with pytest.raises(DatasetError, match="SegmentationClass holds no PNG masks"):
        next(cvat_masks(tmp_path, FOUR))
    write_labelstudio(tmp_path, iter([exported(np.eye(3, dtype=np.uint8))]), FOUR)
    with pytest.raises(DatasetError, match=r"tasks\.json has no annotation with the brush"):
        next(labelstudio_masks(tmp_path / "tasks.json", FOUR))  # predictions alone


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(DatasetError, match="cannot read"):
        next(coco_masks(tmp_path / "broken.json", FOUR))
    (tmp_path / "other.json").write_text('{"a": 1}')
    for read in (coco_masks, labelstudio_masks):
        with pytest.raises(DatasetError, match=r"other\.json is no"):
            next(read(tmp_path / "other.json", FOUR))
    with pytest.raises(DatasetError, match=r"no labelmap\.txt"):
        next(cvat_masks(tmp_path, FOUR))
    write_cvat(tmp_path, iter([exported(np.ones((2, 2), np.uint8))]), load_scheme("garments"))
    with pytest.raises(DatasetError, match=r"no class 'hat'.*--scheme"):
        next(cvat_masks(tmp_path, FOUR))
    write_coco(tmp_path, iter([exported(np.ones((2, 2), np.uint8), "../a.jpg")]), FOUR)
    with pytest.raises(DatasetError, match="no COCO file"):
        next(coco_masks(tmp_path / "annotations.json", FOUR))
