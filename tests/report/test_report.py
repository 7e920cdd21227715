import copy
import re
from html.parser import HTMLParser

import pytest

from nusky.errors import ConfigurationError
from nusky.files import write_json
from nusky.report.numbers import format_number
from nusky.report.report import MOST_ROWS, Table, build_report
from nusky.report.verdict import verdict
from nusky.stages.report import report

STACK = {
    "n_sources": 164,
    "ns_per_phi0_per_ev": 1.568078905e29,
    "ns_per_phi0_per_gev": 1.568078905e38,
    "ts_max": 1.25,
    "phi0_at_max_per_ev": 3.5e-29,
    "n_signal_at_max": 4.75,
    "ul95_e2dnde_100tev_gev_cm2_s": 2.4915766e-08,
}
NO_STACK = {**dict.fromkeys(STACK), "n_sources": 164}
SOURCE = {
    "name": "HESS J1745-290",
    "origin": "hess",
    "ra_deg": 266.415,
    "dec_deg": -29.00611,
    "n_band": 73751,
    "ts_max": 1.7101911,
    "ns_best": 51,
}
SUMMARY = {
    "run": "demo",
    "release": "icecube-3yr",
    "release_title": "IceCube: all-sky point-source data",
    "citation": "ApJ 835, 151 (2017) <&>",
    "seasons": ["IC79-2010", "IC86-2011"],
    "n_events": 229377,
    "synthetic": False,
    "livetime_days": 649.0,
    "versions": {"nusky": "0.1.0", "numpy": "2.4.6"},
    "git_revision": "0123abc",
    "config_hash": "feed",
    "methods": {
        "published": {
            "wcda-hess": {
                "stacking": {"uniform": {"2.0": STACK, "2.53": NO_STACK}},
                "single_sources": [SOURCE, {**SOURCE, "name": "<b>HESS</b>", "ts_max": None, "ns_best": None}],
                "notes": ["13 sources of hess have no flux."],
            }
        }
    },
    "catalogues": {"wcda-hess": {"n_sources": 164, "notes": []}},
}
FIT = {"gamma_fixed": 2.5, "n_signal": 6.5, "gamma": 2.5, "test_statistic": 1.7, "p_local": 0.15, "n_trials": 100}
FIT |= {"significance": 1.0, "n_signal_low68": 1.0, "n_signal_high68": 12.0}
POSITION = {"name": "A <1>", "origin": "hess", "ra_deg": 10.0, "dec_deg": 20.0}
LIMIT = {"gamma": 2.5, "method": "Neyman", "confidence_level": 0.9, "n_signal": 11.0, "n_signal_error": 1.0}
LIMIT |= {"n_trials": 50, "energy_min_gev": 1234.0, "energy_max_gev": 2.5e6, "problem": ""}
POPULATION = {"gamma_fixed": 2.5, "n_sources": 2, "k": 2, "p_k": 0.03, "p_max": 0.1, "p_binomial": 0.01}
POPULATION |= {"p_post": 0.05, "significance_post": 1.6, "n_sky_trials": 60, "names": ["A <1>", "B"]}
OF_STACK = {"gamma_fixed": 2.5, "name": "A <1>", "origin": "hess", "share": 0.5, "n_signal": 6.1, "test_statistic": 1.6}
OF_STACK |= {"n_signal_without": 0.4, "gamma_without": 2.5, "test_statistic_without": 0.1, "p_without": 0.45}
OF_STACK |= {"n_trials": 100}
SEARCHES = [
    {"hypothesis": "stack/wcda-hess/uniform", "search": "stack", "p_value": 0.15, "n_trials": 100, "p_run": 0.4},
    {"hypothesis": "sources/wcda-hess", "search": "source", "p_value": 0.12, "n_trials": 60, "p_run": 0.3},
    {"hypothesis": "sources/wcda-hess", "search": "population", "p_value": 0.05, "n_trials": 60, "p_run": 0.1},
]
SEARCHES = [search | {"gamma_fixed": 2.5} for search in SEARCHES]
CORRECTED = {"p_value": 0.1, "n_skies": 60, "floor": 1 / 61, "bonferroni": 0.15, "bonferroni_ratio": 1.5}
CORRECTED |= {"best": SEARCHES[2], "searches": SEARCHES}
POST = {"p_local": 0.02, "p_post": 0.12, "significance_post": 1.2, "n_sky_trials": 60}


def inferred():
    """The summary of a run with p-values and limits: a stack with p = 0.15, a source with p = 0.12 corrected."""
    upper = LIMIT | {"e2dnde_100tev_gev_cm2_s": 3.1e-9, "diffuse_share_100tev": 0.1, "injection": "smearing"}
    source = FIT | POSITION | POST
    second = source | {"name": "B", "p_local": 0.5, "p_post": 0.99}
    limits = {
        "A <1>": [LIMIT | {"origin": "hess", "e2dnde_100tev_gev_cm2_s": 2e-9}],
        "B": [LIMIT | {"origin": "hess", "e2dnde_100tev_gev_cm2_s": None}],
    }
    statement = {"extrapolated": False} | upper
    inference = {
        "analysis": "space only",
        "stacks": {
            "uniform": {"fits": [FIT], "statements": {"2.5": {"upper_limit": statement}}, "sources": [OF_STACK]}
        },
        "sources": {
            "best": source,
            "fits": [second, source],
            "population": [POPULATION],
            "limits": limits,
            "hadronic": [],
        },
    }
    standard = {"stacking": {"uniform": {"2.0": STACK}}, "single_sources": [SOURCE], "inference": inference}
    methods = SUMMARY["methods"] | {"standard": {"wcda-hess": standard}}
    return SUMMARY | {"methods": methods, "corrected": CORRECTED}


def windowed():
    """The same of sources that shine for ten days."""
    found = copy.deepcopy(inferred())
    told = found["methods"]["standard"]["wcda-hess"]["inference"]
    limits = [told["stacks"]["uniform"]["statements"]["2.5"]["upper_limit"], *told["sources"]["limits"]["A <1>"]]
    for limit in limits:
        fluence = limit["e2dnde_100tev_gev_cm2_s"] * 864_000
        limit |= {"duration_s": 864_000.0, "e2_fluence_100tev_gev_cm2": fluence, "n_trials": 100}
    return found


PNG = b"\x89PNG\r\n\x1a\n not really"


@pytest.fixture
def build(tmp_path):
    def build(summary, figures=()):
        build_report(summary, list(figures), tmp_path / "report.html")
        return (tmp_path / "report.html").read_text(encoding="utf-8")

    return build


@pytest.fixture
def figure(tmp_path):
    path = tmp_path / "sky.png"
    path.write_bytes(PNG)
    return {"path": path, "title": "Sky <map>", "caption": "What is drawn."}


class Balanced(HTMLParser):
    """Raises when an element is closed that is not the last one opened."""

    VOID = frozenset({"meta", "link", "img"})

    def __init__(self):
        super().__init__()
        self.open, self.loads = [], []

    def handle_starttag(self, tag, attributes):
        loading = {"src", "href", "srcset", "action", "data"} if tag != "a" else {}
        self.loads += [value for key, value in attributes if key in loading]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(page):
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    return parser


def test_page_is_whole_and_loads_nothing_from_outside(build, figure):
    page = build(SUMMARY, [figure])
    loads = parse(page).loads
    assert len(loads) == 2  # the empty icon and the figure
    assert all(load.startswith("data:") for load in loads)
    assert not re.search(r"@import|url\(|fetch\(|<iframe", page)
    assert "default-src 'none'" in page


def test_all_numbers_are_there_in_full_precision(build):
    page = build(SUMMARY)
    for record in (STACK, SOURCE):
        for value in record.values():
            assert (f'data-value="{value}"' if not isinstance(value, str) else value) in page
    for text in ("229,377 events of 2 seasons (IC79-2010, IC86-2011), 649 days", "wcda-hess (164 sources)", "0123abc"):
        assert text in page
    assert "numpy 2.4.6" in page
    assert "13 sources of hess have no flux." in page


def test_a_limit_whose_coverage_is_not_shown_is_not_called_calibrated(build):
    assert "Neyman, calibrated with simulated skies" in build(inferred())
    summary = inferred()
    [stack] = summary["methods"]["standard"]["wcda-hess"]["inference"]["stacks"].values()
    stack["statements"]["2.5"]["upper_limit"]["injection"] = "gaussian (uncalibrated)"
    page = build(summary)
    assert "Neyman from simulated skies, uncalibrated: its coverage is not shown" in page
    assert "calibrated with simulated skies" not in page


def test_warnings_of_the_summary_are_shown_before_the_results(build):
    page = build(SUMMARY | {"warnings": ["made by 2 different states of the <code>"]})
    assert 0 < page.index("2 different states of the &lt;code&gt;") < page.index("<main>")


def test_synthetic_events_are_announced_first(build):
    assert "Synthetic events" not in build(SUMMARY)
    page = build(SUMMARY | {"synthetic": True})
    assert page.index("Synthetic events") < page.index('id="verdict"')
    assert "events, some or all of them generated, of 2 seasons" in page


def test_the_verdict_comes_first_and_the_published_method_last(build, figure):
    page = build(inferred(), [figure | {"published": True}])
    names = ("verdict", "searched", "searches", "limits", "sources", "details", "published", "provenance")
    places = [page.index(f'<h2 id="{name}"') for name in names]
    assert places == sorted(places)
    assert page.index("<img ") > page.index('<h2 id="published"')
    assert page.index("draw no conclusion") > page.index('<h2 id="published"')


class FirstScreen(HTMLParser):
    """The text before the list of contents: what a reader sees without scrolling."""

    def __init__(self):
        super().__init__()
        self.text, self.reading, self.skipped = "", True, 0

    def handle_starttag(self, tag, attributes):
        self.reading = self.reading and tag != "nav"
        self.skipped += tag in ("style", "script")

    def handle_endtag(self, tag):
        self.skipped -= tag in ("style", "script")

    def handle_data(self, data):
        if self.reading and not self.skipped:
            self.text += data


def first_screen(page):
    parser = FirstScreen()
    parser.feed(page)
    return " ".join(parser.text.split())


def test_the_first_screen_holds_verdict_p_and_limit(build):
    text = first_screen(build(inferred()))
    assert "No excess of neutrinos" in text
    assert "p = 0.1 for the run: the share of 60 skies of background alone in which any of its 3 searches" in text
    assert "2 of 2 sources of wcda-hess together (binomial test), γ = 2.5 (by itself p = 0.05)" in text
    assert "(Bonferroni's bound) is 0.15, 1.5 times as large" in text
    assert "E² dN/dE < 3.1 × 10⁻⁹ GeV cm⁻² s⁻¹ at 100 TeV" in text
    assert "γ = 2.5, valid from 1.2 TeV to 2.5 PeV" in text
    assert len(text) < 1500  # fits a phone


def test_every_search_is_listed_with_both_p_values(build):
    page = build(inferred())
    table = page[page.index("Every search of this run") :]
    table = table[: table.index("</table>")]
    assert table.index("binomial test") < table.index("the most significant source") < table.index("the stack of")
    for value in (0.15, 0.12, 0.05, 0.4, 0.3, 0.1):
        assert f'data-value="{value}"' in table


def test_what_a_stack_owes_to_each_source_is_told(build):
    page = build(inferred())
    table = page[page.rindex("Sources of the stack of wcda-hess") :]  # behind the list of contents
    for value in ('data-value="6.1"', 'data-value="1.6"', 'data-value="0.45"'):
        assert value in table[: table.index("</table>")]


def several():
    """The summary of a run with a second catalogue: its spectrum is given, its sources flare."""
    summary = inferred()
    first = summary["methods"]["standard"]["wcda-hess"]
    own = first | {"stacking": {"flat": {"0.0": STACK}}, "inference": None, "single_sources": []}
    configuration = {"catalogues": {"wcda-hess": {}, "b": {"time": {"profile": "flare"}}}}
    methods = summary["methods"] | {"standard": {"wcda-hess": first, "b": own}}
    catalogues = SUMMARY["catalogues"] | {"b": {"n_sources": 4, "notes": []}}
    return summary | {"methods": methods, "catalogues": catalogues, "configuration": configuration}


def test_sentences_stand_below_the_catalogue_they_are_about(build):
    page = build(several())
    first, second = page.index("<h3>wcda-hess</h3>"), page.index("<h3>b</h3>")
    assert first < page.index("<li>Stack with uniform weights") < second
    assert second < page.index("<li>Flux scan of a steady flux with flat weights, spectrum as given")
    assert "<h3>wcda-hess</h3>" not in build(inferred())
    assert "<li>wcda-hess: stack with uniform weights" in build(inferred())


def test_the_index_of_a_given_spectrum_is_no_number(build):
    page = build(several())
    row = page[page.index("<td>b</td><td>flat</td>") :].split("</tr>")[0]
    assert row.startswith("<td>b</td><td>flat</td><td>as given</td>")
    assert "flux scan of a steady flux, not calibrated" in row


def test_energies_are_ranges_in_handy_units(build):
    page = build(inferred())
    assert "energies of the limit" in page
    assert "<td>1.2 TeV to 2.5 PeV</td>" in page


def test_what_tables_have_in_common_is_explained_once(build):
    text = "Flux of all sources together, one flavour; φ₀ is its value at 100 TeV."
    page = build(several())
    assert page.count(text) == 2  # the scan of the standard method, and that of the published one
    assert "As for: Flux scan of wcda-hess, standard method." in page


def test_figures_of_gamma_rays_that_nobody_measured_are_left_out(build, figure):
    known = figure | {"kind": "gamma_rays", "catalogue": "wcda-hess", "title": "Allowed"}
    summary = inferred()
    assert "Allowed" not in build(summary, [known])
    assert "Allowed" in build(summary, [known | {"kind": "source_limits"}])


def test_a_p_value_at_its_floor_is_a_bound(build):
    summary = inferred()
    summary["corrected"] = CORRECTED | {"p_value": 1 / 61}
    assert '<span class="unbroken">p &lt; 0.016</span> for the run' in build(summary)


def test_p_values_have_the_digits_that_their_trials_can_tell_and_sort_as_numbers(build):
    summary = inferred()
    sources = summary["methods"]["standard"]["wcda-hess"]["inference"]["sources"]
    for fit, p_local, p_post in zip(sources["fits"], (0.484848, 1 / 101), (0.98765, 1 / 61), strict=True):
        fit |= {"p_local": p_local, "p_post": p_post}
    page = build(summary)
    table = page[page.index("Sources of wcda-hess</h3>") :]
    cells = re.findall(r'data-value="([^"]+)"[^>]*>([^<]*)<', table[: table.index("</table>")])
    shown = dict(cells)
    assert [shown[str(p)] for p in (0.484848, 0.98765, 1 / 101, 1 / 61)] == [
        "0.48",
        "0.99",
        "&lt; 0.0099",
        "&lt; 0.016",
    ]


def test_sources_at_several_indices_have_fit_and_limit_side_by_side_and_one_table(build):
    summary = inferred()
    assert "at every index" not in build(summary)  # one index: the table of the sources has it all
    limits = summary["methods"]["standard"]["wcda-hess"]["inference"]["sources"]["limits"]
    limits["A <1>"].append(limits["A <1>"][0] | {"gamma": 3.0, "e2dnde_100tev_gev_cm2_s": 5e-10})
    page = build(summary)
    table = page[page.index("Sources of wcda-hess at every index</h3>") :]
    body = table[table.index("<tbody>") : table.index("</tbody>")].split("</tr>")
    assert [row.count("A &lt;1&gt;") for row in body[:3]] == [1, 1, 0]
    for row, limit in zip(body[:2], ("2e-09", "5e-10"), strict=True):
        assert f'data-value="{limit}"' in row
        assert 'data-value="0.02"' in row


def test_a_source_has_one_row_with_fit_p_and_limit(build):
    page = build(inferred())
    table = page[page.index("Sources of wcda-hess</h3>") :]
    row = table[table.index("<tbody>") : table.index("</tr>", table.index("<tbody>"))]
    for value in ("A &lt;1&gt;", 'data-value="0.02"', 'data-value="0.12"', 'data-value="6.5"', 'data-value="2e-09"'):
        assert value in row
    assert "never below 0.0099" in table  # 1/101


def test_references_and_pdfs_are_links_and_the_settings_are_there(build, figure):
    summary = inferred() | {"citation": "doi:10.7910/DVN/VKL316; <b>", "configuration": {"run": "demo", "seed": 7}}
    page = build(summary, [figure | {"pdf": "figures/sky.pdf"}])
    assert '<a href="https://doi.org/10.7910/DVN/VKL316">doi:10.7910/DVN/VKL316</a>; &lt;b&gt;' in page
    assert '<a href="figures/sky.pdf">' in page
    assert "seed: 7" in page


def test_text_is_escaped_and_images_have_a_description(build, figure):
    page = build(SUMMARY, [figure])
    assert "&lt;b&gt;HESS&lt;/b&gt;" in page
    assert "<b>HESS" not in page
    assert 'alt="Sky &lt;map&gt;"' in page


def test_a_caption_is_not_repeated(build, figure):
    page = build(SUMMARY, [figure, figure | {"title": "Another"}])
    assert page.count("What is drawn.") == 1
    assert page.count("Explained above.") == 1


@pytest.mark.parametrize("method", ["published", "standard"])
def test_nothing_found_is_said(build, method):
    stack = {"uniform": {"2.0": NO_STACK | {"ts_max": -0.5}}}
    page = build(SUMMARY | {"methods": {method: {"wcda-hess": {"stacking": stack, "single_sources": []}}}})
    assert "no upper limit lies inside the scanned range" in page
    assert "never exceeds zero" in page


@pytest.mark.parametrize(
    "methods", [{}, {"standard": {}}, {"standard": {"wcda-hess": None}}, {"standard": {"x": {"stacking": None}}}]
)
def test_missing_results_leave_a_valid_page(build, methods):
    gaps = dict.fromkeys(("livetime_days", "git_revision", "config_hash", "versions", "release_title", "citation"))
    page = build(SUMMARY | gaps | {"methods": methods, "catalogues": {}})
    parse(page)
    assert "There are no results yet." in page
    assert "None" not in page


def test_pdf_cannot_be_shown(build, figure):
    with pytest.raises(ConfigurationError, match=r"sky\.pdf: a page cannot show this format.*Add `png`"):
        build(SUMMARY, [figure | {"path": figure["path"].with_suffix(".pdf")}])


def test_stage_reads_summary_and_captions(tmp_path, figure):
    write_json(tmp_path / "summary.json", SUMMARY)
    (tmp_path / "sky.rst").write_text("From the file: E².\n", encoding="utf-8")
    figures = [figure | {"caption": tmp_path / "sky.rst"}]
    report(tmp_path / "summary.json", figures, tmp_path / "out" / "report.html")
    assert "From the file: E².</figcaption>" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (2.0, "2"),
        (-0.00701483, "−0.007015"),
        (1.568e29, "1.568 × 10²⁹"),
        (-2.5e-8, "−2.500 × 10⁻⁸"),
        (981.4568, "981.5"),
        (334677, "334,677"),
        (123456.7, "123,457"),
        ("text", "text"),
    ],
)
def test_format_number(value, text):
    assert format_number(value) == text


def hadronic(**changed):
    """The run with a hadronic fraction of all sources together."""
    row = {"source": -1, "name": "all sources", "n_sources": 97, "fraction": 0.3123, "fraction_limit": 0.8149}
    row |= {"fraction_sensitivity": 0.9, "confidence_level": 0.9, "method": "Neyman", "injection": "smearing"}
    row |= {"energy_min_gev": 500.0, "energy_max_gev": 12500.0, "relation": "kinematic", "problem": ""}
    row |= {"events_energy_min90_gev": 630.0, "events_energy_max90_gev": 8100.0}
    row |= dict.fromkeys(("gamma", "n_signal_limit", "n_hadronic", "n_hadronic_error", "n_hadronic_capped", "p_local"))
    row |= {"fraction_low68": 0.12, "fraction_unbiased": 0.2811, "fraction_high68": 0.5}
    row |= {"n_trials": 300} | changed
    summary = inferred()
    summary["methods"]["standard"]["wcda-hess"]["inference"]["sources"]["hadronic"] = [{**row, "source": 0}, row]
    return summary


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {},
            (
                "of wcda-hess",
                "97 sources",
                "f < 0.81 at 90 %",
                "best fit 0.31",
                "0.28 without its bias, 0.12 to 0.5 at 68 %",
                "sensitivity 0.9",
                "500 GeV to 12 TeV in all",
                "90 % of the events are expected at 630 GeV to 8.1 TeV",
            ),
        ),
        ({"fraction_limit": 3.21}, ("f < 3.2 at 90 %", "above 1 nothing is excluded")),
        ({"method": "asymptotic"}, ("not calibrated",)),
        ({"injection": "gaussian (uncalibrated)"}, ("uncalibrated: its coverage is not shown",)),
        ({"fraction_limit": None, "problem": "too few trials."}, ("no limit, as too few trials.",)),
    ],
)
def test_the_first_lines_state_the_hadronic_fraction(build, changed, said):
    summary = hadronic(**changed)
    sentence = verdict(summary).limit_sentence
    assert all(part in sentence for part in said), sentence
    assert ("above 1" in sentence) == ((changed.get("fraction_limit") or 0) > 1)
    page = build(summary)
    assert page.index("Hadronic fraction f") < page.index("Sources of wcda-hess</h3>")


def test_limits_in_windows_say_so_and_have_a_fluence(build):
    assert "window" not in verdict(inferred()).limit_sentence
    assert "in the window, or at the peak (fluence E² F < 0.0027 GeV cm⁻²)" in verdict(windowed()).limit_sentence
    steady, shining = (re.sub(r"<[^>]+>", " ", build(summary)) for summary in (inferred(), windowed()))
    told = "Fluxes are those in the window, or at the peak; the fluence E² F is E² times the flux integrated over time."
    assert (steady.count(told), shining.count(told)) == (0, 2)  # for stacks and for sources
    assert (steady.count("limit, E² F at 100 TeV"), shining.count("limit, E² F at 100 TeV")) == (0, 2)


def test_of_very_long_tables_the_beginning_is_shown():
    table = Table("Sources", ["number"], [[k] for k in range(MOST_ROWS + 3)], "Each by itself.")
    assert len(table.rows) == MOST_ROWS
    assert table.description == f"Each by itself. The first {MOST_ROWS} of {MOST_ROWS + 3} rows; summary.json has all."
    assert Table("Sources", ["number"], [[1]], "Each.").description == "Each."
