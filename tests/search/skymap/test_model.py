import numba
import numpy as np
import pytest

from nusky.detector.spectrum import parameters, power_laws
from nusky.errors import PhysicsError
from nusky.search.far_pairs import far_ratios
from nusky.search.hypothesis import Hypothesis
from nusky.search.skymap.model import SkyModel
from nusky.search.sources import Sources
from tests import oracles
from tests.search.skymap import skies

POSITIONS = np.radians([(77.4, 5.7), (0.01, 30.0), (359.99, -40.0), (120.0, -5.0), (201.1, 41.0), (90.0, 81.9)]).T


@pytest.mark.parametrize("gamma", [None, 2.5])
def test_positions_have_the_fit_of_a_source(injected, injected_model, gamma):
    model = injected_model if gamma is None else SkyModel.of_analysis(injected, gamma)
    found = model.best(model.data(), *POSITIONS)
    assert found.converged.all()
    for i, (ra, dec) in enumerate(POSITIONS.T):
        fit = Hypothesis.of(injected, Sources.of(ra, dec), model.spectra).fit()
        assert found.ts[i] == pytest.approx(fit.ts, abs=1e-8)
        assert found.n_signal[i] == pytest.approx(fit.n_signal, rel=1e-6, abs=1e-9)
        if fit.n_signal > 0:
            assert found.gamma[i] == pytest.approx(fit.gamma, abs=1e-6)


def test_a_fitted_index_needs_no_other_kernel_than_a_fixed_one(null_model):
    """Tables of another memory layout would be compiled for by every job, after the warm-up, and all at once."""
    model = SkyModel.of_analysis(null_model.analysis)
    dec = np.radians([-30.0, 0.0, 40.0])
    for gammas in (
        parameters(model.spectra),
        parameters(null_model.spectra),
        np.linspace([2.0, 2.1, 2.2], [3.0, 3.1, 3.2], 8, axis=1),
    ):
        assert all(table.flags.c_contiguous for table in model.responses(dec, gammas)[1:])


def test_a_spatial_analysis_needs_a_fixed_index(tmp_path):
    analysis = skies.generated(tmp_path / "release", 0.01, with_energy=False)
    with pytest.raises(PhysicsError, match=r"no smearing tables, so a map cannot fit gamma. Fix it"):
        SkyModel.of_analysis(analysis)
    model = SkyModel.of_analysis(analysis, gamma=2.0)
    found = model.fit(model.data(), *POSITIONS)
    fits = [Hypothesis.of(analysis, Sources.of(*where), power_laws(2.0)).fit() for where in POSITIONS.T]
    np.testing.assert_allclose(found.ts, [fit.ts for fit in fits], atol=1e-8)


def test_the_fit_is_the_maximum_of_every_event_summed(null_model):
    """Against the sum over all events, none in a series; far pairs by their mean."""
    sky = null_model.data()
    ra, dec = np.radians([10.0, 190.0]), np.radians([20.0, -10.0])
    found = null_model.fit(sky, ra, dec)
    analysis = null_model.analysis
    for i in range(2):
        density = analysis.signal_densities(dec[i : i + 1], null_model.spectra)
        expected = analysis.expected(dec[i : i + 1], null_model.spectra)[:, 0, 0]
        numbers = analysis.response_numbers
        where, whole = (dec[i : i + 1], np.zeros(1), np.zeros(1, int)), np.ones((len(density), 1, 1))
        far = far_ratios(analysis.seasons, numbers, where, analysis.widths, density, whole)[:, 0]

        def ln_l(n, i=i, density=density, expected=expected, numbers=numbers, far=far):
            total = 0.0
            for k, (season, share) in enumerate(zip(analysis.seasons, expected / expected.sum(), strict=True)):
                psi = oracles.separation(season.ra, season.dec, ra[i], dec[i])
                ratio = np.zeros(len(season))
                for m, width in enumerate(analysis.widths):
                    variance = (width * season.ang_err) ** 2
                    signal = psi / np.sin(psi) * np.exp(-(psi**2) / 2 / variance) / (2 * np.pi * variance)
                    ratio += signal * density[numbers[k], 0, season.bin, m, 0] * season.inverse_background
                ratio[4 * np.sin(psi / 2) ** 2 > season.near] = 0.0
                x = n * share / len(season)
                total += oracles.log_ratio(ratio, x) + x / (1 - x) * far[k]
            return total

        n = np.linspace(0, 4 * found.n_signal[i] + 5, 400)
        values = np.array([ln_l(m) for m in n])
        assert found.ts[i] >= 2 * values.max() - 1e-4
        if found.n_signal[i] > 0:
            assert found.ts[i] == pytest.approx(2 * ln_l(found.n_signal[i]), abs=1e-4)


def test_results_do_not_depend_on_order_threads_or_company(injected_model):
    sky = injected_model.data()
    rng = np.random.default_rng(2)
    ra, dec = rng.uniform(0, 2 * np.pi, 150), np.repeat(rng.uniform(-1.4, 1.4, 15), 10)
    together = injected_model.fit(sky, ra, dec)
    order = rng.permutation(150)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        alone = injected_model.fit(sky, ra[order], dec[order])
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(alone.ts, together.ts[order])
    np.testing.assert_array_equal(alone.n_signal, together.n_signal[order])


def test_a_search_differs_little_from_a_fit(injected_model):
    sky = injected_model.data()
    exact, fast = injected_model.fit(sky, *POSITIONS), injected_model.search(sky, *POSITIONS)
    np.testing.assert_allclose(fast.ts, exact.ts, atol=5e-2, rtol=5e-3)


def test_a_scrambled_sky_keeps_everything_but_right_ascension(injected_model):
    one, again, other = (injected_model.scrambled(5, number) for number in (1, 1, 2))
    np.testing.assert_array_equal(one.x, again.x)
    assert not np.array_equal(one.x, other.x)
    for name in one.records.dtype.names:
        np.testing.assert_array_equal(np.sort(one.records[name]), np.sort(other.records[name]))
