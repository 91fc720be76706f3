"""Settings that make no sense: schemes, recipes, tables and labels, each refused in one line."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pix2seg.classes import load_scheme
from pix2seg.errors import ColorError, RecipeError, SchemeError
from pix2seg.train.recipe import built_in_recipes, parse_recipe, read_recipe

Run = Callable[..., Any]
"""See conftest.py."""

DEEP = "x = " + "[" * 5000

CLASSES = '[[classes]]\nname = "a"\nlabels = ["a"]\ncolor = "#000000"\n'

SECOND = CLASSES.replace('"a"', '"b"').replace("000000", "ffffff")

SCHEMES = {
    "number for a colour": CLASSES.replace('"#000000"', "5") + SECOND,
    "colour of spaces": CLASSES.replace("#000000", " 0 0 0") + SECOND,
    "labels in one text": CLASSES.replace('["a"]', '"a"') + SECOND,
    "number for a label": CLASSES.replace('["a"]', "[1]") + SECOND,
    "number for a name": CLASSES.replace('name = "a"', "name = 1") + SECOND,
    "class called mask": CLASSES + SECOND.replace('name = "b"', 'name = "mask"'),
    "class called person": CLASSES + SECOND.replace('name = "b"', 'name = "person"'),
    "class that leaves its folder": CLASSES + SECOND.replace('name = "b"', 'name = "../b"'),
    "class without a name": CLASSES + SECOND.replace('name = "b"', 'name = ""'),
    "class of escapes": CLASSES + SECOND.replace('name = "b"', 'name = "\\u001b[31m"'),
    "classes in one table": "[classes]\nname = 1\n",
    "classes in one text": 'classes = "abc"\n',
    "one class": CLASSES,
    "deep": DEEP,
    "no TOML": "{",
}

SETTINGS = (
    "size=[-64,96]",
    "size=[64]",
    "size=0x0",
    "size=[1e9,1e9]",
    "size=[99999999999,64]",
    "seed=-1",
    "seed=99999999999999999999999",
    "schedule.epochs=0",
    "schedule.batch_size=1.5",
    "optimizer.learning_rate=inf",
    "optimizer.learning_rate=nan",
    "loss.l1_weight=nan",
    "generator.architecture=[]",
    "generator.depth=99",
    "kind=[]",
    "kind={}",
    "name=[1]",
    "schedule=[[[[",
    "size=" + "[" * 5000,
    "[/b]=1",
    "=",
    "..=1",
)


@pytest.mark.parametrize("name", SCHEMES)
def test_schemes_that_make_no_sense_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "scheme.toml"
    path.write_text(f'name = "s"\n{SCHEMES[name]}', "utf-8")
    with pytest.raises(SchemeError) as error:
        load_scheme(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["n" * 5000, "\0", "."])
def test_names_of_no_file_are_refused(name: str) -> None:
    with pytest.raises(SchemeError, match="no scheme"):
        load_scheme(name)
    with pytest.raises(RecipeError, match="no recipe"):
        read_recipe(name)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting[:30])
def test_settings_that_make_no_sense_are_refused(setting: str) -> None:
    with pytest.raises(RecipeError) as error:
        parse_recipe(read_recipe("pix2pix-ccp4", [setting]))
    assert len(str(error.value)) < 6000


def test_damaged_recipes_are_refused_or_read(tmp_path: Path, rounds: range) -> None:
    path, refused = tmp_path / "recipe.toml", 0
    whole = read_recipe("pix2pix-ccp4")
    lines = [f"{key} = {value!r}" for key, value in whole.items() if not isinstance(value, dict)]
    for section in (key for key, value in whole.items() if isinstance(value, dict)):
        lines += [f"[{section}]", *(f"{k} = {v!r}" for k, v in whole[section].items())]
    text = "\n".join(lines).replace("True", "true").replace("False", "false")
    for seed in rounds:
        rng = random.Random(seed)
        for _ in range(300):
            damaged = list(text)
            for _ in range(rng.randint(1, 3)):
                place = rng.randrange(len(damaged))
                damaged[place] = rng.choice([*'[]{}="#.\n-9e', "", "\0", "é"])
            path.write_text("".join(damaged), "utf-8")
            try:
                parse_recipe(read_recipe(str(path)))
            except RecipeError:
                refused += 1
    assert refused > 100
    assert "pix2pix-ccp4" in built_in_recipes()


def test_damaged_tables_are_refused_or_searched(
    run: Run, small_photo: Path, tmp_path: Path, rounds: range
) -> None:
    from pix2seg.colors.table import read_table

    for suffix in (".csv", ".jsonl", ".parquet"):
        table, refused = tmp_path / f"table{suffix}", 0
        assert run("palette", small_photo, "--out", tmp_path, "--table", table).code == 0
        whole = table.read_bytes()
        for seed in rounds:
            rng = random.Random(seed)
            for _ in range(100):
                damaged = bytearray(whole)
                for _ in range(rng.randint(1, 4)):
                    damaged[rng.randrange(len(damaged))] = rng.randrange(256)
                table.write_bytes(damaged)
                try:
                    read_table(table)
                except ColorError:
                    refused += 1
        assert refused
