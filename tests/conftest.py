"""What tests share: real photos with their masks, and small data sets and models made from them."""

import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import settings
from PIL import Image

from pix2seg.classes import load_scheme
from pix2seg.cli import main
from pix2seg.export import export_to_onnx
from pix2seg.generators.build import build_generator
from pix2seg.generators.info import TrainedRecipe, WeightsInfo
from pix2seg.generators.weights import save_generator
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.dataset.folder import folder_sources, read_mask
from pix2seg.preprocess.dataset.prepare import Preparation, prepare
from pix2seg.preprocess.dataset.split import split_of
from pix2seg.preprocess.person.mask_rcnn.network import build_network
from pix2seg.preprocess.person.mask_rcnn.weights import save_network

# The first example of a test imports what it needs; how long that takes says nothing.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

# Small networks gain nothing from a second thread and lose much to waiting for it.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--hostile-rounds", type=int, default=1, help="How often tests/hostile draws its cases."
    )


DATA = Path(__file__).parent / "data"

SMALL_GENERATOR = {"head": "logits", "width": 4, "max_width": 8, "depth": 3, "dropout": 0.2}


@pytest.fixture(scope="session")
def photos() -> list[Path]:
    """Real photos; beside each lies its true mask as a PNG."""
    return sorted(DATA.glob("*.jpg"))


@pytest.fixture(scope="session")
def small_photo(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> Path:
    """A real photo that takes no time."""
    path = tmp_path_factory.mktemp("photo") / "small.jpg"
    with Image.open(photos[0]) as image:
        image.reduce(8).save(path, quality=95)
    return path


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory: pytest.TempPathFactory, photos: list[Path]) -> Dataset:
    """The real photos under names that fall into both splits, prepared at 64x96."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dataset")
    names = iter(f"photo{i}" for i in range(1000))
    # Of two qualities, for copies of a photo would all go to one side.
    for split, count, quality in (("train", 6, 95), ("val", 2, 94)):
        for i in range(count):
            name = next(n for n in names if split_of(n) == split)
            photo = photos[i % len(photos)]
            with Image.open(photo) as image:
                image.reduce(4).save(source / f"{name}.jpg", quality=quality)
            with Image.open(photo.with_suffix(".png")) as mask:
                size = image.reduce(4).size
                mask.resize(size, Image.Resampling.NEAREST).save(source / f"{name}.png")
    masks, only_photos = source / "masks", source / "photos"
    for folder, pattern in ((masks, "*.png"), (only_photos, "*.jpg")):
        folder.mkdir()
        for file in source.glob(pattern):
            file.rename(folder / file.name)
    preparation = Preparation(
        out, load_scheme("four"), np.arange(4, dtype=np.uint8), read_mask, (64, 96)
    )
    assert not [
        r
        for r in prepare(folder_sources(only_photos, masks), preparation, {"source": "t"})
        if r.pixels is None
    ]
    return Dataset(out)


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained generator for 64x96."""
    return _untrained(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="session")
def small_onnx(tmp_path_factory: pytest.TempPathFactory, small_weights: Path) -> Path:
    """The same for ONNX Runtime, which starts in a fifth of PyTorch's time."""
    path = tmp_path_factory.mktemp("onnx") / "small.onnx"
    export_to_onnx(small_weights, path)
    return path


@pytest.fixture(scope="session")
def garment_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained generator for 64x96 that names garments, in more than one kind."""
    return _untrained(tmp_path_factory.mktemp("weights") / "garments.safetensors", garment_width=8)


def _untrained(path: Path, **settings: int) -> Path:
    torch.manual_seed(0)
    scheme, settings = load_scheme("four"), SMALL_GENERATOR | settings
    generator = build_generator(scheme, **settings)  # type: ignore[arg-type]
    if generator.garment_head is not None:
        torch.nn.init.normal_(generator.garment_head.body[-1].weight, 0.0, 9.0)
    recipe = TrainedRecipe.model_validate({"name": path.stem, "generator": settings})
    save_generator(path, generator, WeightsInfo(recipe, scheme, (64, 96), {}))
    return path


@pytest.fixture(scope="session")
def small_widths() -> dict[str, Any]:
    """Of a small Mask R-CNN."""
    return {
        "encoder": "efficientnet_lite0",
        "pyramid": 8,
        "box_head": 8,
        "mask_head": 8,
        "mask_layers": 1,
    }


@pytest.fixture(scope="session")
def small_mask_rcnn(tmp_path_factory: pytest.TempPathFactory, small_widths: dict[str, Any]) -> Path:
    """A small, untrained Mask R-CNN that calls every proposal a person."""
    torch.manual_seed(0)
    network = build_network(**small_widths)
    with torch.no_grad():
        network.roi_heads.box_predictor.cls_score.bias[:] = torch.tensor([0.0, 9.0])
        network.roi_heads.mask_predictor.mask_fcn_logits.bias += 2.0
    path = tmp_path_factory.mktemp("person") / "small.safetensors"
    recipe = {"name": "small", "network": small_widths, "size": (96, 128)}
    save_network(path, network, recipe, {})
    return path


class Ended(NamedTuple):
    """How a command ended: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_here(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., Ended]:
    """`run_here(*words)` runs a command in this process, as `pix2seg` does.

    It ends with exit code 0 or 2, never in a traceback, and obeys no terminal.
    """

    def run_command(*words: object) -> Ended:
        capfdbinary.readouterr()
        monkeypatch.setattr(sys, "argv", ["pix2seg", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfdbinary.readouterr()
        code = ended.value.code
        assert code in (0, 2)
        assert b"Traceback" not in err
        assert b"\x1b" not in err + out, "something that a terminal obeys"
        return Ended(int(code), out.decode(), err.decode())

    return run_command


@contextmanager
def _full_disk(room: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Within `full_disk(room)` no file grows beyond so many bytes: to a program, a full disk."""
    return _full_disk
