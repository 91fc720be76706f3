"""`pix2seg calibrate`: learn which results are to be looked at."""

from pathlib import Path
from typing import Annotated

import typer

from pix2seg.cli.options import Device, PersonName, PersonWeights, TrustFiles, Weights
from pix2seg.cli.output import check_writable
from pix2seg.cli.telling import news, tracked


def calibrate(
    data: Annotated[Path, typer.Option(help="A data set that pix2seg prepare wrote.")],
    people: Annotated[
        list[Path] | None,
        typer.Option(help="A COCO folder, whose scenes stand behind the validation people, too."),
    ] = None,
    out: Annotated[Path, typer.Option(dir_okay=False, help="File for the calibration.")] = Path(
        "trust.json"
    ),
    weights: Weights = None,
    person: PersonName = None,
    person_weights: PersonWeights = None,
    trust: TrustFiles = False,
    device: Device = "auto",
) -> None:
    """Learn how far a result can be trusted, for its quality.

    Segments the validation photos as they are, before busy backgrounds, far away, and before
    --people's scenes. What is learned is judged on photos left out. The file is for the package:
    pix2seg/trust.json.
    """
    import json

    from pix2seg.files import atomic_write
    from pix2seg.memory import keep_freed_memory
    from pix2seg.preprocess.dataset.dataset import Dataset
    from pix2seg.segmenter import Segmenter
    from pix2seg.train.judge.evaluate import refuse_other_classes
    from pix2seg.train.judge.photo_sets import PhotoSet, empty_scenes, photo_sets
    from pix2seg.train.judge.trust import calibrate as fit
    from pix2seg.train.judge.trust import read_samples
    from pix2seg.train.person.photos import read_people

    check_writable(out.parent)
    keep_freed_memory()
    console = news()
    dataset = Dataset(data)
    options = {"weights": person_weights, "trust": trust}
    segmenter = Segmenter(weights, person=person, device=device, person_options=options)
    refuse_other_classes(segmenter, dataset)
    scenes = empty_scenes(read_people(people, "val")) if people else []
    sets: list[PhotoSet] = ["plain", "busy", "far"]
    sets += ["scenes"] if scenes else []
    photos = photo_sets(dataset, sets, scenes)
    total = len(dataset.names("val")) * len(sets)
    samples = read_samples(segmenter, tracked(photos, "segmenting", total))
    calibration = fit(samples, segmenter.info.version, segmenter.extractor.version)
    text = json.dumps(calibration.to_dict(), indent=2)
    with atomic_write(out) as temporary:
        temporary.write_text(text + "\n", "utf-8")
    console.print_json(json.dumps(dict(calibration.facts)))
    console.print(f"written to {out}")
