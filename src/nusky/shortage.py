"""What a machine can lack or refuse: room on a disk, memory, open files, permission, its disks. One sentence each."""

import errno
import os
import shutil
from pathlib import Path

from nusky.errors import NuskyError, StorageError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_OTHERS = {
    errno.EFBIG: "is larger than a file may become here. Raise the limit (`ulimit -f`), or use another disk.",
    errno.EMFILE: "too many files are open. Raise the limit (`ulimit -n`), or run fewer jobs at once.",
    errno.ENFILE: "too many files are open on this machine. Run fewer jobs at once.",
    errno.ENOMEM: "there is not enough memory. Give the job more of it, or run fewer jobs at once.",
    errno.EAGAIN: "there are too many processes or threads. Raise the limit (`ulimit -u`), or run fewer jobs at once.",
    errno.EACCES: "Permission denied. Change its permissions or those of its folder, or choose another path.",
    errno.EPERM: "not permitted to this user. Change its owner or permissions, or choose another path.",
    **dict.fromkeys(
        (errno.EIO, errno.ESTALE, errno.EREMOTEIO),
        "the disk or the network behind it does not answer. Look after it, then run again.",
    ),
    errno.EROFS: "cannot be written, its file system is read-only. Choose another path.",
}


def shortage(error: BaseException | None, path: str | os.PathLike[str] | None = None) -> StorageError | None:
    """What the machine lacked when `error` came, as an error that says so in one line; None for all other errors.

    Parameters
    ----------
    error : what was raised; the errors it was raised from count as well, as libraries wrap those of the system
    path : file that was read or written; where None, the one the system named, if it did
    """
    while error is not None and not isinstance(error, NuskyError):
        if isinstance(error, MemoryError):
            detail = f" ({error})" if str(error) else ""
            return StorageError(f"{_named(path)}not enough memory{detail}. Give the job more, or run fewer at once.")
        if isinstance(error, OSError) and (error.errno in _FULL or error.errno in _OTHERS):
            where = path if path is not None else error.filename
            if error.errno in _FULL:
                return _full_disk(where)
            return StorageError(f"{_named(where)}{_OTHERS[error.errno]}")
        if isinstance(error, FileNotFoundError) and "usable temporary directory" in str(error):
            return StorageError("no folder for temporary files can be written to. Set TMPDIR to one.")
        if isinstance(error, RuntimeError) and "determine home directory" in str(error):
            return StorageError("this user has no home folder. Set HOME to a folder to be used as such.")
        if isinstance(error, RuntimeError) and "start new thread" in str(error):
            return StorageError(f"{_named(path)}{_OTHERS[errno.EAGAIN]}")
        error = error.__cause__ or error.__context__
    return None


def _named(path: str | os.PathLike[str] | None) -> str:
    return "" if path is None else f"{os.fspath(path)}: "


def _full_disk(path: str | os.PathLike[str] | None) -> StorageError:
    free = ""
    if path is not None:
        folder = next((parent for parent in Path(path).absolute().parents if parent.exists()), Path("/"))
        free = f" ({shutil.disk_usage(folder).free / 1e6:.1f} MB free)"
    return StorageError(f"{_named(path)}the disk is full{free}. Make room or choose another disk, then run again.")
