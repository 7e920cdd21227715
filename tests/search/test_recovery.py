"""Recovery and coverage of hand-made fits."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from nusky.detector.spectrum import PowerLaw
from nusky.search.experiment import Experiment, Request
from nusky.search.injection import Signal
from nusky.search.recovery import cover, recover
from nusky.search.sources import Sources
from nusky.search.statistics.statements import SignalStrength

SIGNAL = Signal(Sources.of(0.0, 0.0), np.ones((1, 1)), (PowerLaw(2.5),))
FITS = np.array([[0.0, np.nan, 0.0], [8.0, 2.0, 4.0], [10.0, 2.5, 6.0], [14.0, 3.0, 9.0]])


@dataclass
class TwiceTheRoot:
    """Limits of 2 sqrt(TS) + 1 events, with a lower end of TS - 8; remembers what it was asked."""

    asked: list[float] = field(default_factory=list)

    def limit(self, ts):
        self.asked.append(ts)
        return SignalStrength("upper limit", "Neyman", 0.9, 2 * np.sqrt(ts) + 1, 0.1, ts, 100, n_signal_low=ts - 8)


def experiment(free):
    return Experiment(None, free, 1, ("x",))


def test_means_and_spread_of_the_fits():
    found = recover(experiment(free=True), 2.5, 8.0, FITS)
    assert (found.gamma, found.n_injected, found.n_trials) == (2.5, 8.0, 4)
    assert found.n_fitted_mean == 8.0
    assert found.n_fitted_error == pytest.approx(np.sqrt((64 + 0 + 4 + 36) / 3) / 2)
    assert found.n_fitted_low68 == pytest.approx(0.48 * 8)
    assert found.gamma_fitted_mean == 2.5  # of the three with n_s > 0
    assert found.gamma_fitted_error == pytest.approx(0.5 / np.sqrt(3))


def test_a_fixed_index_is_no_result():
    found = recover(experiment(free=False), 2.5, 8.0, FITS)
    assert np.isnan([found.gamma_fitted_mean, found.gamma_fitted_error, found.gamma_fitted_low68]).all()


def test_limits_that_hold_the_truth_are_counted():
    """Limits of 1, 5, 5.9 and 7 events; the last one's interval begins at 1."""
    calibration = TwiceTheRoot()
    request = Request(0.9, "neyman", (), 10)
    found = cover(experiment(free=False), SIGNAL, 5.0, FITS, calibration, request)
    assert (found.n_covered, found.n_trials, found.method, found.confidence_level) == (3, 4, "Neyman", 0.9)
    assert calibration.asked == [9.0, 6.0, 4.0, 0.0]  # the largest first, so that all share its strengths
    assert cover(experiment(free=False), SIGNAL, 0.5, FITS, calibration, request).n_covered == 3
