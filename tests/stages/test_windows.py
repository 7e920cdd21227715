"""Sources that change with time, from the configuration to the statements, on the public events around TXS 0506+056."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from nusky import config
from nusky.errors import ConfigurationError, PhysicsError
from nusky.releases import ingest
from nusky.search.time_profile import Box
from nusky.stages import (
    catalogues,
    inference,
    inference_summary,
    recovery,
    releases,
    source_limits,
    stack_sources,
    windows,
)
from nusky.tables import read_metadata, read_table, trace
from tests.releases import own
from tests.stages.inferred import Outputs, outputs
from validation.samples import REAL_SEASONS, TXS_SAMPLES, real_tables, txs_release

KINDS = ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution")
TIME = {"profile": "box", "start_mjd": "begin", "stop_mjd": 57096.21}
LIST = "name,ra_deg,dec_deg,begin\nTXS,77.358,5.693,56937.81\nBeside,77.9,5.0,57000\n"
LEFT = (("Late", 5.9, 58100, 3.0), ("A", 5.2, 57000, 2.1), ("B", 5.8, 57000, 2.2), ("C", 5.6, 57000, 2.3))
REQUEST = {"confidence_level": 0.9, "limit_method": "neyman", "discovery_sigmas": [], "n_trials": 40}


@pytest.fixture(scope="module")
def tables(tmp_path_factory, validation_data):
    folder = tmp_path_factory.mktemp("windows")
    kinds = {kind: folder / f"{kind}.parquet" for kind in KINDS}
    events = {name: folder / f"{name}.parquet" for name in TXS_SAMPLES}
    releases.fetch(own.settings(txs_release(validation_data)), 1, folder, folder / "release.json")
    releases.ingest(folder / "release.json", None, events=events, **kinds)
    (folder / "list.csv").write_text(LIST)
    listed = config.Catalogue(lists=[{"file": str(folder / "list.csv")}], time=TIME)
    catalogues.build(listed, "mine", folder / "sources.parquet", folder / "sources.json")
    return folder, SimpleNamespace(events=list(events.values()), sources=folder / "sources.parquet", **kinds)


def job(name, time=None):
    about = {"name": name, "time": config.TimeProfile.model_validate(time or TIME).model_dump()}
    if name.startswith("stack/"):
        about["weighting"] = {}
    return {"setup": {"gammas": [2.2], "gamma": None, "seed": 3}, "hypothesis": about}


def trials(tables, name, skies="trials", n=150):
    folder, files = tables
    made = outputs(folder, f"{skies}-{name.replace('/', '-')}")
    inference.trials(files, made, **job(name), first=0, stop=n, skies=skies)
    return [made[0]]


@pytest.mark.slow
def test_the_flare_stands_in_every_table(tables):
    folder, files = tables
    single, stack = "sources/mine", "stack/mine/uniform"
    names = "fits", "searches", "population", "statements", "fluxes", "limits", "hadronic", "part", "part_hadronic"
    made = outputs(folder, *names, "gamma_rays", "stack_fits", "stack_searches", "stack_sources")
    batches = {"trials": trials(tables, single), "skies": trials(tables, single, "skies", 30)}
    inference.source_fits(SimpleNamespace(**vars(files), **batches), made, **job(single))
    rows = read_table(made["fits"], kind="source_fits").to_pylist()
    assert rows[0]["n_signal"] == pytest.approx(12.8, abs=0.3)  # docs/validation/windows.md
    assert rows[0]["test_statistic"] == pytest.approx(13.4, abs=0.3)
    assert rows[0]["p_local"] < 0.03
    assert rows[0]["p_local"] <= rows[0]["p_post"] <= 0.1
    request = {"request": REQUEST}
    part = Outputs(limits=made["part"], hadronic=made["part_hadronic"], gamma_rays=made["gamma_rays"])
    with_trials = SimpleNamespace(**vars(files), trials=batches["trials"])
    source_limits.part(with_trials, part, **job(single), **request, part=0, parts=1)
    limit = read_table(made["part"], kind="source_limits").to_pylist()[0]
    window_s = (57096.21 - 56937.81) * 86400
    assert limit["duration_s"] == pytest.approx(window_s)
    assert limit["e2_fluence_100tev_gev_cm2"] == pytest.approx(limit["e2dnde_100tev_gev_cm2_s"] * window_s)
    assert limit["n_signal"] == pytest.approx(rows[0]["n_signal"], rel=0.5)
    assert read_table(made["part_hadronic"], kind="hadronic_limits").num_rows == 0
    parts = SimpleNamespace(**vars(files), limits=[made["part"]], hadronic=[made["part_hadronic"]])
    source_limits.whole(parts, made, **job(single), **request)
    of_stack = SimpleNamespace(**vars(files), trials=trials(tables, stack), skies=trials(tables, stack, "skies", 30))
    fitted = Outputs(fits=made["stack_fits"], searches=made["stack_searches"])
    inference.fits(of_stack, fitted, **job(stack))
    stack_sources.stack_sources(of_stack, [made["stack_sources"]], **job(stack), n_sources=1, n_trials=20)
    inference.statements(
        of_stack, Outputs(statements=made["statements"], fluxes=made["fluxes"]), **job(stack), **request
    )
    of_stack = {"fits": made["stack_fits"], "statements": made["statements"], "sources": made["stack_sources"]}
    told = inference_summary.collect({"uniform": of_stack}, made)
    assert told["time"]["profile"] == "box"
    both = window_s / 2 + (57096.21 - 57000) * 86400 / 2
    assert told["stacks"]["uniform"]["statements"]["2.2"]["upper_limit"]["duration_s"] == pytest.approx(both)
    assert len(told["sources"]["fits"]) == 2


def test_the_flux_is_that_of_the_window(tables):
    """Twice as long a window gives the same events for half the flux and the same fluence."""
    scales = []
    for stop in (56990.0, 57090.0):
        time = {"profile": "box", "start_mjd": 56890.0, "stop_mjd": stop}
        study = inference.Study(tables[1], **job("sources/mine", time))
        scales.append(study.target(0).flux_scale(2.2))
    assert scales[1].events_per_phi0_gev == pytest.approx(2 * scales[0].events_per_phi0_gev)
    assert scales[1].duration_s == pytest.approx(2 * scales[0].duration_s)


def test_a_window_outside_the_seasons_is_named_and_left_out(tables):
    folder, files = tables
    (folder / "late.csv").write_text(LIST + "Late,77.4,5.6,58100\n")
    listed = config.Catalogue(lists=[{"file": str(folder / "late.csv")}])
    catalogues.build(listed, "late", folder / "late.parquet", folder / "late.json")
    files = SimpleNamespace(**{**vars(files), "sources": folder / "late.parquet"})
    time = {"profile": "box", "start_mjd": "begin", "stop_mjd": 58200.0}
    for name in ("sources/late", "stack/late/uniform"):
        study = inference.Study(files, **job(name, time))
        assert study.outside == ["Late"]
        assert study.rows.tolist() == [0, 1]
        assert study.trace().settings["windows_outside_seasons"] == ["Late"]


def test_sources_keep_their_spectra_where_others_are_left_out(tables, monkeypatch):
    """The first source has no window in the seasons: the second is the target number 0, and the middle of what is left
    stands for the catalogue."""
    folder, files = tables
    rows = [f"{name},77.4,{dec},{begin},{index}" for name, dec, begin, index in LEFT]
    (folder / "spectra.csv").write_text("name,ra_deg,dec_deg,begin,index\n" + "\n".join(rows) + "\n")
    listed = config.Catalogue(lists=[{"file": str(folder / "spectra.csv")}])
    catalogues.build(listed, "mine", folder / "spectra.parquet", folder / "spectra.json")
    files = SimpleNamespace(**{**vars(files), "sources": folder / "spectra.parquet"})
    asked = job("sources/mine", {"profile": "box", "start_mjd": "begin", "stop_mjd": 58200.0})
    asked["setup"]["spectrum"] = {"shape": "cutoff-power-law", "gamma": "index", "cutoff_gev": 1e5}
    study = inference.Study(files, **asked)
    assert [target.spectrum.gamma for target in study] == [2.1, 2.2, 2.3]
    assert [target.row["name"] for target in study] == ["A", "B", "C"]
    chosen = []
    monkeypatch.setattr(inference.Study, "statistics", lambda *_: np.zeros((40, 1, 1)))
    monkeypatch.setattr(inference.Study, "target", lambda _, j: chosen.append(j) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        recovery.recovery(SimpleNamespace(**vars(files), trials=[]), None, **asked, request=REQUEST, n_trials=1)
    assert chosen == [2]


def test_windows_are_told_with_what_the_seasons_saw_of_them(tables, tmp_path):
    files = tables[1]
    (tmp_path / "list.csv").write_text(LIST + "Late,77.4,5.6,58100\nEarly,77.4,5.7,54000\n")
    time = {"profile": "box", "start_mjd": "begin", "duration_days": 100.0}
    listed = config.Catalogue(lists=[{"file": str(tmp_path / "list.csv")}], time=time)
    catalogues.build(listed, "late", tmp_path / "late.parquet", tmp_path / "late.json")
    files = SimpleNamespace(**{**vars(files), "sources": tmp_path / "late.parquet"})
    windows.windows(files, [tmp_path / "windows.parquet"], time=listed.time.model_dump())
    table = read_table(tmp_path / "windows.parquet", kind="windows")
    rows = {row["name"]: row for row in table.to_pylist()}
    assert rows["TXS"]["stop_mjd"] == pytest.approx(57037.81)
    assert rows["TXS"]["duration_days"] == pytest.approx(100)
    assert rows["TXS"]["exposure_days"] == pytest.approx(100)  # the lists are taken as one run each
    assert (rows["TXS"]["seasons"], rows["TXS"]["problem"]) == ("IC86b", "")
    assert rows["Late"]["problem"] == "it begins at MJD 58100.00, after the last good run at 58058.00"
    assert rows["Early"]["problem"].startswith("it ends at MJD 54100.00, before the first good run at 54561")
    assert read_metadata(tmp_path / "windows.parquet")["settings"]["seasons"]["IC40"] == [54561.0, 54971.0]


def test_a_gaussian_is_told_by_its_central_fluence(tables, tmp_path):
    time = {"profile": "gaussian", "centre_mjd": 57000.0, "width_days": 10.0}
    windows.windows(tables[1], [tmp_path / "w.parquet"], time=time)
    row = read_table(tmp_path / "w.parquet", kind="windows").to_pylist()[0]
    assert (row["start_mjd"], row["stop_mjd"]) == pytest.approx((57000 - 16.4485, 57000 + 16.4485), abs=1e-3)
    assert row["duration_days"] == pytest.approx(10 * np.sqrt(2 * np.pi))


def test_sources_can_share_the_fluence(tables):
    """Two windows of one length and half of it: with equal fluences the shorter one has twice the flux."""
    shared, scales = {}, {}
    for quantity in ("flux", "fluence"):
        asked = job("stack/mine/uniform")
        asked["hypothesis"]["weighting"] = {"quantity": quantity}
        study = inference.Study(tables[1], **asked)
        shared[quantity] = study.weights * study.durations
        scales[quantity] = study.target(0).flux_scale(2.2)
        events = study.target(0).signal(2.2).share.sum(axis=0)
    assert study.durations == pytest.approx([57096.21 - 56937.81, 57096.21 - 57000])
    assert shared["fluence"] == pytest.approx([0.5, 0.5])
    assert shared["flux"] == pytest.approx(study.durations / 2)
    # Both windows lie in one season and at nearly one declination: equal fluences are equal numbers of events.
    assert events == pytest.approx([0.5, 0.5], abs=0.02)
    # One event more of the stack is as much fluence however it is shared.
    per_event = [scale.duration_s / scale.events_per_phi0_gev for scale in scales.values()]
    assert per_event[0] == pytest.approx(per_event[1], rel=0.02)


@pytest.mark.slow
def test_durations_at_a_position(tables):
    """Sensitivities as fluences of windows at one place; where no background is, the fluence is that of any."""
    folder, files = tables
    about = {"ra_deg": 77.36, "dec_deg": 5.69, "centre_mjd": 57000.0, "days": [0.001, 0.1, 1500.0]}
    asked = {"setup": {"gammas": [2.0], "gamma": None, "seed": 3}, "hypothesis": {"name": "durations"}}
    asked["hypothesis"]["durations"] = about
    made = outputs(folder, "durations", "sensitivity")
    files = SimpleNamespace(**{k: v for k, v in vars(files).items() if k != "sources"})
    inference.trials(files, [made["durations"]], **asked, first=0, stop=100, skies="trials")
    files.trials = [made["durations"]]
    inference.statements(files, [made["sensitivity"]], **asked, request=REQUEST)
    rows = read_table(made["sensitivity"], kind="sensitivity").to_pylist()
    assert [row["duration_days"] for row in rows] == about["days"]
    assert [row["duration_s"] for row in rows] == pytest.approx([86400 * days for days in about["days"]])
    fluence = [row["e2_fluence_100tev_gev_cm2"] for row in rows]
    assert fluence[0] == pytest.approx(fluence[1], rel=0.2)
    assert fluence[2] > 1.2 * fluence[1]
    assert fluence == pytest.approx([row["e2dnde_100tev_gev_cm2_s"] * row["duration_s"] for row in rows])
    late = {**about, "centre_mjd": 59000.0}
    with pytest.raises(PhysicsError, match=r"The first is .* begins at MJD .*, after the last good run"):
        inference.Study(files, asked["setup"], {"name": "durations", "durations": late})


def test_the_tidal_disruption_events_meet_the_real_seasons(validation_data, tmp_path):
    """Three real seasons with the responses that stand in for theirs, and the ready-made catalogue."""
    tables = real_tables(validation_data)
    kinds = {kind: tmp_path / f"{kind}.parquet" for kind in KINDS}
    events = {name: tmp_path / f"{name}.parquet" for name in REAL_SEASONS}
    ingest.write(tables, events, kinds, trace([]))
    block = config.Catalogue(**config.PRESETS["tdes"])
    catalogues.build(block, "tdes", tmp_path / "tdes.parquet", tmp_path / "tdes.json")
    files = SimpleNamespace(events=list(events.values()), sources=tmp_path / "tdes.parquet", **kinds)
    windows.windows(files, [tmp_path / "windows.parquet"], time=block.time.model_dump())
    rows = read_table(tmp_path / "windows.parquet", kind="windows").to_pylist()
    left = {row["name"]: row["problem"] for row in rows if row["problem"]}
    runs = read_table(kinds["uptimes"], kind="uptimes").to_pandas()
    for row in rows:  # by hand from the good runs of the release
        low, high = runs["start_mjd"].clip(row["start_mjd"]), runs["stop_mjd"].clip(upper=row["stop_mjd"])
        assert row["exposure_days"] == pytest.approx((high - low).clip(0).sum(), abs=1e-6)
        assert (row["name"] in left) == (row["exposure_days"] == 0)
    assert (len(rows), len(left)) == (54, 18)
    assert left["ASASSN-14li"].startswith("it begins at MJD 56851.00, after the last good run")
    assert left["PTF09djl"] == "no good run is on from MJD 55020.00000 to 55150.00000"  # in IC59
    about = {"name": "stack/tdes/uniform", "time": block.time.model_dump(), "weighting": {"quantity": "fluence"}}
    study = inference.Study(files, {"gammas": [2.0], "gamma": None, "seed": 1}, about)
    assert set(study.outside) == set(left)
    (best,) = study.target(0).fit_rows(study.target(0).experiment.observed[:, 2], np.empty((0, 1)))
    assert best["test_statistic"] >= 0
    assert best["converged"]
    scale = study.target(0).flux_scale(2.0)
    assert scale.duration_s == pytest.approx(86400 * 36 / np.sum(1 / study.durations))  # equal fluences


def test_common_skies_permute_the_times_once_for_all(tables):
    study = inference.Study(tables[1], **job("sources/mine"))
    first, again = study.common_skies(range(3)), study.common_skies(range(1, 3))
    assert first.shape == (3, 2, 1)
    np.testing.assert_array_equal(first[1:], again)
    assert read_metadata(tables[1].uptimes)["kind"] == "uptimes"


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ({"profile": "box", "start_mjd": 57000.0}, "a box is described by start_mjd, stop_mjd; or by start_mjd, dur"),
        ({"profile": "box", "start_mjd": 57000.0, "stop_mjd": 57001.0, "duration_days": 1.0}, "no other"),
        ({"profile": "box", "start_mjd": "t", "duration_days": "t"}, "one column is named for two"),
        (
            {"profile": "gaussian", "centre_mjd": 57000.0, "width_days": 3.0, "power": 1.0},
            "give all of them and no other",
        ),
        ({"profile": "burst"}, "box"),
    ],
)
def test_a_profile_is_described_completely(time, message):
    run = {"run": "x", "catalogues": {"wcda-hess": {"time": time}}, "inference": {}}
    with pytest.raises(ConfigurationError, match=message):
        config.parse(run)


def test_windows_need_the_inference_and_the_times(tmp_path):
    time = {"profile": "box", "start_mjd": 57000.0, "stop_mjd": 57010.0}
    run = {"run": "x", "catalogues": {"wcda-hess": {"time": time}}}
    with pytest.raises(ConfigurationError, match="part of the inference, which does not treat this"):
        config.parse(run)
    with pytest.raises(ConfigurationError, match="needs the times of the events"):
        config.parse(run | {"inference": {}, "release": own.minimal(tmp_path / "x.csv")})
    cone = own.minimal("x.csv", cone={"ra_deg": 10, "dec_deg": 5, "radius_deg": 3}, columns={"mjd": "mjd"})
    assert config.parse(run | {"inference": {}, "release": cone}).windowed("wcda-hess")


@pytest.mark.parametrize(
    "time",
    [
        {"start_mjd": "start", "stop_mjd": "stop"},
        {"start_mjd": "start", "duration_days": "length"},
        {"centre_mjd": "middle", "duration_days": "length"},
        {"start_mjd": "start", "duration_days": 10.0},
    ],
)
def test_a_box_is_told_in_three_ways(time):
    columns = {"start": [55000.0, 56000.0], "stop": [55010.0, 56010.0], "length": [10.0, 10.0]}
    sources = pa.table(columns | {"middle": [55005.0, 56005.0]})
    made = inference.profiles_of(config.TimeProfile(profile="box", **time), sources)
    assert made == [Box(55000.0, 55010.0), Box(56000.0, 56010.0)]
