"""The one way kernels are compiled: kept on disk, IEEE arithmetic, releasing the GIL.

Compiled kernels are kept as pickles (`nusky.pickles`), as numba makes them. Where there is no folder for them that is
safe, every process compiles, and one line says so.
"""

import functools
import hashlib
import inspect
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from nusky import pickles
from nusky.errors import StorageError
from nusky.revision import sources_sha256

log = logging.getLogger(__name__)

_VERSIONS = (numba.__version__, sys.implementation.cache_tag)


def kernel(*, inner: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Decorator of numba kernels, serial ones: threads share their calls (`nusky.likelihood.threads`).

    An `inner` one is called by kernels only: Python cannot, and it compiles faster.
    """

    def compile_(function: Callable[..., Any]) -> Any:
        # nothing calls a kernel from C
        options = {"error_model": "numpy", "no_cfunc_wrapper": True, "no_cpython_wrapper": inner}
        compiled = numba.njit(nogil=True, **options)(function)
        if compiled is not function:  # as it is where NUMBA_DISABLE_JIT is set
            # numba's own cache falls back to other folders, and does not see a change in a kernel of another file.
            compiled._cache = _Kept(function)
        return compiled

    return compile_


class _Kept(NullCache):
    """The compiled versions of one function, one file for each, named after all that decides its content."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @property
    def cache_path(self) -> Path | None:
        """The folder of the versions; None where nothing is kept."""
        return _folder()

    def load_overload(self, sig: Any, target_context: Any) -> CompileResult | None:
        """The version for a signature, if it is kept, whole and the user's own."""
        target_context.refresh()
        path = self._path(sig, target_context.codegen())
        try:
            known = None if path is None else pickles.read(path)
        except StorageError as error:
            _complain(str(error))
            return None
        return None if known is None else CompileResult._rebuild(target_context, *known)

    def save_overload(self, sig: Any, data: CompileResult) -> None:
        """Keep a compiled version; where that is not possible, say so once and go on."""
        path = self._path(sig, data.codegen)
        if path is None or data.library.has_dynamic_globals:
            return
        try:
            pickles.write(path, dumps(data._reduce()))
        except StorageError as error:
            _complain(str(error))

    def _path(self, sig: Any, codegen: Any) -> Path | None:
        folder, source = _folder(), _digest_of(inspect.getfile(self._function))
        if folder is None or source is None:
            return None
        bound = tuple(cell.cell_contents for cell in self._function.__closure__ or ())
        where = (self._function.__module__, self._function.__qualname__, self._function.__code__.co_firstlineno)
        key = repr((str(sig), codegen.magic_tuple(), source, where, dumps(bound), _VERSIONS))
        return folder / f"{self._function.__name__}-{hashlib.sha256(key.encode()).hexdigest()[:32]}"


@functools.cache
def _digest_of(source: str) -> str | None:
    """Digest of the file a function stands in; None where it stands in none, as in a notebook."""
    path = Path(source)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


@functools.cache
def _folder() -> Path | None:
    """The folder for kernels of these sources, made where it is missing; None, and one line that says why, if unsafe.

    It lies in NUSKY_CACHE, NUMBA_CACHE_DIR or the user's cache folder, whichever is there first. Each state of the
    sources has its own, because a kernel holds those it calls.
    """
    given = os.environ.get("NUSKY_CACHE", "").strip() or numba.config.CACHE_DIR or platformdirs.user_cache_dir("nusky")
    folder = Path(given)
    try:
        base = folder.expanduser().absolute()
        folder = base / f"kernels-{sources_sha256()[:16]}"
        base.parent.mkdir(parents=True, exist_ok=True)
        for path in (base, folder):
            path.mkdir(mode=0o700, exist_ok=True)
        reason = pickles.distrust(base, shared=True) or pickles.distrust(folder, shared=False)
    except (OSError, RuntimeError) as error:  # the latter where nobody knows whose home a ~ is
        reason = f"{folder}: cannot be made ({getattr(error, 'strerror', None) or error})"
    if reason is None:
        return folder
    _complain(f"{reason}.")
    return None


def _complain(reason: str) -> None:
    """Say why kernels are not kept, once in a process."""
    if not _complaints:
        log.warning(
            "%s Kernels are compiled anew in every process; to keep them, set NUSKY_CACHE to a folder of your own.",
            reason,
        )
    _complaints.append(reason)


_complaints: list[str] = []
