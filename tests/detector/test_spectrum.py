import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from nusky.detector.spectrum import PowerLaw, parameters, power_laws
from tests import oracles

GAMMAS = st.one_of(st.floats(-2, 6), st.sampled_from([1.0, 1 + 1e-12, 2.0]))


@given(GAMMAS)
def test_integrals_over_bins_are_exact(gamma):
    edges = np.array([2.0, 2.2, 5.0, 9.0])
    expected = [oracles.power_law(10**a, 10**b, gamma) for a, b in itertools.pairwise(edges)]
    np.testing.assert_allclose(PowerLaw(gamma).integrals(edges), expected, rtol=1e-9)


@given(GAMMAS, st.floats(1, 8), st.floats(0.01, 5))
def test_a_range_cuts_the_bins_at_its_ends(gamma, low, width):
    edges = np.arange(2.0, 7.5, 0.5)
    found = PowerLaw(gamma, log10_limits=(low, low + width)).integrals(edges)
    ends = np.clip(edges, low, low + width)
    expected = [oracles.power_law(10**a, 10**b, gamma) if b > a else 0.0 for a, b in itertools.pairwise(ends)]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * max(expected))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.5, 4.0])
def test_an_integral_is_that_of_the_shape(gamma):
    spectrum = PowerLaw(gamma)
    expected = quad(lambda u: float(spectrum.shape(np.exp(u))) * np.exp(u), np.log(1e3), np.log(1e6), epsrel=1e-12)[0]
    assert spectrum.integrals([3.0, 6.0])[0] == pytest.approx(expected, rel=1e-9)
    assert spectrum.shape(1e5) == 1.0


@given(GAMMAS, st.floats(0, 1), st.floats(2, 6), st.floats(0.05, 2))
def test_a_quantile_inverts_the_integral(gamma, share, low, width):
    spectrum = PowerLaw(gamma, log10_limits=(2.5, 7.0))
    ends = np.clip([low, low + width], 2.5, 7.0)
    x = spectrum.quantile([share], [low], [low + width])[0]
    assert ends[0] - 1e-9 <= x <= ends[1] + 1e-9
    if ends[1] > ends[0]:
        whole = spectrum.integrals(ends)[0]
        assert spectrum.integrals([ends[0], x])[0] / whole == pytest.approx(share, abs=1e-7)


def test_the_index_is_the_positional_argument_and_the_parameter_of_a_fit():
    spectrum = PowerLaw(2.5, log10_limits=(3.0, 5.0))
    assert (spectrum.gamma, spectrum.parameter) == (2.5, 2.5)
    assert spectrum.at(3) == PowerLaw(3.0, log10_limits=(3.0, 5.0))
    assert PowerLaw(2.5).within((3.0, 5.0)) == spectrum == replace(spectrum)
    made = power_laws([2.0, 3.0], (1.0, 4.0))
    assert [s.log10_limits for s in made] == [(1.0, 4.0)] * 2
    np.testing.assert_array_equal(parameters(made), [2.0, 3.0])
    with pytest.raises(TypeError):
        PowerLaw(2.5, (3.0, 5.0))
