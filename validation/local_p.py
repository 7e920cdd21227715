"""Local p-values of the map between the declinations of its background trials, against trials at the place itself."""

import time

import numpy as np

from nusky.config import SkyMap
from nusky.search.analysis import Analysis
from nusky.search.skymap.calibration import Calibration, declination_trials
from nusky.search.skymap.model import SkyModel
from nusky.search.skymap.nodes import declinations
from nusky.search.statistics.pvalues import BackgroundTrials
from validation import page, samples

SEED, TRUTH = 5101, 5102
BETWEEN_DEG = (-29.625, -20.125, -12.375, -8.875, -6.125, 1.125, 9.625, 20.375, 41.125, 59.375)
"""Between two declinations of trials, as far from both as can be."""
HORIZON_DEG = (-3.625, -3.5, -3.125, -3.0, -2.875, -2.5)
P = (0.01, 0.002)
LEAST, MOST = 0.7, 1.4
N_TRUE = 10_000


def make(
    event_fraction: float = 1.0, n_trials: int | None = None, n_true: int = N_TRUE, places=BETWEEN_DEG + HORIZON_DEG
) -> str:
    """The page; `n_trials` at each node, by default those of a run."""
    defaults = SkyMap()
    n_trials = n_trials or defaults.calibration_trials
    nodes = declinations(defaults.calibration_spacing_deg)
    table = _table(*samples.real_or_generated(event_fraction), nodes, n_trials, n_true, sorted(places))
    about = (
        f"γ fitted. At the {len(nodes)} declinations of the default configuration a run has {n_trials} scrambled skies "
        "each; between two of them the logarithm of p is interpolated. Here the TS whose interpolated p is 0.01 or "
        f"0.002 is looked for, and its true p is the share of {n_true} other skies at the place itself that exceed it. "
        f"The ratio interpolated over true is to lie within {LEAST} and {MOST} at p = 0.01. Errors are those of both "
        f"numbers of trials. Seeds {SEED} and {TRUTH}."
    )
    return page.page("local_p", "Local p-values of the all-sky map", about, [table])


def _table(
    name: str, analysis: Analysis, nodes: np.ndarray, n_trials: int, n_true: int, places: list[float]
) -> page.Table:
    model, rows, busy = SkyModel.of_analysis(analysis), [], time.process_time()
    at_nodes: dict[float, np.ndarray] = {}
    for dec_deg in places:
        dec = np.radians([dec_deg])
        beside = np.flatnonzero(np.abs(nodes - dec) < 1e-9)[:1]  # at a declination of trials these alone decide
        if not beside.size:
            beside = np.searchsorted(nodes, dec)[0] + np.array([-1, 0])
        around = nodes[beside] if len(beside) == 2 else np.array([nodes[beside[0]], nodes[beside[0] + 1]])
        for node in around:
            if node not in at_nodes:
                at_nodes[node] = declination_trials(model, np.array([node]), SEED, range(n_trials))[:, 0]
        known = Calibration.of_trials(around, np.stack([at_nodes[node] for node in around], axis=1))
        truth = BackgroundTrials(declination_trials(model, dec, TRUTH, range(n_true))[:, 0])
        ts = truth.sorted[truth.sorted > 0]
        interpolated = known.p_value(ts, np.full(len(ts), dec[0]))
        row = [f"{dec_deg:g}", " and ".join(f"{value:g}" for value in np.degrees(around[: len(beside)]).round(6))]
        for p in P:
            threshold = ts[np.argmax(interpolated <= p)]
            true = truth.n_exceeding(threshold) / n_true
            ratio = p / true
            error = ratio * np.hypot(1 / np.sqrt(p * n_trials * len(beside)), 1 / np.sqrt(true * n_true))
            row += [f"{threshold:.2f}", f"{ratio:.2f} ± {error:.2f}"]
            if p == P[0]:
                row.append("yes" if LEAST <= ratio <= MOST else "NO")
        rows.append(row)
        print(name, *row, flush=True)
    rate = (len(at_nodes) * n_trials + len(places) * n_true) / (time.process_time() - busy)
    header = ("dec [deg]", "trials at [deg]", "TS at p = 0.01", "ratio", "within", "TS at p = 0.002", "ratio")
    about = f"{name}, {int(analysis.n_events.sum())} events: {rate:.0f} trials a second on one core, set-up included."
    return page.Table(about, header, rows)


if __name__ == "__main__":
    page.main("local_p", make)
