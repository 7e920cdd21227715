"""Atomic writes and digests: no file is ever seen half written under its final name."""

import contextlib
import errno
import fcntl
import glob
import hashlib
import json
import math
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nusky.content import read_text
from nusky.errors import StorageError, TableError
from nusky.shortage import shortage

_ABANDONED_S = 86400.0


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    Raises `StorageError` where the folder cannot be written to, the disk is full, or the machine falls short otherwise.
    """
    final = Path(path)
    # Jobs of several machines or containers may share a folder and the number of a process.
    temporary = final.with_name(f".{final.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part")
    with explain_shortage(final):
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch()
            temporary.unlink()  # some writers refuse a file that exists
        except OSError as error:
            if shortage(error):
                raise
            raise StorageError(
                f"{path}: cannot be written ({error.strerror}). Make its folder writable or choose another one."
            ) from error
        try:
            yield temporary
            with open(temporary, "rb+") as handle:
                os.fsync(handle.fileno())
            os.replace(temporary, final)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def explain_shortage(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn a full disk, missing permission and the like in the block, which is about `path`, into a `StorageError`."""
    try:
        yield
    except (OSError, MemoryError) as error:
        if explained := shortage(error, path):
            raise explained from error
        raise


@contextlib.contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Give an empty folder ``.NAME.*.part`` in the folder of the path `beside`; it is removed at the end.

    So are those that killed processes left there: who works in one holds its lock.
    """
    with explain_shortage(beside):
        beside.parent.mkdir(parents=True, exist_ok=True)
        for left in beside.parent.glob(f".{glob.escape(beside.name)}.*.part"):
            if left.is_dir() and (lock := _locked(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)
        lock = None
        while lock is None:  # another process may take it for left over before it is locked
            folder = Path(tempfile.mkdtemp(prefix=f".{beside.name}.", suffix=".part", dir=beside.parent))
            lock = _locked(folder, new=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path, *, new: bool = False) -> int | None:
    """Descriptor that holds the lock of a folder; None if another process holds it, or removed the folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = folder.exists()
    except BlockingIOError:
        free = False
    except OSError:  # a file system without such locks: nobody works in one folder for so long
        free = new or time.time() - folder.stat().st_mtime > _ABANDONED_S
    if not free:
        os.close(descriptor)
    return descriptor if free else None


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder; it becomes `target` when the block ends well, and is removed otherwise.

    Where another process made `target` meanwhile, that one stays.
    """
    with scratch_folder(target) as folder:
        yield folder
        folder.chmod(0o755)
        try:
            folder.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not target.is_dir():
                raise


def ensure_cache_home(instead: Path) -> None:
    """Let programs keep their caches in the folder `instead`, where that of the user cannot be made."""
    import platformdirs

    try:
        own = Path(platformdirs.user_cache_dir())
        own.mkdir(parents=True, exist_ok=True)
        usable = os.access(own, os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        os.environ["XDG_CACHE_HOME"] = str(instead.absolute())


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` atomically, in UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write `content` as indented JSON; NaN and infinities are refused, as JSON has none."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def finite_or_null(content: Any) -> Any:
    """A nest of mappings and sequences as JSON can hold it: null for NaN and infinities, keys as text."""
    if isinstance(content, Mapping):
        return {str(key): finite_or_null(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite_or_null(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def read_json(path: str | os.PathLike[str], keys: Iterable[str] = ()) -> dict[str, Any]:
    """Read a JSON file written by nusky: an object that has the `keys`.

    Raises
    ------
    TableError
        The file is missing or damaged, or a key is.
    """
    text = read_text(path, TableError)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TableError(f"{path}: not valid JSON ({error}). Delete it and run again.") from None
    if not isinstance(content, dict):
        raise TableError(f"{path}: holds a JSON {type(content).__name__}, no object. Delete it and run again.")
    missing = [key for key in keys if key not in content]
    if missing:
        raise TableError(f"{path}: the key '{missing[0]}' is missing. Delete it and run again.")
    return content


def sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, hexadecimal."""
    with explain_shortage(path), open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
