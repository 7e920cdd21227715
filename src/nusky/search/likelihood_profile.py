"""The likelihood of the data over its two parameters, as other programs take it in.

TS(n_s, gamma) = 2 ln L(n_s, gamma)/L(0) on a grid; with the flux that gives one signal event at every gamma it is
TS(flux, gamma), too. Adding -TS/2 to another likelihood's -ln L joins the two.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nusky.conventions import PIVOT_ENERGY_GEV
from nusky.search.target import Target

GAMMA_STEP, N_SIGNAL_STEPS = 0.1, 100
DEEPEST = 36.0
"""TS below the maximum down to which the profile goes, at least at the best gamma: six standard deviations."""
_SAME = 1e-6
_FLUX_NODES = 400


@dataclass(frozen=True)
class LikelihoodProfile:
    """TS of the data on a grid of the spectrum's parameter and the number of signal events.

    Attributes
    ----------
    gammas : (n_gammas,) float64
        The spectrum's parameter, usually its index; the best one is among them where it is fitted.
    n_signal : (n_steps,) float64
        From 0; the best one is among them. Where a season could not hold that much signal TS is NaN.
    ts : (n_gammas, n_steps) float64
    n_best, ts_best : (n_gammas,) float64
        The maximum at every gamma.
    best : number of the gamma of the best fit
    scales : n_gammas rows
        What belongs to one signal event at each gamma: `energy_min_gev`, `energy_max_gev`, the central 90 % of the
        expected signal; `energy_ref_gev`, their geometric mean, and there the flux `ref_dnde_per_gev` [GeV^-1 cm^-2
        s^-1]; its integrals from one to the other, `ref_flux_cm2_s` and `ref_eflux_gev_cm2_s`; and its phi0,
        `ref_phi0_per_gev`. One flavour, all sources of a stack together; NaN where no effective area is known.
        `duration_s` is the fluence over the flux of sources that change with time, NaN for steady ones.
    """

    gammas: np.ndarray
    n_signal: np.ndarray
    ts: np.ndarray
    n_best: np.ndarray
    ts_best: np.ndarray
    best: int
    scales: tuple[dict[str, float], ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row for each gamma; columns ending in `_scan` hold a whole profile."""
        return [
            {
                "gamma": float(self.gammas[g]),
                "best": g == self.best,
                "n_signal": float(self.n_best[g]),
                "test_statistic": float(self.ts_best[g]),
                **self.scales[g],
                "n_signal_scan": self.n_signal.tolist(),
                "test_statistic_scan": self.ts[g].tolist(),
            }
            for g in range(len(self.gammas))
        ]


def likelihood_profile(target: Target) -> LikelihoodProfile:
    """The profile of a stack or source, on all of the range of gamma where it is fitted.

    PhysicsError for an unknown flare.
    """
    target.refuse_unknown_flare()
    experiment, hypothesis = target.experiment, target.experiment.hypothesis
    if experiment.free:
        fit, (first, last) = hypothesis.fit(), hypothesis.gammas[[0, -1]]
        gammas = np.linspace(first, last, round((last - first) / GAMMA_STEP) + 1)
        gammas = _with(gammas, fit.gamma) if fit.n_signal > 0 else gammas
        hypothesis = hypothesis.with_gammas(gammas)
    likelihood = hypothesis.likelihood(hypothesis.data())
    n_best, value, _ = likelihood.profile()
    best = int(np.argmax(value))
    most = likelihood.most
    top = min(2 * n_best[best] + 10.0, most[best])
    while likelihood.test_statistic(top, best) > 2 * value[best] - DEEPEST and top < most[best]:
        top = min(1.5 * top, most[best])
    steps = _with(np.linspace(0.0, top, N_SIGNAL_STEPS + 1), n_best[best])
    likelihood.test_statistic(min(top, most.min()), best)  # the ratios then hold for all that is asked for
    ts = np.array(
        [[likelihood.test_statistic(n, g) if n < most[g] else np.nan for n in steps] for g in range(len(most))]
    )
    scales = tuple(_scale(target, float(gamma)) for gamma in hypothesis.gammas)
    return LikelihoodProfile(hypothesis.gammas, steps, ts, n_best, 2 * value, best, scales)


def _with(grid: np.ndarray, value: float) -> np.ndarray:
    """The ascending `grid` with `value`, in place of one that is the same but for rounding."""
    scale = grid[-1] - grid[0]
    return np.sort(np.append(grid[np.abs(grid - value) > _SAME * scale], value))


def _scale(target: Target, gamma: float) -> dict[str, float]:
    scale = target.flux_scale(gamma)
    low, high, spectrum = scale.energy_min_gev, scale.energy_max_gev, scale.spectrum
    energy = np.geomspace(low, high, _FLUX_NODES)
    phi0, middle = 1 / scale.events_per_phi0_gev, np.sqrt(low * high)
    flux = phi0 * spectrum.shape(energy)
    return {
        "energy_min_gev": low,
        "energy_max_gev": high,
        "energy_ref_gev": float(middle),
        "ref_dnde_per_gev": float(phi0 * spectrum.shape(middle)),
        "ref_flux_cm2_s": float(np.trapezoid(flux * energy, np.log(energy))),
        "ref_eflux_gev_cm2_s": float(np.trapezoid(flux * energy**2, np.log(energy))),
        "ref_phi0_per_gev": phi0,
        "pivot_energy_gev": PIVOT_ENERGY_GEV,
        "duration_s": scale.duration_s,
    }
