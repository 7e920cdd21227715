import numpy as np
import pytest
from scipy.integrate import quad

from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import CutoffPowerLaw, PowerLaw, SourceSpectra
from nusky.errors import PhysicsError
from nusky.search.energy_range import central_energy_range, signal_energy_quantiles
from tests import oracles

SPHERE = np.radians([-90.0, 0.0, 90.0])
FLAT = EffectiveArea(np.array([2.0, 4.0, 7.0]), SPHERE, np.ones((2, 2)))
STEPS = EffectiveArea(np.array([2.0, 3.0, 5.0]), SPHERE, np.array([[1.0, 0.0], [50.0, 4.0]]))
NORTH = np.array([0.6])


@pytest.mark.parametrize("gamma", [1.0, 1.0 + 1e-9, 2.0, 3.7])
def test_a_flat_area_has_the_quantiles_of_the_power_law(gamma):
    low, high = central_energy_range({"X": FLAT}, ["X"], [5.0], NORTH, PowerLaw(gamma))
    for share, energy in ((0.05, low), (0.95, high)):
        if abs(gamma - 1) < 1e-6:
            expected = 10 ** (2 + 5 * share)
        else:
            ends = np.array([1e2, 1e7]) ** (1 - gamma)
            expected = (ends[0] + share * (ends[1] - ends[0])) ** (1 / (1 - gamma))
        assert energy == pytest.approx(expected, rel=1e-6)


def test_stack_and_seasons_are_weighted():
    areas, responses, livetime = {"A": FLAT, "B": STEPS}, ["A", "B", "A"], [1.0, 3.0, 1.0]
    dec, weights, gamma = np.array([-0.5, 0.5]), np.array([0.2, 0.8]), 2.3

    at_sources = np.stack([oracles.area_at(STEPS.dec, STEPS.area, value) for value in dec], axis=1)

    def integrand(u):
        x = u / np.log(10)
        step = 0 if x < 3 else 1
        b = 0.0 if x > 5 else 3.0 * at_sources[step] @ weights
        return (2.0 + b) * np.exp(u * (1 - gamma))

    shares = [0.05, 0.5, 0.9, 0.95]
    found = signal_energy_quantiles(areas, responses, livetime, dec, PowerLaw(gamma), shares, weights)
    breaks = np.log(10) * np.array([3.0, 5.0])
    total = quad(integrand, np.log(1e2), np.log(1e7), points=breaks, epsrel=1e-12)[0]
    for share, x in zip(shares, found, strict=True):
        below = quad(integrand, np.log(1e2), x * np.log(10), points=breaks, epsrel=1e-12)[0]
        assert below / total == pytest.approx(share, rel=1e-8)


def test_energies_without_acceptance_are_not_counted():
    low, _ = central_energy_range({"X": STEPS}, ["X"], 1.0, NORTH, PowerLaw(2.0))
    assert low > 1e3  # the first bin is blind in the north, beyond the middle of the bin at 30 deg
    with pytest.raises(PhysicsError, match="no signal is expected from these sources"):
        central_energy_range({"X": STEPS}, ["X"], 1.0, NORTH, PowerLaw(2.0), 0.0)
    with pytest.raises(PhysicsError, match=r"content 90 lies outside"):
        central_energy_range({"X": STEPS}, ["X"], 1.0, NORTH, PowerLaw(2.0), content=90)


def test_sources_with_spectra_of_their_own_add_up():
    """A stack of two against the sums of its sources below each energy."""
    areas, dec, weights = {"B": STEPS}, np.array([-0.5, 0.5]), [0.3, 0.7]
    own = [PowerLaw(2.0, log10_limits=(2.5, 4.5)), CutoffPowerLaw(1.5, 2e4)]
    spectrum = SourceSpectra.of(own, weights)
    for share in (0.05, 0.5, 0.95):
        (top,) = signal_energy_quantiles(areas, ["B"], [1.0], dec, spectrum, [share], weights)
        below, whole = (
            sum(
                w * STEPS.area[:, j] @ each.within((0.0, end)).integrals(STEPS.log10_energy)
                for j, (each, w) in enumerate(zip(own, weights, strict=True))
            )
            for end in (top, 9.0)
        )
        assert below / whole == pytest.approx(share, abs=0.03 if 3 < top < 5 else 0.05)
