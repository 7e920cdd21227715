import numpy as np
import pytest

from nusky.detector import smearing
from nusky.detector.smearing import ANG_ERR_FLOOR
from nusky.detector.spectrum import PowerLaw
from nusky.likelihood import point_spread
from nusky.likelihood.energy import ANG_ERR_EDGES, LOG10_ENERGY_EDGES, ang_err_bin, energy_bin, signal_share
from nusky.likelihood.point_spread import FARTHEST, WIDTHS, reconstructed
from nusky.search.injection import inject, true_energies
from nusky.search.sources import Sources
from tests import oracles, smearing_tables

N_ANG_ERR = len(ANG_ERR_EDGES) - 1


def below(pull):
    """Share of each Gaussian inside a pull, and none of what is beyond."""
    return np.append(1 - np.exp(-(pull**2) / 2 / np.square(WIDTHS)), 0.0)


def mixture(*parts):
    """A smearing whose pulls are Gaussians (share, width): fine bins in PSF for one AngErr, two cells of energy."""
    pulls = np.geomspace(0.01, 40, 500)
    inside = sum(share * (1 - np.exp(-(pulls**2) / 2 / width**2)) for share, width in parts)
    fraction = np.diff(inside) / (inside[-1] - inside[0])
    rows = [
        (low_enu, low_enu + 3, -90, 90, energy, energy + 0.1, 0.5 * low, 0.5 * high, 0.5, 0.5, part)
        for low_enu, energy in ((2, 3.0), (5, 6.0))
        for low, high, part in zip(pulls[:-1], pulls[1:], fraction, strict=True)
    ]
    return smearing.from_table(smearing_tables.smearing_table(rows))["X"]


@pytest.mark.parametrize(
    "parts", [((0.8, 0.8), (0.2, 3.0)), ((0.6, 1.0), (0.4, 2.5)), ((1.0, 1.0),), ((0.7, 0.5), (0.3, 9))]
)
def test_the_pulls_of_a_mixture_are_found_again(parts):
    matrix = reconstructed(mixture(*parts))
    np.testing.assert_allclose(matrix.sum(axis=(2, 3)), 1, rtol=1e-5)
    for cell, log10_energy in ((0, 3.05), (1, 6.05)):
        own = matrix[0, cell].reshape(len(LOG10_ENERGY_EDGES) - 1, N_ANG_ERR, -1)
        where = energy_bin(np.array([log10_energy]))[0], ang_err_bin(np.radians([0.5]))[0]
        assert own[where].sum() == pytest.approx(1, rel=1e-5)
        for pull in (0.3, 1.0, 2.0, 4.0, 8.0):
            expected = sum(share * (1 - np.exp(-(pull**2) / 2 / width**2)) for share, width in parts)
            assert own[where] @ below(pull) == pytest.approx(expected, abs=0.05)
        beyond = sum(share * np.exp(-(FARTHEST**2) / 2 / width**2) for share, width in parts)
        assert own[where][-1] == pytest.approx(beyond, abs=0.01)


@pytest.mark.parametrize("dec", [-0.6, 0.1, 0.7])
@pytest.mark.parametrize("gamma", [2.0, 2.5, 3.0])
def test_injected_events_are_spread_as_described(validation_data, gamma, dec):
    """The public response: energy, AngErr and pull of events drawn from the smearing rows, for every index."""
    area, table = smearing_tables.public(validation_data, "IC86")
    rng, spectrum = np.random.default_rng(1), PowerLaw(gamma)
    source = Sources.of(2.0, dec)
    energies = true_energies({"X": area}, source, [spectrum])
    events = inject(rng, source, np.array([[40_000.0]]), energies, {"X": table}, ["X"])[0]
    matrix = reconstructed(table)
    share = signal_share(area, table, matrix.reshape(*matrix.shape[:2], -1), np.array([dec]), [spectrum])[0, 0]
    share = share.reshape(-1, N_ANG_ERR, len(WIDTHS) + 1)
    psi = oracles.separation(events["ra"], events["dec"], 2.0, dec)
    pull = psi / np.maximum(events["ang_err"], ANG_ERR_FLOOR)
    energies = np.bincount(energy_bin(events["log10_energy"]), minlength=len(share)) / len(psi)
    np.testing.assert_allclose(energies, share.sum(axis=(1, 2)), atol=0.01)
    ang_errs = np.bincount(ang_err_bin(events["ang_err"]), minlength=N_ANG_ERR) / len(psi)
    np.testing.assert_allclose(ang_errs, share.sum(axis=(0, 2)), atol=0.02)
    for limit in (0.3, 1.0, 2.0, 4.0, 8.0):
        assert np.mean(pull < limit) == pytest.approx((share @ below(limit)).sum(), abs=0.02)
        narrow = events["ang_err"] < np.radians(0.4)
        of_narrow = share[:, : ang_err_bin(np.radians([0.39]))[0]]
        if narrow.mean() > 0.1 and gamma == 2.5:
            model = (of_narrow @ below(limit)).sum() / of_narrow.sum()
            assert np.mean(pull[narrow] < limit) == pytest.approx(model, abs=0.03)


def test_a_row_without_events_gets_equal_weights():
    weights = np.empty((1, 5))
    point_spread._fit_mixtures(np.zeros((1, 3)), np.ones((3, 5)) / 3, weights)
    np.testing.assert_allclose(weights, 0.2)
