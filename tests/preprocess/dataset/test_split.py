from hypothesis import given
from hypothesis import strategies as st

from pix2seg.preprocess.dataset.ccp import NEAR_DUPLICATES, ccp_split_of
from pix2seg.preprocess.dataset.split import split_of

SHARES = st.floats(0, 1)
FIRST_VAL = ["0004", "0008", "0010", "0013", "0014", "0025", "0033", "0043", "0054"]


def test_a_tenth_of_ccp_validates() -> None:
    names = [f"{i:04d}" for i in range(1, 905)]
    share = sum(ccp_split_of(name) == "val" for name in names) / len(names)
    assert 0.08 < share < 0.12


def test_the_split_never_changes() -> None:
    # Published scores stand on these photos: a change of the hash must not pass unseen.
    val = [name for name in (f"{i:04d}" for i in range(1, 60)) if ccp_split_of(name) == "val"]
    assert val == FIRST_VAL


@given(SHARES)
def test_near_duplicates_stay_on_one_side(share: float) -> None:
    for second, first in NEAR_DUPLICATES.items():
        assert ccp_split_of(second, share) == split_of(first, share)


def test_the_duplicates_of_ccp_are_those_of_no_other_data_set() -> None:
    # At some share of validation photos, the hash alone parts two photos that CCP keeps together.
    shares = [i / 1000 for i in range(1001)]
    for second, first in NEAR_DUPLICATES.items():
        assert any(split_of(second, share) != split_of(first, share) for share in shares)


@given(st.text(), SHARES, SHARES)
def test_a_larger_share_only_adds_validation_photos(name: str, one: float, other: float) -> None:
    if split_of(name, min(one, other)) == "val":
        assert split_of(name, max(one, other)) == "val"


def test_the_extremes() -> None:
    assert split_of("0001", 0.0) == "train"
    assert split_of("0001", 1.0) == "val"
