"""What the tests of training share."""

import pytest


@pytest.fixture(scope="session")
def small_overrides() -> tuple[str, ...]:
    """What makes a pix2pix recipe small enough to train on the spot."""
    return (
        "size=64x96",
        "generator.width=4",
        "generator.max_width=8",
        "generator.depth=3",
        "generator.wide_blocks=0",
        "generator.garment_encoder=none",
        "generator.opinion=0",
        "loss.opinion_weight=0",
        "schedule.batch_size=2",
    )
