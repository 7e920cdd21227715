import numpy as np
import pytest

from nusky.detector import smearing
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.point_spread import GAMMA, PointSpread
from nusky.detector.smearing import ANG_ERR_FLOOR
from nusky.detector.spectrum import PowerLaw
from nusky.search.hypothesis import Sources
from nusky.search.injection import inject
from tests import oracles, smearing_tables


def two_gaussians(core, tail, share):
    """A smearing whose pulls are two Gaussians: fine bins in PSF for one AngErr."""
    pulls = np.geomspace(0.01, 15, 400)
    below = 1 - (1 - share) * np.exp(-(pulls**2) / 2 / core**2) - share * np.exp(-(pulls**2) / 2 / tail**2)
    fraction = np.diff(below) / (below[-1] - below[0])
    rows = [
        (2, 8, -90, 90, 3.0, 3.1, 0.5 * low, 0.5 * high, 0.5, 0.5, part)
        for low, high, part in zip(pulls[:-1], pulls[1:], fraction, strict=True)
    ]
    return smearing.from_table(smearing_tables.smearing_table(rows))["X"]


FLAT = EffectiveArea(np.array([2.0, 5.0, 8.0]), np.radians([-90.0, 0.0, 90.0]), np.ones((2, 2)))


@pytest.mark.parametrize(("core", "tail", "share"), [(0.8, 3.0, 0.2), (1.0, 2.5, 0.4)])
def test_two_gaussians_are_found_again(core, tail, share):
    spread = PointSpread.of_response(FLAT, two_gaussians(core, tail, share))
    found = [value[0] for value in spread.at(np.array([0.3]), np.array([3.05]))]
    np.testing.assert_allclose(found, (core, tail, share), rtol=0.03)
    # No simulated event there: the pulls of all energies stand in.
    np.testing.assert_allclose([value[0] for value in spread.at(np.array([-0.3]), np.array([6.0]))], found, rtol=1e-6)


def test_a_single_gaussian_needs_no_tail():
    spread = PointSpread.of_response(FLAT, two_gaussians(1.0, 1.0, 0.0))
    core, tail, share = (value[0] for value in spread.at(np.array([0.0]), np.array([3.0])))
    assert (1 - share) * core**2 + share * tail**2 == pytest.approx(1, rel=0.02)
    assert np.isfinite([spread.core, spread.tail, spread.tail_share]).all()


@pytest.mark.parametrize(("gamma", "tolerance"), [(2.0, 0.05), (GAMMA, 0.04), (3.0, 0.04)])
def test_pulls_of_injected_events(validation_data, gamma, tolerance):
    """The public response: quantiles of the pulls at one declination, against events drawn from the smearing."""
    area, table = smearing_tables.public(validation_data, "IC86")
    spread = PointSpread.of_response(area, table, gamma)
    rng = np.random.default_rng(1)
    source = Sources.of(2.0, 0.2)
    events = inject(rng, source, np.array([[40_000.0]]), {"X": area}, {"X": table}, ["X"], [PowerLaw(gamma)])[0]
    psi = oracles.separation(events["ra"], events["dec"], 2.0, 0.2)
    core, tail, share = spread.at(np.full(len(psi), 0.2), events["log10_energy"])
    for pull in (0.5, 1.0, 2.0, 4.0):
        expected = 1 - (1 - share) * np.exp(-(pull**2) / 2 / core**2) - share * np.exp(-(pull**2) / 2 / tail**2)
        assert np.mean(psi / np.maximum(events["ang_err"], ANG_ERR_FLOOR) < pull) == pytest.approx(
            expected.mean(), abs=tolerance
        )
