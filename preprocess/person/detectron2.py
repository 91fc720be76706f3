"""Detectron2's Mask R-CNN (Wu et al. 2019; He et al. 2017, arXiv 1703.06870), an optional extra."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pix2seg.errors import PersonError
from pix2seg.preprocess.fit import Box
from pix2seg.preprocess.person.base import Person, choose

ZOO_CONFIG = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
"""From Detectron2's model zoo, trained on COCO."""

PERSON_CLASS = 0
"""COCO's class for persons, in Detectron2's contiguous numbering."""

LEAST_SCORE = 0.5
"""Detections that are less sure are dropped."""

INSTALL = (
    'pip install --no-build-isolation "setuptools<81" '
    "git+https://github.com/facebookresearch/detectron2"
)
"""Its model zoo imports pkg_resources, which setuptools 81 and later no longer have."""


class Detectron2:
    """Finds people with Detectron2.

    Args:
        config: a configuration of the model zoo, or a YAML file.
        weights: a weights file; by default the zoo's, which Detectron2 downloads once.
        everyone: take all people instead of the main one.
        box: take the person whose box overlaps this one the most.
        device: where to run it; by default the CPU.
        trust: its weights are pickled and its configurations may hold code, and Detectron2 runs
            both, so that somebody must say that they are trusted.

    Raises:
        PersonError: Detectron2 is not installed, or has no such configuration or weights, or they
            are not trusted.
    """

    def __init__(
        self,
        config: str = ZOO_CONFIG,
        weights: str | None = None,
        everyone: bool = False,
        box: Box | None = None,
        device: object = "cpu",
        trust: bool = False,
    ) -> None:
        try:
            import detectron2
            from detectron2 import model_zoo
            from detectron2.config import get_cfg
            from detectron2.engine import DefaultPredictor
        except ImportError:
            raise PersonError(
                f"the person extractor detectron2 needs Detectron2; install it with: {INSTALL}"
            ) from None
        if not trust:
            raise PersonError(
                "Detectron2 runs what lies in its weights and configurations; add --trust if you "
                f"trust {weights or 'its model zoo'} and {config}"
            )
        settings = get_cfg()
        try:
            local = Path(config).is_file()
            settings.merge_from_file(config if local else model_zoo.get_config_file(config))
            settings.MODEL.WEIGHTS = weights or model_zoo.get_checkpoint_url(config)
            settings.MODEL.DEVICE = str(device)
            settings.MODEL.ROI_HEADS.SCORE_THRESH_TEST = LEAST_SCORE
            self.predictor = DefaultPredictor(settings)
        except (RuntimeError, AssertionError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise PersonError(f"Detectron2 cannot load {config} ({reason})") from error
        self.everyone, self.box = everyone, box
        self.version = f"detectron2 {detectron2.__version__} {Path(config).stem}"

    def find(self, pixels: NDArray[np.uint8]) -> Person:
        """The person, with the detection's score."""
        instances = self._persons(pixels)
        people = [
            Person.from_mask(mask, float(score))
            for mask, score in zip(
                instances.pred_masks.numpy().astype(bool), instances.scores.numpy(), strict=True
            )
        ]
        return choose(people, pixels.shape, everyone=self.everyone, box=self.box)

    def _persons(self, pixels: NDArray[np.uint8]) -> Any:
        bgr = np.ascontiguousarray(pixels[..., ::-1])  # the order that DefaultPredictor takes
        instances = self.predictor(bgr)["instances"].to("cpu")
        return instances[instances.pred_classes == PERSON_CLASS]
