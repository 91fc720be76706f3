"""How well a generator and its extractor find everybody in photos that trained neither.

python tests/bench/people.py COCO-FOLDER [WEIGHTS...]

Takes the photos that a hash of their names keeps out of training, segments them with
everybody kept, and compares all that is not background with the people's masks. What people carry
is no part of COCO's masks, so 1 is not to be reached.
"""

import sys
from pathlib import Path

import numpy as np

from pix2seg import Segmenter
from pix2seg.train.person.photos import read_person_photos


def main(folder: str, *weights: str) -> None:
    photos = list(read_person_photos(Path(folder), "val"))
    print(f"| weights | {len(photos)} photos: IoU of all pixels | mean IoU of a photo |")
    print("| --- | ---: | ---: |")
    for file in weights or (None,):
        segmenter = Segmenter(file, engine="torch", person_options={"everyone": True})
        both = np.zeros((len(photos), 2))  # intersection and union
        for i, photo in enumerate(photos):
            found, people = segmenter(photo.pixels).mask > 0, photo.labels > 0
            both[i] = np.count_nonzero(found & people), np.count_nonzero(found | people)
        pooled = both[:, 0].sum() / both[:, 1].sum()
        mean = np.mean(both[:, 0] / np.maximum(both[:, 1], 1))
        print(f"| {segmenter.info.version} | {pooled:.3f} | {mean:.3f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
