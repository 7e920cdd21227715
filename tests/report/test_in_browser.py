"""The report as a browser shows it."""

import io

import matplotlib.image
import numpy as np
import pytest

from nusky.report.report import build_report
from tests.report.test_report import SOURCE, SUMMARY, inferred

SOURCES = [
    {**SOURCE, "name": name, "ts_max": ts, "ns_best": None if ts is None else 1}
    for name, ts in (("b", 9.5), ("a", 10.25), ("c", None), ("d", -0.5))
]


@pytest.fixture
def report(tmp_path):
    matplotlib.image.imsave(tmp_path / "red.png", np.full((40, 60, 3), (1.0, 0, 0)))
    summary = {**SUMMARY, "methods": {"published": {"wcda-hess": {"stacking": {}, "single_sources": SOURCES}}}}
    figure = {"path": tmp_path / "red.png", "title": "Red", "caption": "What is drawn."}
    build_report(summary, [figure], tmp_path / "report.html")
    return tmp_path / "report.html"


@pytest.fixture
def opened(page, report):
    """The report in a browser; afterwards nothing may have been complained about or asked of others."""
    page.problems.clear()
    page.requests.clear()
    page.view(1200, 900)
    page.open(report)
    yield page
    assert page.problems == []
    assert [url for url in page.requests if not url.startswith(("data:", report.as_uri()))] == []


def shown(page) -> np.ndarray:
    return (matplotlib.image.imread(io.BytesIO(page.screenshot()))[..., :3] * 255).astype(int)


def test_a_script_error_would_be_noticed(page, tmp_path):
    (tmp_path / "bad.html").write_text("<script>nowhere.at.all()</script>")
    page.problems.clear()
    page.open(tmp_path / "bad.html")
    assert "nowhere is not defined" in page.problems[0]


def test_figures_are_visible_with_their_captions(opened):
    place = opened.evaluate(
        "(() => { const image = document.querySelector('figure img'); image.scrollIntoView({block: 'center'});"
        " const box = image.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2,"
        " image.naturalWidth, image.naturalHeight]; })()"
    )
    assert place[2:] == [60, 40]
    np.testing.assert_array_equal(shown(opened)[int(place[1]), int(place[0])], [255, 0, 0])
    assert opened.evaluate("document.querySelector('figcaption').innerText") == "Red\nWhat is drawn."


def test_a_click_on_a_heading_sorts_numbers_as_numbers(opened):
    order = "[...document.querySelector('tbody').rows].map((row) => row.cells[{}].textContent).join(' ')"
    click = "[...document.querySelectorAll('th button')].find((b) => b.textContent === '{}').click()"
    assert opened.evaluate(order.format(0)) == "a b d c"  # as written: the largest TS first, what is missing last
    opened.evaluate(click.format("TS max"))
    assert opened.evaluate(order.format(0)) == "d b a c"
    opened.evaluate(click.format("TS max"))
    assert opened.evaluate(order.format(0)) == "a b d c"
    opened.evaluate(click.format("source"))
    assert opened.evaluate(order.format(0)) == "a b c d"
    assert opened.evaluate("document.querySelectorAll('th[aria-sort]').length") == 1


def test_nothing_is_wider_than_a_phone(opened):
    opened.view(360, 740, touch=True)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    assert opened.evaluate("Math.max(...[...document.querySelectorAll('h1, h2, p, li, figure, .scroll')]"
                           ".map((part) => part.getBoundingClientRect().right))") <= 360  # fmt: skip


@pytest.mark.parametrize(("scheme", "bright"), [("light", True), ("dark", False)])
def test_colours_follow_the_readers_scheme_with_contrast(opened, scheme, bright):
    opened.view(1200, 900, scheme)
    corner = shown(opened)[5, 5].mean()
    ink = opened.evaluate("getComputedStyle(document.body).color.match(/\\d+/g).map(Number)")
    assert (corner > 128) == bright
    assert abs(corner - np.mean(ink)) > 150


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_first_screen_holds_verdict_p_and_limit_and_the_sources_fit_beside_their_limits(
    page, tmp_path, width, height, scheme
):
    build_report(inferred(), [], tmp_path / "report.html")
    page.view(width, height, scheme, touch=width == 390)
    page.open(tmp_path / "report.html")
    lines = page.evaluate(
        "[...document.querySelectorAll('.verdict > *')].map((line) => [line.innerText,"
        " line.getBoundingClientRect().right, line.getBoundingClientRect().bottom])"
    )
    assert [text.split(":")[0].split(" (")[0] for text, *_ in lines] == [
        "No excess of neutrinos over background was found",
        "p = 0.1 for the run",
        "Upper limit at 90 % on wcda-hess",
    ]
    assert all(right <= width and bottom <= height for _, right, bottom in lines)
    heads = page.evaluate(
        "[...document.querySelector('[aria-labelledby=sources-1] thead tr').cells].slice(0, 4)"
        ".map((cell) => [cell.innerText.split(',')[0], cell.getBoundingClientRect().right])"
    )
    assert [text for text, _ in heads] == ["source", "local p", "p corrected", "limit"]
    assert heads[-1][1] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
