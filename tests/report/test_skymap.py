from nusky.report.numbers import format_number
from nusky.report.report import build_report
from nusky.report.skymap import skymap_findings, skymap_tables
from nusky.stages import skymap_summary
from tests import skymap_run
from tests.report.test_report import SUMMARY


def test_sentences_say_where_how_hot_and_how_probable(tmp_path):
    south, north = skymap_findings(skymap_summary.collect(skymap_run.write(tmp_path)), format_number)
    assert south == "all-sky map, spatial and energy, γ fitted, south of declination −5°: no hot spot."
    assert north == (
        "all-sky map, spatial and energy, γ fitted, north of declination −5°: the hottest spot is at RA 83.25°, "
        "Dec 22.5°, TS = 21.5 at 12.25 signal events, γ = 2.25; local p < 0.002, above all 499 trials; post-trial "
        "p = 0.04 (0.02 to 0.07 at 68 %; 1.75 σ) from 99 scrambled skies."
    )


def test_a_number_beyond_the_trials_is_there_on_request_with_its_error(tmp_path):
    found = skymap_summary.collect(skymap_run.write(tmp_path, tail_p_values=True))
    *_, north = skymap_findings(found, format_number)
    assert "local p < 0.002, above all 499 trials, of the fitted tail p = 1.000 × 10⁻⁵ (4.000 × 10⁻⁶ to " in north
    ((_, columns, rows, _),) = skymap_tables(found)
    assert columns[-3:] == ["p of the fitted tail", "from", "to"]
    assert [row[-3:] for row in rows] == [[1e-5, 4e-6, 3e-5], [0.04, 0.03, 0.05]]


def test_a_sky_hotter_than_all_others_is_below_what_they_can_tell(tmp_path):
    found = skymap_summary.collect(skymap_run.write(tmp_path))
    found["hottest"][1] |= {"p_post": 0.01, "significance_post": 2.33}
    *_, north = skymap_findings(found, format_number)
    assert "post-trial p < 0.01 (0.02 to 0.07 at 68 %; more than 2.33 σ) from 99" in north


def test_table_lists_the_spots_by_number(tmp_path):
    ((title, columns, rows, description),) = skymap_tables(skymap_summary.collect(skymap_run.write(tmp_path)))
    assert title == "Hot spots of the sky"
    assert columns[:4] == ["number", "RA [deg]", "Dec [deg]", "TS"]
    assert [row[:4] for row in rows] == [[1, 83.25, 22.5, 21.5], [2, 200.0, -30.0, 9.0]]
    assert [format_number(row[-1]) for row in rows] == ["< 0.002", "0.04"]
    assert "499 trials at each declination" in description


def test_a_run_without_a_map_says_nothing():
    assert list(skymap_findings(None, format_number)) == []
    assert list(skymap_tables(None)) == []
    assert list(skymap_tables({"spots": [], "hottest": []})) == []


def test_the_report_leads_to_the_interactive_map(tmp_path):
    skymap = skymap_summary.collect(skymap_run.write(tmp_path))
    for summary, leads in ((SUMMARY, False), (SUMMARY | {"skymap": skymap}, True)):
        build_report(summary, [], tmp_path / "report.html")
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert ('href="sky_viewer.html"' in page) is leads
        assert ("Hot spots of the sky" in page) is leads
