import numpy as np
import pytest

from nusky.conventions import PUBLISHED, STANDARD
from nusky.errors import PhysicsError
from nusky.search.single_sources import single_source_search
from tests import oracles


def sky(n, seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n)), np.radians(rng.lognormal(0, 0.7, n))


def ratios(events, ra, dec, clipped=False):
    half_width = np.radians(5)
    band = np.abs(events[1] - dec) <= half_width + np.radians(1e-9)
    low, high = dec - half_width, dec + half_width
    if clipped:
        low, high = max(low, -np.pi / 2), min(high, np.pi / 2)
    background = 1 / (2 * np.pi * (np.sin(high) - np.sin(low)))
    density = oracles.signal_density(*(e[band] for e in events), np.array([ra]), np.array([dec]))[:, 0]
    return density / background


@pytest.mark.parametrize("dec", [-1.5, -0.6, 0.0, 0.3, 1.55])
def test_published_equals_visiting_every_integer(dec):
    events = sky(3000, 1)
    found = single_source_search(*events, 2.0, dec, PUBLISHED)
    ratio = ratios(events, 2.0, dec)
    curve = [2 / np.log(10) * oracles.log_ratio(ratio, n / 3000) for n in range(1, len(ratio) + 1)]
    assert found.n_band[0] == len(ratio)
    assert found.ns_best[0] == 1 + np.argmax(curve)
    assert found.ts_max[0] == pytest.approx(max(curve), rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("dec", [-1.5, -0.6, 0.0, 0.3, 1.55])
def test_standard_equals_a_numerical_maximum(dec):
    from scipy.optimize import minimize_scalar

    events = sky(3000, 2)
    events[0][:15], events[1][:15], events[2][:15] = 2.0, np.clip(dec, -1.57, 1.57), 0.01
    found = single_source_search(*events, 2.0, dec, STANDARD)
    ratio = ratios(events, 2.0, dec, clipped=True)
    best = minimize_scalar(
        lambda x: -oracles.log_ratio(ratio, x), bounds=(0, 0.999), options={"xatol": 1e-12}, method="bounded"
    )
    assert found.ts_max[0] == pytest.approx(-2 * best.fun, rel=1e-9)
    assert found.ns_best[0] == pytest.approx(best.x * len(ratio), rel=1e-5)


def test_standard_gives_zero_where_there_is_a_deficit():
    ra = np.full(50, 5.0)
    found = single_source_search(ra, np.zeros(50), np.full(50, 0.01), 1.0, 0.0, STANDARD)
    assert found.ns_best[0] == 0.0
    assert found.ts_max[0] == 0.0


def test_events_left_out_of_the_band_count_as_far():
    events = sky(4000, 3)
    events[2][:] = np.minimum(events[2], np.radians(2.5))
    near = oracles.separation(*events[:2], 2.0, 0.3) < np.radians(30)
    every = single_source_search(*events, 2.0, 0.3, PUBLISHED)
    cone = single_source_search(*(e[near] for e in events), 2.0, 0.3, PUBLISHED, n_total=4000, n_band=every.n_band[0])
    assert cone.ns_best[0] == every.ns_best[0]
    assert cone.ts_max[0] == pytest.approx(every.ts_max[0], rel=1e-9)


def test_many_sources_equal_one_at_a_time():
    events, (ra, dec, _) = sky(2000, 4), sky(20, 5)
    together = single_source_search(*events, ra, dec, PUBLISHED)
    alone = [single_source_search(*events, r, d, PUBLISHED) for r, d in zip(ra, dec, strict=True)]
    np.testing.assert_array_equal(together.ts_max, [a.ts_max[0] for a in alone])


def test_sizes_that_contradict_the_events_are_refused():
    events = sky(1000, 6)
    with pytest.raises(PhysicsError, match="n_band of source 0 is 3"):
        single_source_search(*events, 1.0, 0.0, PUBLISHED, n_band=3)
    with pytest.raises(PhysicsError, match="n_total = 10 is below"):
        single_source_search(*events, 1.0, 0.0, PUBLISHED, n_total=10)


def test_published_values_of_36_sources(validation_data):
    """TS and n recorded by the authors, from all ten-year events in cones around the sources."""
    import pandas as pd

    reference = pd.read_csv(validation_data / "reference" / "published_single_source.csv")
    assert len(reference) == 36
    for row in reference.itertuples():
        cone = pd.read_parquet(validation_data / "ten_year_cones" / f"{row.cone}.parquet")
        events = np.radians(cone[["ra_deg", "dec_deg", "ang_err_deg"]].to_numpy().T)
        ra, dec = np.radians([row.ra_deg, row.dec_deg])
        centre = np.radians([float(part) for part in row.cone.removeprefix("ra").split("_dec")])
        # The recorded radius is rounded to 0.01 deg: the cones end at 20 deg, and 0.1 deg was kept as a margin.
        radius = min(np.radians(12), np.radians(19.9) - oracles.separation(*centre, ra, dec))
        assert np.degrees(radius) == pytest.approx(row.cone_radius_deg, abs=0.006)
        inside = oracles.separation(*events[:2], ra, dec) <= radius
        found = single_source_search(*events[:, inside], ra, dec, PUBLISHED, n_total=1_134_450, n_band=row.n_band)
        assert found.ts_max[0] == pytest.approx(row.ts_published, abs=1e-4), row.name
        assert found.ns_best[0] == row.ns_best, row.name
