"""Seeded mutations of valid files: structured damage and plain noise, the same ones for the same seed."""

import random
import re

TOKENS = [
    *(b"nan", b"NaN", b"inf", b"-inf", b"1e400", b"-1e400", b"1e-400", b"0x1p3", b"1_0", b"-0", b"9" * 30, b"9" * 5000),
    *(b"", b" ", b"\t", b",", b";", b"|", b'"', b"'", b"#", b"\r", b"\r\n", b"\n", b"\n\n", b"\0", b"\x0b", b"\x1c"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\x80", "é".encode(), "\u2028".encode(), "\u202e".encode()),
    *(b"\xc2\xa0", "١٢".encode(), b"a" * 3000, b"$\\frac", b"<b>", b"../..", b"/etc/passwd", b"null", b"true", b"{}"),
    *(
        b"[]",
        b"[" * 3000,
        b"{" * 3000,
        b"&a [*a]",
        b"<<: *a",
        b"!!python/object:os.system",
        b"!!int 'x'",
        b"2024-99-99",
    ),
    *(b"2024-99-99", b"---", b'<!DOCTYPE a [<!ENTITY b "c">]>', b"&b;", b'<STREAM href="file:///etc/passwd"/>', b"]]>"),
    *(b"rad", b"[RAD]", b"(h)", b"hourangle", b"arcmin", b"_deg", b'"h:m:s"', b"12h30m", b"05 34 31.9", "°′″".encode()),
    *(b"GLON", b"GLAT", b"ELON", b"RAB1950", b"FK4", b"ICRS", b"J2000", b"pos.galactic.lon", b"pos.eq.dec"),
    *(b"<", b">", b"l_", b"_limit", b"OVERFLOW", b"ERROR", b"J1950.0", b"e_", "\u2212".encode()),
    *(b"PK\x01\x02", b"PAR1", b"\x00" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80"),
]
"""What readers tend to stumble over."""
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")


def mutants(seeds: list[bytes], count: int, seed: int):
    """`count` inputs made from valid files: most of them damaged in one to four places, a few only noise."""
    rng = random.Random(seed)
    for _ in range(count):
        if rng.random() < 0.02:
            yield rng.randbytes(rng.randrange(300))
            continue
        content = rng.choice(seeds)
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
            content = rng.choice(_MUTATIONS)(rng, content)
        yield content


def _span(rng: random.Random, content: bytes, longest: int = 60) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.randrange(longest))


def _flip(rng, content):
    if not content:
        return content
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


def _overwrite(rng, content):
    start, stop = _span(rng, content, 8)
    return content[:start] + rng.randbytes(stop - start) + content[stop:]


def _insert(rng, content):
    start, _ = _span(rng, content)
    return content[:start] + rng.choice(TOKENS) + content[start:]


def _replace(rng, content):
    start, stop = _span(rng, content, 12)
    return content[:start] + rng.choice(TOKENS) + content[stop:]


def _delete(rng, content):
    start, stop = _span(rng, content)
    return content[:start] + content[stop:]


def _repeat(rng, content):
    start, stop = _span(rng, content)
    return content[:stop] + content[start:stop] * rng.randrange(1, 4) + content[stop:]


def _truncate(rng, content):
    return content[: rng.randrange(len(content) + 1)]


def _number(rng, content):
    """Another number where one stands, or something that is none."""
    found = list(_NUMBER.finditer(content))
    if not found:
        return content
    at = rng.choice(found)
    new = rng.choice((b"%d" % rng.randrange(-400, 400), b"%.3e" % rng.uniform(-1e9, 1e9), rng.choice(TOKENS)))
    return content[: at.start()] + new + content[at.end() :]


def _lines(rng, content):
    """Drop, double or swap lines."""
    lines = content.split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    action = rng.randrange(3)
    if action == 0:
        del lines[i]
    elif action == 1:
        lines.insert(j, lines[i])
    else:
        lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def _words(rng, content):
    """Swap two words, such as two column names or two keys."""
    words = re.split(rb"([\s,:<>=]+)", content)
    i, j = rng.randrange(len(words)), rng.randrange(len(words))
    words[i], words[j] = words[j], words[i]
    return b"".join(words)


def _encoding(rng, content):
    text = content.decode("latin-1")
    return rng.choice(
        (
            lambda: text.encode("utf-16"),
            lambda: b"\xef\xbb\xbf" + content,
            lambda: content.replace(b"\n", b"\r\n"),
            lambda: content.replace(b"\n", b"\r"),
        )
    )()


_MUTATIONS = [_flip, _overwrite, _insert, _replace, _delete, _repeat, _truncate, _number, _lines, _words] * 3 + [
    _encoding
]
