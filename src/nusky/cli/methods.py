"""`nusky methods`: how a run was made, as a paragraph for a paper with its references."""

from pathlib import Path
from typing import Annotated

import typer

from nusky.cli import console


def methods(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run, such as results/demo.")],
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Only the references, in BibTeX.")] = False,
) -> None:
    """Write a methods paragraph (LaTeX, with the numbers of the run) and the BibTeX entries that it cites.

    \b
    Examples:
      nusky methods results/demo
      nusky methods results/demo --bibtex > references.bib
    """
    from nusky.files import read_json
    from nusky.paths import summary_of
    from nusky.report import methods as written

    summary = read_json(summary_of(run), keys=("run", "methods", "catalogues", "versions"))
    if not bibtex:
        console.say(written.paragraph(summary))
        console.say()
    console.say(written.bibtex(summary))
