import numpy as np
import pytest

from nusky.bdm.quadrature import GAUSS, KRONROD, NODES, Interpolant, integrate


def test_the_rules_are_exact_for_polynomials():
    for degree in range(23):
        exact = 0.0 if degree % 2 else 2 / (degree + 1)
        assert KRONROD @ NODES**degree == pytest.approx(exact, abs=1e-14)
        if degree <= 13:
            assert GAUSS @ NODES**degree == pytest.approx(exact, abs=1e-14)


def test_many_integrals_at_once():
    """Int_0^1 dx/((x - c)^2 + w^2) over widths of eight decades."""
    width = np.logspace(-8, 0, 9)
    centre = 0.3

    def lorentz(segment, x):
        return 1 / ((x - centre) ** 2 + width[segment][:, None] ** 2)

    exact = (np.arctan((1 - centre) / width) + np.arctan(centre / width)) / width
    result = integrate(lorentz, np.arange(9), 9, 1e-9)
    assert result.value == pytest.approx(exact, rel=1e-9)
    assert np.all(np.abs(result.value - exact) <= result.error)


def test_noise_ends_the_refinement_and_shows_in_the_error():
    random = np.random.default_rng(0)
    result = integrate(lambda segment, x: 1 + 1e-3 * random.standard_normal(x.shape), np.zeros(1, int), 1, 1e-12)
    assert result.value[0] == pytest.approx(1, abs=1e-3)
    assert result.error[0] > 1e-6


def test_interpolant_of_smooth_and_stepped_functions():
    x = np.geomspace(0.1, 1000, 200)
    smooth = Interpolant(lambda x: np.exp(-x / 7) / x, 0.1, 1000, 1e-10)
    assert smooth(x) == pytest.approx(np.exp(-x / 7) / x, rel=1e-7, abs=1e-15)
    stepped = Interpolant(lambda x: np.where(x > 12, 2.0, 0.5), 0.1, 1000, 1e-10)
    assert stepped(x) == pytest.approx(np.where(x > 12, 2.0, 0.5), rel=1e-12)
