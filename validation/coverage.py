"""Do the 90 % upper limits hold the true strength in 90 % of pseudo-experiments?

TS has a spike at 0. Where a strength gives TS = 0 in more than 10 % of trials no ordering by TS can exclude it in
exactly 10 %: there the limits cover more, by construction. The strengths of the test lie above; one below is shown too.
"""

import numpy as np

from nusky.search.source import Source
from nusky.search.statistics.coverage import Coverage, coverage
from nusky.search.statistics.limits import InjectionGrid, feldman_cousins_intervals, neyman_upper_limits
from nusky.search.trials import injected_trials
from validation import page, samples
from validation.recovery import signal

SEED = 4003
LEVEL = 0.9
DEC_DEG = 5.693
GAMMA = 2.5
GRID = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0, 22.0, 26.0, 31.0, 36.0, 42.0, 50.0, 60.0, 72.0, 86.0)
STRENGTHS = (3.0, 13.3, 20.0, 33.0)
"""Mean numbers of injected events of the pseudo-experiments, between those of the grid."""
N_GRID = 2000
N_EXPERIMENTS = 2000


def trial_ts(source: Source, number: float, n_trials: int, name: str) -> np.ndarray:
    """TS of scrambled skies with Poisson(`number`) events."""
    expected = source.analysis.expected(np.array([source.dec]), np.array([GAMMA]))[:, 0, 0]
    expected = number * expected / expected.sum()
    return injected_trials(
        source, lambda rng: signal(rng, source, expected, GAMMA, "smearing"), SEED, name, 0, n_trials
    ).ts


def coverages(grid: InjectionGrid, strength: float, observed: np.ndarray) -> tuple[Coverage, Coverage]:
    """Coverage of the Neyman and of the Feldman-Cousins limits."""
    low, high = feldman_cousins_intervals(grid, observed, LEVEL)
    neyman = neyman_upper_limits(grid, observed, LEVEL)
    return (
        coverage(strength, neyman, method="Neyman", confidence_level=LEVEL),
        coverage(strength, high, low, method="Feldman-Cousins", confidence_level=LEVEL),
    )


def make() -> str:
    source = samples.real(samples.data_folder()).source(2.0, np.radians(DEC_DEG))
    grid = InjectionGrid(np.array(GRID), tuple(trial_ts(source, n, N_GRID, f"grid {n}") for n in GRID))
    rows = []
    for strength in STRENGTHS:
        observed = trial_ts(source, strength, N_EXPERIMENTS, f"experiment {strength}")
        at_zero = np.mean(observed == 0)
        for found in coverages(grid, strength, observed):
            verdict = "met" if 0.88 <= found.coverage <= 0.92 else "MISSED"
            if at_zero > 1 - LEVEL and found.coverage > 0.92:
                verdict = "above, as TS = 0 demands"
            error = f"{found.coverage_low:.3f} to {found.coverage_high:.3f}"
            rows.append((strength, f"{at_zero:.3f}", found.method, f"{found.coverage:.4f}", error, verdict))
            print(*rows[-1], flush=True)
    about = (
        f"One source at declination {DEC_DEG} deg, events of gamma {GAMMA} from the smearing rows, gamma free in the "
        "fit; real events of IC40, IC79 and IC86_I with scrambled right ascensions, fourteen-year response (version "
        f"1.0) as a stand-in. Limits at {LEVEL:.0%} by TS from {N_GRID} trials at each of {len(GRID)} strengths from 0 "
        f"to {GRID[-1]:g} events, pseudo-experiments from other random streams; seed {SEED}. Where more than 10 % of "
        "the trials give TS = 0, no limit ordered by TS can exclude the strength in 10 % of them: it covers more."
    )
    table = page.Table(
        f"{N_EXPERIMENTS} pseudo-experiments per strength; interval: Clopper-Pearson, 68 %.",
        ("events", "share at TS = 0", "method", "coverage", "interval", "0.88 to 0.92"),
        rows,
    )
    return page.page("coverage", "Coverage of the upper limits", about, [table])


if __name__ == "__main__":
    page.main("coverage", make)
