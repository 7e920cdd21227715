import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from nusky.detector.spectrum import (
    KINDS,
    BrokenPowerLaw,
    CutoffPowerLaw,
    JoinedSpectrum,
    LogParabola,
    PowerLaw,
    TabulatedSpectrum,
    parameters,
    power_laws,
    quantiles,
)
from nusky.errors import PhysicsError
from tests import oracles

GAMMAS = st.one_of(st.floats(-2, 6), st.sampled_from([1.0, 1 + 1e-12, 2.0]))


@given(GAMMAS)
def test_integrals_over_bins_are_exact(gamma):
    edges = np.array([2.0, 2.2, 5.0, 9.0])
    expected = [oracles.power_law(10**a, 10**b, gamma) for a, b in itertools.pairwise(edges)]
    np.testing.assert_allclose(PowerLaw(gamma).integrals(edges), expected, rtol=1e-9)


@given(GAMMAS, st.integers(100, 800), st.integers(1, 500))
def test_a_range_cuts_the_bins_at_its_ends(gamma, low, width):
    edges, low, width = np.arange(2.0, 7.5, 0.5), low / 100, width / 100
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


def table(energy, flux):
    return TabulatedSpectrum.of(energy, flux, "mine")


ENERGIES = np.geomspace(3e2, 3e7, 14)
SPECTRA = [
    CutoffPowerLaw(2.0, 1e5),
    CutoffPowerLaw(2.3, 3e4, 2.5),
    CutoffPowerLaw(1.0, 1e6, 0.5),
    BrokenPowerLaw(2.0, 3.5, 5e4),
    BrokenPowerLaw(2.0, 4.0, 2e5, 80.0),
    LogParabola(2.2, 0.3),
    LogParabola(2.2, 0.3).within((3.3, 6.1)),
    table(ENERGIES, ENERGIES**-2.0 * (2 + np.sin(ENERGIES))),
]
FORMULAS = [  # E in units of 100 TeV
    lambda x: x**-2.0 * np.exp(-x),
    lambda x: x**-2.3 * np.exp(-((x / 0.3) ** 2.5)),
    lambda x: x**-1.0 * np.exp(-np.sqrt(x / 10)),
    lambda x: x**-2.0 * (1 + (2 * x) ** 2) ** -0.75,
    lambda x: x**-2.0 * (1 + (x / 2) ** 80.0) ** (-2.0 / 80),
    lambda x: x ** (-2.2 - 0.3 * np.log(x)),
]
EDGES = np.arange(2.0, 8.01, 0.25)


def reference(spectrum, low, high):
    """Integral of the shape over log10(E/GeV), split where it bends."""
    low, high = np.clip([low, high], *spectrum.log10_limits)
    ends = [low, *(knot for knot in spectrum.knots if low < knot < high), high]
    return sum(
        quad(lambda u: float(spectrum.shape(np.exp(u))) * np.exp(u), *(np.log(10) * np.array(part)), epsrel=1e-12)[0]
        for part in itertools.pairwise(ends)
    )


@pytest.mark.parametrize(("spectrum", "formula"), list(zip(SPECTRA, FORMULAS, strict=False)))
def test_shapes_are_their_formulas(spectrum, formula):
    energy = np.geomspace(1e2, 1e6, 30)
    np.testing.assert_allclose(spectrum.shape(energy), formula(energy / 1e5), rtol=1e-12)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=repr)
def test_integrals_by_quadrature_hold_their_error(spectrum):
    expected = np.array([reference(spectrum, *ends) for ends in itertools.pairwise(EDGES)])
    found = spectrum.integrals(EDGES)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-30 * expected.max())
    assert found.sum() == pytest.approx(spectrum.integrals([2.0, 8.0])[0], rel=1e-10)
    assert (found[EDGES[:-1] >= spectrum.log10_limits[1]] == 0).all()


@given(st.floats(2, 7), st.floats(0.1, 1), st.integers(0, len(SPECTRA) - 1))
def test_parts_add_up_to_the_whole(middle, share, number):
    spectrum = SPECTRA[number]
    ends = spectrum.edges([middle - share, middle + share])
    parts = spectrum.integrals([ends[0], ends[0] + (ends[1] - ends[0]) * share, ends[1]])
    assert parts.sum() == pytest.approx(spectrum.integrals(ends)[0], rel=1e-10)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=repr)
def test_drawn_energies_follow_the_spectrum(spectrum):
    rng, bins = np.random.default_rng(5), np.array([3.0, 4.4, 4.5, 6.4])
    per_bin = spectrum.integrals(bins)
    which = rng.choice(3, 100_000, p=per_bin / per_bin.sum())
    drawn = spectrum.quantile(rng.random(len(which)), bins[which], bins[which + 1])
    fine = np.linspace(3.0, 6.4, 69)
    expected = spectrum.integrals(fine)
    expected *= len(drawn) / expected.sum()
    seen = expected > 10
    chi2 = ((np.histogram(drawn, fine)[0] - expected)[seen] ** 2 / expected[seen]).sum()
    assert stats.chi2.sf(chi2, seen.sum() - 1) > 0.01
    assert ((drawn >= spectrum.log10_limits[0]) & (drawn <= spectrum.log10_limits[1])).all()


@pytest.mark.parametrize("spectrum", SPECTRA, ids=repr)
def test_a_quantile_inverts_the_integral_of_every_spectrum(spectrum):
    share = np.array([0.0, 0.03, 0.5, 0.9, 1.0])
    (low, high) = spectrum.edges([4.3, 5.8])
    x = spectrum.quantile(share, np.full(5, 4.3), np.full(5, 5.8))
    whole = spectrum.integrals([low, high])[0]
    found = [spectrum.integrals([low, end])[0] / whole for end in x]
    np.testing.assert_allclose(found, share, atol=2e-4)


def test_a_bend_out_of_reach_leaves_a_power_law():
    expected = PowerLaw(2.4).integrals(EDGES)
    straight = np.geomspace(1e2, 1e8, 5)
    for spectrum in (
        CutoffPowerLaw(2.4, 1e21),
        BrokenPowerLaw(2.4, 5.0, 1e21),
        LogParabola(2.4, 0.0),
        table(straight, PowerLaw(2.4).shape(straight)),
    ):
        np.testing.assert_allclose(spectrum.integrals(EDGES), expected, rtol=1e-9)
    np.testing.assert_allclose(CutoffPowerLaw(2.4, 1e12).integrals(EDGES), expected, rtol=1e-4)


def test_what_is_fitted_is_the_parameter():
    cutoff = CutoffPowerLaw(2.0, 1e5, fit="cutoff_gev")
    assert cutoff.parameter == 5.0
    assert cutoff.at(6.0) == CutoffPowerLaw(2.0, 1e6, fit="cutoff_gev")
    assert [s.parameter for s in cutoff.grid(3)] == [3.0, 5.5, 8.0]
    assert cutoff.words == "cutoff-power-law (gamma 2, cutoff_power 1, cutoff_gev fitted)"
    assert cutoff.quoted_words == CutoffPowerLaw(2.0, 1e5, fit="").words
    assert (cutoff.quoted_index, PowerLaw(2.5).quoted_index, PowerLaw(2.5, fit="").quoted_index) == (0.0, 2.5, 0.0)
    assert [s.parameter for s in replace(cutoff, fit_limits=(4.0, 5.0)).grid(3)] == [4.0, 4.5, 5.0]
    assert "cutoff_gev 100000" in CutoffPowerLaw(2.0, 1e5).words
    np.testing.assert_array_equal(parameters(PowerLaw(2.0).grid(25)), np.linspace(1, 4, 25))
    fixed = table([1e3, 1e4], [1.0, 0.1])
    assert (fixed.parameter, fixed.at(3.0), fixed.grid(25)) == (0.0, fixed, (fixed,))
    assert set(KINDS) == {"power-law", "cutoff-power-law", "broken-power-law", "log-parabola", "table"}


def test_fitted_values_stand_under_their_own_names():
    row = {"n_signal": 3.0, "gamma": 4.5, "gamma_low68": 4.0}
    assert PowerLaw(2.0).under_own_name(row) == row
    assert PowerLaw(2.0, fit="").under_own_name(row) == {"n_signal": 3.0, "gamma": 2.0, "gamma_low68": 2.0}
    cutoff = CutoffPowerLaw(2.2, 1e5, fit="cutoff_gev").under_own_name(row)
    assert cutoff == {"n_signal": 3.0, "gamma": 2.2, "gamma_low68": 2.2} | {
        "cutoff_gev": pytest.approx(10**4.5),
        "cutoff_gev_low68": pytest.approx(1e4),
    }
    columns = LogParabola(2.2, 0.1, fit="curvature").under_own_name({"gamma_without": np.array([0.1, 0.2])})
    assert {name: column.tolist() for name, column in columns.items()} == {
        "gamma_without": [2.2, 2.2],
        "curvature_without": [0.1, 0.2],
    }
    assert np.isnan(table([1e3, 1e4], [1.0, 0.1]).under_own_name({"gamma": 0.0})["gamma"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CutoffPowerLaw(2.0, -1.0), "cutoff_gev .* is -1"),
        (lambda: CutoffPowerLaw(2.0, 1e5, 0.0), "cutoff_power"),
        (lambda: BrokenPowerLaw(2.0, 3.0, np.inf), "break_gev"),
        (lambda: PowerLaw(2.0, fit="cutoff_gev"), "cannot be fitted; gamma can"),
        (lambda: PowerLaw(2.0, fit_limits=(3.0, 2.0)), "gamma is fitted from 3 to 2: no range"),
        (lambda: PowerLaw(2.0, log10_limits=(5.0, 4.0)), "begin below its end: 5 and 4"),
        (
            lambda: table([1e3, 1e4], [1.0, 1.0]).within((5.0, 6.0)),
            "mine: it has no flux at .* 5 to 6, but from 3 to 4",
        ),
        (lambda: table([1e3, 1e4], [1.0, np.nan]), "mine: flux number 2 is nan"),
        (lambda: table([1e3, 1e3], [1.0, 1.0]), "mine: energies must ascend"),
        (lambda: table([1e3], [1.0]), "two energies"),
    ],
)
def test_what_is_no_spectrum_is_refused(make, message):
    with pytest.raises(PhysicsError, match=message):
        make()


def test_quantiles_of_several_spectra_are_those_of_each():
    joined = JoinedSpectrum.of(
        [PowerLaw(2.0, log10_limits=(3.0, 4.4), fit=""), PowerLaw(3.0, log10_limits=(4.4, 5.0), fit="")], [1.0, 40.0]
    )
    spectra = [PowerLaw(1.0), PowerLaw(2.7, log10_limits=(3.1, 4.6)), CutoffPowerLaw(2.0, 1e4), joined]
    rng = np.random.default_rng(3)
    which, share = rng.integers(0, 4, 200), rng.random(200)
    low = rng.uniform(3.2, 4.5, 200)
    high = low + rng.uniform(0.01, 0.4, 200)
    found = quantiles(spectra, which, share, low, high)
    for number, spectrum in enumerate(spectra):
        own = which == number
        np.testing.assert_allclose(found[own], spectrum.quantile(share[own], low[own], high[own]), atol=1e-9)


def test_joined_parts_are_drawn_as_their_sum():
    """The share below a quantile, integrated by brute force over a bin that holds the seam, a gap and both parts."""
    low, high = PowerLaw(2.0, log10_limits=(3.0, 4.0), fit=""), PowerLaw(3.0, log10_limits=(4.2, 5.0), fit="")
    joined = JoinedSpectrum.of([low, high], [2.0, 30.0])
    x = np.linspace(3.5, 4.8, 400_001)
    below = np.concatenate([[0.0], np.cumsum(np.diff(x) * (joined.shape(10**x) * 10**x)[1:])])
    for share in (0.05, 0.5, 0.9):
        found = float(joined.quantile(share, 3.5, 4.8))
        assert np.interp(found, x, below) / below[-1] == pytest.approx(share, abs=1e-3)
    np.testing.assert_allclose(joined.integrals([3.5, 4.8])[0], below[-1] * np.log(10), rtol=1e-4)
    alone = low.quantile([0.3], [3.2], [3.9])
    np.testing.assert_array_equal(joined.quantile([0.3], [3.2], [3.9]), alone)
    parts = joined.integrals(np.linspace(2.0, 6.0, 12))
    assert parts.sum() == pytest.approx(joined.integrals([2.0, 6.0])[0], rel=1e-10)


def test_a_joined_spectrum_is_cut_to_a_range():
    joined = JoinedSpectrum.of(
        [PowerLaw(2.0, log10_limits=(3.0, 4.0), fit=""), PowerLaw(3.0, log10_limits=(4.0, 5.0), fit="")], [1.0, 1.0]
    )
    cut = joined.within((2.0, 3.5))
    assert cut.log10_limits == (3.0, 3.5)
    assert cut.integrals([2.0, 6.0])[0] == pytest.approx(joined.integrals([3.0, 3.5])[0])
    assert cut.words != joined.words
