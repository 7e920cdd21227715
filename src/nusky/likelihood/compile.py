"""The one way kernels are compiled: cached on disk, IEEE arithmetic, releasing the GIL."""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs


def kernel(*, parallel: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Decorator of numba kernels. Reductions stay serial inside a kernel, so threads never change a result."""

    def compile_(function: Callable[..., Any]) -> Any:
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = before or _cache_folder()
        try:
            return numba.njit(cache=True, nogil=True, parallel=parallel, error_model="numpy")(function)
        finally:
            numba.config.CACHE_DIR = before

    return compile_


@functools.cache
def _cache_folder() -> str:
    """One cache per state of the sources: numba does not notice a change in a kernel called from another file."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for source in sorted(package.rglob("*.py")):
        digest.update(source.read_bytes())
    folder = (
        Path(os.environ.get("NUSKY_CACHE", platformdirs.user_cache_dir("nusky"))) / f"kernels-{digest.hexdigest()[:16]}"
    )
    return str(folder)
