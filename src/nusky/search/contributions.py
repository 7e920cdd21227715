"""Which events a fit rests on: how probable each is to be signal, and what it adds to TS.

With L_k = prod_i [x r_i + 1 - x] (`nusky.search.hypothesis`) an event with the density ratio r = S/B is signal with the
probability w = x r / (x r + 1 - x), and adds 2 ln[1 + x (r - 1)] to TS. Both come from the likelihood of skies that
hold some of the events only: what all others add does not depend on their place.
"""

from dataclasses import dataclass

import numpy as np

from nusky.errors import PhysicsError
from nusky.search.hypothesis import Hypothesis

_PARTS = 8


@dataclass(frozen=True)
class Contributions:
    """Events in order of falling probability, each (n,).

    Attributes
    ----------
    event : int64
        Rows in the events of all seasons, one after the other.
    season : int64
    ratio : float64
        S/B, with energy where the likelihood has it.
    weight : float64
        Probability to be signal.
    ts : float64
        What the event adds to TS; below 0 where r < 1.
    """

    event: np.ndarray
    season: np.ndarray
    ratio: np.ndarray
    weight: np.ndarray
    ts: np.ndarray


def contributions(hypothesis: Hypothesis, n_signal: float, gamma: float, least: float = 0.05) -> Contributions:
    """The events of the data that are signal with a probability of at least `least`.

    Parameters
    ----------
    n_signal, gamma : number of signal events above 0, and the spectral index, at which they are judged

    Raises
    ------
    PhysicsError : `n_signal` or `least` is not above 0.
    """
    if not (n_signal > 0 and 0 < least < 1):
        raise PhysicsError(f"n_signal = {n_signal}, least = {least}: give numbers above 0, least also below 1.")
    if not np.array_equal(hypothesis.gammas, [gamma]):
        hypothesis = hypothesis.with_gammas([gamma])
    sky = hypothesis.data()
    x = n_signal * hypothesis.shares[0] / sky.n_events
    # x r / (1 - x) is the odds to be signal; every event near a source adds 2 ln(1 + odds) to a sky without it.
    floor = -2 * np.log1p(-least)

    def added(rows: np.ndarray) -> float:
        return hypothesis.likelihood(sky.part(rows)).test_statistic(n_signal, 0) - empty

    empty = hypothesis.likelihood(sky.part(np.empty(0, np.int64))).test_statistic(n_signal, 0)
    rows, values = [], []
    groups = [np.arange(len(sky.chosen))]
    while groups:
        group = groups.pop()
        value = added(group)
        if value < floor or not len(group):  # all are positive, so none of them reaches it
            continue
        if len(group) == 1:
            rows.append(group[0])
            values.append(value)
        else:
            groups += np.array_split(group, min(_PARTS, len(group)))
    event = hypothesis.analysis.indexed.order[sky.chosen[np.array(rows, dtype=np.int64)]]
    season = np.searchsorted(np.cumsum(sky.n_events), event, side="right")
    odds = np.expm1(0.5 * np.array(values))
    own = x[season]
    ratio, weight = odds * (1 - own) / own, odds / (1 + odds)
    order = np.argsort(-weight, kind="stable")
    ts = 2 * np.log1p(own * (ratio - 1))
    return Contributions(*(column[order] for column in (event, season, ratio, weight, ts)))
