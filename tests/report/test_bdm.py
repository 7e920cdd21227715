import pytest

from nusky.report.bdm import DIFFERENCES
from nusky.report.report import build_report
from tests.report.test_report import SUMMARY

BDM = {
    "supernova": "Cas <A>",
    "mx_mev": 1.0,
    "tx_mev": 5.0,
    "t_yr": 350.0,
    "duration_yr": 35.0,
    "tx_min_mev": 5.0,
    "tx_max_mev": 30.0,
    "numbers": {
        "flux": {"quantity": "flux of the model", "unit": "MeV⁻¹", "published": 5e-13, "standard": 2.5e-14},
        "zero": {"quantity": "nothing", "unit": "", "published": 0.0, "standard": 0.0},
        "missing": {"quantity": "unknown", "unit": "", "published": None, "standard": None},
    },
}
NO_SEARCH = {
    **dict.fromkeys(("release", "release_title", "citation", "livetime_days")),
    "seasons": [],
    "n_events": 0,
    "synthetic": False,
    "methods": {"published": {}, "standard": {}},
    "catalogues": {},
}


@pytest.fixture
def page(tmp_path):
    def page(**changes):
        build_report({**SUMMARY, **changes}, [], tmp_path / "report.html")
        return (tmp_path / "report.html").read_text()

    return page


def test_section_gives_the_numbers_side_by_side_and_says_why(page):
    html = page(bdm=BDM)
    assert "boosted by the neutrinos of Cas &lt;A&gt;, 350 years" in html
    assert 'data-value="20.0"' in html
    assert html.count("<li>Scattering") == 2
    assert all(sentence.endswith(".") and sentence.replace("'", "&#39;") in html for sentence in DIFFERENCES)


def test_no_section_without_boosted_dark_matter(page):
    assert "Boosted dark matter" not in page(bdm=None)
    assert "Boosted dark matter" not in page()


def test_a_run_without_a_search_has_a_page(page):
    html = page(bdm=BDM, **NO_SEARCH)
    assert "No events were searched." in html
    assert "There are no results yet." not in html
    assert "p-value" not in html[: html.index("<nav")]
    assert "2205.15963" not in html
    assert "None" not in html
