import json
import os
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time

import nusky
from nusky.errors import NuskyError, PhysicsError, ReleaseError
from nusky.releases import registry
from nusky.releases.generator import generate_release
from tests import release_files as files

SOURCE = SkyCoord(77.36, 5.69, unit="deg")


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """A small generated release, read from a folder."""
    root = tmp_path_factory.mktemp("search")
    release = registry.find("icecube-3yr")
    generate_release(root / "release", release, release.seasons, 5, 0.01, [])
    before = os.environ.get("NUSKY_DATA")
    os.environ["NUSKY_DATA"] = str(root / "data")
    yield nusky.Search("icecube-3yr", root / "release", seed=3)
    os.environ.pop("NUSKY_DATA")
    if before is not None:
        os.environ["NUSKY_DATA"] = before


@pytest.fixture(scope="module")
def found(search):
    return search.at(SOURCE, trials=100, name="TXS 0506+056")


def test_the_fit_is_that_of_the_hypothesis(search, found):
    from nusky.detector.spectrum import PowerLaw
    from nusky.search.hypothesis import Hypothesis
    from nusky.search.sources import Sources

    fixed = None if search.analysis.smearings is not None else [PowerLaw(2.0)]
    best = Hypothesis.of(search.analysis, Sources.of(SOURCE), fixed).fit()
    assert found.fit["test_statistic"] == pytest.approx(best.ts, abs=1e-9)
    assert found.fit["n_signal"] == pytest.approx(best.n_signal, abs=1e-6)
    assert found.fit["p_local"] == (found.fit["n_exceeding"] + 1) / 101


def test_all_forms_of_a_position_are_the_same(search):
    found = search.at(SOURCE, trials=0)
    for given in ((SOURCE.galactic,), (77.36 * u.deg, 5.69 * u.deg), tuple(np.radians([77.36, 5.69]))):
        again = search.at(*given, trials=0)
        assert again.fit == pytest.approx(found.fit, nan_ok=True)
        assert [row["n_signal_limit"] for row in again.limits] == [row["n_signal_limit"] for row in found.limits]


def test_limits_scale_with_the_spectrum(found):
    for row in found.limits:
        at = {energy: row[f"limit_e2dnde_{energy}tev_gev_cm2_s"] for energy in (1, 100)}
        assert at[100] == pytest.approx(at[1] * 100 ** (2 - row["gamma_limit"]), rel=1e-9)
        assert row["n_signal_limit"] >= 0
        assert row["energy_min_gev"] < row["energy_max_gev"]


def test_events_add_up_to_the_signal(search):
    """Of an injected excess the weights add up to n_s, and TS is the sum over all events."""
    from nusky.search.contributions import contributions

    result = search.at(SOURCE, trials=0)
    hypothesis = result.target.experiment.hypothesis
    n = 3.0
    all_events = contributions(hypothesis, n, 2.0, 1e-7)
    season = search.analysis.seasons
    fixed = hypothesis.with_gammas([2.0])
    x = n * fixed.shares[0] / [len(own) for own in season]
    counts = np.bincount(all_events.season, minlength=len(season))
    far = sum((len(own) - k) * np.log1p(-xk) for own, k, xk in zip(season, counts, x, strict=True))
    ts = hypothesis.profile_likelihood(np.array([2.0]), np.array([n]))[0, 0]
    mean = 2 * (x / (1 - x) * fixed.signal.far[:, 0]).sum()  # of far pairs
    assert 2 * far + mean + all_events.ts.sum() == pytest.approx(ts, abs=0.01)
    density = all_events.ratio[0] * x[all_events.season[0]]
    assert all_events.weight[0] == pytest.approx(density / (density + 1 - x[all_events.season[0]]))
    assert (np.diff(all_events.weight) <= 0).all()


def test_files_hold_what_was_found(found, tmp_path):
    paths = [found.write(tmp_path / f"a{suffix}") for suffix in (".json", ".ecsv", ".fits", ".csv", ".png")]
    content = json.loads(paths[0].read_text())
    assert content["fit"]["test_statistic"] == found.fit["test_statistic"]
    assert content["synthetic"] is True
    table = Table.read(paths[1])
    assert table.meta["seed"] == 3
    assert list(table["n_signal_limit"]) == [row["n_signal_limit"] for row in found.limits]
    with fits.open(paths[2]) as hdus:
        assert len(hdus["RESULT"].data) == len(found.limits)
        assert len(hdus["EVENTS"].data) == len(found.events())
    assert paths[4].read_bytes()[:4] == b"\x89PNG"
    assert "not a measurement" in found._repr_html_()


def test_names_are_no_formulas_and_steer_no_terminal(found, tmp_path):
    name = pa.array(["=1+1\x1b[2J"] * len(found.data))
    data = found.data.set_column(found.data.column_names.index("name"), "name", name)
    odd = replace(found, data=data, title="\x1b[2J")
    odd.write(tmp_path / "a.csv")
    assert set(Table.read(tmp_path / "a.csv", format="ascii.csv")["name"]) == {"'=1+1\\x1b[2J"}
    assert "\x1b" not in repr(odd) + odd._repr_html_()


def test_the_profile_is_written_with_what_it_is_of(found, tmp_path):
    for name in ("p.fits", "p.ecsv"):
        path = found.write_profile(tmp_path / name)
        table = Table.read(path, hdu="PROFILE") if name.endswith("fits") else Table.read(path)
        row = table[np.argmin(table["stat"])]
        assert table.meta["OBJECT"] == "TXS 0506+056"
        assert table.meta["SYNTH"] is True
        assert (table.meta["RA"], table.meta["DEC"]) == pytest.approx((77.36, 5.69))
        assert row["norm"] == pytest.approx(found.fit["n_signal"], abs=1e-6)
        assert -row["stat"] == pytest.approx(found.fit["test_statistic"], abs=1e-9)
    with pytest.raises(NuskyError, match=r"written as \.fits or \.ecsv"):
        found.write_profile(tmp_path / "p.json")


def test_a_stack_is_given_as_coordinates_or_as_a_table(search):
    several = SkyCoord([77.36, 40.67, 200.0], [5.69, -0.01, 20.0], unit="deg")
    first = search.stack(several, trials=0)
    for table in (
        Table({"ra": several.ra, "dec": several.dec, "w": [1.0, 1.0, 1.0]}),
        Table({"ra_deg": several.ra.deg, "dec_deg": several.dec.deg, "w": [2.0, 2.0, 2.0]}),
    ):
        again = search.stack(table, weights="w", trials=0)
        assert again.fit["test_statistic"] == pytest.approx(first.fit["test_statistic"], abs=1e-9)
    first.figure()


def test_a_stack_says_what_it_is_of(search, tmp_path):
    several = SkyCoord([77.36, 40.67, 200.0], [5.69, -0.01, 20.0], unit="deg")
    table = Table({"ra": several.ra, "dec": several.dec, "extension": [0.0, 0.5, 0.0] * u.deg, "w": [1.0, 3.0, 0.0]})
    found = search.stack(table, weights="w", trials=0)
    content = json.loads(found.write(tmp_path / "stack.json").read_text())
    assert content["source"] == {"name": "stack", "n_sources": 2}  # the third has no weight
    assert content["source_units"] == {"ra": "deg", "dec": "deg", "extension": "deg"}
    first, second = content["sources"]
    assert first == pytest.approx({"ra": 77.36, "dec": 5.69, "extension": 0.0, "weight": 0.25})
    assert second == pytest.approx({"ra": 40.67, "dec": -0.01, "extension": 0.5, "weight": 0.75})
    written = Table.read(found.write(tmp_path / "stack.fits"), hdu="SOURCES")
    assert written["weight"].tolist() == [0.25, 0.75]
    assert written["ra"].unit == u.deg
    assert "sources" not in search.at(SOURCE, trials=0).to_dict()


def test_a_window_over_all_of_the_data_changes_nothing_but_the_units(search, found):
    runs = search.analysis.runs
    everything = min(own.start[0] for own in runs), max(own.stop[-1] for own in runs)
    whole = search.at(SOURCE, trials=0, window=everything)
    steady = search.at(SOURCE, trials=0)
    assert whole.fit["test_statistic"] == pytest.approx(steady.fit["test_statistic"], abs=1e-6)
    seconds = 86400 * (everything[1] - everything[0])
    for row, other in zip(whole.limits, steady.limits, strict=True):
        assert row["n_signal_limit"] == pytest.approx(other["n_signal_limit"], rel=1e-4)
        assert row["limit_e2dnde_100tev_gev_cm2_s"] == pytest.approx(other["limit_e2dnde_100tev_gev_cm2_s"], rel=1e-4)
        fluence = row["limit_e2_fluence_100tev_gev_cm2"]
        assert fluence == pytest.approx(row["limit_e2dnde_100tev_gev_cm2_s"] * seconds, rel=1e-9)


def test_a_window_looks_at_the_events_in_it(search, tmp_path):
    """The three forms of a window are one; the p-value counts trials with permuted times."""
    dates = "2010-09-01", "2011-03-01T12:00"
    first = search.at(SOURCE, gamma=2, trials=100, window=dates)
    again = search.at(SOURCE, gamma=2, trials=0, window=(55440, 55621.5))
    assert again.fit["test_statistic"] == first.fit["test_statistic"]
    assert search.stack(SOURCE, trials=0, window=Time(dates)).row["start_mjd"] == pytest.approx(55440)
    assert first.fit["p_local"] == (first.fit["n_exceeding"] + 1) / 101
    events = first.events()
    assert events["mjd"].min() >= 55440
    assert events["mjd"].max() <= 55621.5
    season = Table.read(search.tables.folder / "events" / f"{events['season'][0]}.parquet")
    assert season["mjd"][events["row"][0]] == events["mjd"][0]
    assert first.row["livetime_days"] == pytest.approx(181.5)
    assert "MJD 55440 to 55621.5" in first.figure().texts[0].get_text()
    assert json.loads(first.write(tmp_path / "a.json").read_text())["source"]["stop_mjd"] == 55621.5
    assert "2010-09-01 00:00 to 2011-03-01 12:00" in first._repr_html_()


def test_an_unknown_flare_is_looked_for(search, tmp_path):
    """Its window is that of the hypothesis' own search; events and energies are those of the window."""
    from nusky.search.hypothesis import Hypothesis
    from nusky.search.sources import Sources
    from nusky.search.time_profile import Flare

    nothing = search.at(SOURCE, gamma=2, trials=0, flare=(5, 100))
    assert (nothing.fit["test_statistic"], "none" in nothing.summary()["window found"]) == (0.0, True)
    season = search.analysis.seasons[0]
    number = int(np.argmin(np.abs(season.dec - 0.3)))
    where = SkyCoord(season.ra[number], season.dec[number], unit="rad")  # an event by itself is a short flare
    found = search.at(where, gamma=2, trials=100, flare=(5, 100 * u.d), limit_days=20)
    hypothesis = Hypothesis.of(search.analysis, Sources.of(where, profiles=Flare(5, 100))).with_gammas([2.0])
    best = next(hypothesis.likelihood(hypothesis.data()).flares())
    assert (found.fit["start_mjd"], found.fit["stop_mjd"]) == (best.start, best.stop)
    assert found.fit["test_statistic"] == pytest.approx(best.ts, abs=1e-9)
    assert found.fit["p_local"] == (found.fit["n_exceeding"] + 1) / 101
    (row,) = found.limits
    assert row["limit_days"] == 20
    assert np.isfinite(row["n_signal_limit"])
    assert row["n_signal_sensitivity"] > 1
    days = row["limit_e2_fluence_100tev_gev_cm2"] / row["limit_e2dnde_100tev_gev_cm2_s"] / 86400
    assert days == pytest.approx(20)
    events = found.events()
    assert ((events["mjd"] >= best.start) & (events["mjd"] <= best.stop)).all()
    known = search.at(where, gamma=2, trials=0, window=(best.start, best.stop))
    assert events["row"].tolist() == known.events()["row"].tolist()
    assert f"MJD {best.start:.3f} to {best.stop:.3f}" in found._repr_html_()
    assert json.loads(found.write(tmp_path / "a.json").read_text())["fit"]["stop_mjd"] == best.stop
    figure = found.figure()
    curve, star = (line for line in figure.axes[1].lines if line.get_label() in (r"$\gamma$ = 2", "best fit"))
    assert star.get_ydata()[0] == pytest.approx(curve.get_ydata().max(), rel=1e-3)  # TS pays for the window, too
    assert star.get_ydata()[0] > best.ts
    assert f"MJD {best.start:.10g}"[:9] in figure.texts[0].get_text()
    quick = search.at(where, gamma=2, trials=0, flare=(5, 100))
    assert quick.fit["test_statistic"] == found.fit["test_statistic"]
    assert (np.isnan(quick.limits[0]["n_signal_limit"]), "not stated" in quick.limits[0]["problem"]) == (True, True)
    for without in (quick, nothing):
        page = without._repr_html_()
        assert ("not stated" in page, re.search(r"\bnan\b", page)) == (True, None)
        without.figure()
    assert "of a flare of 20 d" in found._repr_html_()
    with pytest.raises(PhysicsError, match="likelihood profiles of an unknown flare"):
        found.write_profile(tmp_path / "a.fits")


def test_a_significance_is_told_of_an_excess_only(found):
    """Where most skies have as much there is none, and 'minus sigma' would be no word for it."""
    told = {
        value: replace(found, fit=found.fit | {"p_local": p, "significance": value}).summary()["local p-value"]
        for p, value in ((0.1, 1.28), (0.63, -0.33), (1.0, -np.inf))
    }
    assert told[1.28].startswith("0.1, 1.3 σ")
    assert not any("σ" in told[value] for value in (-0.33, -np.inf))


def test_a_limit_that_cannot_be_stated_is_told_with_the_reason(search):
    """Its sensitivity stands beside it."""
    result = search.at(SOURCE, gamma=2, trials=0, window=(55440, 55621.5))
    (row,) = result.limits
    told = [key for key in row if key.startswith(("limit_", "phi0_limit"))]
    lacking = row | dict.fromkeys(["n_signal_limit", *told], np.nan) | {"problem": "too few trials < 10"}
    page = replace(result, data=pa.Table.from_pylist([lacking]))._repr_html_()
    assert "too few trials &lt; 10" in page
    assert f"{row['n_signal_sensitivity']:.1f} events" in page
    assert not re.search(r"\bnan\b", page)
    page = result._repr_html_()
    assert f"{row['limit_e2_fluence_100tev_gev_cm2']:.2e} GeV cm⁻²<" in page


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.at(SOURCE, flare=(1, 10), window=(56000, 56010)), "give either `window` or `flare`"),
        (lambda s: s.at(SOURCE, flare=10), "give the shortest and the longest duration"),
        (lambda s: s.at(SOURCE, flare=(10, 1)), "must not be below the shortest, 10 d"),
        (lambda s: s.at(SOURCE, flare=(-1, 1)), "must be above 0"),
        (lambda s: s.at(SOURCE, flare=(1, 20000)), "is more than the livetime of the seasons"),
        (lambda s: s.at(SOURCE, flare=(1, 10), limit_days=20), "flares of 1 to 10 d are looked for"),
        (lambda s: s.at(SOURCE, limit_days=20), "it needs `flare`, and trials"),
        (lambda s: s.at(SOURCE, flare=(1, 10), limit_days=2, trials=0), "it needs `flare`, and trials"),
        (lambda s: s.at(40.67, -0.01), "ra is 40.67 rad"),
        (lambda s: s.at(1.0, 5.69), "dec is 5.69 rad"),
        (lambda s: s.at(1.0), "dec is missing"),
        (lambda s: s.at(SOURCE, 0.1), "holds dec too"),
        (lambda s: s.at(SkyCoord([1, 2], [3, 4], unit="deg")), "`stack` takes several"),
        (lambda s: s.at(SOURCE, gamma=7), "gamma = 7: give an index from 1 to 4"),
        (lambda s: s.at(SOURCE, trials=-1), "trials = -1"),
        (lambda s: s.at(SOURCE, trials=10), "needs 100 or more"),
        (lambda s: s.at(SOURCE, extension=-0.1), "no width"),
        (lambda s: s.at(SOURCE, extension=2 * u.TeV), "cannot be converted"),
        (lambda s: s.at(SOURCE, window=56000), "start and its stop"),
        (lambda s: s.at(SOURCE, window=("2011", "2012")), "looks like a year"),
        (lambda s: s.at(SOURCE, window=("last week", "today")), "is no time: give MJD in days, or a date"),
        (lambda s: s.at(SOURCE, window=(None, 56000)), "is no time"),
        (lambda s: s.at(SOURCE, window=(56000, 55900)), "not after its start"),
        (lambda s: s.at(SOURCE, window=(2456000.5, 2456100.5)), "looks like a Julian date"),
        (lambda s: s.at(SOURCE, window=("2022-01-01", "2022-02-01")), r"no data were taken.*2022-01-01.*reach from"),
        (lambda s: s.stack([1, 2]), "not as list"),
        (lambda s: s.stack({"x": [1.0]}), "no ra and dec"),
        (lambda s: s.stack({"ra_deg": [1.0], "dec_deg": [99.0]}), "outside -pi/2 to pi/2"),
        (lambda s: s.stack({"ra": [1.0], "dec": [0.1]}, weights="flux"), "no such column"),
        (lambda s: s.stack({"ra": [1.0], "dec": [0.1], "weight": [2.0]}), "if it is named: weights='weight'"),
        (lambda s: s.stack({"ra": [1.0], "dec": [0.1]}, weights=[1, 2]), "one number for each"),
        (lambda s: s.stack({"ra": [1.0], "dec": [0.1]}, weights=[-1.0]), "not negative"),
    ],
)
def test_mistakes_are_explained(search, call, message):
    with pytest.raises(PhysicsError, match=message):
        call(search)


def test_a_release_is_read_once(search, monkeypatch):
    from nusky.releases import ingest

    def never(*args, **options):
        raise AssertionError("the release was read again")

    monkeypatch.setattr(ingest, "read", never)
    path = search.tables.folder.parents[2] / "release"
    again = nusky.Search("icecube-3yr", path)
    assert again.tables == search.tables
    search.tables.table("smearing").rename(search.tables.folder / "away")
    with pytest.raises(AssertionError, match="read again"):  # a table is gone: it is made again
        nusky.Search("icecube-3yr", path)


def test_a_release_is_prepared_once(search, found, monkeypatch):
    """A second process finds the same: fit, p-value, limits and events."""
    from nusky.stages import inference

    def never(data):
        raise AssertionError("the release was prepared again")

    path = search.tables.folder.parents[2] / "release"
    nusky.Search("icecube-3yr", path).analysis  # noqa: B018 - kept from now on
    monkeypatch.setattr(inference, "load_analysis", never)
    again = nusky.Search("icecube-3yr", path, seed=3).at(SOURCE, trials=100, name="TXS 0506+056")
    assert again.to_dict() == found.to_dict()
    other = nusky.Search("icecube-3yr", path, [search.tables.seasons[0]])
    with pytest.raises(AssertionError, match="prepared again"):  # other seasons are another analysis
        other.at(SOURCE, trials=0)


def test_files_that_are_not_the_published_ones_are_accepted_on_demand(search, tmp_path):
    """A season of three events: refused, read when asked for, and never taken for the published one afterwards."""
    files.write_ten_year(tmp_path)
    with pytest.raises(ReleaseError, match=r"has 3 events.*`--no-check-counts`, in Python `check_counts=False`"):
        nusky.Search("icecube-10yr", tmp_path, ["IC40"])
    accepted = nusky.Search("icecube-10yr", tmp_path, ["IC40"], check_counts=False)
    assert Table.read(accepted.tables.events[0])["mjd"].size == 3
    with pytest.raises(ReleaseError, match="has 3 events"):
        nusky.Search("icecube-10yr", tmp_path, ["IC40"])


def test_results_are_written_with_known_suffixes_only(found, tmp_path):
    with pytest.raises(NuskyError, match=r"change the suffix"):
        found.write(tmp_path / "a.xls")


def test_a_spectrum_may_be_given_in_every_form(search, tmp_path):
    from nusky.detector.spectrum import CutoffPowerLaw

    found = search.at(SOURCE, trials=0)
    far = search.at(SOURCE, trials=0, spectrum="cutoff:cutoff=1e12TeV")
    assert far.fit["test_statistic"] == pytest.approx(found.fit["test_statistic"], rel=1e-6)
    assert [row["n_signal_limit"] for row in far.limits] == pytest.approx(
        [row["n_signal_limit"] for row in found.limits], rel=1e-6
    )
    energy = np.geomspace(1e2, 1e9, 8)
    lines = ["energy [GeV],flux [1/(GeV cm2 s)]", *(f"{e!r},{1e-20 * (e / 1e5) ** -2.0!r}" for e in energy.tolist())]
    (tmp_path / "flux.csv").write_text("\n".join(lines))
    table = search.at(SOURCE, trials=0, spectrum=str(tmp_path / "flux.csv"))
    assert table.fit["test_statistic"] == pytest.approx(found.fit["test_statistic"], abs=1e-6)
    assert table.fit["n_signal"] == pytest.approx(found.fit["n_signal"], abs=1e-6)
    (limit,) = table.limits
    name = "limit_e2dnde_100tev_gev_cm2_s"
    assert limit[name] == pytest.approx(found.limits[0][name], rel=1e-6)
    assert np.isnan(limit["gamma_limit"])
    assert limit["spectrum_limit"] == "flux.csv"
    cut = search.at(SOURCE, trials=0, spectrum="cutoff:gamma=2,cutoff=10TeV")
    (again,) = search.at(SOURCE, trials=0, spectrum=CutoffPowerLaw(2.0, 1e4, fit="")).limits
    assert cut.limits == [pytest.approx(again, nan_ok=True)]
    assert cut.limits[0]["energy_max_gev"] < found.limits[0]["energy_max_gev"]
    assert cut.limits[0]["gamma_limit"] == cut.fit["gamma"] == 2.0
    cut.write(tmp_path / "cut.png")
    with pytest.raises(PhysicsError, match=r"index of cutoff-power-law .* is fixed already"):
        search.at(SOURCE, gamma=2.0, spectrum="cutoff:gamma=2,cutoff=10TeV", trials=0)
    with pytest.raises(PhysicsError, match=r"the energies of its spectrum\. Widen the range"):
        search.at(SOURCE, spectrum="power-law:energy_min=1EeV,energy_max=10EeV", trials=0)


def test_a_cutoff_is_fitted_in_place_of_the_index(tmp_path, monkeypatch):
    release = registry.find("icecube-10yr")
    (season,) = release.select(["IC40"])
    generate_release(tmp_path / "release", release, [season], 5, 0.05, [])
    monkeypatch.setenv("NUSKY_DATA", str(tmp_path / "data"))
    search = nusky.Search("icecube-10yr", tmp_path / "release", ["IC40"], check_counts=False)
    (events,) = search.analysis.seasons
    brightest = np.argmax(np.where(np.abs(events.dec) < 0.3, events.bin, -1))  # of all near the horizon, by energy
    position = events.ra[brightest], events.dec[brightest]
    found = search.at(*position, spectrum="cutoff:gamma=2,cutoff=30TeV,fit=cutoff", trials=0)
    grid = np.linspace(3, 8, 41)
    hypothesis = found.target.experiment.hypothesis.with_gammas(grid)
    _, value, _ = hypothesis.likelihood(hypothesis.data()).profile()
    assert found.fit["n_signal"] > 0
    assert found.fit["test_statistic"] >= 2 * value.max() - 1e-6
    assert found.fit["test_statistic"] == pytest.approx(2 * value.max(), abs=0.05)
    assert np.log10(found.fit["cutoff_gev"]) == pytest.approx(grid[np.argmax(value)], abs=0.5)
    assert found.fit["cutoff_gev_low68"] <= found.fit["cutoff_gev"] <= found.fit["cutoff_gev_high68"]
    assert found.fit["gamma"] == 2.0
    assert not found.fit["gamma_fitted"]
    (limit,) = found.limits
    assert limit["spectrum_limit"] == "cutoff-power-law (gamma 2, cutoff_gev 30000, cutoff_power 1)"
    assert found.contours[0][[0, -1]].tolist() == [3.0, 8.0]
    found.write(tmp_path / "cut.png")
    with pytest.raises(PhysicsError, match="cutoff_gev was fitted"):
        found.write_profile(tmp_path / "cut.fits")
