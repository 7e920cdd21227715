"""Safe unpacking of zip archives: all of it or nothing, and only members that stay inside the target folder."""

import errno
import lzma
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from nusky.errors import ArchiveError
from nusky.files import atomic_folder

MAX_BYTES = 8 * 1024**3
MAX_RATIO = 200
"""Largest expansion of a member, or of the whole archive; tables of numbers shrink by less than 50."""
MAX_MEMBERS = 10_000
MAX_NAME = 200
"""Longest path of a member, in bytes."""
_LITTER = {"__MACOSX", ".DS_Store"}
DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError)
"""What zipfile raises on content that is damaged, encrypted, or packed in a way it does not know; the last two are
kinds of RuntimeError."""


def unpack(
    archive: Path, target: Path, max_bytes: int = MAX_BYTES, again: str = "Delete it and fetch it again."
) -> None:
    """Unpack the zip file `archive` as the new folder `target`.

    The members go to a temporary folder beside `target`, which is renamed when all of them passed their checksums.

    Parameters
    ----------
    archive : zip file
    target : folder to make; must not exist
    max_bytes : largest total size of the unpacked members, bytes
    again : what to do about a damaged archive

    Raises
    ------
    ArchiveError
        The archive is damaged, or holds encrypted, absolute, climbing (``..``), linked, duplicate, implausibly
        compressed or too many members, or `target` exists.
    StorageError
        The disk is full.
    """
    if target.exists():
        raise ArchiveError(f"{target}: exists already. Delete it to unpack {archive} again.")
    try:
        with zipfile.ZipFile(archive) as file:
            members = _accepted_members(archive, file.infolist(), max_bytes)
            with atomic_folder(target) as temporary:
                for member in members:
                    file.extract(member, temporary)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ArchiveError(
            f"{archive}: a member is both a file and a folder ({error.strerror}). Fetch the archive again."
        ) from None
    except FileNotFoundError:
        raise ArchiveError(f"{archive}: no such file. Give the path of the release's zip archive.") from None
    except (*DAMAGE, OSError) as error:
        if getattr(error, "errno", None) not in (None, errno.EINVAL):  # of the disk, not of the archive
            raise
        raise ArchiveError(f"{archive}: truncated, damaged or not a zip archive ({error}). {again}") from None


def _accepted_members(archive: Path, members: list[zipfile.ZipInfo], max_bytes: int) -> list[zipfile.ZipInfo]:
    accepted = [m for m in members if not _LITTER & set(PurePosixPath(m.filename).parts)]
    if len(accepted) > MAX_MEMBERS:
        raise ArchiveError(
            f"{archive}: holds {len(accepted)} members, {MAX_MEMBERS} are allowed; nothing was unpacked. "
            "Fetch the archive again from the release's page."
        )
    seen: set[str] = set()
    for member in accepted:
        reason = _refusal(member)
        # Names that differ only in case fall on one file on some systems.
        key = str(PurePosixPath(member.filename)).casefold()
        if reason is None and key in seen:
            reason = "occurs twice"
        if reason is not None:
            raise ArchiveError(
                f"{archive}: member {member.filename[:MAX_NAME]!r} {reason}; nothing was unpacked. "
                "Fetch the archive again from the release's page."
            )
        seen.add(key)
    total, packed = sum(m.file_size for m in accepted), max(archive.stat().st_size, 1)
    if total > max_bytes or total / packed > MAX_RATIO:
        raise ArchiveError(
            f"{archive}: would unpack to {total} bytes from {packed} (allowed: {max_bytes} bytes and "
            f"{MAX_RATIO} times its size); nothing was unpacked. Fetch the archive again from the release's page."
        )
    if not any(not m.is_dir() for m in accepted):
        raise ArchiveError(f"{archive}: holds no files. Fetch the archive again from the release's page.")
    return accepted


def _refusal(member: zipfile.ZipInfo) -> str | None:
    """Why `member` must not be unpacked, or None."""
    path = PurePosixPath(member.filename)
    mode = stat.S_IFMT(member.external_attr >> 16)
    if path.is_absolute() or "\\" in member.filename or ":" in member.filename:
        return "has an absolute or system-dependent path"
    if ".." in path.parts or not path.parts:
        return "leads out of the folder"
    if len(member.filename.encode(errors="replace")) > MAX_NAME or not member.filename.isprintable():
        return f"has a name that is longer than {MAX_NAME} bytes or holds control characters"
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a special file"
    if member.flag_bits & 0x1:
        return "is encrypted"
    if member.file_size > MAX_RATIO * max(member.compress_size, 1):
        return f"expands more than {MAX_RATIO} times"
    return None
