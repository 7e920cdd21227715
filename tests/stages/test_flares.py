"""Unknown flares and light curves, from the configuration to report and figure, on the events around TXS 0506+056."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table

from nusky import config
from nusky.catalogues import build
from nusky.errors import CatalogueError, ConfigurationError, PhysicsError
from nusky.report.inference import inference_findings, inference_tables
from nusky.report.rows import source_rows
from nusky.search.experiment import Request
from nusky.search.likelihood_profile import likelihood_profile
from nusky.search.stack_sources import source_shares
from nusky.search.time_profile import Box, GoodRuns
from nusky.stages import estimate, figures, flares, inference, inference_summary, source_limits
from nusky.stages.contents import Contents
from nusky.stages.light_curves import read_light_curve
from nusky.tables import read_table
from tests.releases import own
from tests.stages.inferred import Outputs, outputs
from tests.stages.test_windows import job, tables, trials  # noqa: F401  the tables are a fixture
from validation.samples import txs_release
from validation.windows import WINDOW

FLARE = {"profile": "flare", "shortest_days": 1.0, "longest_days": 300.0}
CURVE = "start_mjd,stop_mjd,flux\n55000,55050,1\n55050,55100,4\n55100,55200,2\n"


@pytest.fixture(scope="module")
def made(tables):  # noqa: F811
    """Fits, flares, windows and weights of two sources, and the batches they rest on."""
    folder, files = tables
    about = job("sources/mine", FLARE)
    found = outputs(folder, "flare_trials", "flare_skies", "flares", "windows", "weights")
    fitted = outputs(folder, "fits", "searches", "population")
    inference.trials(files, [found["flare_trials"]], **about, first=0, stop=120, skies="trials")
    inference.trials(files, [found["flare_skies"]], **about, first=0, stop=12, skies="skies")
    batches = {"trials": [found["flare_trials"]], "skies": [found["flare_skies"]]}
    inference.source_fits(SimpleNamespace(**vars(files), **batches), Outputs(fitted), **about)
    flares.flares(files, Outputs({name: found[name] for name in ("flares", "windows", "weights")}), **about)
    return fitted | {name: found[name] for name in ("flares", "windows", "weights")}


def test_the_flare_stands_in_the_tables(made):
    first, beside = read_table(made["fits"], kind="source_fits").to_pylist()
    assert WINDOW[0] <= first["start_mjd"] < first["stop_mjd"] <= WINDOW[1]
    assert first["n_signal_low68"] < first["n_signal"] < first["n_signal_high68"]
    assert 0.02 < first["p_local"] < 0.4
    assert first["p_local"] <= first["p_post"]
    rows = read_table(made["flares"], kind="flares").to_pylist()
    best, second = (row for row in rows if row["name"] == "TXS" and row["rank"] <= 2)
    for key in ("start_mjd", "stop_mjd", "duration_days"):
        assert best[key] == first[key]
    assert best["test_statistic"] > second["test_statistic"]
    assert second["stop_mjd"] < best["start_mjd"] or second["start_mjd"] > best["stop_mjd"]
    seconds = (best["stop_mjd"] - best["start_mjd"]) * 86400
    assert best["e2_fluence_100tev_gev_cm2"] == pytest.approx(best["e2dnde_100tev_gev_cm2_s"] * seconds)
    every = read_table(made["windows"], kind="flare_windows").to_pandas()
    assert every[every.name == "TXS"].test_statistic.max() == pytest.approx(best["test_statistic"])
    weights = read_table(made["weights"], kind="flare_weights").to_pandas()
    assert (weights.weight >= 0).all()
    assert set(weights.name) == {"TXS", "Beside"}
    assert beside["name"] == "Beside"


def test_summary_and_report_tell_the_flare(made):
    told = inference_summary.collect({}, made)
    assert told["stacks"] == {}
    assert told["sources"]["limits"] == {}
    assert told["time"]["profile"] == "flare"
    sentences = " ".join(inference_findings(told, str))
    best = told["sources"]["best"]
    assert f"MJD {best['start_mjd']:.2f} to {best['stop_mjd']:.2f}" in sentences
    named = {title: rows for title, _, rows, _ in inference_tables(told, "mine")}
    assert len(named["Flares of the sources of mine"]) == len(told["sources"]["flares"])
    assert not any("limits" in title for title in named)


@pytest.fixture(scope="module")
def limited(made, tables):  # noqa: F811
    """The same with the limits of the first source, on flares of two durations."""
    folder, files = tables
    about = job("sources/mine", FLARE | {"limit_days": [20.0, 200.0]})
    request = {"confidence_level": 0.9, "limit_method": "neyman", "discovery_sigmas": [], "n_trials": 20}
    part = outputs(folder, "limits_part", "hadronic_part")
    batches = {"trials": [folder / "flare_trials.parquet"]}
    of_part = Outputs(limits=part["limits_part"], hadronic=part["hadronic_part"])
    source_limits.part(SimpleNamespace(**vars(files), **batches), of_part, **about, request=request, part=0, parts=2)
    parts = {"limits": [of_part["limits"]], "hadronic": [of_part["hadronic"]]}
    whole = outputs(folder, "limits", "hadronic", "gamma_rays")
    source_limits.whole(SimpleNamespace(**vars(files), **batches, **parts), whole, **about, request=request)
    return made | whole


def test_limits_are_of_flares_of_stated_durations(limited, tables):  # noqa: F811
    """Fluxes are of as many events as a flare makes in the mean, and the search in Python states the same."""
    rows = read_table(limited["limits"], kind="source_limits").to_pylist()
    assert [(row["name"], row["duration_s"] / 86400) for row in rows] == [("TXS", 20.0), ("TXS", 200.0)]
    target = replace(inference.Study(tables[1], **job("sources/mine", FLARE)).target(0), limit_days=20.0)
    trials_ts = read_table(tables[0] / "flare_trials.parquet", kind="trials").to_pandas()
    background = trials_ts[trials_ts.target == 0].test_statistic.to_numpy()
    observed = float(target.experiment.observed[0, 2])
    again = target.limit(2.2, observed, background, Request(0.9, "neyman", (), 20))
    assert rows[0]["n_signal"] == again.strength.n_signal > 2.3
    assert rows[0]["events_per_phi0_gev"] == pytest.approx(target.flux_scale(2.2).events_per_phi0_gev)
    for row in rows:
        flux = row["e2dnde_100tev_gev_cm2_s"]
        assert row["e2_fluence_100tev_gev_cm2"] == pytest.approx(flux * row["duration_s"])
        assert row["expected_low95_e2dnde_100tev_gev_cm2_s"] <= row["expected_high95_e2dnde_100tev_gev_cm2_s"]
    assert rows[0]["e2dnde_100tev_gev_cm2_s"] > 3 * rows[1]["e2dnde_100tev_gev_cm2_s"]  # as many events in a tenth


def test_summary_report_and_figure_tell_the_limits(limited):
    told = inference_summary.collect({}, limited)
    told["time"] |= {"limit_days": [20.0, 200.0]}
    told["sources"]["best"] = next(row for row in told["sources"]["fits"] if row["name"] == "TXS")
    sentences = [text for text in inference_findings(told, "{:g}".format) if "upper limit" in text]
    rows = told["sources"]["limits"]["TXS"]
    assert len(sentences) == len(rows) == 2
    for text, row, days in zip(sentences, rows, (20, 200), strict=True):
        assert f"flare of TXS of {days} days at any time" in text
        assert f"{row['n_signal']:g} events, fluence E² F < {row['e2_fluence_100tev_gev_cm2']:g} GeV" in text
    named = {title: (columns, rows) for title, columns, rows, _ in inference_tables(told, "mine")}
    columns, shown = named["Sources of mine at every index"]
    durations = [row[columns.index("limit: duration [s]")] for row in shown if row[0] == "TXS"]
    assert durations == [20 * 86400, 200 * 86400]
    summary = {"methods": {"standard": {"mine": {"inference": told}}}}
    quoted = {row["name"]: row["limit_e2dnde_100tev_gev_cm2_s"] for row in source_rows(summary, "mine")}
    assert quoted["TXS"] == rows[0]["e2dnde_100tev_gev_cm2_s"]  # of the first duration
    drawn = figures.draw("source_limits", limited, {"hypothesis": "sources/mine", "catalogue": "mine", "label": "x"})
    (limits,) = (line for line in drawn.axes[0].lines if line.get_label() == "upper limit")
    assert limits.get_xdata().tolist() == [rows[0]["e2dnde_100tev_gev_cm2_s"]]


def test_the_figure_shows_the_most_significant_source(made):
    drawn = figures.draw("flare", made, {"hypothesis": "sources/mine", "catalogue": "mine", "label": "x"})
    upper, lower = drawn.axes[:2]
    assert len(upper.patches) >= 2
    every = read_table(made["windows"], kind="flare_windows").to_pandas()
    fits = read_table(made["fits"], kind="source_fits").to_pandas()
    name = fits.name[fits.p_local.argmin()]
    assert len(lower.collections[0].get_offsets()) == ((every.name == name) & (every.test_statistic > 0)).sum()


def test_what_needs_a_known_window_is_refused(tables):  # noqa: F811
    target = inference.Study(tables[1], **job("sources/mine", FLARE)).target(0)
    hypothesis = target.experiment.hypothesis
    for ask in (target.flux_scale, target.signal, lambda _: likelihood_profile(target)):
        with pytest.raises(PhysicsError, match="depend on the window that is assumed"):
            ask(2.2)
    with pytest.raises(PhysicsError, match="at_window"):
        source_shares(hypothesis, 5.0, 2.2)
    assert target.at_window(Box(*WINDOW)).flux_scale(2.2).events_per_phi0_gev > 0


def run(time, **more):
    catalogue = {"lists": [{"file": "x.csv"}], "time": time, **more}
    return {"run": "x", "catalogues": {"mine": catalogue}, "inference": {}}


def test_a_run_consists_of_flares_instead_of_limits():
    contents = Contents(config.parse(run(FLARE)))
    assert [names["hypothesis"] for names in contents.hypotheses] == ["sources/mine"]
    assert set(contents.inference_tables["sources/mine"]) == {
        "fits",
        "searches",
        "population",
        "flares",
        "windows",
        "weights",
    }
    assert not any("limits" in path and "standard/inference" in path for path in contents.tables())
    kinds = {figure.kind for figure in figures.of_run(contents)}
    assert "flare" in kinds
    assert "source_limits" not in kinds


def test_a_run_has_limits_of_flares_where_durations_are_stated():
    contents = Contents(config.parse(run(FLARE | {"limit_days": [10, 100]})))
    assert {"flares", "limits"} < set(contents.inference_tables["sources/mine"])
    paths = [path for path in contents.tables() if "limits" in path and "standard/inference" in path]
    assert len(paths) == 1 + config.Inference().source_jobs
    assert "source_limits" in {figure.kind for figure in figures.of_run(contents)}


def test_flares_cost_more_than_steady_sources(tmp_path):
    (tmp_path / "x.csv").write_text("name,ra_deg,dec_deg\na,1,2\n")

    def seconds(time, n_trials):
        cfg = config.parse(run(time))
        sizes = estimate.Sizes({"IC40": 36900, "IC86_II": 112858}, {"mine": 3})
        names = {"hypothesis": "sources/mine", "skies": "trials", "first": "0", "stop": str(n_trials)}
        return estimate.COSTS["inference_trials"](estimate.Case(cfg, sizes, names, 1))[0]

    # 2000 more trials, beside which the preparation of both, which is the same, does not count.
    flares, steady = (seconds(time, 3000) - seconds(time, 1000) for time in (FLARE, None))
    assert flares > 10 * steady
    assert seconds(FLARE, 3000) > 5 * seconds(None, 3000)


@pytest.mark.parametrize(
    ("time", "more", "message"),
    [
        ({"profile": "flare", "shortest_days": 1.0}, {}, "a flare is described by shortest_days, longest_days"),
        (FLARE | {"start_mjd": 57000.0}, {}, "give all of them and no other"),
        (FLARE | {"file": "x.csv"}, {}, "`file` does not belong to a flare"),
        (FLARE | {"edges": 1}, {}, "must be at least 2"),
        (FLARE, {"single_sources": False}, "a flare is looked for in every source by itself"),
        (FLARE | {"limit_days": [0.5]}, {}, "`limit_days` holds 0.5, but flares are looked for from 1 to 300 days"),
        (FLARE | {"limit_days": [-1]}, {}, "must be above 0"),
        (FLARE | {"limit_days": []}, {}, "at least 1 item"),
        (FLARE | {"limit_days": [3, 3.0]}, {}, "stands here twice"),
        ({"profile": "light-curve", "file": "x", "limit_days": [1]}, {}, "`limit_days` does not belong to a light"),
        ({"profile": "light-curve"}, {}, "a light-curve needs `file`"),
        ({"profile": "box", "start_mjd": 1.0, "stop_mjd": 2.0, "threshold": 3.0}, {}, "does not belong to a box"),
    ],
)
def test_what_does_not_fit_together_is_refused(time, more, message):
    with pytest.raises(ConfigurationError, match=message):
        config.parse(run(time, **more))


def test_a_fitted_curve_stands_in_fits_and_report(tmp_path, tables):  # noqa: F811
    (tmp_path / "curve.csv").write_text(CURVE)
    time = {"profile": "light-curve", "file": str(tmp_path / "curve.csv"), "threshold": [0, 1], "lag_days": [0, 1800]}
    about, made = job("sources/mine", time), outputs(tmp_path, "trials", "skies", "fits", "searches", "population")
    for what, n in (("trials", 30), ("skies", 5)):
        inference.trials(tables[1], [made[what]], **about, first=0, stop=n, skies=what)
    batches = {what: [made[what]] for what in ("trials", "skies")}
    fitted = Outputs({what: made[what] for what in ("fits", "searches", "population")})
    inference.source_fits(SimpleNamespace(**vars(tables[1]), **batches), fitted, **about)
    study = inference.Study(tables[1], **about)
    for j, row in enumerate(read_table(made["fits"], kind="source_fits").to_pylist()):
        alone = {}
        for threshold in (0.0, 1.0):
            for lag in (0.0, 1800.0):
                one = job("sources/mine", time | {"threshold": threshold, "lag_days": lag})
                alone[threshold, lag] = inference.Study(tables[1], **one).target(j).experiment.observed[0, 2]
        assert row["test_statistic"] == pytest.approx(max(alone.values()), abs=0.02)
        assert alone[row["threshold"], row["lag_days"]] == pytest.approx(row["test_statistic"], abs=0.02)
    assert len(study.target(0).experiment.hypothesis.candidates) == 4
    told = inference_summary.collect({}, fitted)
    best = told["sources"]["best"]
    said = f"with a threshold of {best['threshold']:g}, {best['lag_days']:g} days later"
    assert said in " ".join(inference_findings(told, "{:g}".format))
    columns = next(own for title, own, _, _ in inference_tables(told, "mine") if "at every index" in title)
    assert {"threshold", "lag [d]"} < set(columns)


def test_sources_with_fitted_curves_have_no_stack(tmp_path):
    curve = {"profile": "light-curve", "file": "x.csv", "lag_days": [0, 10], "threshold": [0, 1, 2]}
    cfg = config.parse(run(curve))
    assert [names["hypothesis"] for names in Contents(cfg).hypotheses] == ["sources/mine"]
    assert "limits" in Contents(cfg).inference_tables["sources/mine"]
    names = {"hypothesis": "sources/mine", "skies": "trials", "first": "0", "stop": "1000"}
    sizes = estimate.Sizes({"IC86_II": 112858}, {"mine": 3})
    own, one = (
        estimate.Case(config.parse(run(time)), sizes, names, 1).trial
        for time in (curve, curve | {"lag_days": [0], "threshold": 1})
    )
    assert own == pytest.approx(6 * one)
    with pytest.raises(ConfigurationError, match="threshold and lag are fitted in every source by itself"):
        config.parse(run(curve, single_sources=False))
    with pytest.raises(
        ConfigurationError, match=r"1 problem.*\n.*in `catalogues\.mine\.time\.lag_days`: 0 stands here twice"
    ):
        config.parse(run(curve | {"lag_days": [0, 0]}))


def test_limits_of_flares_need_trials():
    asked = run(FLARE | {"limit_days": [3]}) | {"inference": {"source_limit_method": "asymptotic"}}
    with pytest.raises(ConfigurationError, match="limits of an unknown flare come from trials"):
        config.parse(asked)


def test_a_cone_keeps_its_right_ascensions(validation_data):
    cone = own.settings(txs_release(validation_data)).model_dump(exclude_unset=True)
    with pytest.raises(ConfigurationError, match="covers only a cone"):
        config.parse(run(FLARE | {"scramble": "right-ascension"}) | {"release": cone})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("-1", r"`time.shortest_days` of 'a' \(column 'shortest'\) = -1 must be above 0"),
        ("", "column 'shortest' is empty"),
        ("400", r"the longest flare of 'a', 300 d \(in the configuration\), is shorter than the shortest, 400 d"),
    ],
)
def test_durations_that_make_no_sense_name_the_source(tmp_path, value, message):
    path = tmp_path / "x.csv"
    path.write_text(f"name,ra_deg,dec_deg,shortest\na,1,2,{value}\n")
    block = config.Catalogue(lists=[{"file": str(path)}], time=FLARE | {"shortest_days": "shortest"})
    with pytest.raises(CatalogueError, match=rf"x\.csv: row 1.*{message}"):
        build.build_catalogue(block, "mine")


def test_durations_of_limits_are_those_of_every_source(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("name,ra_deg,dec_deg,longest\na,1,2,30\nb,1,2,10\n")
    time = FLARE | {"longest_days": "longest", "limit_days": [20.0]}
    block = config.Catalogue(lists=[{"file": str(path)}], time=time)
    with pytest.raises(CatalogueError, match=r"row 2: `time.limit_days` holds 20, but flares of 'b'.*1 to 10 d"):
        build.build_catalogue(block, "mine")


def test_light_curves_come_from_files(tmp_path, tables):  # noqa: F811
    sources = read_table(tables[1].sources, kind="sources")
    for name, factor in (("TXS", 1), ("Beside", 3)):
        text = CURVE.replace(",4", f",{4 * factor}").replace("start_mjd", "tmin")
        (tmp_path / f"{name}.csv").write_text(text)
    settings = config.TimeProfile(
        profile="light-curve", file="{name}.csv", file_columns={"start_mjd": "tmin"}, threshold=1.5, lag_days=10.0
    )
    curves = inference.profiles_of(settings, sources, tmp_path)
    runs = GoodRuns.of([55000], [55300])
    # In units of the peak: 50 d at 4 - 1.5 (12 - 1.5 of the other) and 100 d at 2 - 1.5.
    np.testing.assert_allclose([curve.exposure(runs) for curve in curves], [50 + 50 / 2.5, 50 + 50 / 10.5])
    assert curves[0].support == (55060, 55210)
    (tmp_path / "Beside.csv").unlink()
    with pytest.raises(ConfigurationError, match="source 'Beside'"):
        inference.profiles_of(settings, sources, tmp_path)


def test_an_upper_limit_is_no_flux(tmp_path):
    rows = CURVE.splitlines()
    path = tmp_path / "curve.csv"
    flags = ["limit", "no", "true", "0"]
    path.write_text("\n".join(f"{row},{flag}" for row, flag in zip(rows, flags, strict=True)))
    curve = read_light_curve(path, config.CurveColumns(upper_limit="limit"))
    assert curve.flux == (1.0, 0.0, 2.0)
    several = read_light_curve(path, config.CurveColumns(upper_limit="limit"), [1.5, 0.5, 4.0], [0.0, 10.0])
    assert [(own.threshold, own.lag) for own in several.curves] == [(1.5, 0), (1.5, 10), (0.5, 0), (0.5, 10)]
    path.write_text(path.read_text().replace("true", "perhaps"))
    with pytest.raises(ConfigurationError, match="row 2: 'perhaps' in column 'limit', which is to be true"):
        read_light_curve(path, config.CurveColumns(upper_limit="limit"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("55050,55100", "55060,55100", "leaves a gap to bin 1"),
        ("55050,55100", "55040,55100", "overlaps bin 1"),
        ("55050,55100", "55050,55050", "bin 2 of the light curve has no exposure"),
        ("55050,55100", "55050,55020", "bin 2 of the light curve has no exposure"),
        ("55000,", "2455000.5,", "It looks like a Julian date"),
        ("55000,", "2009,", "It looks like a year"),
        (",4", ",", "flux in bin 2 of the light curve is no number"),
        (",4", ",high", "row 2: 'high' in column 'flux' is not a plain number"),
        (",4", ",1e300", "flux in bin 2 of the light curve, 1e.300, is neither 0 nor between"),
        ("flux", "f", "no column 'flux'; it has start_mjd, stop_mjd, f.*Set `time.file_columns`.$"),
        (CURVE, "\n", "it has no line of column names"),
        (CURVE, "other.csv", "holds no row. Give at least one row"),
    ],
)
def test_light_curves_that_make_no_sense_are_refused(tmp_path, old, new, message):
    path = tmp_path / "curve.csv"
    path.write_text(CURVE.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=rf"curve\.csv: .*{message}"):
        read_light_curve(path, config.CurveColumns())


@pytest.mark.parametrize(
    ("name", "unit", "message"),
    [
        ("tmin", "s", "column 'tmin' is in 's', but `time.file_columns.start_mjd` names it, which takes MJD in days"),
        ("tmin [yr]", None, "is in 'yr', but `time.file_columns.start_mjd`"),
        ("tstart_jd", None, "the name of column 'tstart_jd' says Julian dates"),
        ("tstart_mjd", "d", None),
    ],
)
def test_times_of_light_curves_are_what_their_columns_say(tmp_path, name, unit, message):
    path = tmp_path / "curve.ecsv"
    table = Table({name: [55000.0], "stop_mjd": [55010.0], "flux": [1.0]})
    table[name].unit = unit
    table.write(path)
    columns = config.CurveColumns(start_mjd=name)
    if message is None:
        assert read_light_curve(path, columns).edge == (55000.0, 55010.0)
        return
    with pytest.raises(ConfigurationError, match=message):
        read_light_curve(path, columns)


def test_columns_of_durations_are_taken_from_the_list(tmp_path):
    (tmp_path / "x.csv").write_text("name,ra_deg,dec_deg,longest\na,1,2,30\nb,3,4,40\n")
    block = config.Catalogue(lists=[{"file": str(tmp_path / "x.csv")}], time=FLARE | {"longest_days": "longest"})
    sources, _ = build.build_catalogue(block, "mine")
    assert [own.longest for own in inference.profiles_of(block.time, sources)] == [30.0, 40.0]
