"""The documentation's own claims: its examples run, its configurations are valid, its links lead somewhere."""

import re

import pytest
import yaml

from nusky import config

PAGES = (
    "README.md",
    "docs/api.md",
    "docs/architecture.md",
    "docs/configuration.md",
    "docs/conventions.md",
    "docs/data.md",
    "docs/summary.md",
)


def blocks(text: str, language: str) -> list[tuple[int, str]]:
    """Code blocks of a Markdown text with the line they begin on."""
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in found]


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_python_examples_run_in_order(repository, page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "examples"}
    for line, code in blocks((repository / page).read_text(encoding="utf-8"), "python"):
        # Padding makes a traceback name the line of the page.
        exec(compile("\n" * line + code, page, "exec"), namespace)


def test_the_api_page_has_examples(repository):
    assert len(blocks((repository / "docs/api.md").read_text(encoding="utf-8"), "python")) >= 5


@pytest.mark.parametrize("page", ["README.md", "docs/data.md"])
def test_configurations_shown_are_valid(repository, page):
    shown = blocks((repository / page).read_text(encoding="utf-8"), "yaml")
    assert shown
    for _, text in shown:
        config.parse({"run": "example", "catalogues": {"wcda-hess": {}}, **yaml.safe_load(text)}, where=page)


@pytest.mark.parametrize("page", PAGES)
def test_links_inside_the_repository_exist(repository, page):
    path = repository / page
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert not missing, f"{page} links to files that do not exist"


def test_the_summary_page_names_every_key(repository):
    from nusky.stages import summary

    text = (repository / "docs/summary.md").read_text(encoding="utf-8")
    for column in summary._STACK_COLUMNS:
        assert f"`{summary._RENAMED.get(column, column)}`" in text
