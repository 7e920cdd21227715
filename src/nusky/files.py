"""Atomic writes and digests: no file is ever seen half written under its final name."""

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nusky.content import read_text
from nusky.errors import StorageError, TableError

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well, remove it otherwise."""
    final = Path(path)
    temporary = final.with_name(f".{final.name}.{os.getpid()}.part")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
        temporary.unlink()  # some writers refuse a file that exists
    except OSError as error:
        if error.errno in _FULL:
            raise _full_disk(final) from error
        raise StorageError(
            f"{path}: cannot be written ({error.strerror}). Make its folder writable or choose another one."
        ) from error
    try:
        with explain_full_disk(final):
            yield temporary
            with open(temporary, "rb+") as handle:
                os.fsync(handle.fileno())
            os.replace(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def explain_full_disk(path: Path) -> Iterator[None]:
    """Turn a full disk or quota in the block, which writes `path`, into a `StorageError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _full_disk(path) from error


def _full_disk(path: Path) -> StorageError:
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    return StorageError(
        f"{path}: the disk is full ({free / 1e6:.1f} MB free). Make room or choose another disk, then run again."
    )


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
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
