"""Shifts of limits on a world where they are known: events of one AngErr, without energies, on a uniform background."""

from dataclasses import replace

import numpy as np
import pytest

from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import PowerLaw
from nusky.search.analysis import Analysis
from nusky.search.calibration import LimitCalibration
from nusky.search.disturbance import TRIALS_SHARE, Disturbance
from nusky.search.experiment import Experiment, Indices, Request
from nusky.search.injection import Signal
from nusky.search.season import SeasonEvents
from nusky.search.sources import Sources
from nusky.search.systematics import systematic_shifts
from nusky.search.target import Target

N_EVENTS, ANG_ERR = 40_000, np.radians(1.0)
GAMMA, SOURCE = 2.0, Sources.of(1.0, 0.2)
REQUEST = Request(0.9, "neyman", (), 200)
SIZES = {"effective_area": 0.1, "angular_error": 0.3, "energy_scale": 0.1, "background": 0.3}


@pytest.fixture(scope="module")
def target():
    rng = np.random.default_rng(4)
    ra, dec = rng.uniform(0, 2 * np.pi, N_EVENTS), np.arcsin(rng.uniform(-1, 1, N_EVENTS))
    season = SeasonEvents.of_data(("season", "response", 1e7), ra, dec, np.full(N_EVENTS, ANG_ERR), None)
    area = EffectiveArea(np.array([2.0, 7.0]), np.array([-np.pi / 2, np.pi / 2]), np.ones((1, 1)))
    analysis, indices = Analysis.of_seasons([season], {"response": area}, None), Indices.choose(GAMMA, [GAMMA], False)
    experiment = Experiment.of(analysis, SOURCE, indices, 5, ("systematics",))
    return Target(experiment, SOURCE, {}, indices.spectrum)


def counts(experiment, n_injected, radius, n_skies=100):
    """Mean number of events within `radius` of the source that a sky is looked at for."""
    rng, found = np.random.default_rng(8), 0
    records = experiment.hypothesis.analysis.indexed.records
    signal = Signal.of(experiment.hypothesis.analysis, SOURCE, PowerLaw(GAMMA))
    for _ in range(n_skies):
        sky = experiment.with_signal(signal, n_injected, rng)
        for chosen, ra, events in ((sky.chosen, sky.ra, records), (sky.extra[0], sky.extra[2], sky.extra[3])):
            own = events[chosen]
            cosine = np.sin(0.2) * own["sin_dec"] + np.cos(0.2) * own["cos_dec"] * np.cos(ra - 1.0)
            found += np.count_nonzero(cosine > np.cos(radius))
    return found / n_skies


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.3])
def test_skies_are_disturbed_by_what_is_asked(target, factor):
    radius = 1.5 * ANG_ERR
    cap = N_EVENTS * (1 - np.cos(radius)) / 2
    more = replace(target.experiment, disturbance=Disturbance(background=factor))
    assert counts(more, 0.0, radius) == pytest.approx(factor * cap, rel=0.12)
    wider = replace(target.experiment, disturbance=Disturbance(angular_error=factor))
    inside = 50 * (1 - np.exp(-0.5 * (radius / (factor * ANG_ERR)) ** 2))
    assert counts(wider, 50.0, radius) == pytest.approx(cap + inside, rel=0.06)


@pytest.mark.slow
def test_limits_move_as_they_must(target):
    experiment = target.experiment
    background = experiment.background(range(200))[:, 0, 2]
    rows = list(systematic_shifts(target, GAMMA, float(np.quantile(background, 0.8)), background, REQUEST, SIZES))
    assert [row["effect"] for row in rows] == 2 * [*SIZES, "all"]
    for n in (0, 5):
        area, angular, energy, density, together = rows[n : n + 5]
        assert [area["shift_minus"], area["shift_plus"]] == pytest.approx([1 / 0.9 - 1, 1 / 1.1 - 1])
        assert [energy["shift_low"], energy["shift_high"]] == [0, 0]
        # Signal spread wider is seen less well; more background that is not allowed for makes limits too low.
        assert angular["shift_minus"] < -0.03 < 0.1 < angular["shift_plus"]
        assert density["shift_plus"] < -0.05 < 0.05 < density["shift_minus"]
        low = -np.sqrt(sum(row["shift_low"] ** 2 for row in (area, angular, density)))
        assert together["shift_low"] == pytest.approx(low)
        assert together["shift_high"] > max(area["shift_high"], angular["shift_high"])


@pytest.mark.slow
def test_a_larger_area_lowers_the_limit_by_its_factor(target):
    """From trials in which every flux gives half as many more events, against what is stated without them."""
    tested, signal = target.experiment.at(GAMMA), target.signal(GAMMA)
    background = tested.background(range(200))[:, 0, 2]
    ts = float(np.quantile(background, 0.8))
    limits = []
    for factor in (1.0, 1.5):
        simulate = tested.named("area", f"{factor}").trial_ts(signal)
        scaled = lambda n, n_trials, number, f=factor, s=simulate: s(n * f, n_trials, number)  # noqa: E731
        limits.append(LimitCalibration(scaled, background, 5.0, REQUEST).limit(ts).n_signal)
    [area, *_] = systematic_shifts(target, GAMMA, ts, background, REQUEST, {"effective_area": 0.5})
    assert limits[1] / limits[0] - 1 == pytest.approx(area["shift_plus"], abs=0.12)


def test_the_trials_cost_less_than_four_limits(target, monkeypatch):
    """Counted in trials with signal, the limit itself included."""
    made = []
    original = Experiment.injected

    def counted(self, signal, n_injected, n_trials, *keys):
        made.append(n_trials)
        return original(self, signal, n_injected, n_trials, *keys)

    monkeypatch.setattr(Experiment, "injected", counted)
    background, request = target.experiment.background(range(40))[:, 0, 2], replace(REQUEST, n_trials=30)
    target.limit(GAMMA, 1.0, background, request)
    alone = sum(made)
    sizes = dict.fromkeys(("effective_area", "angular_error", "energy_scale", "background"), 0.1)
    list(systematic_shifts(target, GAMMA, 1.0, background, request, sizes))
    assert sum(made) < 4 * alone
    assert 7 * TRIALS_SHARE + 1 < 4
