import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pix2seg.classes import load_scheme
from pix2seg.preprocess.background import GREY, Background, widen
from pix2seg.train.generator.augment import WIDEST_MARGIN, Sample, _cut, augment
from pix2seg.train.generator.recolor import parts_of
from pix2seg.train.recipe import AugmentationSettings

STILL = AugmentationSettings(
    flip=0,
    rotation=0,
    shift=0,
    zoom=0,
    close_up=0,
    color_jitter=0,
    hide_background=0,
    mask_mistakes=0,
    swap_background=0,
)
SETTINGS = AugmentationSettings(
    flip=0.5,
    rotation=10,
    shift=0.1,
    zoom=0.3,
    close_up=0.3,
    color_jitter=0.3,
    hide_background=0.3,
    mask_mistakes=2,
    swap_background=0.3,
)


def sample(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (48, 32, 3), dtype=np.uint8)
    mask = np.zeros((48, 32), np.uint8)
    mask[12:36, 8:24] = rng.integers(1, 4)
    return photo, mask


def changed(
    photo: np.ndarray,
    mask: np.ndarray,
    settings: AugmentationSettings,
    *,
    backdrop: tuple[np.ndarray, np.ndarray] | None = None,
    person: np.ndarray | None = None,
    background: Background = "grey",
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    person = mask if person is None else person
    rng = np.random.default_rng(seed)
    other, other_mask = backdrop or sample(2)
    changed = augment(
        Sample(photo, mask, person, mask),
        Sample(other, other_mask, other_mask, other_mask),
        settings,
        background,
        parts_of(load_scheme("four")),
        rng,
    )
    assert np.array_equal(changed.garments, changed.mask)  # they go through the same changes
    return changed.photo, changed.mask


@given(st.integers(0, 1000))
def test_same_generator_gives_the_same_copy(seed: int) -> None:
    first, second = (changed(*sample(1), SETTINGS, seed=seed) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])


@given(st.integers(0, 1000))
def test_shape_stays_and_no_class_is_invented(seed: int) -> None:
    (photo, mask), backdrop = sample(1), sample(2)
    before = photo.copy(), mask.copy()
    new_photo, new_mask = changed(photo, mask, SETTINGS, backdrop=backdrop, seed=seed)
    assert new_photo.shape == photo.shape
    assert new_photo.dtype == new_mask.dtype == np.uint8
    assert set(np.unique(new_mask)) <= set(np.unique(mask)) | set(np.unique(backdrop[1]))
    assert np.array_equal(photo, before[0])
    assert np.array_equal(mask, before[1])


@given(st.integers(0, 1000))
def test_close_up_shows_a_part_of_the_person(seed: int) -> None:
    photo, mask = sample(1)
    settings = STILL.model_copy(update={"close_up": 1})
    _, near = changed(photo, mask, settings, seed=seed)
    assert np.any(near)
    assert np.all(near[near > 0] == mask.max())


def test_close_up_of_a_photo_cut_to_somebody_shows_them() -> None:
    photo, mask = sample(1)
    mask[:] = 0
    mask[4:16, 2:10] = 1  # far from the middle, where the cut moves them to
    whole = Sample(photo, mask, mask, mask)
    settings = STILL.model_copy(update={"close_up": 1})
    parts = parts_of(load_scheme("four"))
    for seed in range(60):
        rng = np.random.default_rng(seed)
        near = augment(whole, whole, settings, "grey", parts, rng, crop=1.0)
        assert near.mask.any()


def test_some_photos_end_within_the_person() -> None:
    photo, mask = sample(1)
    photo[photo == GREY[0]] += 1  # so that grey is padding alone
    settings = STILL.model_copy(update={"close_up": 1})
    ends = {"above": 0, "below": 0}
    for seed in range(60):
        near, near_mask = changed(photo, mask, settings, seed=seed)
        padded = np.all(near == GREY, axis=2)
        assert not np.any(near_mask[padded])
        filled = np.flatnonzero(~np.all(padded, axis=1))
        ends["above"] += bool(filled[0] > 0 and near_mask[filled[0]].any())
        ends["below"] += bool(filled[-1] < len(near) - 1 and near_mask[filled[-1]].any())
    assert ends["below"] > ends["above"] > 0  # the upper part of a person is shown more often


def test_close_ups_look_at_the_head_as_often_as_at_all_the_rest() -> None:
    photo, mask = sample(1)
    mask[mask > 0] = 3
    mask[12:16][mask[12:16] > 0] = 2  # a sixth of the person, and one pixel of it at random is not
    settings = STILL.model_copy(update={"close_up": 1, "closest": 6.0, "heads": 0.5})
    nearest = []
    for seed in range(120):
        near, near_mask = changed(photo, mask, settings, seed=seed)
        if not np.any(np.all(near == GREY, axis=2)):  # else it ends within the person
            nearest.append(near_mask[24, 16])
    assert 0.35 < np.mean(np.array(nearest) == 2) < 0.8


def test_close_up_of_nobody_is_the_photo_itself() -> None:
    photo, mask = sample(1)
    settings = STILL.model_copy(update={"close_up": 1})
    new_photo, _ = changed(photo, np.zeros_like(mask), settings)
    assert np.abs(new_photo.astype(int) - photo).max() <= 1


def test_nothing_asked_for_changes_nothing() -> None:
    photo, mask = sample(1)
    new_photo, new_mask = changed(photo, mask, STILL)
    assert np.abs(new_photo.astype(int) - photo).max() <= 1
    assert np.array_equal(new_mask, mask)


def test_flip_mirrors_photo_and_mask_alike() -> None:
    photo, mask = sample(1)
    mask[:, :3] = 2
    settings = STILL.model_copy(update={"flip": 1.0})
    new_photo, new_mask = changed(photo, mask, settings)
    assert np.array_equal(new_mask, mask[:, ::-1])
    assert np.abs(new_photo.astype(int) - photo[:, ::-1]).max() <= 1


@given(st.integers(0, 100))
def test_hidden_background_leaves_a_rim_and_the_whole_person(seed: int) -> None:
    photo, mask = sample(1)
    settings = STILL.model_copy(update={"hide_background": 1.0})
    new_photo, new_mask = changed(photo, mask, settings, background="black", seed=seed)
    assert np.array_equal(new_mask, mask)
    hidden = (new_photo == 0).all(axis=2)
    assert hidden[~widen(mask > 0, WIDEST_MARGIN)].all()
    assert np.abs(new_photo[mask > 0].astype(int) - photo[mask > 0]).max() <= 1


def test_background_is_hidden_where_an_extractor_says_so() -> None:
    photo, mask = sample(1)
    person = np.zeros_like(mask)
    person[:, :16] = 255
    settings = STILL.model_copy(update={"hide_background": 1.0})
    new_photo, new_mask = changed(photo, mask, settings, person=person, background="white")
    assert np.array_equal(new_mask, mask)
    assert (new_photo[:, 20:] == 255).all()
    assert np.abs(new_photo[:, :16].astype(int) - photo[:, :16]).max() <= 1


def test_masks_get_mistakes_of_both_kinds() -> None:
    photo, mask = sample(1)
    settings = STILL.model_copy(update={"hide_background": 1.0, "mask_mistakes": 6.0})
    rim = widen(mask > 0, WIDEST_MARGIN)
    too_many = missing = 0
    for seed in range(60):
        new_photo, new_mask = changed(photo, mask, settings, background="black", seed=seed)
        visible = (new_photo > 0).any(axis=2)
        assert np.array_equal(new_mask, mask)
        too_many += (visible & ~rim).any()
        missing += (~visible & (mask > 0)).sum() > 1
    assert too_many > 15
    assert missing > 3


def test_swapped_background_brings_its_own_classes() -> None:
    (photo, mask), (other, other_mask) = sample(1), sample(2)
    other_mask[:5] = 2
    settings = STILL.model_copy(update={"swap_background": 1.0})
    new_photo, new_mask = changed(photo, mask, settings, backdrop=(other, other_mask))
    behind = mask == 0
    assert np.array_equal(new_mask[behind], other_mask[behind])
    assert np.array_equal(new_mask[~behind], mask[~behind])
    assert np.abs(new_photo[behind].astype(int) - other[behind]).max() <= 1


def test_hidden_passers_by_are_background() -> None:
    (photo, mask), (other, other_mask) = sample(1), sample(2)
    other_mask[:, :] = 2
    settings = STILL.model_copy(update={"swap_background": 1.0, "hide_background": 1.0})
    new_photo, new_mask = changed(photo, mask, settings, backdrop=(other, other_mask))
    hidden = ~widen(mask > 0, WIDEST_MARGIN)
    assert (new_mask[hidden] == 0).all()
    assert (new_photo[hidden] == new_photo[0, 0]).all()
    assert np.array_equal(new_mask[mask > 0], mask[mask > 0])


@pytest.mark.parametrize("jitter", [0.3, 0.9])
def test_jitter_changes_colors_but_not_the_mask(jitter: float) -> None:
    photo, mask = sample(1)
    settings = STILL.model_copy(update={"color_jitter": jitter})
    new_photo, new_mask = changed(photo, mask, settings)
    assert not np.array_equal(new_photo, photo)
    assert np.array_equal(new_mask, mask)


def test_photos_lose_their_colours() -> None:
    photo, mask = sample(1)
    grey, new_mask = changed(photo, mask, STILL.model_copy(update={"grey": 1.0}))
    assert np.array_equal(grey, np.repeat(grey[..., :1], 3, axis=2))
    assert np.corrcoef(grey[..., 0].ravel(), photo.mean(axis=2).ravel())[0, 1] > 0.8
    assert np.array_equal(new_mask, mask)


def test_skin_changes_its_tone_and_nothing_else_does() -> None:
    photo, mask = sample(1)
    mask[mask > 0] = 3
    mask[12:20][mask[12:20] > 0] = 1
    copy, new_mask = changed(photo, mask, STILL.model_copy(update={"skin_tone": 1.0}))
    assert np.array_equal(copy[mask != 1], photo[mask != 1])
    assert not np.array_equal(copy[mask == 1], photo[mask == 1])
    assert np.array_equal(new_mask, mask)


def test_clothes_are_recoloured_where_the_mask_alone_tells_of_them() -> None:
    photo, mask = sample(1)
    mask[mask > 0] = 3  # clothes, of the scheme four
    unknown = np.zeros_like(mask)
    settings = STILL.model_copy(update={"recolor": 1.0})
    parts = parts_of(load_scheme("four"))
    copy = augment(
        Sample(photo, mask, mask, unknown),
        Sample(photo, mask, mask, unknown),
        settings,
        "grey",
        parts,
        np.random.default_rng(0),
    )
    assert np.array_equal(copy.photo[mask == 0], photo[mask == 0])
    assert not np.array_equal(copy.photo[mask == 3], photo[mask == 3])
    assert not copy.garments.any()


@pytest.mark.parametrize("rows", [(0, 1), (7, 8), (0, 2), (6, 8), (3, 4), (0, 8)])
def test_whoever_is_a_line_at_an_edge_can_be_cut(rows: tuple[int, int]) -> None:
    mask = np.zeros((8, 6), np.uint8)
    mask[slice(*rows), 2:4] = 1
    for seed in range(100):
        transform, part = _cut(mask, np.random.default_rng(seed))
        assert np.isfinite(transform).all()
        if part:
            assert all(axis.start < axis.stop for axis in part)
