"""The photos that a generator understands least, to look at."""

from pathlib import Path

from PIL import Image

from pix2seg.files import write_image
from pix2seg.train.judge.evaluate import EvaluatedPhoto


class WorstPhotos:
    """Keeps the photos with the lowest mean IoU, and no more than are asked for.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.photos: list[tuple[float, EvaluatedPhoto]] = []

    def add(self, photo: EvaluatedPhoto) -> None:
        """Keep the photo if it is among the worst so far."""
        self.photos.append((photo.scores.mean_iou, photo))
        self.photos = sorted(self.photos, key=lambda p: p[0])[: self.count]

    def save(self, folder: Path) -> None:
        """Write a JPEG for each: the photo, its truth and the result."""
        for rank, (score, photo) in enumerate(self.photos, 1):
            name = f"{rank:02d}-{score:.3f}-{photo.name.replace('/', '-')}.jpg"
            write_image(folder / name, Image.fromarray(photo.picture()), "JPEG", quality=90)
