"""What is inside a file somebody gives: its bytes or its text, or a message that says what is wrong with it and where.

Sizes are limited, also of what a compressed file unpacks to, so that no file can fill the memory.
"""

import codecs
import difflib
import gzip
import os
import zlib
from pathlib import Path

from nusky.errors import NuskyError
from nusky.shortage import shortage

MAX_BYTES = 1 << 30
_WIDE = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def read_bytes(path: str | os.PathLike[str], error: type[NuskyError], max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a file, unpacked if its name ends in .gz; `error` if it cannot be read or holds over `max_bytes`."""
    try:
        with (gzip.open if Path(path).suffix.lower() == ".gz" else open)(path, "rb") as file:
            content = file.read(max_bytes + 1)
    except (OSError, EOFError, zlib.error, ValueError, MemoryError) as failure:
        if short := shortage(failure, path):
            raise short from None
        reason = getattr(failure, "strerror", None) or failure
        meant = f" Did you mean {alike}?" if (alike := beside(path)) else " Give the path of a complete file."
        raise error(f"{path}: cannot be read ({reason}).{meant}") from None
    if content.startswith(b"version https://git-lfs.github.com/"):
        raise error(f"{path}: stands for a file that Git LFS keeps elsewhere. Fetch it with `git lfs pull`.")
    if len(content) > max_bytes:
        raise error(f"{path}: holds more than {max_bytes} bytes, too many for such a file. Give a smaller one.")
    return content


def beside(path: str | os.PathLike[str]) -> Path | None:
    """The file that is called most like `path`, in its folder, where `path` itself is not there."""
    path = Path(path)
    try:
        files = [] if path.exists() else sorted(path.parent.iterdir())
        names = [file.name for file in files if file.is_file() and file.name[0] != "."]
    except (OSError, ValueError):
        return None
    alike = [name for name in names if Path(name).stem == path.name]
    alike = alike or difflib.get_close_matches(path.name, names, 1, 0.75)
    return path.with_name(alike[0]) if alike else None


def read_text(path: str | os.PathLike[str], error: type[NuskyError], max_bytes: int = MAX_BYTES) -> str:
    """The text of a UTF-8 file, without a byte-order mark and with the line ends it has; `error` if it is none."""
    content = read_bytes(path, error, max_bytes)
    for mark, encoding in _WIDE.items():
        if content.startswith(mark):
            raise error(f"{path}: is {encoding} text. Save it as UTF-8.")
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise error(f"{path}, line {line}: holds a NUL byte, so it is no text. Save it as UTF-8 text.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        line = failure.object.count(b"\n", 0, failure.start) + 1
        byte = failure.object[failure.start]
        raise error(f"{path}, line {line}: byte 0x{byte:02x} is no UTF-8 text. Save the file as UTF-8.") from None
