"""Known windows on real events: the public release around TXS 0506+056 (doi:10.21234/B4QG92).

The likelihood that the outside numbers belong to is written here in plain numpy:

    ln L(n) - ln L(0) = -n + sum_i ln[1 + n S_i s(t_i) T_l / rho_l],   S_i = exp(-psi^2 / 2 sigma^2) / 2 pi sigma^2

rho_l is the density of the events of list l per steradian, T_l its length in days, s(t) the profile in time, whose
integral is 1. nusky's own likelihood, seasons by acceptance and exposure, stands beside it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nusky.config import Release, validated
from nusky.detector.spectrum import power_laws
from nusky.releases.own_lists import read
from nusky.releases.registry import of
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import Hypothesis
from nusky.search.sources import Sources
from nusky.search.time_profile import Box, TimeProfile
from nusky.search.trials import stream
from validation import page
from validation.samples import data_folder, txs_release

SOURCE_DEG = (77.358, 5.693)
WINDOW, WIDER = (56937.81, 57096.21), (56937.80, 57096.22)
"""The box of Science 361, 147 (2018), arXiv:1807.08794, and the same rounded outwards."""
ALL = (54561.0, 58057.0)
"""First and last day of the lists."""
OUTSIDE = {  # n_s and TS of an independent calculation from the public files
    "box, closed edges": (WINDOW, 12.254, 12.900),
    "box, edges 0.01 d wider": (WIDER, 12.252, 12.897),
    "steady": (ALL, 5.44, 0.288),
}
LENGTH_DAYS = {"IC40": 410, "IC59": 376, "IC79": 347, "IC86a": 369, "IC86b": 1097, "IC86c": 897}
"""Of every list, in whole days, from its first to its last day in list_of_samples.txt."""
PERMUTATIONS = 10_000


def analysis(folder: Path) -> Analysis:
    """The release as event lists of a configuration."""
    release = of(validated(Release, txs_release(folder), "release"))
    tables = read(Path(), release, release.seasons, check_counts=True)
    events = list(tables.events.values())
    return Analysis.of_tables(tables.seasons, events, tables.effective_area, tables.smearing, uptimes=tables.uptimes)


def terms(events: Analysis, window: tuple[float, float]) -> tuple[NDArray, NDArray]:
    """S_i s T_l / rho_l of every event inside the window, were it there, and whether it is: (n_events,) each."""
    ra0, dec0 = np.radians(SOURCE_DEG)
    values, inside = [], []
    for season in events.seasons:
        half = np.sin((season.dec - dec0) / 2) ** 2
        half += np.cos(season.dec) * np.cos(dec0) * np.sin((season.ra - ra0) / 2) ** 2
        psi, variance = 2 * np.arcsin(np.sqrt(half)), season.ang_err**2
        signal = np.exp(-(psi**2) / (2 * variance)) / (2 * np.pi * variance)
        density = len(season) * season.density.value  # events per sr
        values.append(signal / (window[1] - window[0]) * LENGTH_DAYS[season.name] / density)
        # The last day of the lists is 58057; an event on it belongs to the steady case.
        inside.append((season.mjd >= window[0]) & ((season.mjd <= window[1]) | (window == ALL)))
    return np.concatenate(values), np.concatenate(inside)


def maximum(values: NDArray) -> tuple[NDArray, NDArray]:
    """Best n and TS of many skies, rows of `values` (n_skies, n_events) with 0 for events outside the window."""
    low, high = np.zeros(len(values)), np.full(len(values), float(values.shape[1]))
    for _ in range(60):  # the derivative falls
        n = (low + high) / 2
        rising = (values / (1 + n[:, None] * values)).sum(axis=1) > 1
        low, high = np.where(rising, n, low), np.where(rising, high, n)
    return low, np.maximum(2 * (np.log1p(low[:, None] * values).sum(axis=1) - low), 0.0)


def permuted(events: Analysis, window: tuple[float, float], n_skies: int) -> NDArray:
    """TS of skies whose times are permuted in each list, (n_skies,)."""
    values, inside = terms(events, window)
    rng, first, chosen = stream(1, "windows"), 0, []
    for season in events.seasons:
        own = slice(first, first + len(season))
        first += len(season)
        n_inside = int(inside[own].sum())
        if n_inside:
            order = rng.permuted(np.tile(values[own], (n_skies, 1)), axis=1)
            chosen.append(order[:, :n_inside])
    return maximum(np.concatenate(chosen, axis=1))[1]


def stated_form(events: Analysis) -> Iterator[tuple[str, float, float, float, float]]:
    """What was fitted, n_s and TS of the independent calculation, and those from here."""
    for name, (window, n_signal, ts) in OUTSIDE.items():
        values, inside = terms(events, window)
        ours = maximum(np.where(inside, values, 0.0)[None])
        yield name, n_signal, float(ours[0][0]), ts, float(ours[1][0])


def nusky_form(events: Analysis, profile: TimeProfile | None) -> Hypothesis:
    """nusky's own hypothesis of the source, at an index of 2.2."""
    return Hypothesis.of(events, Sources.of(*np.radians(SOURCE_DEG), profiles=profile), power_laws(2.2))


def significance(events: Analysis, n_skies: int = PERMUTATIONS) -> tuple[tuple[float, float], tuple[float, float]]:
    """TS of the window and the share of skies with permuted times that reach it: stated form, nusky's form."""
    values, inside = terms(events, WINDOW)
    stated = float(maximum(np.where(inside, values, 0.0)[None])[1][0])
    skies = permuted(events, WINDOW, n_skies)
    hypothesis = nusky_form(events, Box(*WINDOW))
    own = hypothesis.fit(hypothesis.data()).ts
    own_skies = np.array([hypothesis.fit(hypothesis.scrambled(stream(1, "own", t))).ts for t in range(n_skies)])
    return tuple(
        (ts, float((1 + (all_skies >= ts).sum()) / (1 + n_skies)))
        for ts, all_skies in ((stated, skies), (own, own_skies))
    )


def make() -> str:
    """The page."""
    events = analysis(data_folder())
    rows = [(name, n, f"{our_n:.3f}", ts, f"{our_ts:.3f}") for name, n, our_n, ts, our_ts in stated_form(events)]
    own = []
    for name, profile in (("box, closed edges", Box(*WINDOW)), ("steady", None)):
        hypothesis = nusky_form(events, profile)
        best = hypothesis.fit(hypothesis.data())
        own.append((name, f"{best.n_signal:.2f}", f"{best.ts:.2f}"))
    (stated_ts, stated_p), (own_ts, own_p) = significance(events)
    return page.page(
        "windows",
        "Known windows on real events",
        "The public events around TXS 0506+056 (doi:10.21234/B4QG92): six lists of a cone of 3 deg, read as "
        "[event lists of a configuration](../own_events.md); directions and times only. The box is that of the "
        "neutrino flare of 2014-15 (Science 361, 147, arXiv:1807.08794: 13 ± 5 events, with energies).",
        [
            page.Table(
                "With the likelihood that the outside numbers belong to (`validation/windows.py` states it). They are "
                "from an independent calculation on the same files.",
                ("window", "n_s outside", "n_s", "TS outside", "TS"),
                rows,
            ),
            page.Table(
                "nusky's own likelihood on the same events: the number of events of a list is not part of it, and "
                "lists share the signal by acceptance (index 2.2) and exposure.",
                ("window", "n_s", "TS"),
                own,
            ),
            page.Table(
                f"p-value of the box from {PERMUTATIONS} skies whose times are permuted in each list at fixed "
                "directions.",
                ("likelihood", "TS", "p"),
                [("outside form", f"{stated_ts:.2f}", f"{stated_p:.1e}"), ("nusky", f"{own_ts:.2f}", f"{own_p:.1e}")],
            ),
            page.Table(
                "Not run here, for want of the events of all seasons: what whoever holds them finds.",
                ("release", "fit", "numbers"),
                [
                    (
                        "ten years",
                        "Gaussian flare, SkyLLH tutorial",
                        "TS 15.40, MJD 56972.7, 28.0 d, n_s 7.37, γ 2.20",
                    ),
                    ("fourteen years", "box 57020 ± 92.5 d, arXiv:2605.19040", "n_s 12.7, γ 2.3"),
                ],
            ),
        ],
    )


if __name__ == "__main__":
    page.main("windows", make)
