"""Text of others as it may be shown: what would steer a terminal, a log or a page is written out."""

import re

_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0 and C1 with ESC, BEL, CSI; DEL
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # ends of lines, and what turns the direction of writing
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"  # marks and tags nobody sees, halves of characters
)


def printable(text: str, keep: str = "") -> str:
    r"""`text` with control characters, other than those of `keep`, as escapes: ``\x1b``, ``\u202e``.

    Above ASCII the escapes are those of JSON, so they may also stand in JSON text.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return _STEERING.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def for_spreadsheets(text: str) -> str:
    """`text` as a cell of a CSV: `printable`, and an apostrophe before what a spreadsheet would take for a formula.

    >>> for_spreadsheets("=1+1")
    "'=1+1"
    """
    text = printable(text)
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@＝＋－＠") else text


def _escape(character: str) -> str:
    if character < " ":
        return f"\\x{ord(character):02x}"
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[k : k + 4]}" for k in range(0, len(units), 4))
