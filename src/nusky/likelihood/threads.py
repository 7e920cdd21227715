"""Parts of a long loop in threads: kernels release the GIL, and a part is the same whichever thread it falls to.

In place of numba's own parallel loops, each of which takes a second to compile.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numba

Result = TypeVar("Result")


def in_parts(n: int, size: int, work: Callable[[int, int], Result]) -> list[Result]:
    """`work(first, stop)` of the parts of range(n), `size` each, in order, in as many threads as numba may use."""
    parts = [(first, min(first + size, n)) for first in range(0, n, size)]
    if len(parts) < 2 or numba.get_num_threads() == 1:
        return [work(*part) for part in parts]
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        return list(pool.map(lambda part: work(*part), parts))
