"""Unknown flares: the test statistic against every window in plain numpy, signal found again, scrambled skies."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import ks_2samp

from nusky.detector.spectrum import PowerLaw, power_laws
from nusky.errors import PhysicsError
from nusky.likelihood.flare import bounds, fit_window
from nusky.search.experiment import Experiment, Indices, Request
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Signal, mean_exposures
from nusky.search.sources import Sources
from nusky.search.target import Target
from nusky.search.time_profile import Box, Flare, GoodRuns, joined
from nusky.search.trials import stream
from tests.search.timed import AT, RUNS, analysis

FLARE = Flare(5.0, 200.0, edges=25)


@pytest.fixture(scope="module")
def made():
    return analysis()


def hypothesis_of(made, flare=FLARE, gammas=(2.0,), at=AT[:, 0]):
    return Hypothesis.of(made, Sources.of(*at, profiles=flare), power_laws(list(gammas)))


def live(t):
    """Good runs of all seasons until t, d."""
    every = [(a, b) for runs in RUNS for a, b in zip(runs.start, runs.stop, strict=True)]
    return sum(float(np.clip(t, a, b) - a) for a, b in every)


def ratios(hypothesis):
    """Times, seasons and S/B of the near events in plain numpy, in order of time; a power law of one index."""
    found, (ra0, dec0) = [], AT[:, 0]
    for k, season in enumerate(hypothesis.analysis.seasons):
        cosine = np.sin(dec0) * np.sin(season.dec) + np.cos(dec0) * np.cos(season.dec) * np.cos(season.ra - ra0)
        psi, s2 = np.arccos(np.clip(cosine, -1, 1)), season.ang_err**2
        ratio = psi / np.sin(psi) * np.exp(-(psi**2) / (2 * s2)) / (2 * np.pi * s2) * season.inverse_background
        near = 4 * np.sin(psi / 2) ** 2 <= season.near
        found.append(np.column_stack([season.mjd, np.full(len(psi), k), ratio])[near])
    mjd, season, ratio = np.concatenate(found).T
    order = np.argsort(mjd)
    return mjd[order], season[order].astype(int), ratio[order]


def brute_force(hypothesis, mjd, season, ratio, flare=FLARE):
    """TS, n_s, start and stop of every window that `flare` allows, each maximised by itself."""
    per_day = hypothesis.analysis.expected(AT[1, :1], hypothesis.spectra)[:, 0, 0]
    per_day = per_day / [runs.livetime for runs in RUNS]
    livetime, n_events = np.array([runs.livetime for runs in RUNS]), hypothesis.analysis.n_events
    far = hypothesis.signal.far[:, 0]
    share = per_day * livetime / n_events
    weight = ratio * share[season]
    edges = np.sort(np.argsort(-weight)[: flare.edges])
    windows, found = [], []
    grid = np.unique(np.concatenate([np.append(runs.start, runs.stop) for runs in RUNS]))
    for i in edges:
        reached = [t for t in (*grid, 1e9) if live(t) >= live(mjd[i]) + flare.shortest]
        end = reached[0] - (live(reached[0]) - live(mjd[i]) - flare.shortest) if len(reached) > 1 else grid[-1]
        windows.append((mjd[i], end))
        longer = [j for j in edges if flare.shortest < live(mjd[j]) - live(mjd[i]) <= flare.longest]
        windows += [(mjd[i], mjd[j]) for j in longer]
    for start, stop in windows:
        exposure = np.array([Box(start, stop).exposure(runs) for runs in RUNS])
        part = per_day * exposure / (per_day * exposure).sum()
        inside = (mjd >= start) & (mjd <= stop)
        k = season[inside]
        narrow = ratio[inside] * livetime[k] / exposure[k]

        def log_likelihood(n, part=part, k=k, narrow=narrow):
            x = n * part / n_events
            y = x / (1 - x)
            rest = n_events - np.bincount(k, minlength=len(n_events))
            return (n_events * np.log1p(-x) + rest * np.log1p(y * far / rest)).sum() + np.log1p(y[k] * narrow).sum()

        best = minimize_scalar(lambda n: -log_likelihood(n), bounds=(0, 200), method="bounded", options={"xatol": 1e-9})
        ts = 2 * (max(-best.fun, 0.0) + np.log((live(stop) - live(start)) / flare.longest))
        found.append((ts, best.x, start, stop))
    return np.array(found)


def test_the_flare_is_the_best_of_all_windows(made):
    hypothesis = hypothesis_of(made)
    likelihood = hypothesis.likelihood(hypothesis.data())
    mjd, season, ratio = likelihood._near
    plain = ratios(hypothesis)
    np.testing.assert_array_equal(plain[0], mjd)
    np.testing.assert_array_equal(plain[1], season)
    np.testing.assert_allclose(plain[2], ratio[:, 0], rtol=3e-6)
    every = brute_force(hypothesis, mjd, season, ratio[:, 0])
    assert len(every) == len(likelihood.windows.first)
    best, found = every[np.argmax(every[:, 0])], next(likelihood.flares())
    assert (found.start, found.stop) == pytest.approx(tuple(best[2:]), abs=1e-9)
    assert found.ts == pytest.approx(best[0], abs=1e-8)
    assert found.n_signal == pytest.approx(best[1], abs=1e-4)
    ts, _ = likelihood.every_window()
    order = np.lexsort((likelihood.windows.end, likelihood.windows.begin))
    expected = every[np.lexsort((every[:, 3], every[:, 2]))]
    np.testing.assert_allclose(ts[order], np.maximum(expected[:, 0], 0), atol=1e-8)
    fit = hypothesis.fit(hypothesis.data())
    assert (fit.ts, fit.n_signal) == (found.ts, found.n_signal)


def test_runners_up_lie_apart_and_are_the_best_of_what_is_left(made):
    hypothesis = hypothesis_of(made)
    likelihood = hypothesis.likelihood(hypothesis.data())
    found = list(likelihood.flares(most=4))
    every = brute_force(hypothesis, *likelihood._near[:2], likelihood._near[2][:, 0])
    assert len(found) > 1
    for own in found:
        best = every[np.argmax(every[:, 0])]
        assert own.ts == pytest.approx(best[0], abs=1e-8)
        every = every[(every[:, 3] < own.start) | (every[:, 2] > own.stop)]


def test_flares_above_a_threshold_are_added_up(made):
    single, several = (hypothesis_of(made, replace(FLARE, add_above=value)) for value in (None, 0.5))
    likelihood = single.likelihood(single.data())
    counted = [own for own in likelihood.flares(most=100) if own.ts >= 0.5]
    assert len(counted) > 1
    fit = several.fit(several.data())
    assert fit.ts == pytest.approx(sum(own.ts for own in counted))
    assert fit.n_signal == pytest.approx(sum(own.n_signal for own in counted))
    high = hypothesis_of(made, replace(FLARE, add_above=1e3))
    assert high.fit(high.data()) == single.fit(single.data())


def test_a_flare_is_the_known_window_without_its_factor(made):
    hypothesis = hypothesis_of(made, gammas=np.linspace(1, 4, 5))
    flare = next(hypothesis.likelihood(hypothesis.data()).flares())
    known = hypothesis.at_window(flare.box)
    fit = known.fit(known.data())
    unpenalised = flare.ts - 2 * np.log(flare.duration / FLARE.longest)
    assert fit.ts == pytest.approx(unpenalised, rel=1e-5)
    assert flare.duration == pytest.approx(live(flare.stop) - live(flare.start))


@pytest.mark.parametrize("seed", range(3))
def test_no_window_exceeds_its_bound(seed):
    """Otherwise the best window might be left out."""
    hypothesis = hypothesis_of(analysis((400, 300), seed), gammas=[1.5, 2.5, 3.5])
    likelihood = hypothesis.likelihood(hypothesis.data())
    near, windows = likelihood.events[1], likelihood.windows
    bound = np.empty(len(windows.first))
    bounds(near, windows, 0, 3, bound)
    exact = np.array([[fit_window(near, windows, w, g, 1.0)[1] for g in range(3)] for w in range(len(bound))])
    assert (bound >= exact.max(axis=1) - 1e-9).all()
    assert np.median((bound - exact.max(axis=1))[exact.max(axis=1) > 0]) < 0.5


def test_an_injected_flare_is_found_again(made):
    hypothesis, window = hypothesis_of(made, at=AT[:, 2]), Box(55420.0, 55440.0)
    experiment = Experiment.of(made, hypothesis.sources, Indices(np.array([2.0]), free=False), 1, ("flare",))
    signal = Signal.of(hypothesis.analysis, Sources.of(*AT[:, 2], profiles=window), hypothesis.spectra[0])
    fits = []
    for trial in range(40):
        sky = experiment.with_signal(signal, 12.0, stream(1, "found", trial))
        own = next(experiment.hypothesis.likelihood(sky).flares())
        fits.append((own.start, own.stop, own.n_signal))
    start, stop, n_signal = np.array(fits).T
    overlap = np.minimum(stop, window.stop) - np.maximum(start, window.start)
    assert np.mean(overlap > 10) > 0.9
    assert np.median(start) == pytest.approx(window.start, abs=3)
    assert np.median(stop) == pytest.approx(window.stop, abs=3)
    assert np.median(n_signal) == pytest.approx(12, abs=2)


def test_scrambled_skies_are_like_others(made):
    """TS of scrambled skies is distributed as that of new events without a source: so are p-values."""
    hypothesis = hypothesis_of(made, Flare(5.0, 200.0), at=np.array([4.5, -0.1]))
    scrambled = [hypothesis.fit(hypothesis.scrambled(stream(3, t))).ts for t in range(250)]
    fresh = []
    for seed in range(250):
        rng, own = np.random.default_rng(seed), []
        for season, runs in zip(hypothesis.analysis.seasons, RUNS, strict=True):
            live_until = rng.uniform(0, runs.livetime, len(season))
            own.append(replace(season, ra=rng.uniform(0, 2 * np.pi, len(season)), mjd=runs.when(live_until)))
        new = replace(hypothesis, analysis=replace(hypothesis.analysis, seasons=tuple(own)))
        fresh.append(new.fit(new.data()).ts)
    assert ks_2samp(scrambled, fresh).pvalue > 0.01


def test_times_that_are_the_same_belong_together(made):
    """Events of one moment are all inside a window that begins or ends there."""
    seasons = tuple(replace(season, mjd=np.round(season.mjd)) for season in made.seasons)
    hypothesis = hypothesis_of(replace(made, seasons=seasons))
    likelihood = hypothesis.likelihood(hypothesis.data())
    mjd, windows = likelihood.events[0], likelihood.windows
    for first, stop, begin, end in zip(windows.first, windows.stop, windows.begin, windows.end, strict=True):
        assert stop - first == ((mjd >= begin) & (mjd <= end)).sum()


def test_good_runs_there_and_back():
    runs = GoodRuns.of([55000, 55200], [55150, 55300])
    times = np.array([54990.0, 55000.0, 55100.0, 55150.0, 55170.0, 55210.0, 55400.0])
    np.testing.assert_allclose(runs.until(times), [0, 0, 100, 150, 150, 160, 250])
    np.testing.assert_allclose(runs.when([0, 100, 150, 160, 250, 300]), [55000, 55100, 55150, 55210, 55300, 55300])
    assert joined(analysis((200, 200)).runs).livetime == pytest.approx(sum(own.livetime for own in RUNS))


def test_a_flare_at_any_time_is_seen_as_often_as_the_seasons_last():
    """The mean exposure against many windows one by one, runs with gaps and seasons that take turns."""
    runs = (GoodRuns.of([0.0, 60], [25, 90]), GoodRuns.of([30.0, 95], [55, 140]))
    for days in (3.0, 40.0, 110.0):
        begins = (np.arange(20_000) + 0.5) / 20_000 * (125 - days)
        every = joined(runs)
        windows = zip(every.when(begins), every.when(begins + days), strict=True)
        seen = np.array([[own.until(stop) - own.until(start) for own in runs] for start, stop in windows])
        np.testing.assert_allclose(seen.sum(axis=1), days)
        np.testing.assert_allclose(mean_exposures(runs, days), seen.mean(axis=0) / [55, 70], rtol=1e-5)
    np.testing.assert_allclose(mean_exposures(runs, 125.0), 1.0)


def test_limits_are_about_a_flare_of_a_stated_duration(made):
    flare = Flare(5.0, 200.0, edges=25)
    sources = Sources.of(*AT[:, 2], profiles=flare)
    experiment = Experiment.of(made, sources, Indices(np.array([2.0]), free=False), 1, ("limit",))
    target = Target(experiment, sources, {}, PowerLaw(2.0), limit_days=20.0)
    signal, rng = target.signal(2.0), np.random.default_rng(5)
    placed = [signal.in_a_sky(rng) for _ in range(4000)]
    for own in placed[:50]:
        (box,) = own.sources.profiles
        seen = [box.exposure(runs) for runs in RUNS]
        assert sum(seen) == pytest.approx(20.0)
        # One response for both seasons: the same events from each day of either.
        assert own.share.sum() == pytest.approx(1.0, abs=1e-9)
        np.testing.assert_allclose(own.share[:, 0], np.array(seen) / 20.0, atol=1e-9)
    mean = np.mean([own.share for own in placed], axis=0)
    np.testing.assert_allclose(mean, signal.share, atol=5 * 0.5 / np.sqrt(4000))

    scale, known = target.flux_scale(2.0), target.at_window(Box(55400.0, 55420.0)).flux_scale(2.0)
    assert scale.duration_s == pytest.approx(86400 * 20)
    assert scale.events_per_phi0_gev == pytest.approx(known.events_per_phi0_gev)

    background = experiment.background(range(60))[:, 0, 2]
    request = Request(0.9, "neyman", (), 40)
    weak, strong = (target.limit(2.0, ts, background, request).strength.n_signal for ts in (0.0, 40.0))
    assert weak < strong
    assert strong > 2.3  # fewer are not seen at all in a tenth of the skies
    with pytest.raises(PhysicsError, match="come from trials: there is no asymptotic one"):
        target.limit(2.0, 0.0, background, replace(request, limit_method="asymptotic"))
    with pytest.raises(PhysicsError, match="limits of flares of 4 d: flares of 5 to 200 d are looked for"):
        replace(target, limit_days=4.0)
    with pytest.raises(PhysicsError, match="limits of flares of 20 d: no unknown flares are looked for"):
        replace(target.at_window(Box(55400.0, 55420.0)), limit_days=20.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 10.0), "the shortest duration of a flare, 0 d, must be above 0"),
        ((20.0, 10.0), "the longest duration of a flare, 10 d, must not be below the shortest, 20 d"),
        ((1.0, 10.0, 1), "edges = 1: a window needs an event to begin and one to end"),
        ((1.0, 10.0, 9, -1.0), "TS from which flares are added, -1, must not be below 0"),
    ],
)
def test_durations_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(PhysicsError, match=message):
        Flare(*arguments)


def test_what_cannot_be_looked_for_is_refused(made):
    with pytest.raises(PhysicsError, match=r"longest duration of a flare, 700 d, is more than the livetime.*650\.0 d"):
        hypothesis_of(made, Flare(1.0, 700.0))
    with pytest.raises(PhysicsError, match="one source at a time, not in a stack"):
        Hypothesis.of(made, Sources.of(*AT, profiles=FLARE))
    with pytest.raises(PhysicsError, match="need the times of the events and the good runs"):
        hypothesis_of(replace(made, runs=None))
