"""What finding the person buys: extractors, margins and backgrounds, on plain and hard photos."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from pix2seg.errors import PersonError, WeightsError
from pix2seg.joining import WEIGHT
from pix2seg.preprocess.background import MARGIN
from pix2seg.preprocess.dataset.dataset import Dataset
from pix2seg.preprocess.person import EXTRACTORS
from pix2seg.preprocess.person.base import Person, choose
from pix2seg.segmenter import Segmenter, load_person
from pix2seg.train.judge.ablation_tables import (
    Table,
    margins_markdown,
    markdown,
    outlines_markdown,
    people_markdown,
)
from pix2seg.train.judge.evaluate import EvaluatedPhoto, Evaluation, refuse_other_classes
from pix2seg.train.judge.people import PersonScore
from pix2seg.train.judge.photo_sets import SETS, PhotoSet, SetPhoto, empty_scenes, photo_sets
from pix2seg.train.person.photos import PersonPhoto, main_person, read_people

MASK_RCNN = "mask-rcnn"
NOBODY = "none"
TRUE_MASK = "true mask"
GREY = ", grey"
"""Marks the rows in which the generator sees a hidden background."""

GREYS = {"cropped": (False, 0.0), "hard grey": (True, 0.0), "soft grey": (True, 0.015)}
"""Whether the background is hidden, and how softly."""

JOINED = ", joined"
"""Marks the rows in which the extractor's certainty is added to the generator's logits."""

SIZES = (0.02, 0.15)
"""Shares of the photo that people fill together, which part the photos by `SIZE_NAMES`."""

SIZE_NAMES = ("under 2 % of the photo", "2 to 15 %", "over 15 %")

MARGINS = (0.0, 0.01, 0.02, 0.03, 0.06, 0.09)


class TrueMask:
    """A person extractor that is told the truth, to show what the best one could reach."""

    version = TRUE_MASK

    def __init__(self) -> None:
        self.mask = np.zeros((1, 1), bool)

    def find(self, pixels: NDArray[np.uint8]) -> Person:
        """The person of the photo whose true mask was put into `mask`."""
        return Person.from_mask(self.mask, 1.0)


@dataclass(frozen=True)
class Ablation:
    """Compares ways to find the person and to hide the rest; each method gives Markdown tables.

    Those that segment raise `WeightsError` where weights and data set have different classes.

    Args:
        dataset: whose validation photos are segmented.
        console: where progress is shown.
        weights: the generator; the one in the box by default.
        mask_rcnn: weights of the Mask R-CNN; the one in the box by default.
        device: `auto`, `cpu`, `cuda`, ...
        people: COCO folders, on whose validation side people are judged, and whose scenes stand
            behind the persons of the set `scenes`.
        most: segment so many of the validation photos, evenly spread; all by default.
    """

    dataset: Dataset
    console: Console
    weights: Path | None = None
    mask_rcnn: str | None = None
    device: str = "auto"
    people: Sequence[Path] = ()
    most: int | None = None

    @cached_property
    def _people(self) -> list[PersonPhoto]:
        return read_people(self.people, "val") if self.people else []

    @cached_property
    def _scenes(self) -> list[NDArray[np.uint8]]:
        return empty_scenes(self._people)

    @property
    def _sets(self) -> tuple[PhotoSet, ...]:
        return SETS if self._scenes else tuple(name for name in SETS if name != "scenes")

    def compare_extractors(self) -> str:
        """Mean IoU with each extractor that is installed, and how well each finds the person."""
        segmenters = {NOBODY: self._segmenter(NOBODY)}
        names = [name for name in EXTRACTORS if name != NOBODY and self._is_installed(name)]
        for hide, suffix in ((True, GREY), (False, "")):
            segmenters |= {name + suffix: self._segmenter(name, hide=hide) for name in names}
            segmenters[TRUE_MASK + suffix] = self._segmenter(TrueMask(), hide=hide)
        table = self._run(segmenters, self._sets)
        people = {name: table[name, "plain"].people for name in names}
        return "\n".join(
            [
                markdown(table, self._sets, "person"),
                people_markdown(people, "person on plain photos"),
            ]
        )

    def compare_joins(self) -> str:
        """Ways in which the Mask R-CNN can tell the generator where the person is.

        Cropped: by the part of the photo that it is shown, as in all others. Grey: by greying the
        rest, with a hard or a fading edge. Joined: by adding what the extractor thinks to its
        logits.
        """
        segmenters = {NOBODY: self._segmenter(NOBODY)}
        for name, (hide, softness) in GREYS.items():
            for join, suffix in ((0.0, ""), (WEIGHT, JOINED)):
                segmenters[name + suffix] = self._segmenter(
                    MASK_RCNN, hide=hide, softness=softness, join=join
                )
        table = self._run(segmenters, self._sets)
        return "\n".join(
            [
                markdown(table, self._sets, "mask-rcnn"),
                outlines_markdown(table, self._sets, "mask-rcnn"),
            ]
        )

    def compare_margins(self) -> str:
        """What each margin around the person keeps of them, and mean IoU."""
        sets: list[PhotoSet] = ["plain", "busy"]
        segmenters = {
            f"{margin:g}": self._segmenter(MASK_RCNN, hide=True, margin=margin)
            for margin in MARGINS
        }
        return margins_markdown(self._run(segmenters, sets), sets)

    def compare_backgrounds(self, files: Sequence[Path]) -> str:
        """Generators that were trained alike but for the background that hides the rest.

        Raises:
            WeightsError: two were trained with the same background.
        """
        segmenters, trained = {}, dict[str, Path]()
        for file in files:
            found = self._segmenter(MASK_RCNN, file, hide=True)
            background = found.info.background
            if background in trained:
                raise WeightsError(
                    f"{trained[background]} and {file} were both trained with the background "
                    f"{background}; give one of them"
                )
            trained[background] = file
            segmenters[f"{background}, {MASK_RCNN}"] = found
            segmenters[f"{background}, {TRUE_MASK}"] = self._segmenter(TrueMask(), file, hide=True)
        return markdown(self._run(segmenters, self._sets), self._sets, "background, person")

    def judge_people(self) -> str:
        """How well the Mask R-CNN finds people on the validation side of the COCO folders.

        The main person, everyone, and everyone in photos of which people fill less or more.
        """
        main_people, groups = list[PersonScore](), [list[PersonScore]() for _ in SIZE_NAMES]
        extractor = load_person(
            MASK_RCNN, device=self.device, weights=self.mask_rcnn, everyone=True
        )
        for photo in self._people:
            everyone, truth = extractor.find(photo.pixels), photo.labels > 0
            main = choose(everyone.members, truth.shape)
            score = PersonScore.of(everyone.mask, everyone.visible(), truth)
            groups[sum(truth.mean() >= share for share in SIZES)].append(score)
            of_main = PersonScore.of(main.mask, main.visible(), main_person(photo.labels))
            main_people.append(of_main)
        rows = {"the main person": main_people, "everyone": [s for group in groups for s in group]}
        sizes = zip(SIZE_NAMES, groups, strict=True)
        rows |= {f"everyone, {name}": group for name, group in sizes if group}
        return people_markdown(rows, f"mask-rcnn, {', '.join(f.name for f in self.people)}")

    def _segmenter(
        self,
        person: str | TrueMask,
        weights: Path | None = None,
        *,
        hide: bool | None = None,
        margin: float = MARGIN,
        softness: float = 0.0,
        join: float = WEIGHT,
    ) -> Segmenter:
        segmenter = Segmenter(
            weights or self.weights,
            person=person,
            device=self.device,
            hide=hide,
            margin=margin,
            softness=softness,
            join=join,
            person_options={"weights": self.mask_rcnn} if person == MASK_RCNN else None,
        )
        refuse_other_classes(segmenter, self.dataset)
        return segmenter

    def _is_installed(self, name: str) -> bool:
        try:
            self._segmenter(name)
        except PersonError as error:
            self.console.print(f"without {name}: {error}", highlight=False, markup=False)
            return False
        return True

    def _run(self, segmenters: Mapping[str, Segmenter], sets: Sequence[PhotoSet]) -> Table:
        photos = photo_sets(self.dataset, sets, self._scenes, self.most)
        count = min(self.most or len(self.dataset.names("val")), len(self.dataset.names("val")))
        shown = track(
            photos,
            "segmenting",
            count * len(sets),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        return run(segmenters, shown)


def run(segmenters: Mapping[str, Segmenter], photos: Iterable[SetPhoto]) -> Table:
    """Segment every photo in every way.

    Args:
        segmenters: the ways by name; an extractor that is a `TrueMask` is told the truth.
        photos: what `photo_sets` gives.
    """
    table: dict[tuple[str, PhotoSet], Evaluation] = {}
    for photo in photos:
        for name, segmenter in segmenters.items():
            if isinstance(segmenter.extractor, TrueMask):
                segmenter.extractor.mask = photo.truth > 0
            evaluation = table.setdefault(
                (name, photo.set), Evaluation(segmenter.scheme, segmenter.margin)
            )
            evaluation.add(EvaluatedPhoto(photo.name, photo.truth, segmenter(photo.pixels)))
    return table
