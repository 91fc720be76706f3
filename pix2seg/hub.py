"""Segmenters in folders, as the Hugging Face hub keeps models.

A folder holds config.json, the generator as model.safetensors or model.onnx, and the person
extractor's weights, if it has any, as person.safetensors or person.onnx.
"""

import json
import shutil
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pix2seg.errors import PersonError, Pix2SegError, WeightsError, first_fault
from pix2seg.files import atomic_write
from pix2seg.preprocess.person import PersonExtractor
from pix2seg.preprocess.person.cascade import Cascade
from pix2seg.preprocess.person.grabcut import GrabCut
from pix2seg.preprocess.person.mask_rcnn.extractor import MaskRCNN
from pix2seg.preprocess.person.none import WholePhoto

if TYPE_CHECKING:
    from pix2seg.segmenter import Segmenter

FORMAT = "pix2seg.config/1"

CONFIG, GENERATOR, PERSON = "config.json", "model", "person"

SAVED: dict[type[PersonExtractor], str] = {
    MaskRCNN: "mask-rcnn",
    Cascade: "cascade",
    GrabCut: "grabcut",
    WholePhoto: "none",
}
"""Names of the person extractors that can be saved: whose code and weights are at hand."""

ARGUMENTS = ("hide", "margin", "softness", "join", "flip")
"""Arguments of `Segmenter` that are saved; what runs the networks, and where, each chooses anew."""

PERSON_OPTIONS = ("everyone", "box")
"""Options of person extractors that are saved, beside the weights."""

CARD = """---
library_name: pix2seg
pipeline_tag: image-segmentation
---

A segmenter of dressed people for pix2seg:

    from pix2seg import Segmenter

    segmenter = Segmenter.from_pretrained("{repository}")
    result = segmenter("photo.jpg")
"""


Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Config(BaseModel):
    """What a segmenter is made of; of what is None, `Segmenter`'s or the extractor's default.

    Attributes:
        generator: name of the generator's file.
        person: the person extractor's name.
        person_weights: name of its file, or None where it needs none or takes its own.
        id2label: class names by id, as the hub's image segmenters have them.
        image_size: (width, height) of the generator's frame.
        hide: as `Segmenter` takes it.
        margin: as `Segmenter` takes it.
        softness: as `Segmenter` takes it.
        join: as `Segmenter` takes it.
        flip: as `Segmenter` takes it.
        everyone: as the person extractor takes it.
        box: as the person extractor takes it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    generator: str
    person: str
    person_weights: str | None
    id2label: dict[str, str]
    image_size: tuple[int, int]
    hide: bool | None = None
    margin: Amount | None = None
    softness: Amount | None = None
    join: Amount | None = None
    flip: bool | None = None
    everyone: bool | None = None
    box: tuple[float, float, float, float] | None = None

    def given(self, names: Collection[str]) -> dict[str, Any]:
        """Those of the attributes that are not None."""
        return self.model_dump(include=set(names), exclude_none=True)


class Pretrained:
    """What `Segmenter` has for folders and the hub."""

    @classmethod
    def from_pretrained(
        cls, name: str | Path, *, revision: str | None = None, **options: Any
    ) -> Self:
        """A segmenter that `save_pretrained` wrote, or one of the Hugging Face hub's.

        Args:
            name: a folder, or a repository such as `someone/segmenter`, which huggingface_hub
                downloads once.
            revision: of the repository.
            options: arguments of `Segmenter`, in place of those that were saved; options of the
                saved person extractor hold for no other.

        Raises:
            WeightsError: the folder holds no segmenter.
            Pix2SegError: huggingface_hub is not installed, or gives no such repository.
        """
        folder = _fetched(str(name), revision)
        config = read_config(folder)
        if options.get("person") in (None, config.person):
            saved = config.given(PERSON_OPTIONS)
            if config.person_weights:
                saved["weights"] = folder / config.person_weights
            options["person"] = config.person
            given = options.get("person_options") or {}
            if given.get("everyone"):  # which a box would contradict, and the other way round
                saved.pop("box", None)
            if given.get("box") is not None:
                saved.pop("everyone", None)
            options["person_options"] = saved | given
        arguments = {"weights": folder / config.generator} | config.given(ARGUMENTS) | options
        return cls(**arguments)

    def save_pretrained(self: "Segmenter", folder: str | Path) -> None:  # type: ignore[misc]
        """Write the networks, in the files that they run from, and `config.json` into a folder.

        All arguments of the segmenter are kept but `engine`, `device` and `precision`.

        Raises:
            OutputError: a file cannot be written.
            PersonError: the person extractor cannot be saved.
        """
        person, person_file = _person_of(self)
        files = {GENERATOR + self.generator.weights.suffix: self.generator.weights}
        if person_file:
            files[PERSON + person_file.suffix] = person_file
        generator, *extractor = files
        config = Config(
            generator=generator,
            person=person,
            person_weights=extractor[0] if extractor else None,
            id2label={str(i): name for i, name in enumerate(self.scheme.names)},
            image_size=self.info.size,
            **{name: getattr(self, name) for name in ARGUMENTS},
            **{name: getattr(self.extractor, name, None) for name in PERSON_OPTIONS},
        )
        for name, source in files.items():
            with atomic_write(Path(folder) / name) as temporary:
                shutil.copyfile(source, temporary)
        document = {"library_name": "pix2seg", "format": FORMAT, **config.model_dump()}
        with atomic_write(Path(folder) / CONFIG) as temporary:
            temporary.write_text(json.dumps(document, indent=2) + "\n", "utf-8")

    def push_to_hub(self: "Segmenter", repository: str, **options: Any) -> str:  # type: ignore[misc]
        """Upload what `save_pretrained` writes, and a card, to the hub; returns where it is.

        Args:
            repository: such as `someone/segmenter`; made if need be.
            options: of `huggingface_hub.HfApi.create_repo`, such as `private` and `token`.

        Raises:
            Pix2SegError: huggingface_hub is not installed.
            PersonError: see `save_pretrained`.
        """
        api = _hub().HfApi(token=options.pop("token", None))
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            (Path(folder) / "README.md").write_text(CARD.format(repository=repository), "utf-8")
            api.create_repo(repository, exist_ok=True, **options)
            return str(api.upload_folder(repo_id=repository, folder_path=folder))


def read_config(folder: Path) -> Config:
    """What a segmenter's folder says of itself.

    Raises:
        WeightsError: it is none, or broken.
    """
    try:
        document = json.loads((folder / CONFIG).read_text("utf-8"))
        if document.pop("format") != FORMAT:
            raise WeightsError(f"{folder / CONFIG} is not of the format {FORMAT}")
        document.pop("library_name", None)
        config = Config.model_validate(document)
    except ValidationError as error:
        raise WeightsError(f"{folder} holds no segmenter ({first_fault(error)})") from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"{folder} holds no segmenter ({error})") from error
    for name in (config.generator, config.person_weights or config.generator):
        if Path(name).name != name or not (folder / name).is_file():
            raise WeightsError(f"{folder} holds no {name}, which its {CONFIG} names")
    return config


def _fetched(name: str, revision: str | None) -> Path:
    """The folder of that name, or the hub's repository, which its library keeps."""
    if Path(name).is_dir():
        return Path(name)
    hub = _hub()
    patterns = [CONFIG, f"{GENERATOR}.*", f"{PERSON}.*"]
    try:
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=patterns))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise Pix2SegError(
            f"there is no folder {name}, and no such repository ({reason})"
        ) from error


def _person_of(segmenter: "Segmenter") -> tuple[str, Path | None]:
    """The name of a segmenter's person extractor, and its weights file, if it has one.

    Raises:
        PersonError: the name and the file would not give the same extractor.
    """
    extractor = segmenter.extractor
    name = SAVED.get(type(extractor))
    weights = extractor.detector.weights if isinstance(extractor, MaskRCNN) else None
    lacks_weights = isinstance(extractor, MaskRCNN) and weights is None
    if name is None or lacks_weights or extractor.version.startswith("cascade "):
        raise PersonError(
            f"the person extractor {extractor.version} cannot be saved, for its code or its "
            f"weights lie elsewhere; take {', '.join(SAVED.values())}"
        )
    return name, weights


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise Pix2SegError(
            "the hub needs huggingface_hub: pip install '.[hub]' in the checkout of pix2seg"
        ) from None
    return huggingface_hub
