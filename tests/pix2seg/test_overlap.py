import threading
from collections.abc import Iterator

import pytest

from pix2seg.overlap import AHEAD, overlapped


def test_results_keep_their_order_and_come_from_another_thread() -> None:
    threads = set()

    def double(number: int) -> int:
        threads.add(threading.get_ident())
        return 2 * number

    assert list(overlapped(double, range(20))) == list(range(0, 40, 2))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_items_are_drawn_no_further_ahead_than_said() -> None:
    drawn = []

    def items() -> object:
        for number in range(100):
            drawn.append(number)
            yield number

    results = overlapped(str, items())
    for taken in range(1, 10):
        next(results)
        assert len(drawn) <= taken + AHEAD
    results.close()  # type: ignore[attr-defined]
    assert len(drawn) < 20


def test_an_item_s_error_comes_after_the_results_before_it() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        raise RuntimeError("no more")

    results = overlapped(lambda number: 2 * number, items())
    assert [next(results) for _ in range(3)] == [2, 4, 6]
    with pytest.raises(RuntimeError, match="no more"):
        next(results)


def test_a_step_s_error_comes_in_its_turn() -> None:
    results = overlapped(lambda number: 1 // number, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
