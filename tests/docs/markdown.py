"""The pages of the documentation and the code blocks in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w{}-]*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$", re.M | re.S)
NOT_RUN = re.compile(r"^\*Not run by the tests: (.+)\*$", re.S)


@dataclass(frozen=True)
class Block:
    """A fenced code block; `above` is the paragraph before it, `line` that of its first line of code."""

    language: str
    code: str
    above: str
    line: int

    @property
    def not_run(self) -> str | None:
        """Why the block is not run; None if it is."""
        match = NOT_RUN.match(self.above)
        return " ".join(match[1].split()) if match else None


def pages(repository: Path) -> list[str]:
    """Every page of the documentation, as paths in the repository."""
    written = [p for p in (repository / "docs").rglob("*.md") if not {"_build", "_generated"} & set(p.parts)]
    texts = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
    return [*texts, *sorted(str(page.relative_to(repository)) for page in written)]


def blocks(text: str, language: str = "") -> list[Block]:
    """The code blocks of a Markdown text, in order; those of one language if it is given."""
    return [block for block in _all(text) if language in ("", block.language)]


def _all(text: str) -> Iterator[Block]:
    for match in FENCE.finditer(text):
        paragraphs = re.split(r"\n\s*\n", text[: match.start()].rstrip("\n"))
        above = " ".join(line.strip() for line in paragraphs[-1].splitlines())
        # A block that follows another one directly has no paragraph of its own.
        above = "" if above.endswith("```") else above
        line = text.count("\n", 0, match.start("code")) + 1
        yield Block(match["language"], dedent(match["code"]), above, line)
