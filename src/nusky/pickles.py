"""What one process computes and others use again, kept as pickles: compiled kernels, prepared releases.

Reading a pickle runs what stands in it. So only files are read that belong to the user and that nobody else can write,
in folders of which the same is true, and only with the digest they were written with.
"""

import contextlib
import hashlib
import os
import pickle
import stat
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from nusky.errors import StorageError
from nusky.files import atomic_path
from nusky.revision import sources_sha256

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_DIGEST_BYTES = hashlib.sha256().digest_size
Made = TypeVar("Made")


def kept(folder: Path, name: str, inputs: Sequence[Path], make: Callable[[], Made]) -> Made:
    """What `make` returns, or returned to the process that asked for it first.

    Parameters
    ----------
    folder, name : where it is kept, if that is the user's own, and as what; one version of it
    inputs : files that it is made of; it is made anew when they, the sources or the libraries change
    make : the result is pickled
    """
    try:
        alone = not (distrust(folder.parent, shared=True) or distrust(folder, shared=False))
        states = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in inputs]
    except OSError:  # whoever makes it says what is missing
        alone = False
    if not alone:
        return make()
    libraries = [(library, version(library)) for library in ("numpy", "scipy", "pyarrow")]
    key = repr((states, libraries, sys.implementation.cache_tag, sources_sha256()))
    path = folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.pickle"
    with contextlib.suppress(StorageError):
        if (known := read(path)) is not None:
            return known
    made = make()
    with contextlib.suppress(OSError, StorageError):  # it is made again next time
        for old in folder.glob(f"{name}-*.pickle"):
            old.unlink(missing_ok=True)
        write(path, pickle.dumps(made, protocol=pickle.HIGHEST_PROTOCOL))
    return made


def read(path: Path) -> Any:
    """What was pickled into a file; None if it is not there or not whole, StorageError if not the user's alone."""
    content = memoryview(_own_content(path) or b"")
    if not content or hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
        return None
    return pickle.loads(content[_DIGEST_BYTES:])


def write(path: Path, content: bytes) -> None:
    """Keep `content`, a pickle; StorageError where that is not possible."""
    with atomic_path(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)


def distrust(path: Path, *, shared: bool) -> str | None:
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
    """The content of a file, None if there is none that can be read; StorageError if it is not the user's alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)  # of what was opened, whatever stands there by now
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & _OTHERS_WRITE:
            raise StorageError(f"{path}: belongs to another user or can be written by others, so it was not read.")
        try:
            return file.read()
        except (OSError, MemoryError):
            return None
