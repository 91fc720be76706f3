import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.classes import load_scheme
from pix2seg.errors import SizeError
from pix2seg.generators.build import build_generator
from pix2seg.generators.heads import map_colors
from pix2seg.generators.inference import fused
from pix2seg.generators.settings import GARMENT_KINDS
from pix2seg.generators.size import check_size

FOUR = load_scheme("four")


@pytest.mark.parametrize("head", ["logits", "tanh"])
@pytest.mark.parametrize(("width", "max_width", "depth"), [(4, 8, 3), (2, 64, 5), (8, 8, 2)])
def test_map_has_the_photo_s_size(head: str, width: int, max_width: int, depth: int) -> None:
    generator = build_generator(
        FOUR, head=head, width=width, max_width=max_width, depth=depth, dropout=0.5
    )
    generated = generator(torch.zeros(2, 3, 96, 64))
    assert generated.map.shape == (2, 3, 96, 64)
    assert generated.map.abs().max() <= 1
    if head == "logits":
        assert generated.logits is not None
        assert generated.logits.shape == (2, 4, 96, 64)
    else:
        assert generated.logits is None


def test_garment_namer_sees_the_photo_at_half_its_size() -> None:
    torch.manual_seed(0)
    generator = build_generator(
        FOUR, width=2, max_width=4, depth=6, dropout=0, garment_width=8,
        garment_encoder="efficientnet_lite0",
    ).eval()  # fmt: skip
    photo = torch.rand(2, 3, 128, 64)
    with torch.no_grad():
        garments = generator(photo).garments
        assert garments is not None
        assert garments.shape == (2, GARMENT_KINDS, 16, 8)
        assert torch.equal(garments, generator.name_garments(photo).garments)
        checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(64, 32)  # finer than it can see
        named = generator.name_garments(photo + checks)
        assert torch.allclose(named.garments, garments, atol=1e-4)
        assert torch.allclose(fused(generator)(photo).garments, garments, atol=1e-4)


def test_garment_namer_has_a_say_in_the_map() -> None:
    torch.manual_seed(0)
    namer = {"garment_width": 8, "garment_encoder": "efficientnet_lite0", "opinion": 0.25}
    generator = build_generator(FOUR, width=2, max_width=4, depth=6, dropout=0, **namer).eval()
    photo = torch.rand(2, 3, 128, 64)
    alone = build_generator(FOUR, width=2, max_width=4, depth=6, dropout=0).eval()
    alone.load_state_dict(generator.state_dict(), strict=False)
    with torch.no_grad():
        generator.garment_namer.opinion.classes.bias.copy_(torch.tensor([0.0, 4.0, 0.0, 0.0]))
        generated, unet = generator(photo), alone(photo)
    assert generated.opinion is not None
    assert generated.opinion.shape == (2, 4, 32, 16)
    enlarged = torch.nn.functional.interpolate(
        generated.opinion, (128, 64), mode="bilinear", align_corners=False
    )
    assert torch.allclose(generated.logits, 0.75 * unet.logits + 0.25 * enlarged, atol=1e-5)
    assert (generated.logits.argmax(1) == 1).all()
    assert not (unet.logits.argmax(1) == 1).all()


@pytest.mark.parametrize(
    ("architecture", "encoder"), [("unet", "resnet18"), ("deeplabv3", "mobilenet_v3_large")]
)
def test_networks_of_other_libraries_draw_maps(architecture: str, encoder: str) -> None:
    generator = build_generator(FOUR, architecture, encoder=encoder, normalise="imagenet").eval()
    generated = generator(torch.zeros(1, 3, 96, 64))
    assert generated.map.shape == (1, 3, 96, 64)
    assert generated.logits is not None
    assert generated.logits.shape == (1, 4, 96, 64)


def test_deeplab_evaluates_as_it_was_trained_after_few_steps() -> None:
    torch.manual_seed(0)
    generator = build_generator(
        FOUR, "deeplabv3", encoder="mobilenet_v3_large", normalise="imagenet"
    )
    photos = torch.randn(4, 3, 64, 64)
    norm = next(layer for layer in generator.modules() if isinstance(layer, torch.nn.BatchNorm2d))
    seen: list[torch.Tensor] = []
    norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        for _ in range(30):
            generator(photos)
    assert norm.running_var is not None
    variance = seen[-1].var((0, 2, 3))
    assert torch.allclose(norm.running_var, variance, rtol=0.1, atol=0.05)


def test_a_network_whose_norms_follow_blocks_draws_the_same_map_fused() -> None:
    torch.manual_seed(0)
    generator = build_generator(FOUR, "unet", encoder="densenet121", normalise="none").eval()
    photo = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        expected = generator(photo).map
        assert torch.allclose(fused(generator)(photo).map, expected, atol=1e-5)


@pytest.mark.parametrize("architecture", ["unet", "deeplabv3"])
def test_unknown_encoder_is_refused(architecture: str) -> None:
    with pytest.raises(ValueError, match="vgg1"):
        build_generator(FOUR, architecture, encoder="vgg1", normalise="none")


def test_logits_head_blends_the_class_colors() -> None:
    generator = build_generator(FOUR, head="logits", width=4, max_width=8, depth=3, dropout=0)
    generated = generator(torch.randn(1, 3, 32, 32))
    expected = torch.einsum("nkhw,kc->nchw", generated.logits.softmax(1), map_colors(FOUR))
    assert torch.allclose(generated.map, expected)


def test_sure_logits_give_the_exact_map_color() -> None:
    generator = build_generator(FOUR, head="logits", width=4, max_width=8, depth=3, dropout=0)
    features = torch.full((1, 4, 1, 1), -50.0)
    features[0, 2] = 50.0
    assert torch.equal(generator.head(features).map.flatten(), map_colors(FOUR)[2])


def test_evaluation_is_deterministic_and_training_drops_out() -> None:
    torch.manual_seed(0)
    generator = build_generator(FOUR, head="logits", width=8, max_width=8, depth=4, dropout=0.5)
    photo = torch.randn(2, 3, 32, 32)
    assert not torch.equal(generator(photo).map, generator(photo).map)
    generator.eval()
    assert torch.equal(generator(photo).map, generator(photo).map)


@given(st.integers(1, 2000), st.integers(1, 2000), st.integers(2, 8))
def test_a_refused_size_says_what_fits(width: int, height: int, depth: int) -> None:
    step = 2**depth
    if width % step == 0 and height % step == 0:
        check_size((width, height), depth)
        return
    with pytest.raises(SizeError) as error:
        check_size((width, height), depth)
    told = re.search(r"multiples of (\d+) .*depth (\d+) or", str(error.value))
    assert told
    multiple, deepest = map(int, told.groups())
    check_size((3 * multiple, multiple), depth)
    check_size((width, height), deepest)
