import logging
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from scipy.stats import norm

from nusky.errors import PhysicsError, TableError
from nusky.search.analysis import FULL
from nusky.search.hypothesis import Hypothesis
from nusky.search.skymap import healpix_file, hottest
from nusky.search.skymap.grid import Scanner
from nusky.search.skymap.spots import CONTOUR_LEVELS
from nusky.search.sources import Sources
from nusky.search.statistics.pvalues import BackgroundTrials
from nusky.stages import skymap
from nusky.tables import read_metadata, read_table
from tests.stages import inferred

GRID = {"nside": 16, "nside_coarse": 8, "refine_above": 1.0, "nside_region": 1}
CHOICES = {"grid": GRID, "gamma": 2.5, "seed": 11}
SPACING, N_DECLINATIONS, N_TRIALS, N_SKIES = 40, 6, 1500, 3
SHOWN = {"n_spots": 5, "n_zooms": 2, "zoom_width_deg": 2.0, "tail_p_values": False}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Tables of a small generated release, by the names a job has for them; an empty smearing table beside them."""
    folder = tmp_path_factory.mktemp("skymap")
    inferred.make(folder)
    names = ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution", "no_smearing")
    events = [folder / f"{season}.parquet" for season in inferred.SEASONS]
    return SimpleNamespace(folder=folder, events=events, **{name: folder / f"{name}.parquet" for name in names})


def setup(files, **changes):
    return skymap.setup(files, CHOICES | changes)


def regions(files, folder):
    chosen = setup(files)
    paths = [folder / f"regions/{number}.parquet" for number in range(chosen.grid.n_regions)]
    for number, path in enumerate(paths):
        skymap.region(chosen, path, number=number)
    return paths


def calibration(files, folder, step, total=N_TRIALS):
    paths = []
    for first in range(0, total, step):
        paths.append(folder / f"calibration/{first}-{first + step}.parquet")
        batch = range(first, min(first + step, total))
        skymap.calibration_trials(setup(files, grid=None), paths[-1], spacing_deg=SPACING, trials=batch)
    return paths


def skies(files, folder, step):
    paths = []
    for first in range(0, N_SKIES, step):
        paths.append(folder / f"skies/{first}-{first + step}.parquet")
        skymap.skies(setup(files), paths[-1], trials=range(first, min(first + step, N_SKIES)))
    return paths


def results(files, parts, folder, tail_p_values=False, **grid):
    suffixes = {"fits": "map.fits"}
    outputs = {name: folder / suffixes.get(name, f"{name}.parquet") for name in skymap.OUTPUTS}
    skymap.results(setup(files, grid=GRID | grid), *parts, outputs, **SHOWN | {"tail_p_values": tail_p_values})
    return outputs


@pytest.fixture(scope="module")
def parts(files):
    """Regions, batches of the calibration and batches of skies."""
    return regions(files, files.folder), calibration(files, files.folder, 250), skies(files, files.folder, 2)


@pytest.fixture(scope="module")
def outputs(files, parts):
    return results(files, parts, files.folder / "results")


def table(outputs, name):
    return read_table(outputs[name], kind=f"skymap_{name}")


def column(paths, kind, name):
    return np.concatenate([read_table(path, kind=kind)[name].to_numpy() for path in paths])


def test_regions_together_are_the_map_of_the_whole_sky(files, parts):
    model = setup(files).load()
    whole = Scanner(model, setup(files).grid).map(model.data())
    np.testing.assert_array_equal(column(parts[0], "skymap_region", "pixel"), whole.pixel)
    for name, values in (("test_statistic", whole.ts), ("n_signal", whole.n_signal), ("gamma", whole.gamma)):
        # The response is a product of matrices, whose rounding depends on how many declinations it is for.
        np.testing.assert_allclose(column(parts[0], "skymap_region", name), values, rtol=1e-9, atol=1e-12)
    fitted = column(parts[0], "skymap_region", "nside_fitted")
    np.testing.assert_array_equal(np.unique(fitted), [0, 8, 16])
    assert (whole.ts[fitted == 16].max(), np.isnan(whole.ts[fitted == 0]).all()) == (np.nanmax(whole.ts), True)


def test_smaller_regions_hold_the_same_numbers(files, parts, tmp_path):
    chosen = setup(files, grid=GRID | {"nside_region": 2})
    assert chosen.grid.n_regions == 48
    skymap.region(chosen, tmp_path / "6.parquet", number=6)
    small, large = (
        read_table(path, kind="skymap_region").to_pandas() for path in (tmp_path / "6.parquet", parts[0][1])
    )
    within = large[large.pixel.isin(small.pixel)].reset_index(drop=True)
    assert len(within) == len(small) == len(large) / 4
    # Products of matrices over the positions of a region are rounded by their size.
    pd.testing.assert_frame_equal(small, within, rtol=1e-13)


def test_numbers_do_not_depend_on_batches(files, parts, tmp_path, caplog):
    trials = calibration(files, tmp_path, 40, total=80)
    for name in ("trial", "dec_deg", "test_statistic"):
        whole = column(parts[1], "skymap_calibration", name)
        np.testing.assert_array_equal(column(trials, "skymap_calibration", name), whole[: 80 * N_DECLINATIONS])
    with caplog.at_level(logging.INFO, logger="nusky"):
        (alone,) = skies(files, tmp_path, N_SKIES)
    assert [message.split(",")[0] for message in caplog.messages] == [f"sky {i}: {i + 1} of 3" for i in range(3)]
    for name in ("trial", "band", *hottest.COLUMNS):
        np.testing.assert_array_equal(
            column([alone], "skymap_skies", name), column(parts[2], "skymap_skies", name), strict=True
        )


@pytest.mark.filterwarnings("error:Card is too long")
def test_what_is_made_again_is_the_same_file_and_changes_no_result(files, parts, outputs, tmp_path):
    lost = parts[0][4], parts[1][1], parts[2][1]  # sky number 2 is alone in its batch
    before = [path.read_bytes() for path in lost]
    for path in lost:
        path.unlink()
    skymap.region(setup(files), lost[0], number=4)
    batch = range(250, 500)
    skymap.calibration_trials(setup(files, grid=None), lost[1], spacing_deg=SPACING, trials=batch)
    skymap.skies(setup(files), lost[2], trials=range(2, 3))
    assert [path.read_bytes() for path in lost] == before
    again = results(files, parts, tmp_path)
    assert [again[name].read_bytes() for name in again] == [outputs[name].read_bytes() for name in again]


def test_the_fits_file_holds_the_regions_and_their_p_values(parts, outputs):
    ts = column(parts[0], "skymap_region", "test_statistic")
    with fits.open(outputs["fits"]) as file:
        header = file[1].header
    assert (header["NSIDE"], header["COARSE"], header["FIXGAMMA"]) == (16, 8, 2.5)
    assert (header["NTRIALS"], header["SYNTHETI"], header["ANALYSIS"]) == (N_TRIALS, True, FULL)
    nside, found = healpix_file.read(outputs["fits"], "TS")
    assert nside == 16
    np.testing.assert_array_equal(found, ts)
    # Pixels near -10 deg, a declination of trials: the p-value is almost that of its trials.
    trials = column(parts[1], "skymap_calibration", "test_statistic").reshape(-1, N_DECLINATIONS)
    dec = column(parts[1], "skymap_calibration", "dec_deg")[:N_DECLINATIONS]
    near = np.flatnonzero(np.abs(np.degrees(_pixel_dec(16)) + 10) < 1)
    found = 10 ** -healpix_file.read(outputs["fits"], "NEG_LOG10_P")[1]
    for pixel in near:
        p = [BackgroundTrials(own).p_value(ts[pixel]) for own in trials.T]
        expected = np.exp(np.interp(np.degrees(_pixel_dec(16)[pixel]), dec, np.log(p)))
        assert found[pixel] == pytest.approx(expected, rel=1e-9)
    assert near.size
    seen = ~np.isnan(ts)
    np.testing.assert_array_equal(np.isnan(found), ~seen)
    assert found[seen].min() >= header["PFLOOR"] * (1 - 1e-9) == pytest.approx(1 / (N_TRIALS + 1))
    np.testing.assert_array_equal(np.isnan(healpix_file.read(outputs["fits"], "TAIL_SCORE")[1]), ~seen)


def _pixel_dec(nside):
    from astropy_healpix import HEALPix

    return HEALPix(nside, "nested").healpix_to_lonlat(np.arange(12 * nside**2))[1].rad


def test_spots_are_sorted_and_no_lower_than_their_pixels(parts, outputs):
    spots = table(outputs, "spots").to_pandas()
    assert list(spots.spot) == list(range(SHOWN["n_spots"]))
    assert spots.tail_score.is_monotonic_decreasing
    ts = column(parts[0], "skymap_region", "test_statistic")
    assert (spots.test_statistic >= ts[spots.pixel] - 0.01).all()
    assert (spots.n_trials == N_TRIALS).all()
    assert spots.p_local.between(1 / (N_TRIALS + 1) - 1e-12, 1).all()
    np.testing.assert_array_equal(spots.beyond_trials, spots.p_local < 1.001 / (N_TRIALS + 1))
    np.testing.assert_allclose(spots.significance, norm.isf(spots.p_local))
    assert "p_tail" not in spots


def test_contours_surround_their_spots_and_lie_in_order(outputs):
    spots, found = table(outputs, "spots").to_pandas(), table(outputs, "contours").to_pandas()
    assert set(found.spot) == set(range(SHOWN["n_zooms"]))
    assert set(found.confidence_level) == set(CONTOUR_LEVELS)
    for number, own in found.groupby("spot"):
        dec = np.radians(spots.dec_deg[number])
        radius = {}
        for level, vertices in own.groupby("confidence_level"):
            east = np.degrees(np.sin(np.radians(vertices.ra_deg - spots.ra_deg[number]))) * np.cos(dec)
            radius[level] = np.hypot(east, vertices.dec_deg - spots.dec_deg[number]).to_numpy()
        inner, outer = (radius[level] for level in CONTOUR_LEVELS)
        both = np.isfinite(inner) & np.isfinite(outer)
        assert both.any()
        assert (inner[both] > 0).all()
        assert (inner[both] < outer[both]).all()


def test_zooms_have_the_spot_in_their_middle(outputs):
    spots, found = table(outputs, "spots").to_pandas(), table(outputs, "zooms").to_pandas()
    assert set(found.spot) == set(range(SHOWN["n_zooms"]))
    for number, own in found.groupby("spot"):
        assert (own.east_deg.min(), own.north_deg.max()) == pytest.approx((-1.0, 1.0))
        middle = own[(own.east_deg.abs() < 1e-9) & (own.north_deg.abs() < 1e-9)]
        assert len(middle) == 1
        assert middle.test_statistic.item() == pytest.approx(spots.test_statistic[number], rel=0.02)


def test_the_hottest_spots_are_ranked_among_the_skies(outputs):
    found, trials = table(outputs, "hottest").to_pandas(), table(outputs, "hottest_trials").to_pandas()
    spots = table(outputs, "spots").to_pandas()
    assert list(found.hemisphere) == ["south", "north"]
    for row in found.itertuples():
        own = trials[trials.hemisphere == row.hemisphere]
        assert list(own.trial) == list(range(N_SKIES))
        k = (own.tail_score >= row.tail_score - 1e-12).sum()
        assert row.p_post == pytest.approx((k + 1) / (N_SKIES + 1))
        assert row.p_post_low < row.p_post <= row.p_post_high
        assert row.n_sky_trials == N_SKIES
        assert (row.dec_deg > -5) == (row.hemisphere == "north")
    # The first of the listed spots is the hottest of its hemisphere, with the same fit.
    best = found.loc[found.tail_score.idxmax()]
    assert spots.tail_score[0] == pytest.approx(best.tail_score, abs=0.02)
    for name in ("ra_deg", "dec_deg", "test_statistic", "n_signal", "gamma"):
        assert spots[name][0] == pytest.approx(best[name], abs=1e-9)


def test_tables_say_where_they_come_from(parts, outputs):
    for path in (*(group[0] for group in parts), *(outputs[name] for name in skymap.OUTPUTS if name != "fits")):
        metadata = read_metadata(path)
        assert metadata["synthetic"] is True
        assert metadata["settings"]["gamma"] == 2.5
        assert metadata["settings"]["seed"] == 11
    assert "grid" not in read_metadata(parts[1][0])["settings"]
    inputs = read_metadata(outputs["spots"])["inputs"]
    assert len(inputs) == len(inferred.SEASONS) + 5 + sum(map(len, parts))


def test_a_sky_without_spots_has_empty_tables(files, parts, tmp_path):
    found = results(files, parts, tmp_path, refine_above=1e6)
    for name in ("spots", "contours", "zooms"):
        assert len(table(found, name)) == 0
    for row in table(found, "hottest").to_pylist():
        assert np.isnan(row["test_statistic"])
        assert (row["p_local"], row["tail_score"], row["p_post"]) == (1.0, 0.0, 1.0)
        assert row["beyond_trials"] is False


def test_p_values_of_the_tails_are_stated_on_request(files, parts, outputs, tmp_path):
    asked, plain = (results(files, parts, tmp_path, tail_p_values=True), outputs)
    for name in ("spots", "hottest"):
        found = table(asked, name).to_pandas()
        assert found.drop(columns=["p_tail", "p_tail_low", "p_tail_high"]).equals(table(plain, name).to_pandas())
        np.testing.assert_allclose(-np.log10(found.p_tail), found.tail_score, atol=1e-9)
        assert (found.p_tail_low <= found.p_tail).all()
        assert (found.p_tail <= found.p_tail_high).all()
        assert (found.p_tail_low < found.p_tail_high).any()


def test_a_free_index_needs_smearing_tables(files, tmp_path):
    bare = SimpleNamespace(**vars(files) | {"smearing": files.no_smearing})
    with pytest.raises(PhysicsError, match=r"no smearing tables, so a map cannot fit gamma.*set `skymap\.gamma`"):
        skymap.region(setup(bare, gamma=None), tmp_path / "0.parquet", number=0)
    assert not list(tmp_path.iterdir())
    skymap.region(setup(bare, gamma=2.0), tmp_path / "0.parquet", number=0)
    assert read_metadata(tmp_path / "0.parquet")["settings"]["analysis"] == "spatial only"


def test_a_missing_region_is_told(files, parts, tmp_path):
    with pytest.raises(TableError, match=r"regions: the regions do not cover the sky at nside 16\. Delete the folder"):
        results(files, (parts[0][:-1], *parts[1:]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_log_tells_how_far_a_region_is(files, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="nusky"):
        skymap.region(setup(files), tmp_path / "0.parquet", number=0)
    # Of the 64 pixels only the one at the pole is left out.
    assert caplog.messages[0] == "region 0: nside 8, 63 of 63 positions (100 %)"


def test_the_map_has_the_fits_of_single_sources(files):
    model = setup(files, grid=None).load()
    assert model.analysis.kind == "spatial and energy, point spread from the smearing tables"
    ra, dec = np.radians([(10.0, 20.0), (200.0, -20.0), (120.0, 60.0)]).T
    found = model.best(model.data(), ra, dec)
    fits = [
        Hypothesis.of(model.analysis, Sources.of(*where), model.spectra).fit() for where in zip(ra, dec, strict=True)
    ]
    np.testing.assert_allclose(found.ts, [fit.ts for fit in fits], atol=1e-8)
