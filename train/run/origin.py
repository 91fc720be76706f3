"""What a run was begun with: it goes on with that alone."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pix2seg.errors import TrainingError, first_fault
from pix2seg.train.recipe import Recipe

RECIPE, DATA = "recipe", "data"
"""The keys of the recipe and of the data's fingerprint, beside the networks in a checkpoint."""


def origin(recipe: Recipe, fingerprint: str) -> dict[str, Any]:
    """What a checkpoint says of its run's origin.

    Args:
        recipe: what is trained.
        fingerprint: of the data; see `Task.fingerprint`.
    """
    return {RECIPE: recipe.model_dump(mode="json"), DATA: fingerprint}


def check_origin(run: Path, begun: dict[str, Any], recipe: Recipe, fingerprint: str) -> None:
    """Refuse to go on with a run that was begun with something else.

    Args:
        run: the run's folder.
        begun: what its checkpoint says, as of `origin`; the first ones say less.
        recipe: what is to be trained now.
        fingerprint: of the data now.

    Raises:
        TrainingError: recipe or data have changed.
    """
    if RECIPE in begun:
        _check_recipe(run, begun[RECIPE], recipe)
    if begun.get(DATA, fingerprint) != fingerprint:
        raise TrainingError(
            f"{run} was begun with other data: photos, people or classes have changed; give the "
            "same again with --data and --people, or start a new run"
        )


def _check_recipe(run: Path, begun: Any, recipe: Recipe) -> None:
    try:
        before = type(recipe).model_validate(begun).model_dump()
    except ValidationError as error:
        raise TrainingError(
            f"{run} was begun with a recipe that this version does not know "
            f"({first_fault(error)}); start a new run"
        ) from error
    changed = [key for key, value in recipe.model_dump().items() if value != before[key]]
    if changed:
        raise TrainingError(
            f"{run} was begun with another {changed[0]} than its run.json now says; start a new run"
        )
