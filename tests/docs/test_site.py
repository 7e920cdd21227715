"""The documentation builds without a warning into pages that load nothing from elsewhere."""

import re
import subprocess
import sys

import pytest

from docs.conf import PAGES, relinked

LOADED = re.compile(r"<(?:script|img|iframe|link)[^>]*?(?:src|href)=\"(?:https?:)?//[^\"]*\"[^>]*>")


@pytest.mark.slow
def test_the_site_builds_and_is_self_contained(repository, tmp_path):
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-b", "html"]
    done = subprocess.run(
        [*command, "docs", str(tmp_path)], cwd=repository, capture_output=True, text=True, timeout=1500
    )
    assert done.returncode == 0, done.stderr
    built = list(tmp_path.rglob("*.html"))
    assert len(built) > 30
    loaded = [match for page in built for match in LOADED.findall(page.read_text(encoding="utf-8"))]
    assert not loaded, "pages load files from elsewhere"
    styles = [
        path for path in (tmp_path / "_static").rglob("*.css") if re.search(r"url\(['\"]?https?:", path.read_text())
    ]
    assert not styles, "style sheets load files from elsewhere"
    reference = (tmp_path / "_generated/python/nusky.search.html").read_text(encoding="utf-8")
    assert "single_source_search" in reference


@pytest.mark.parametrize(
    ("text", "origin", "page", "expected"),
    [
        ("[a](docs/data.md#x)", "CONTRIBUTING.md", "docs/_generated/contributing.md", "[a](../data.md#x)"),
        ("[a](CHANGELOG.md)", "CONTRIBUTING.md", "docs/_generated/contributing.md", "[a](changelog.md)"),
        ("[a](../README.md)", "docs/data.md", "docs/data.md", "[a](index.md)"),
        ("[a](https://x.org/y)", "docs/data.md", "docs/data.md", "[a](https://x.org/y)"),
        ("[a](#here)", "docs/data.md", "docs/data.md", "[a](#here)"),
    ],
)
def test_links_find_their_page(text, origin, page, expected):
    assert relinked(text, origin, page) == expected


def test_texts_from_outside_exist(repository):
    assert all((repository / origin).is_file() for origin in PAGES)
