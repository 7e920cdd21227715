from dataclasses import replace

import numpy as np
import pytest

from nusky.conventions import LIMIT_DROP, PUBLISHED, STANDARD
from nusky.detector.acceptance import Exposure, expected_signal
from nusky.detector.spectrum import CutoffPowerLaw, PowerLaw
from nusky.errors import PhysicsError
from nusky.likelihood.background import band_density
from nusky.likelihood.separation import near_pairs
from nusky.search.stacking import SeasonPairs, scan, stack_moments
from tests import oracles

N_EVENTS = (4000, 6000)
EXPOSURE = Exposure(("A", "B"), np.array([3e7, 4e7]), np.array([3.3e7, 4.2e7]))


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(11)
    seasons = []
    sources = rng.uniform(0, 2 * np.pi, 25), np.arcsin(rng.uniform(-0.9, 0.9, 25))
    for n in N_EVENTS:
        ra, dec = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n))
        ra[:40], dec[:40] = np.tile(sources[0], 2)[:40] + 0.005, np.tile(sources[1], 2)[:40]
        seasons.append((ra, dec, np.radians(rng.lognormal(-0.3, 0.6, n))))
    integrals = rng.uniform(1, 10, (2, 25)) * 1e11
    weights = rng.uniform(0.5, 2, 25)
    return seasons, sources, integrals, weights


def brute_force(world, rules, phi0):
    """The spec's formulas, literally."""
    seasons, sources, integrals, weights = world
    expected = expected_signal(integrals, EXPOSURE, weights, rules)
    everything = np.concatenate([s[1] for s in seasons])
    total = np.zeros(len(phi0))
    for k, events in enumerate(seasons):
        signal = oracles.signal_density(*events, *sources) @ expected.source_weights[k]
        pool = everything if rules is PUBLISHED else events[1]
        low, high = events[1] - np.radians(5), events[1] + np.radians(5)
        if rules is STANDARD:
            low, high = np.maximum(low, -np.pi / 2), np.minimum(high, np.pi / 2)
        solid_angle = 2 * np.pi * (np.sin(high) - np.sin(low))
        background = oracles.band_count(events[1], pool) / (len(pool) * solid_angle)
        size = sum(N_EVENTS) if rules is PUBLISHED else N_EVENTS[k]
        share = 1.0 if rules is PUBLISHED else expected.season_share[k]
        for i, flux in enumerate(phi0):
            x = flux * expected.per_phi0_ev * share / size
            total[i] += 2 * oracles.log_ratio(signal / background, x)
    return expected, total


def season_pairs(world, rules):
    seasons, sources, _, _ = world
    everything = np.concatenate([s[1] for s in seasons])
    for ra, dec, err in seasons:
        pairs = near_pairs(ra, dec, err, *sources)
        density = band_density(dec, everything if rules is PUBLISHED else dec, clipped=rules.clipped_poles)
        yield SeasonPairs(pairs.event, pairs.source, pairs.density, density)


def run(world, rules, phi0):
    expected = expected_signal(world[2], EXPOSURE, world[3], rules)
    moments = stack_moments(list(season_pairs(world, rules)), expected.source_weights[None])
    return scan([m[0] for m in moments], expected, PowerLaw(2.4), phi0, rules)


def grid(world, rules):
    """Fluxes from far below one event to the whole sample."""
    return np.geomspace(1e-4, 2e4, 1000) / expected_signal(world[2], EXPOSURE, world[3], rules).per_phi0_ev


@pytest.mark.parametrize("rules", [PUBLISHED, STANDARD], ids=lambda r: r.name)
def test_scan_equals_brute_force(world, rules):
    per_phi0 = expected_signal(world[2], EXPOSURE, world[3], rules).per_phi0_ev
    phi0 = np.geomspace(1e-6, 3000, 40) / per_phi0
    expected, curve = brute_force(world, rules, phi0)
    found = run(world, rules, phi0)
    np.testing.assert_allclose(found.n_signal, phi0 * expected.per_phi0_ev, rtol=1e-14)
    np.testing.assert_allclose(found.test_statistic, curve, rtol=1e-10, atol=1e-12)


def test_the_cut_does_not_reach_the_test_statistic(world):
    """The pairs left out change TS by less than double precision."""
    phi0 = np.array([100.0]) / expected_signal(world[2], EXPOSURE, world[3], PUBLISHED).per_phi0_ev
    assert run(world, PUBLISHED, phi0).test_statistic[0] == pytest.approx(
        brute_force(world, PUBLISHED, phi0)[1][0], rel=1e-13
    )


def test_published_limit_interpolates_the_grid(world):
    phi0 = grid(world, PUBLISHED)
    found = run(world, PUBLISHED, phi0)
    ts = found.test_statistic
    assert found.ts_max == np.nanmax(ts)
    after = np.flatnonzero((ts < -LIMIT_DROP) & (phi0 > found.phi0_at_max_per_ev))[0]
    expected = np.interp(LIMIT_DROP, -ts[after - 1 : after + 1], phi0[after - 1 : after + 1])
    assert found.phi0_ul95_per_ev == pytest.approx(expected, rel=1e-12)


def test_standard_limit_lies_the_drop_below_the_maximum(world):
    found = run(world, STANDARD, grid(world, STANDARD))
    per_phi0 = found.expected.per_phi0_ev
    assert found.ts_max >= np.nanmax(found.test_statistic)
    at_limit = run(world, STANDARD, np.array([found.phi0_ul95_per_ev])).test_statistic[0]
    assert at_limit == pytest.approx(found.ts_max - LIMIT_DROP, rel=1e-9)
    assert found.phi0_ul95_per_ev > found.n_signal_at_max / per_phi0


def test_fluxes_beyond_the_sample_have_no_test_statistic(world):
    found = run(world, PUBLISHED, np.array([1e-30, 1.0]))
    assert np.isfinite(found.test_statistic[0])
    assert np.isnan(found.test_statistic[1])


def test_no_limit_is_nan_not_a_number_from_the_grid_edge(world):
    assert np.isnan(run(world, PUBLISHED, np.geomspace(1e-40, 1e-38, 10)).phi0_ul95_per_ev)


@pytest.mark.parametrize("rules", [PUBLISHED, STANDARD], ids=lambda r: r.name)
def test_a_grid_beyond_the_sample_is_refused(world, rules):
    with pytest.raises(PhysicsError, match="even the lowest phi0 of the scan"):
        run(world, rules, np.geomspace(1.0, 10.0, 5))


def test_e2_dnde_in_hand_computed_units(world):
    # phi0 = 1e-30 /eV = 1e-21 /GeV; E^2 = 1e10 GeV^2 at the pivot
    found = run(world, STANDARD, np.geomspace(1e-34, 1e-26, 50))
    limit = replace(found, phi0_ul95_per_ev=1e-30, spectrum=PowerLaw(2.5))
    assert limit.ul95_e2dnde(1e5) == pytest.approx(1e-11, rel=1e-12)
    assert limit.ul95_e2dnde(1e7) == pytest.approx(1e-21 * 1e14 * 100**-2.5, rel=1e-12)
    cut = replace(limit, spectrum=CutoffPowerLaw(2.5, 1e5))
    assert cut.ul95_e2dnde(1e7) == pytest.approx(1e-21 * 1e14 * 100**-2.5 * np.exp(-100), rel=1e-12)
