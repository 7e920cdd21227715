import numpy as np
import pytest
from astropy.table import Table

from nusky import config
from nusky.errors import ConfigurationError, PhysicsError, ReleaseError
from nusky.releases import ingest, registry
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import Hypothesis
from nusky.search.sources import Sources
from nusky.stages import releases as stage
from nusky.tables import read_table
from tests.releases import own
from validation.samples import TXS_CENTRE, TXS_SAMPLES, txs_release

EVENTS = "ra,dec,sigma,time\n10.0,5.0,0.5,55000.5\n20.0,-5.0,1.0,55001.5\n30.0,85.0,2.0,55003.0\n"
COLUMNS = {"ra_deg": "ra", "dec_deg": "dec", "ang_err_deg": "sigma", "mjd": "time"}
RUNS = [[55000, 55002], [55002.5, 55004]]


def written(folder, text=EVENTS, name="events.csv"):
    path = folder / name
    path.write_text(text)
    return path


def full(folder, text=EVENTS, **changes):
    path = written(folder, text)
    defaults = {"columns": COLUMNS, "ang_err_deg": None, "livetime_days": None, "uptimes": RUNS}
    return own.minimal(path, **(defaults | changes))


def analysis(canonical):
    events = list(canonical.events.values())
    return Analysis.of_tables(canonical.seasons, events, canonical.effective_area, canonical.smearing)


def test_the_txs_release_is_read_as_its_files_say(validation_data):
    found = own.read(txs_release(validation_data))
    assert found.seasons["n_events"].to_pylist() == [31, 109, 97, 109, 320, 591]  # lines of the six files
    days = found.seasons["livetime_s"].to_numpy() / 86400
    assert days.tolist() == [stop - start for start, stop, _ in TXS_SAMPLES.values()]
    per_deg2 = found.seasons["cone_density_per_sr"].to_numpy() * np.radians(1) ** 2
    np.testing.assert_allclose(per_deg2, [density for *_, density in TXS_SAMPLES.values()])
    for name, table in found.events.items():
        raw = np.loadtxt(validation_data / f"txs0506_release_2018/events_{name}.txt", skiprows=1)
        for i, column in enumerate(("mjd", "ra_deg", "dec_deg", "ang_err_deg", "log10_energy_gev")):
            np.testing.assert_array_equal(table[column].to_numpy(), raw[:, i])
    area = found.effective_area.to_pandas()
    ic40 = area[area["response"] == "IC40"]
    assert ic40["aeff_cm2"].iloc[1] == pytest.approx(0.2422)  # 2.422e-05 m2 in the second line of Aeff_IC40.txt
    assert ic40["dec_min_deg"].unique() == pytest.approx(TXS_CENTRE[1] - 3)


def test_antares_is_read_with_the_units_below_its_names(validation_data):
    found = own.read(own.antares(validation_data))
    (table,) = found.events.values()
    raw = np.loadtxt(validation_data / "antares_2007_2017/ANTARES0717.dat", skiprows=2)
    assert table.num_rows == len(raw) == 8754
    for i, column in ((0, "dec_deg"), (1, "ra_deg"), (3, "ang_err_deg"), (4, "mjd")):
        np.testing.assert_array_equal(table[column].to_numpy(), raw[:, i] % 360 if column == "ra_deg" else raw[:, i])
    assert np.isnan(table["log10_energy_gev"].to_numpy()).all()
    assert found.effective_area.num_rows == found.uptimes.num_rows == 0


def test_two_columns_are_enough(tmp_path):
    found = own.read(own.minimal(written(tmp_path, "ra_deg,dec_deg\n10,5\n20,-5\n")))
    table = found.events["A"]
    assert table["ang_err_deg"].to_pylist() == [1.0, 1.0]
    assert np.isnan(table["mjd"].to_numpy()).all()
    assert found.seasons["livetime_s"].to_pylist() == [864000.0]


def test_units_and_frames_are_those_of_source_lists(tmp_path):
    text = "l;b;err [arcmin]\n0;0;30\n120;-27;60\n"
    columns = {"ra_deg": "l", "dec_deg": "b", "ang_err_deg": "err [arcmin]"}
    found = own.read(full(tmp_path, text, columns=columns, uptimes=None, livetime_days=1.0)).events["A"]
    assert found["ra_deg"].to_numpy()[0] == pytest.approx(266.405, abs=1e-3)  # Galactic centre, J2000
    assert found["ang_err_deg"].to_pylist() == [0.5, 1.0]


def test_good_runs_come_from_the_configuration_or_a_file(tmp_path):
    given = own.read(full(tmp_path))
    runs = written(tmp_path, "start_mjd,stop_mjd\n55000,55002\n55002.5,55004\n", "runs.csv")
    assert own.read(full(tmp_path, uptimes=str(runs))).uptimes == given.uptimes
    (row,) = given.seasons.to_pylist()
    assert (row["livetime_s"], row["span_s"]) == (3.5 * 86400, 4 * 86400)


@pytest.mark.parametrize(
    ("text", "changes", "message"),
    [
        (
            EVENTS.replace("55001.5", "2455001.5"),
            {},
            "row 2, column time: 2455001.5 .*Julian date: subtract",
        ),
        (EVENTS.replace("55001.5", "2009.4"), {}, "row 2, column time: 2009.4 .*looks like a year"),
        (EVENTS.replace("55001.5", ""), {}, "row 2, column time: .*missing"),
        (EVENTS.replace("time", "JD"), {"columns": COLUMNS | {"mjd": "JD"}}, "name of column 'JD' says Julian dates"),
        (EVENTS.replace("55001.5", "55002.25"), {}, "row 2: the event at MJD 55002.25.* in none of the 2 good run"),
        (EVENTS, {"uptimes": [[55004, 55000]]}, "stop_mjd: 55000 is not above start_mjd = 55004"),
        (EVENTS, {"uptimes": [[55000, 55004], [55003, 55005]]}, "row 2: .*overlaps the one of row 1"),
        (EVENTS, {"uptimes": [[2455000, 2455004]]}, "`uptimes` of the list A, row 1.*Julian date"),
        (EVENTS, {"uptimes": []}, "no good run"),
        (EVENTS.replace("-5.0", "-95"), {}, "row 2: dec = -95"),
        (EVENTS.replace(",1.0,", ",0,"), {}, "row 2, column ang_err_deg: 0 is outside the allowed range, above 0"),
        (EVENTS.replace("sigma", "other"), {}, "no column 'sigma'"),
        (EVENTS, {"cone": {"ra_deg": 10, "dec_deg": 5, "radius_deg": 3}}, "row 2: the event lies 14.* from the centre"),
        (
            EVENTS,
            {"cone": {"ra_deg": 20, "dec_deg": 5, "radius_deg": 100, "density_per_deg2": 3}},
            r"`cone.density_per_deg2` of the list A, 3, means 7\.\d*e\+04 events in the cone, but the list holds 3",
        ),
        (EVENTS.replace("time", "time [s]"), {"columns": COLUMNS | {"mjd": "time [s]"}}, "'time .s.' is in 's', but"),
        (
            EVENTS.replace("sigma", "r90"),
            {"columns": COLUMNS | {"ang_err_deg": "r90"}},
            "'r90' .*is the width of a Gauss",
        ),
        (EVENTS.replace("1.0,55", "<1.0,55"), {}, "row 2: 'sigma' is a limit"),
        (EVENTS.replace("55001.5", "<55001.5"), {}, "row 2: 'time' is a limit"),
        (EVENTS + EVENTS.splitlines()[2] + "\n", {}, "row 4: the event at MJD 55001.5.* in row 2 of .*, list A"),
        (
            EVENTS.replace("time", "log10(E/TeV)"),
            {"columns": COLUMNS | {"mjd": None, "log10_energy_gev": "log10(E/TeV)"}},
            "column 'log10.E/TeV.' is about TeV. Give log10.E/GeV.",
        ),
    ],
)
def test_bad_lists_are_refused_with_row_and_column(tmp_path, text, changes, message):
    with pytest.raises(ReleaseError, match=message):
        own.read(full(tmp_path, text, **changes))


@pytest.mark.parametrize(
    ("header", "unit", "expected"),
    [("A [m^2]", None, 2e4), ("aeff_cm2", None, 2.0), ("A", "m2", 2e4), ("A", None, "no unit"), ("A_m2", "cm2", "m2")],
)
def test_the_unit_of_an_area_is_stated_once(tmp_path, header, unit, expected):
    path = written(tmp_path, f"low,high,{header}\n2,3,0\n3,4,2\n", "area.csv")
    columns = {"log10_energy_min_gev": "low", "log10_energy_max_gev": "high", "aeff": header}
    release = full(tmp_path, effective_area={"file": str(path), "columns": columns, "unit": unit})
    if isinstance(expected, str):
        with pytest.raises(ReleaseError, match=expected):
            own.read(release)
    else:
        assert own.read(release).effective_area["aeff_cm2"].to_pylist() == [0.0, pytest.approx(expected)]


@pytest.mark.parametrize(
    "header", ["A [10^4 cm2]", "A [cm2 s]", "aeff_m2_sr", "log10(A/m2)", "A (10$^4$ m$^2$)", "A [m2 GeV]"]
)
def test_what_is_no_area_is_refused(tmp_path, header):
    path = written(tmp_path, f"low,high,{header}\n2,3,0\n3,4,2\n", "area.csv")
    columns = {"log10_energy_min_gev": "low", "log10_energy_max_gev": "high", "aeff": header}
    with pytest.raises(ReleaseError, match="is no area in m2 or cm2"):
        own.read(full(tmp_path, effective_area={"file": str(path), "columns": columns}))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("2,3,0\n3.5,4,2\n", "bins of energy leave a gap: one ends at 3, the next begins at 3.5"),
        ("2,3,0\n2.5,4,2\n", "bins of energy overlap: one ends at 3, the next begins at 2.5"),
        ("2,3,0\n3,4,<2\n", "row 2: 'm2' is a limit"),
    ],
)
def test_bins_of_an_area_touch(tmp_path, rows, message):
    path = written(tmp_path, f"low,high,m2\n{rows}", "area.csv")
    columns = {"log10_energy_min_gev": "low", "log10_energy_max_gev": "high", "aeff": "m2"}
    with pytest.raises(ReleaseError, match=message):
        own.read(full(tmp_path, effective_area={"file": str(path), "columns": columns}))


def test_times_of_another_scale_become_utc(tmp_path):
    scaled = "# TIMESYS = TT\n"
    path = written(tmp_path, f"{scaled}start_mjd,stop_mjd\n55000,55002\n55002.5,55004\n", "runs.csv")
    found = own.read(full(tmp_path, scaled + EVENTS, uptimes=str(path)))
    ahead = (32.184 + 34) / 86400  # TAI was 34 s ahead of UTC in 2009
    np.testing.assert_allclose(found.events["A"]["mjd"], np.array([55000.5, 55001.5, 55003.0]) - ahead, atol=1e-10)
    np.testing.assert_allclose(found.uptimes["start_mjd"], np.array([55000, 55002.5]) - ahead, atol=1e-10)


@pytest.mark.parametrize(("name", "unit", "fine"), [("logE", "GeV", True), ("E", "GeV", False), ("logE", "TeV", False)])
def test_units_beside_logarithms_of_energies(tmp_path, name, unit, fine):
    table = Table(
        {"ra": [10.0, 20.0], "dec": [5.0, 6.0], "sigma": [1.0, 1.0], "time": [55000.5, 55001.0], name: [3.0, 4]}
    )
    table[name].unit = unit
    table.write(tmp_path / "events.ecsv")
    release = full(tmp_path, file=str(tmp_path / "events.ecsv"), columns=COLUMNS | {"log10_energy_gev": name})
    if fine:
        assert own.read(release).events["A"]["log10_energy_gev"].to_pylist() == [3.0, 4.0]
        return
    with pytest.raises(ReleaseError, match=rf"column '{name}' .*{unit}.*Give log10.E/GeV."):
        own.read(release)


def test_one_file_is_not_two_lists(tmp_path):
    release = full(tmp_path)
    release["events"].append(release["events"][0] | {"name": "B"})
    with pytest.raises(ReleaseError, match=r"row 1: the event .* in row 1 of .*events.csv, list A \(3 such event"):
        own.read(release)
    for one in release["events"]:  # without times nothing tells events from others
        one |= {"columns": COLUMNS | {"mjd": None}, "uptimes": None, "livetime_days": 4}
    assert own.read(release).seasons["n_events"].to_pylist() == [3, 3]


def test_a_livetime_is_no_longer_than_it_takes(tmp_path):
    rows = "".join(f"{ra},5.0,0.5,{55000 + ra}\n" for ra in range(40))
    text = "ra,dec,sigma,time\n" + rows
    with pytest.raises(ReleaseError, match="all 40 events come within 39 days, but `livetime_days` of A is 400"):
        own.read(full(tmp_path, text, uptimes=None, livetime_days=400))
    for days in (20, 42):  # not always on; before the first event and after the last
        own.read(full(tmp_path, text, uptimes=None, livetime_days=days))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("runs.csv", "start,stop\n55000,55004\n", "no column 'start_mjd'; it has start, stop.*Name the columns so.$"),
        ("runs.txt", "start_mjd stop_mjd\n55000 55004\n", r"'.txt' says no format. Use one of .*\.xml\.$"),
        ("runs.csv", "start_mjd,stop_mjd\n<55000,55004\n", "row 1: 'start_mjd' is a limit"),
    ],
)
def test_files_of_good_runs_that_cannot_be_read(tmp_path, name, text, message):
    with pytest.raises(ReleaseError, match=message):
        own.read(full(tmp_path, uptimes=str(written(tmp_path, text, name))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ang_err_deg": None}, "either a column `columns.ang_err_deg` or one `ang_err_deg`"),
        ({"uptimes": RUNS}, "exactly one of `livetime_days` and `uptimes`"),
    ],
)
def test_what_a_list_must_state(tmp_path, changes, message):
    with pytest.raises(ConfigurationError, match=message):
        own.settings(own.minimal(tmp_path / "x.csv", **changes))


def test_names_of_releases():
    assert set(config.RELEASE_NAMES) == set(registry.RELEASES)
    with pytest.raises(ConfigurationError, match="there is no release 'icecube-5yr'"):
        own.settings({"name": "icecube-5yr"})
    with pytest.raises(ConfigurationError, match="give a name of your own"):
        own.settings(own.minimal("x.csv") | {"name": "icecube-10yr"})


def test_what_cannot_be_stated_is_said_and_refused(tmp_path):
    release = own.minimal(written(tmp_path, "ra_deg,dec_deg\n10,5\n"))
    texts = " ".join(own.settings(release).not_stated)
    assert all(part in texts for part in ("no effective area (A)", "no times of the events (A)", "no use of energies"))
    run = {"run": "x", "release": release, "catalogues": {"wcda-hess": {}}}
    with pytest.raises(ConfigurationError, match="need an `effective_area`"):
        config.parse(run | {"inference": {"declinations_deg": [0.0]}})
    cone = {"ra_deg": 10, "dec_deg": 5, "radius_deg": 3}
    run["release"] = own.minimal("x.csv", cone=cone)
    with pytest.raises(ConfigurationError, match="covers only a cone"):
        config.parse(run | {"skymap": {}})


def test_the_stages_write_its_tables(tmp_path):
    release = own.settings(full(tmp_path))
    manifest, events = tmp_path / "release.json", {"A": tmp_path / "A.parquet"}
    kinds = ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution")
    stage.fetch(release, 1, tmp_path, manifest)
    stage.ingest(manifest, None, events, **{kind: tmp_path / f"{kind}.parquet" for kind in kinds})
    assert read_table(events["A"], kind="events")["mjd"].to_pylist() == [55000.5, 55001.5, 55003.0]
    written(tmp_path, EVENTS + "40,1,1,55003.5\n")
    with pytest.raises(ReleaseError, match="changed since"):
        stage.ingest(manifest, None, events, **{kind: tmp_path / f"{kind}.parquet" for kind in kinds})
    (tmp_path / "events.csv").unlink()
    with pytest.raises(ReleaseError, match=r"1 file\(s\) of `release.events` missing"):
        stage.fetch(release, 1, tmp_path, manifest)
    assert ingest.adapter_of(ingest.read_manifest(manifest)["layout"])


def test_a_list_without_an_area_gives_events_but_no_flux(tmp_path):
    rng = np.random.default_rng(1)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, 2000)))
    rows = "\n".join(f"{a:.4f},{d:.4f}" for a, d in zip(rng.uniform(0, 360, 2000), dec, strict=True))
    near = "\n".join(f"{100 + x:.4f},{20 + y:.4f}" for x, y in rng.normal(0, 0.5, (30, 2)))
    path = written(tmp_path, f"ra_deg,dec_deg\n{rows}\n{near}\n")
    made = analysis(own.read(own.minimal(path)))
    assert not made.has_area
    assert "no effective area" in made.kind
    fit = Hypothesis.of(made, Sources.of(*np.radians([100.0, 20.0])), None).fit()
    assert fit.n_signal == pytest.approx(30, abs=10)


def test_a_cone_has_the_density_that_is_stated(validation_data):
    made = analysis(own.read(txs_release(validation_data)))
    season, density = made.seasons[0], 1.00 * np.degrees(1) ** 2
    np.testing.assert_allclose(season.inverse_background, 31 / density)
    assert made.has_area
    with pytest.raises(PhysicsError, match="outside the cone that the events of IC40 cover"):
        Hypothesis.of(made, Sources.of(*np.radians([77.36, 12.0])))


def test_the_fit_in_a_cone_is_that_of_the_formula(validation_data):
    made = analysis(own.read(txs_release(validation_data)))
    at = np.radians([77.358, 5.693])
    hypothesis = Hypothesis.of(made, Sources.of(*at)).with_gammas([2.0])
    n_signal, expected = 5.0, 0.0
    for season, share in zip(made.seasons, hypothesis.shares[0], strict=True):
        cosine = np.sin(at[1]) * np.sin(season.dec) + np.cos(at[1]) * np.cos(season.dec) * np.cos(season.ra - at[0])
        psi = np.arccos(np.clip(cosine, -1, 1))
        signal = psi / np.sin(psi) * np.exp(-((psi / season.ang_err) ** 2) / 2) / (2 * np.pi * season.ang_err**2)
        ratio = signal * season.inverse_background
        expected += 2 * np.log1p(n_signal * share / len(season) * (ratio - 1)).sum()
    found = hypothesis.likelihood(hypothesis.data()).test_statistic(n_signal, 0)
    assert found == pytest.approx(expected, abs=1e-3)
