"""How far a limit moves if the truth is not what the analysis believes of the detector and the background.

For every effect, pseudo-experiments are made with the changed truth and fitted as ever; the limit that follows, over
that of pseudo-experiments made as believed, is the shift. All of them use the same random numbers, so that the shift is
known much better than the limits themselves.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nusky.errors import PhysicsError
from nusky.search.calibration import LimitCalibration
from nusky.search.disturbance import TRIALS_SHARE, UNDISTURBED, Disturbance
from nusky.search.experiment import Request
from nusky.search.target import Target

AREA = "effective_area"
TOGETHER = "all"


def systematic_shifts(
    target: Target,
    gamma: float,
    observed_ts: float,
    background_ts: np.ndarray,
    request: Request,
    sizes: Mapping[str, float],
) -> Iterator[dict[str, Any]]:
    """Shifts of upper limit and sensitivity at an index: a row for each statement and effect, and for all together.

    Parameters
    ----------
    observed_ts, background_ts : as `Target.limit` takes them
    request : of the limit; an asymptotic one, which has no trials, is replaced by Neyman's construction
    sizes : by effect, 'effective_area' or an attribute of `Disturbance`
        Above 0, dimensionless: the part by which the truth may be larger or smaller.

    Yields
    ------
    `statement`, `effect`, `size`; `n_signal`, the limit in events as believed; `shift_minus`, `shift_plus`: by which
    part the limit on the flux changes if the truth is smaller, or larger, by `size`; `shift_low`, `shift_high`: the
    ends of the band, of all effects the roots of the sums of squares

    Notes
    -----
    An effective area larger by a factor gives more events by that factor for the same flux, and nothing else: the
    trials are those of the limit, and the flux is lower by the factor, exactly.
    """
    method = request.limit_method if request.limit_method == "feldman-cousins" else "neyman"
    least = math.ceil(1 / (1 - request.confidence_level) - 1e-6)
    request = replace(request, limit_method=method, n_trials=max(least, round(TRIALS_SHARE * request.n_trials)))
    experiment = target.experiment.at(gamma).named("systematics", f"{gamma:g}")
    signal, guess = target.signal(gamma), target.asymptotic_limit(gamma, request).n_signal
    asked = {
        "upper limit": float(observed_ts),
        "sensitivity": float(np.quantile(background_ts, 0.5, method="inverted_cdf")),
    }
    numbers = range(request.n_trials)
    as_believed = experiment.background(numbers)[:, 0, 2]

    def limits(disturbance: Disturbance) -> dict[str, tuple[float, str]]:
        own = replace(experiment, disturbance=disturbance)
        background = as_believed if disturbance.background == 1 else own.background(numbers)[:, 0, 2]
        calibration = LimitCalibration(own.trial_ts(signal), background, guess, request)
        return {statement: _events(calibration, ts) for statement, ts in asked.items()}

    found = limits(UNDISTURBED)
    with_energy = target.analysis.smearings is not None
    moved: dict[str, list[dict[str, tuple[float, str]]]] = {}
    for effect, size in sizes.items():
        if effect != AREA and (with_energy or effect != "energy_scale"):
            moved[effect] = [limits(Disturbance(**{effect: 1 + sign * size})) for sign in (-1, 1)]
    for statement, (n_signal, problem) in found.items():
        about = {"statement": statement, "method": method, "n_trials": request.n_trials, "n_signal": n_signal}
        rows = []
        for effect, size in sizes.items():
            why = problem
            if effect == AREA:
                shifts = [1 / (1 + sign * size) - 1 for sign in (-1, 1)]
            elif effect not in moved:
                shifts = [0.0, 0.0]  # events have no energies that could be wrong
            else:
                made = [own[statement] for own in moved[effect]]
                shifts = [n / n_signal - 1 if n_signal > 0 else float("nan") for n, _ in made]
                why = problem or next((text for _, text in made if text), "")
                if not why and not n_signal > 0:
                    why = "the limit is 0, a deficit: it has no relative error"
            band = {"shift_low": min(0.0, *shifts), "shift_high": max(0.0, *shifts)}
            band = band if np.isfinite(shifts).all() else dict.fromkeys(band, float("nan"))
            ends = dict(zip(("shift_minus", "shift_plus"), shifts, strict=True))
            rows.append(about | {"effect": effect, "size": float(size)} | ends | band | {"problem": why})
        low, high = (math.sqrt(sum(row[name] ** 2 for row in rows)) for name in ("shift_low", "shift_high"))
        ends = {"shift_minus": float("nan"), "shift_plus": float("nan"), "shift_low": -low, "shift_high": high}
        together = {"effect": TOGETHER, "size": float("nan")} | ends
        yield from rows
        yield about | together | {"problem": next((row["problem"] for row in rows if row["problem"]), "")}


def _events(calibration: LimitCalibration, ts: float) -> tuple[float, str]:
    try:
        return calibration.limit(ts).n_signal, ""
    except PhysicsError as error:
        return float("nan"), str(error)
