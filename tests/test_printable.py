import unicodedata

import pytest

from nusky.errors import CatalogueError
from nusky.printable import printable

STEERING = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x7f",
    "\r",
    "\b",
    "\x00",
    "\u202e",
    "\u2066",
    "\u2028",
    "\ud800",
]


@pytest.mark.parametrize("text", STEERING, ids=ascii)
def test_what_steers_is_written_out(text):
    shown = printable(f"a{text}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.endswith("b")
    assert printable(shown) == shown


def test_every_control_character_and_every_turn_of_the_direction():
    for code in range(0x110000):
        character = chr(code)
        turns = unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        if turns or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            assert printable(character) != character, hex(code)


@pytest.mark.parametrize(
    "text", ["Crab", "日本語🙂", "العربية", "می‌خواهم", "a\u0301", "{} %s $x$ \\x1b", "e.g. 5\u00a0h"]
)
def test_names_of_all_the_world_stay(text):
    assert printable(text) == text


def test_line_ends_where_they_are_wanted():
    assert printable("a\nb\t\x1b", keep="\n") == "a\nb\\x09\\x1b"


@pytest.mark.parametrize("text", STEERING, ids=ascii)
def test_errors_that_quote_a_file(text):
    assert str(CatalogueError(f"line 1:\nno column '{text}'")).replace("\n", "").isprintable()
