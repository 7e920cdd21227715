"""Settings of the documentation site: `make docs` builds it into docs/_build/html.

Nothing is fetched, neither at build time nor by the pages: no web fonts, no scripts from elsewhere.
"""

import os
import pkgutil
import re
import shutil
from pathlib import Path

import nusky

HERE = Path(__file__).parent
GENERATED = HERE / "_generated"
PYTHON = GENERATED / "python"

project = "nusky"
author = "The nusky developers"
copyright = "The nusky developers, BSD-3-Clause"
version = release = nusky.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "sphinx_copybutton"]
exclude_patterns = ["_build"]
# Shapes in docstrings ("(n_events,) float64") stand where types do and are no references.
suppress_warnings = ["ref.python"]

html_theme = "furo"
html_title = f"nusky {release}"
html_show_sourcelink = False

myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"

default_role = "code"  # single backticks in docstrings are code
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}

PAGES = {
    "README.md": "docs/index.md",
    "CONTRIBUTING.md": "docs/_generated/contributing.md",
    "CHANGELOG.md": "docs/_generated/changelog.md",
    "resources/catalogues/README.md": "docs/_generated/source_lists.md",
    "resources/supernovae/README.md": "docs/_generated/supernovae.md",
    "resources/detectors/README.md": "docs/_generated/detectors.md",
}
"""Texts of the repository outside docs/ -> the page of the site that shows them."""


def relinked(text: str, origin: str, page: str) -> str:
    """`text` of the file `origin` with the links it needs as `page`; both are paths in the repository."""

    def link(match: re.Match[str]) -> str:
        target, anchor = match[1], match[2] or ""
        if "://" in target or not target:
            return match[0]
        place = os.path.normpath(os.path.join(os.path.dirname(origin), target))
        return f"]({os.path.relpath(PAGES.get(place, place), os.path.dirname(page))}{anchor})"

    return re.sub(r"\]\(([^)#\s]*)(#[^)\s]*)?\)", link, text)


def write_texts() -> None:
    """The texts outside docs/ as pages."""
    for origin, page in PAGES.items():
        if page.startswith("docs/_generated/"):
            text = (HERE.parent / origin).read_text(encoding="utf-8")
            (HERE.parent / page).write_text(relinked(text, origin, page), encoding="utf-8")


def write_python_reference() -> None:
    """One page for every package below nusky, and one for the modules beside them, from the docstrings."""
    pages: dict[str, list[str]] = {"nusky": ["nusky"]}
    for module in pkgutil.walk_packages(nusky.__path__, "nusky."):
        if module.name.startswith("nusky.cli"):  # commands: their docstrings are what --help prints
            continue
        inner = module.ispkg or module.name.count(".") > 1
        pages.setdefault(".".join(module.name.split(".")[:2]) if inner else "nusky", []).append(module.name)
    for package, modules in pages.items():
        text = [f"# {package}"]
        for name in modules:
            # A package shows nothing but its docstring: what it offers has its place in a module below.
            face = name.count(".") == 1 and package != "nusky"
            heading = [] if name == package else [f"## {name}"]
            option = ["   :no-members:"] if face else []
            text += [*heading, "\n".join(["```{eval-rst}", f".. automodule:: {name}", *option, "```"])]
        (PYTHON / f"{package}.md").write_text("\n\n".join(text) + "\n", encoding="utf-8")
    about = (
        "# Python modules\n\nEvery public function and class, from its docstring. What most people need, with "
        "examples, is in [Calling nusky from Python](../../api.md)."
    )
    listing = "\n".join(["```{toctree}", ":maxdepth: 1", "", *sorted(pages), "```"])
    (PYTHON / "index.md").write_text(f"{about}\n\n{listing}\n", encoding="utf-8")


def relink_page(app, name, source) -> None:
    """Links of the pages that lead out of docs/; patterns of the index that match no page."""
    if name == "index":
        source[0] = re.sub(r"^(\w+\*)\n", lambda m: m[0] if any(HERE.glob(f"{m[1]}.md")) else "", source[0], flags=re.M)
    if not name.startswith("_generated/"):
        source[0] = relinked(source[0], f"docs/{name}.md", f"docs/{name}.md")


def escape_bars(app, what, name, obj, options, lines) -> None:
    """|x| in a docstring is an absolute value, not a substitution."""
    lines[:] = [line if "``" in line else line.replace("|", "\\|") for line in lines]


def setup(app) -> None:
    # Compiled kernels have no signature to show; the plain functions they are made of do.
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    shutil.rmtree(GENERATED, ignore_errors=True)
    PYTHON.mkdir(parents=True)
    write_texts()
    write_python_reference()
    app.connect("source-read", relink_page)
    app.connect("autodoc-process-docstring", escape_bars)
