import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from nusky import bdm
from nusky.bdm.likelihood import EventLikelihood, event_likelihood, mass_separation
from nusky.bdm.models import ConstantCrossSection
from nusky.bdm.rates import binned_events, event_rate, expected_events
from nusky.errors import ConfigurationError, PhysicsError
from tests.bdm.test_exclusion import detector

YEAR = bdm.constant.year2Seconds
BOOSTED = ConstantCrossSection(1e-40).at(8.5, 8.5, 0.7)


def test_likelihood_of_a_list_is_the_poisson_product():
    tested, span = detector(per_year=2.0), (10.0, 3 * YEAR)
    t, recoil = np.array([0.5, 1.5]) * YEAR, np.array([6.0, 12.0])
    found = event_likelihood(BOOSTED, tested, [0.05, 0.5], span, t, recoil)
    rate, total = (
        event_rate(BOOSTED, tested, t, recoil, [0.05, 0.5]),
        expected_events(BOOSTED, tested, [0.05, 0.5], span),
    )
    background = 2.0 * 0.9 / YEAR
    f = np.array([0.0, 1e-35, 3e-33])
    for i in range(2):
        for k, strength in enumerate(f):
            each = np.log(strength * rate[i] + background / 15.0).sum()
            expected = each - strength * total[i] - background * (span[1] - span[0])
            assert found(f)[i, k] == pytest.approx(expected, rel=1e-10)


def test_best_strength_and_limit_of_a_known_likelihood():
    likelihood = EventLikelihood(
        mx=np.array([1.0, 2.0, 3.0]),
        signal=np.array([10.0, 10.0, 0.0]),
        signal_density=np.array([[2.0, 5.0, 1.0, 0.0], [0.1, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),
        background=4.0,
        background_density=np.array([0.5, 0.1, 2.0, 1.0]),
    )
    best = likelihood.best_strength()
    direct = minimize_scalar(lambda f: -likelihood(f)[0, 0], bounds=(0, 3), options={"xatol": 1e-12}, method="bounded")
    assert best[0] == pytest.approx(direct.x, rel=1e-5)
    assert best[1] == 0
    assert best[2] == 0
    limit = likelihood.upper_limit(0.9)
    # 1.2816^2, the one-sided threshold
    assert 2 * (likelihood.profile()[0] - likelihood(limit[0])[0, 0]) == pytest.approx(1.642374, rel=1e-5)
    assert limit[2] == np.inf
    # No event, no background: S f = 2.3026/1.4 ... by 2 S f = 1.642374
    empty = EventLikelihood(np.array([1.0]), np.array([2.0]), np.zeros((1, 0)), 0.0, np.zeros(0))
    assert empty.upper_limit(0.9)[0] == pytest.approx(1.642374 / 4, rel=1e-5)


def test_events_outside_and_unknown_background_are_refused():
    tested = detector(per_year=2.0)
    with pytest.raises(PhysicsError, match=r"event 2 at 5 s with 6 MeV lies outside 10 to"):
        event_likelihood(BOOSTED, tested, [1.0], (10.0, YEAR), [20.0, 5.0], [6.0, 6.0])
    with pytest.raises(PhysicsError, match=r"event 1 .* the window of 5 to 20 MeV"):
        event_likelihood(BOOSTED, tested, [1.0], (10.0, YEAR), [20.0], [4.0])
    with pytest.raises(PhysicsError, match="2 times and 1 energies"):
        event_likelihood(BOOSTED, tested, [1.0], (10.0, YEAR), [20.0, 30.0], [6.0])
    with pytest.raises(ConfigurationError, match="background is not known"):
        event_likelihood(BOOSTED, detector(), [1.0], (10.0, YEAR), [20.0], [6.0])


def test_the_light_curve_tells_masses_apart():
    tested, edges, true = detector(per_year=5.0), np.linspace(10, 8 * YEAR, 7), 0.3
    counts = binned_events(BOOSTED, tested, [true], edges)
    strength = 40 / counts.sum()
    mx = np.array([0.1, 0.25, 0.3, 0.4, 1.0])
    found = mass_separation(BOOSTED, tested, true, strength, mx, edges)
    assert found.n_signal == pytest.approx(40)
    assert found.test_statistic[2] == pytest.approx(0, abs=1e-9)
    assert found.strength[2] == pytest.approx(strength, rel=1e-6)
    low, high = found.interval(0.9)
    assert low <= true <= high
    # The statistic is that of the Poisson likelihood, minimised over the strength by brute force.
    other, b = binned_events(BOOSTED, tested, [0.1], edges).ravel(), 5.0 * 0.9 * np.diff(edges) / YEAR
    truth = strength * counts.ravel() + b

    def statistic(f):
        fit = f * other + b
        return 2 * (fit - truth + truth * np.log(truth / fit)).sum()

    direct = min(statistic(f) for f in np.linspace(0.2, 3, 3001) * 40 / other.sum())
    assert found.test_statistic[0] == pytest.approx(direct, rel=1e-4)
    # Twice the exposure of everything: four-fold events in signal and background would scale the statistic alike.
    doubled = mass_separation(BOOSTED, detector(per_year=10.0), true, 2 * strength, mx, edges)
    np.testing.assert_allclose(doubled.test_statistic, 2 * found.test_statistic, rtol=1e-6, atol=1e-9)
