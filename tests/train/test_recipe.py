from pathlib import Path

import pytest
import torch

from pix2seg.classes import load_scheme
from pix2seg.errors import RecipeError
from pix2seg.generators.build import build_generator
from pix2seg.generators.size import check_size
from pix2seg.preprocess.person import EXTRACTORS
from pix2seg.train.recipe import SegmentationRecipe, built_in_recipes, parse_recipe, read_recipe


def parse(*overrides: str) -> SegmentationRecipe:
    recipe = parse_recipe(read_recipe("pix2pix-ccp4", overrides))
    assert isinstance(recipe, SegmentationRecipe)
    return recipe


@pytest.mark.parametrize("name", built_in_recipes())
def test_built_in_recipe_is_valid_and_fits_its_size(name: str) -> None:
    recipe = parse_recipe(read_recipe(name))
    assert recipe.summary
    if isinstance(recipe, SegmentationRecipe):
        assert recipe.person in EXTRACTORS
        with torch.device("meta"):  # no weights are drawn
            generator = build_generator(load_scheme(recipe.scheme), **recipe.generator.model_dump())
        check_size(recipe.size, generator.depth)


def test_override_changes_one_value() -> None:
    assert parse("schedule.epochs=3").schedule.epochs == 3
    assert parse("size=256x384").size == (256, 384)
    assert parse("optimizer.learning_rate=1e-5").optimizer.learning_rate == 1e-5
    assert parse("loss.adversarial=vanilla").loss.adversarial == "vanilla"


def test_override_gives_a_key_that_the_recipe_leaves_out() -> None:
    data = read_recipe("unet-garment2", ["optimizer.muon_rate=1.5"])
    assert "muon_rate" not in read_recipe("unet-garment2")["optimizer"]
    assert parse_recipe(data).optimizer.muon_rate == 1.5


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("schedule.epoch=3", "unknown key 'epoch' beside epochs"),
        ("generator.wide=3", "unknown key 'wide' beside architecture"),
        ("speed=3", "unknown key 'speed' beside .*summary.*schedule"),
        ("scedule.epochs=3", "no section 'scedule' there.*schedule"),
        ("seed.x=3", "no section 'seed' there"),
        ("schedule.epochs", "no key=value"),
        ("schedule.accumulate=3", "cannot be cut into 3"),
        ("schedule.epochs=0", "schedule.epochs = 0"),
        ("schedule.epochs=many", "schedule.epochs = 'many'"),
        ("loss.adversarial=wgan", "loss.adversarial = 'wgan'.*lsgan"),
        ("augmentation.flip=2", "augmentation.flip = 2"),
        ("size=512", "width x height"),
        ("generator.head=tanh", "opinion is .* on logits"),
        ("generator.garment_encoder=none", "opinion is the garment encoder's"),
        ("generator.opinion=0", "opinion_weight needs a generator.opinion"),
        ("generator.depth=2", "garment_width needs a generator.depth of 3 or more"),
        ("generator.depth=4", "wide_blocks needs a generator.depth of 5 or more"),
        (
            "generator.depth=5",
            "garment_encoder needs .* 6 or more; .* to none",
        ),
    ],
)
def test_wrong_override_is_refused_by_name(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as error:
        parse(override)
    assert "\n" not in str(error.value)


def test_losses_of_logits_are_refused_without_them() -> None:
    with pytest.raises(RecipeError, match="cross_entropy_weight needs logits"):
        parse_recipe(read_recipe("pix2pix-ccp29", ["generator.head=tanh"]))


def test_deeplab_needs_two_photos_at_a_time() -> None:
    for sizes in (["schedule.batch_size=1"], ["schedule.batch_size=2", "schedule.accumulate=2"]):
        with pytest.raises(RecipeError, match="take two at least"):
            parse_recipe(read_recipe("deeplab-garment2", sizes))


def test_recipe_without_losses_is_refused() -> None:
    weights = ("adversarial", "l1", "cross_entropy", "dice")
    with pytest.raises(RecipeError, match="every loss weighs 0"):
        parse(*(f"loss.{name}_weight=0" for name in weights))


def test_adversarial_loss_needs_a_discriminator(tmp_path: Path) -> None:
    data = read_recipe("pix2pix-ccp4")
    del data["discriminator"]
    with pytest.raises(RecipeError, match=r"needs a \[discriminator\]"):
        parse_recipe(data)


def test_cyclical_learning_rate_rises_and_falls_between_a_tenth_and_the_whole() -> None:
    schedule = parse("schedule.decay_from=1").schedule.model_copy(update={"cycles": 2})
    factors = [schedule.learning_rate_factor(i / 80, 10**6) for i in range(81)]
    assert min(factors) == pytest.approx(0.1)
    assert [i for i, factor in enumerate(factors) if factor == 1] == [20, 60]
    assert factors[40] == pytest.approx(0.1)


def test_recipe_file_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    with pytest.raises(RecipeError, match=r"no recipe .*pix2pix-ccp4"):
        read_recipe(str(path))
    path.write_text("kind = ")
    with pytest.raises(RecipeError, match="not a TOML file"):
        read_recipe(str(path))
    path.write_text('kind = "pix3pix"')
    with pytest.raises(RecipeError, match="one of segmentation, person"):
        parse_recipe(read_recipe(str(path)))
    path.write_text('kind = "segmentation"\nsumary = "x"')
    with pytest.raises(RecipeError, match=r"recipe mine .*'(sumary|summary)'"):
        parse_recipe(read_recipe(str(path)))


def test_learning_rate_warms_up_and_decays_to_zero() -> None:
    schedule = parse("schedule.warmup_steps=9", "schedule.decay_from=0.5").schedule
    assert schedule.learning_rate_factor(0, 0) == pytest.approx(0.1)
    assert schedule.learning_rate_factor(0.3, 300) == 1
    assert schedule.learning_rate_factor(0.75, 750) == pytest.approx(0.5)
    assert schedule.learning_rate_factor(1, 1000) == 0


def test_a_recipe_has_what_it_extends_but_for_its_own_keys(tmp_path: Path) -> None:
    whole = read_recipe("unet-vgg16-ccp4")
    shipped = read_recipe("unet-vgg19-ccp4")
    assert shipped["generator"] == {**whole["generator"], "encoder": "vgg19"}
    changed = {"name", "summary", "generator"}
    assert {k: shipped[k] for k in shipped.keys() - changed} == {
        k: whole[k] for k in whole.keys() - changed
    }
    (tmp_path / "base.toml").write_text('size = "64x96"\n[schedule]\nepochs = 3\npatience = 0')
    mine = tmp_path / "mine.toml"
    mine.write_text('extends = "base.toml"\n[schedule]\nepochs = 4')
    assert read_recipe(str(mine), ["schedule.patience=2"]) == {
        "name": "mine",
        "size": "64x96",
        "schedule": {"epochs": 4, "patience": 2},
    }


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("unet-vgg19-ccp4", "extends unet-vgg16-ccp4 itself; extend that one instead"),
        ("nowhere.toml", "no recipe '.*nowhere.toml'"),
    ],
)
def test_extending_goes_one_level(base: str, message: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(f'extends = "{base}"')
    with pytest.raises(RecipeError, match=message):
        read_recipe(str(mine))
