"""`run.json`: what a run trains, and on what."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pix2seg.errors import TrainingError, first_fault
from pix2seg.files import atomic_write


class RunFile(BaseModel):
    """What `run.json` in a run's folder says.

    Attributes:
        recipe: as plain data; see `pix2seg.train.recipe.parse_recipe`.
        data: the folders of the data sets.
        people: folders of photos of which people's masks alone are known.
        init: weights that it started from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: dict[str, Any]
    data: list[Path] = Field(min_length=1)
    people: list[Path] = []
    init: str | None = None


def write_run_file(run: Path, settings: RunFile) -> None:
    """Write `run.json`, whole or not at all."""
    with atomic_write(run / "run.json") as temporary:
        temporary.write_text(settings.model_dump_json(indent=2) + "\n", "utf-8")


def read_run_file(run: Path) -> RunFile:
    """Read a folder's `run.json`.

    Raises:
        TrainingError: the folder holds no run, or the file is broken.
    """
    path = run / "run.json"
    try:
        return RunFile.model_validate_json(path.read_bytes())
    except OSError:
        raise TrainingError(
            f"{run} holds no run to resume or to read; start one with pix2seg train --run {run}"
        ) from None
    except ValidationError as error:
        raise TrainingError(
            f"{path} is broken ({first_fault(error)}); start the run anew"
        ) from None


def check_data(run: Path, settings: RunFile) -> None:
    """Refuse a run whose photos are no longer where they were.

    Raises:
        TrainingError: names the folder, and says how to tell where it is now.
    """
    for option, folders in (("data", settings.data), ("people", settings.people)):
        for folder in folders:
            if not Path(folder).exists():
                raise TrainingError(
                    f"{run} was trained on {folder}, which is not there; if it was moved, say "
                    f"where to: pix2seg train --run {run} --resume --{option} FOLDER"
                )
