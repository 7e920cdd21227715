"""Scrambled times: directions in the detector stay, and drawing only what matters is permuting all."""

from dataclasses import replace

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import EarthLocation
from astropy.time import Time
from scipy.stats import ks_2samp, kstest

from nusky.errors import PhysicsError
from nusky.search.hypothesis import Hypothesis
from nusky.search.scrambling import common_sky
from nusky.search.sources import Sources
from nusky.search.time_profile import Box, Decay, Flare, Gaussian, Steady, turned
from tests.search.timed import AT, CURVE, WEIGHTS, analysis


@pytest.fixture(scope="module")
def made():
    return analysis()


def test_scrambled_times_keep_directions_in_the_detector(made):
    hypothesis = Hypothesis.of(made, Sources.of(*AT[:, 0], profiles=Box(55100, 55330)))
    ra, mjd = common_sky(hypothesis.analysis, np.random.default_rng(5))
    known = [np.concatenate([getattr(season, name) for season in made.seasons]) for name in ("ra", "mjd")]
    first = len(made.seasons[0])
    for members in (slice(first), slice(first, None)):
        np.testing.assert_array_equal(np.sort(mjd[members]), np.sort(known[1][members]))
    place = EarthLocation.from_geodetic(0 * u.deg, -89.99 * u.deg)
    chosen = slice(0, 40)
    old, new = (Time(t[chosen], format="mjd", location=place) for t in (known[1], mjd))
    hour_angle = [t.sidereal_time("mean").rad - r for t, r in ((old, known[0][chosen]), (new, ra[chosen]))]
    away = np.degrees((hour_angle[0] - hour_angle[1] + np.pi) % (2 * np.pi) - np.pi)
    assert np.abs(away).max() < 0.02


WINDOWS = {
    "box of both seasons": Box(55100, 55330),
    "box of a day": Box(55110, 55111),
    "curve with bins without flux": CURVE,
    "stack of windows that overlap": [Box(55010, 55140), Box(55120, 55150), Box(55290, 55420)],
    "stack with a steady source": [Box(55010, 55140), Steady(), Gaussian(55400, 5)],
}


@pytest.mark.parametrize("name", WINDOWS)
def test_drawing_only_what_matters_is_permuting_all(made, name):
    """The events of scrambled skies near a source, and their number, are those of whole permutations."""
    single = not name.startswith("stack")
    sources = Sources.of(*(AT[:, 0] if single else AT), weights=1.0 if single else WEIGHTS, profiles=WINDOWS[name])
    hypothesis = Hypothesis.of(made, sources).with_gammas([2.0])
    rng = np.random.default_rng(9)
    drawn = [hypothesis.scrambled(rng) for _ in range(200)]
    # Every event at a time inside any window, in a cell with any source: fewer matter in a stack.
    every = [hypothesis.common(*common_sky(hypothesis.analysis, rng)) for _ in range(200)]
    whole = [sky.part(shines(hypothesis, sky)) for sky in every]
    assert all(shines(hypothesis, sky).all() for sky in drawn[:20])
    season = hypothesis.analysis.indexed.records["season"]
    measures = {
        "events": lambda sky: len(sky.chosen),
        "of the first season": lambda sky: (season[sky.chosen] == 0).sum(),
        "TS": lambda sky: hypothesis.fit(sky).ts,
        "times": lambda sky: sky.mjd.sum(),
        "directions": lambda sky: np.cos(sky.ra).sum(),
    }
    for measure in measures.values():
        assert ks_2samp(*([measure(sky) for sky in skies] for skies in (drawn, whole))).pvalue > 0.003
    assert all(len(np.unique(sky.chosen)) == len(sky.chosen) for sky in drawn)
    assert all(len(np.unique(sky.mjd)) == len(sky.mjd) for sky in drawn)
    again = hypothesis.scrambled(np.random.default_rng(9))
    np.testing.assert_array_equal(again.mjd, drawn[0].mjd)
    np.testing.assert_array_equal(again.ra, drawn[0].ra)


def shines(hypothesis, sky):
    """Whether a source in the list of the cell of each event shines at its time."""
    known, support = hypothesis.near.cells, hypothesis.profiles.support
    lists = [support[known.source[slice(*entry)]] for entry in known.entries[sky.cell]]
    return np.array([((w[:, 0] <= t) & (t <= w[:, 1])).any() for w, t in zip(lists, sky.mjd, strict=True)], bool)


@pytest.mark.parametrize("profile", [Box(55100, 55330), Flare(5.0, 200.0)])
def test_right_ascensions_may_be_scrambled_instead(made, profile):
    """Events near a source then keep their times; whole skies look the same."""
    hypothesis = Hypothesis.of(made, Sources.of(*AT[:, 0], profiles=profile)).with_gammas([2.0])
    hypothesis = replace(hypothesis, scramble="right-ascension")
    rng, order = np.random.default_rng(4), hypothesis.analysis.indexed.order
    known = np.concatenate([season.mjd for season in made.seasons])
    drawn = [hypothesis.scrambled(rng) for _ in range(100)]
    for sky in drawn:
        np.testing.assert_array_equal(sky.mjd, known[order[sky.chosen]])
    whole = [hypothesis.common(*common_sky(made, rng, hypothesis.scramble)) for _ in range(100)]
    for measure in (lambda sky: len(sky.chosen), lambda sky: sky.ra.sum(), lambda sky: sky.mjd.sum()):
        assert ks_2samp(*([measure(sky) for sky in skies] for skies in (drawn, whole))).pvalue > 0.01


def test_a_cone_refuses_new_right_ascensions(made):
    cone = replace(made, cones=np.array([[1.0, 0.4, 3.2], [1.0, 0.4, 3.2]]))
    hypothesis = Hypothesis.of(cone, Sources.of(*AT[:, 0], profiles=Box(55100, 55330)))
    with pytest.raises(PhysicsError, match="in a list of a cone right ascensions cannot be drawn anew"):
        replace(hypothesis, scramble="right-ascension")


def test_azimuths_of_a_season_stay_while_right_ascensions_are_mixed():
    """A detector that sees one side only: within a day the right ascensions follow it."""
    rng = np.random.default_rng(6)
    mjd, azimuth = rng.uniform(55000, 55300, 20_000), rng.normal(1.0, 0.3, 20_000)
    ra = (azimuth + turned(np.zeros(20_000), np.zeros(20_000), mjd)) % (2 * np.pi)
    new = rng.permutation(mjd)
    after = (turned(ra, mjd, new) - turned(np.zeros(20_000), np.zeros(20_000), new)) % (2 * np.pi)
    np.testing.assert_allclose(after, azimuth % (2 * np.pi), atol=1e-6)
    assert kstest(turned(ra, mjd, new) / (2 * np.pi), "uniform").pvalue > 0.01


def test_skies_of_hypotheses_with_windows_of_other_lengths_are_the_same(made):
    """They have indices of their own, as their pairs are near at other distances."""
    narrow, wide = (
        Hypothesis.of(made, Sources.of(*AT[:, 0], profiles=box)) for box in (Box(55100, 55101), Box(55100, 55330))
    )
    assert narrow.analysis is not wide.analysis
    whole = common_sky(wide.analysis, np.random.default_rng(7))
    for one, other in zip(whole, common_sky(narrow.analysis, np.random.default_rng(7)), strict=True):
        np.testing.assert_array_equal(one, other)
    for hypothesis in (narrow, wide):
        sky, order = hypothesis.common(*whole), hypothesis.analysis.indexed.order
        np.testing.assert_array_equal(sky.mjd, whole[1][order[sky.chosen]])
        np.testing.assert_allclose(sky.ra, whole[0][order[sky.chosen]] % (2 * np.pi))


@pytest.mark.slow
@pytest.mark.parametrize(
    "profile",
    [Box(55301, 55302), Box(55310, 55340), Box(55320, 55620), Gaussian(55400, 15), CURVE, Decay(55120, 40, 1.2)],
)
def test_scrambled_skies_have_the_test_statistics_of_whole_permutations(made, profile):
    hypothesis = Hypothesis.of(made, Sources.of(*AT[:, 1], profiles=profile)).with_gammas([2.0])
    rng = np.random.default_rng(8)
    drawn = [hypothesis.fit(hypothesis.scrambled(rng)).ts for _ in range(2000)]
    whole = [hypothesis.fit(hypothesis.common(*common_sky(hypothesis.analysis, rng))).ts for _ in range(2000)]
    assert ks_2samp(drawn, whole).pvalue > 0.01
    assert np.mean(np.array(drawn) > 0) == pytest.approx(np.mean(np.array(whole) > 0), abs=0.06)
