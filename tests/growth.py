"""How the work of a function grows with the size of what it is given."""

import contextlib
import time
from collections.abc import Callable

FACTOR = 16


def assert_linear(work: Callable[[int], object], n: int = 4096) -> None:
    """Sixteen times as much takes less than four times sixteen times as long; squares would take 256 times."""
    small, large = (min(_seconds(work, size) for _ in range(3)) for size in (n, FACTOR * n))
    assert large < 4 * FACTOR * max(small, 1e-3)


def _seconds(work: Callable[[int], object], n: int) -> float:
    start = time.process_time()
    with contextlib.suppress(Exception):  # refusing something long must not take long either
        work(n)
    return time.process_time() - start
