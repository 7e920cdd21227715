"""The one way kernels are compiled: kept on disk, IEEE arithmetic, releasing the GIL.

Compiled kernels are kept as pickles, as numba makes them, and reading a pickle runs what stands in it. So only files
are read that belong to the user and that nobody else can write, in folders of which the same is true, and only with
the digest they were written with. Where there is no such folder, every process compiles, and one line says so.
"""

import functools
import hashlib
import inspect
import logging
import os
import pickle
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from nusky.errors import StorageError
from nusky.files import atomic_path
from nusky.revision import sources_sha256

log = logging.getLogger(__name__)

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_DIGEST_BYTES = hashlib.sha256().digest_size
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
        content = None if path is None else _own_content(path)
        if not content or hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
            return None
        return CompileResult._rebuild(target_context, *pickle.loads(content[_DIGEST_BYTES:]))

    def save_overload(self, sig: Any, data: CompileResult) -> None:
        """Keep a compiled version; where that is not possible, say so once and go on."""
        path = self._path(sig, data.codegen)
        if path is None or data.library.has_dynamic_globals:
            return
        content = dumps(data._reduce())
        try:
            with atomic_path(path) as temporary:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with open(descriptor, "wb") as file:
                    file.write(hashlib.sha256(content).digest() + content)
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
        reason = _distrust(base, shared=True) or _distrust(folder, shared=False)
    except (OSError, RuntimeError) as error:  # the latter where nobody knows whose home a ~ is
        reason = f"{folder}: cannot be made ({getattr(error, 'strerror', None) or error})"
    if reason is None:
        return folder
    _complain(f"{reason}.")
    return None


def _distrust(path: Path, *, shared: bool) -> str | None:
    """Why others could have put something at `path`, None if they could not.

    A `shared` folder may be root's, or writable by all if nobody can rename what others have there, such as /tmp.
    """
    status = path.stat()
    if status.st_uid != os.geteuid() and not (shared and status.st_uid == 0):
        return f"{path}: belongs to another user (number {status.st_uid}), whose code would be run"
    if status.st_mode & _OTHERS_WRITE and not (shared and status.st_mode & stat.S_ISVTX):
        return f"{path}: others can write there, and their code would be run (`chmod go-w` ends that)"
    return None


def _own_content(path: Path) -> bytes | None:
    """The content of a file that is the user's alone; None if there is none that can be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)  # of what was opened, whatever stands there by now
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & _OTHERS_WRITE:
            _complain(f"{path}: belongs to another user or can be written by others, so it was not read.")
            return None
        try:
            return file.read()
        except (OSError, MemoryError):
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
