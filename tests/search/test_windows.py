"""Sources that change with time: the test statistic against all pairs in plain numpy, scrambled times, injection."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ks_2samp

from nusky.detector.spectrum import PowerLaw
from nusky.errors import PhysicsError
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment, Indices
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Injector, Signal
from nusky.search.scrambling import common_sky
from nusky.search.sources import Sources
from nusky.search.target import Target
from nusky.search.time_profile import Box, Decay, FittedCurve, Gaussian, GoodRuns, LightCurve, Steady
from tests.search.timed import AT, CURVE, PROFILES, RUNS, WEIGHTS, analysis


@pytest.fixture(scope="module")
def made():
    return analysis()


def brute_force(hypothesis, profiles, at, weights, n_signal):
    """2 ln L(n_s)/L(0): all near pairs one by one, the far ones by their mean, which `test_far_pairs` tests."""
    a, total = hypothesis.analysis, 0.0
    exposure = np.array([[p.exposure(runs) for p in profiles] for runs in a.runs])
    per_day = a.expected(at[1], hypothesis.spectra)[:, 0] / [[runs.livetime] for runs in a.runs]
    densities = a.signal_densities(at[1], hypothesis.spectra)[a.response_numbers, :, :, :-1, 0]
    per_source = per_day * exposure * weights
    share = per_source.sum(axis=1) / per_source.sum()
    for k, season in enumerate(a.seasons):
        ratio = np.zeros(len(season))
        for j, profile in enumerate(profiles):
            delta = season.ra - at[0, j]
            cosine = np.sin(at[1, j]) * np.sin(season.dec) + np.cos(at[1, j]) * np.cos(season.dec) * np.cos(delta)
            psi, s2 = np.arccos(np.clip(cosine, -1, 1)), season.ang_err**2
            density = 0.0
            for m, width in enumerate(a.widths):
                spread = np.exp(-(psi**2) / (2 * width**2 * s2)) / (2 * np.pi * width**2 * s2)
                density += psi / np.sin(psi) * spread * densities[k, j, season.bin, m]
            near = 4 * np.sin(psi / 2) ** 2 <= season.near
            omega = per_source[k, j] / per_source[k].sum() if per_source[k].sum() else 0.0
            factor = profile(season.mjd) * a.runs[k].livetime / exposure[k, j] if exposure[k, j] else 0.0
            ratio += near * omega * density * season.inverse_background * factor
        x = n_signal * share[k] / len(season)
        far = hypothesis.signal.far[k, 0]
        total += np.log1p(x * (ratio - 1)).sum() + len(season) * np.log1p(x / (1 - x) * far / len(season))
    return 2 * total


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("stacked", [False, True])
def test_the_test_statistic_is_that_of_all_pairs(made, name, stacked):
    at, weights = (AT, WEIGHTS) if stacked else (AT[:, :1], np.ones(1))
    # In a stack every source has a profile of its own.
    profiles = [PROFILES[name], Gaussian(55400, 50), Steady()] if stacked else [PROFILES[name]]
    sources = Sources.of(*at, weights=weights, profiles=profiles)
    hypothesis = Hypothesis.of(made, sources).with_gammas([2.2])
    found = hypothesis.likelihood(hypothesis.data()).test_statistic(15.0, 0)
    assert found == pytest.approx(brute_force(hypothesis, profiles, at, weights, 15.0), rel=5e-8)


BINS = np.arange(55050, 55650, 50), np.arange(55100, 55700, 50), np.arange(12) % 5 / 2
FITTED = FittedCurve.of(*BINS, thresholds=[0.4, 1.2, 9.0], lags=[0.0, 40.0, -60.0, 5000.0])


def of_fitted(made, fitted=FITTED):
    return Hypothesis.of(made, Sources.of(*AT[:, :1], profiles=fitted)).with_gammas([2.2])


def test_a_fitted_curve_is_the_best_of_all_thresholds_and_lags(made):
    """Against all pairs of each, and the fits of each by itself, which leave a little more to the far pairs."""
    hypothesis = of_fitted(made)
    likelihood = hypothesis.likelihood(hypothesis.data())
    # No bin is above the last threshold, and no season lasts until the last lag.
    seen = [own for own in FITTED.curves if own.lag < 5000]
    assert [(own.threshold, own.lag) for own in seen] == [(t, lag) for t in (0.4, 1.2) for lag in (0, 40, -60)]
    assert [own.sources.profiles for own in hypothesis.candidates] == [(own,) for own in seen]
    each = [
        brute_force(own, [curve], AT[:, :1], np.ones(1), 15.0)
        for own, curve in zip(hypothesis.candidates, seen, strict=True)
    ]
    assert np.ptp(each) > 1
    assert likelihood.test_statistic(15.0, 0) == pytest.approx(max(each), rel=5e-8)
    alone = [of_fitted(made, curve).fit() for curve in seen]
    best = max(range(len(alone)), key=lambda i: alone[i].ts)
    assert likelihood.best == best
    assert hypothesis.fit().ts == pytest.approx(alone[best].ts, abs=0.02)
    (n_signal,), (value,), converged = likelihood.profile()
    assert (n_signal, 2 * value, converged) == (hypothesis.fit().n_signal, pytest.approx(hypothesis.fit().ts), True)
    assert likelihood.most[0] >= 15


def test_one_curve_to_fit_is_that_curve(made):
    sky, own = of_fitted(made, FittedCurve((CURVE,))), of_fitted(made, CURVE)
    for first, second in ((sky.data(), own.data()), (*(h.scrambled(np.random.default_rng(4)) for h in (sky, own)),)):
        assert sky.likelihood(first).fit() == own.likelihood(second).fit()


def test_trials_of_a_fitted_curve_pay_for_the_choice(made):
    """Skies with all times permuted, and those in which only what may matter is drawn, have one distribution; it lies
    above that of the first curve."""
    experiment = Experiment(of_fitted(made), False, 1, ("fitted",))
    background = experiment.background(range(250))[:, 0, 2]
    hypothesis, skies = experiment.hypothesis, []
    for i in range(250):
        whole = common_sky(made, np.random.default_rng(i), hypothesis.scramble)
        skies.append(experiment.fits(hypothesis.common(*whole))[0, 2])
    assert ks_2samp(background, skies).pvalue > 0.01
    first = Experiment(hypothesis.candidates[0], False, 1, ("fitted",)).background(range(250))[:, 0, 2]
    assert background.mean() > first.mean() + 0.3


def test_an_injected_lag_is_found(made):
    experiment = Experiment(of_fitted(made), False, 1, ("lag",))
    late = FITTED.curves.index(LightCurve.of(*BINS, threshold=1.2, lag=40.0))
    source = Sources.of(*AT[:, :1], profiles=FITTED.curves[late])
    signal, found = Signal.of(made, source, PowerLaw(2.2)), []
    for i in range(20):
        sky = experiment.with_signal(signal, 40.0, np.random.default_rng(i))
        best = experiment.hypothesis.candidates[experiment.hypothesis.likelihood(sky).best]
        found.append((best.sources.profiles[0].threshold, best.sources.profiles[0].lag))
    assert np.mean([own == (1.2, 40.0) for own in found]) > 0.7


def test_fluxes_of_a_fitted_curve_are_those_of_the_first(made):
    targets = [
        Target(
            Experiment.of(made, Sources.of(*AT[:, :1], profiles=profile), Indices(np.array([2.2]), False), 1, ("x",)),
            Sources.of(*AT[:, :1], profiles=profile),
            {},
            PowerLaw(2.2),
        )
        for profile in (FITTED, FITTED.curves[0])
    ]
    scales = [own.flux_scale(2.2) for own in targets]
    assert scales[0] == scales[1]
    (row,) = targets[0].fit_rows(np.array([1.0]), np.empty((0, 1)))
    hypothesis = targets[0].experiment.hypothesis
    best = hypothesis.candidates[hypothesis.likelihood(hypothesis.data()).best].sources.profiles[0]
    assert (row["threshold"], row["lag_days"]) == (best.threshold, best.lag)
    assert row["n_signal_low68"] < row["n_signal"] < row["n_signal_high68"]
    assert targets[0].experiment.asymptotic_limit(hypothesis.data(), 2.2, 0.9).n_signal > row["n_signal"]


def test_what_cannot_be_fitted_in_time_is_refused(made):
    with pytest.raises(PhysicsError, match="one source at a time, not in a stack"):
        Hypothesis.of(made, Sources.of(*AT, profiles=FITTED))
    hypothesis = of_fitted(made)
    with pytest.raises(PhysicsError, match="light curve that is fitted has density ratios in each window only"):
        hypothesis.density_ratios(hypothesis.data())
    with pytest.raises(PhysicsError, match="no bin of the light curve is above the threshold 7"):
        FittedCurve.of(*BINS, thresholds=[7.0, 0.0])
    with pytest.raises(PhysicsError, match="lies outside the good runs"):
        of_fitted(made, FittedCurve.of(*BINS, lags=[5000.0, 0.0]))


IC86_CURVE = LightCurve.of(np.arange(55700, 56000, 30), np.arange(55730, 56030, 30), np.arange(10) % 4 / 2)
WITH_ENERGY = {
    "box": Box(55750, 55850),
    "gaussian": Gaussian(55800, 20),
    "decay": Decay(55720, 40, 1.2),
    "light curve": IC86_CURVE,
    "steady": Steady(),
}


@pytest.fixture(scope="module")
def with_energy(one_season):
    tables = one_season
    events = list(tables.events.values())
    return Analysis.of_tables(tables.seasons, events, tables.effective_area, tables.smearing, uptimes=tables.uptimes)


@pytest.mark.parametrize("name", WITH_ENERGY)
def test_the_test_statistic_with_energies_is_that_of_all_pairs(with_energy, name):
    """Each pair counts with the point spread and the energy of the response; the smallest numbers are added up in
    single precision."""
    at, weights = np.radians([[57.3, 120.0, 250.0], [17.2, -8.0, 40.0]]), np.array([0.6, 0.3, 0.1])
    for n_sources, others in ((1, []), (3, [Gaussian(55900, 50), Steady()])):
        profiles, own = [WITH_ENERGY[name], *others], at[:, :n_sources]
        sources = Sources.of(*own, weights=weights[:n_sources], profiles=profiles)
        hypothesis = Hypothesis.of(with_energy, sources).with_gammas([2.2])
        order = np.argsort(own[1], kind="stable")
        told = [profiles[j] for j in order], own[:, order], weights[:n_sources][order] / weights[:n_sources].sum()
        found = hypothesis.likelihood(hypothesis.data()).test_statistic(8.0, 0)
        if name == "steady" and n_sources == 1:
            hypothesis = replace(hypothesis, analysis=with_energy)
        assert found == pytest.approx(brute_force(hypothesis, *told, 8.0), rel=1e-6, abs=1e-6)


def test_steady_profiles_change_nothing(made):
    plain = Hypothesis.of(made, Sources.of(*AT, weights=WEIGHTS))
    steady = Hypothesis.of(made, Sources.of(*AT, weights=WEIGHTS, profiles=Steady()))
    assert plain.fit(plain.data()) == steady.fit(steady.data())
    streams = [np.random.default_rng(3) for _ in range(2)]
    skies = plain.scrambled(streams[0]), steady.scrambled(streams[1])
    for one, other in zip(plain.likelihood(skies[0]).profile(), steady.likelihood(skies[1]).profile(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_box_over_the_whole_livetime_is_steady(made):
    plain = Hypothesis.of(made, Sources.of(*AT, weights=WEIGHTS))
    box = Hypothesis.of(made, Sources.of(*AT, weights=WEIGHTS, profiles=Box(55000, 55700)))
    for one, other in zip(
        plain.likelihood(plain.data()).profile()[:2], box.likelihood(box.data()).profile()[:2], strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-10)


def test_shares_are_acceptance_times_exposure(made):
    hypothesis = Hypothesis.of(made, Sources.of(*AT[:, 0], profiles=Box(55100, 55330))).with_gammas([2.0])
    # 50 and 100 days in the two runs of the first season, 30 in the second; one response for both.
    np.testing.assert_allclose(hypothesis.shares[0], [150 / 180, 30 / 180])
    events = made.expected(AT[1, :1], hypothesis.spectra)[0, 0, 0] * 180 / RUNS[0].livetime
    assert hypothesis.expected[:, 0].sum() == pytest.approx(events)


@pytest.mark.parametrize("profile", [Box(55100, 55130), Gaussian(55290, 20)])
def test_signal_is_found_again(made, profile):
    sources = Sources.of(*AT[:, 2], profiles=profile)
    experiment = Experiment.of(made, sources, Indices(np.array([2.0]), free=False), 1, ("window",))
    signal = Signal.of(experiment.hypothesis.analysis, sources, experiment.hypothesis.spectra[0])
    shares = [profile.exposure(runs) for runs in RUNS]
    np.testing.assert_allclose(signal.share[:, 0], np.array(shares) / sum(shares))
    fitted = experiment.injected(signal, 12.0, 60, "recovery")[:, 0, 0]
    assert fitted.mean() == pytest.approx(12.0, abs=4 * fitted.std() / np.sqrt(60))
    events = Injector(experiment.hypothesis.analysis)(np.random.default_rng(2), signal, 500.0)
    every = np.concatenate([season.mjd for season in events])
    assert (profile(every) > 0).all()
    assert abs(len(every) - 500) < 5 * np.sqrt(500)


def test_injected_events_count_at_their_times(made):
    sources = Sources.of(*AT[:, 2], profiles=Box(55100, 55130))
    hypothesis = Hypothesis.of(made, sources).with_gammas([2.0])
    seasons, sky = hypothesis.analysis.seasons, hypothesis.scrambled(np.random.default_rng(4))
    extra = [season.with_events(*np.repeat(AT[:, 2:], 9, axis=1), np.full(9, 0.01), None) for season in seasons]
    inside = [replace(season, mjd=np.full(9, 55110.0)) for season in extra]
    outside = [replace(season, mjd=np.full(9, 55140.0)) for season in extra]
    fits = [hypothesis.fit(hypothesis.injected(sky, events)) for events in (inside, outside)]
    assert fits[0].n_signal > 7
    assert fits[1].n_signal < 3


def test_windows_need_times_and_good_runs(made):
    without = replace(made, runs=None)
    with pytest.raises(PhysicsError, match="need the times of the events and the good runs"):
        Hypothesis.of(without, Sources.of(1.0, 0.4, profiles=Box(55100, 55130)))
    with pytest.raises(PhysicsError, match="lies outside the good runs, which reach from MJD 55000"):
        Hypothesis.of(made, Sources.of(1.0, 0.4, profiles=Box(55160, 55190)))


def test_a_narrow_window_looks_farther(made):
    """In a day out of a year a pair counts that would be far from a steady source."""
    steady = Hypothesis.of(made, Sources.of(*AT[:, 0]))
    narrow = Hypothesis.of(made, Sources.of(*AT[:, 0], profiles=Box(55100, 55101)))
    for season, wider in zip(steady.analysis.seasons, narrow.analysis.seasons, strict=True):
        # The Gaussian at the edge is smaller by at least the 250 days of the first season over the day of the window.
        assert (np.exp(-(wider.reach - season.reach) / 2) <= 1 / 250).all()


def test_analyses_with_other_runs_share_no_windows(made):
    Hypothesis.of(made, Sources.of(*AT[:, 0], profiles=Box(55100, 55101)))
    later = replace(made, runs=(RUNS[0], GoodRuns.of([55300], [55600])))
    found = Hypothesis.of(later, Sources.of(*AT[:, 0], profiles=Box(55100, 55101)))
    assert found.analysis.runs is later.runs
