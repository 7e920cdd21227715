"""The test statistic of a stack versus flux, one curve per spectral index, with its upper limits."""

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nusky.conventions import LIMIT_DROP, PIVOT_ENERGY_GEV, conventions, index_text
from nusky.figures import canvas
from nusky.search.diffuse import NORTHERN_TRACKS

SCAN_COLUMNS = ("gamma", "phi0_per_ev", "test_statistic")
LIMIT_COLUMNS = ("gamma", "ts_max", "phi0_at_max_per_ev", "phi0_ul95_per_ev")
# phi0 [eV^-1 cm^-2 s^-1] -> E^2 dN/dE at 100 TeV [GeV cm^-2 s^-1]
_E2DNDE_PER_PHI0 = (PIVOT_ENERGY_GEV * 1e9) ** 2 * 1e-9


def ts_scan(
    scan: pa.Table, limits: pa.Table, *, method: str, catalogue: str, weighting: str, synthetic: bool
) -> Figure:
    """Draw TS over E^2 dN/dE at 100 TeV (one flavour, all sources together) and where the 95 % limits are read.

    Parameters
    ----------
    scan
        Table "stacking_scan"; columns gamma, phi0_per_ev, test_statistic (NaN outside the domain).
    limits
        Table "limits", one row per index; columns gamma, ts_max, phi0_at_max_per_ev, phi0_ul95_per_ev.
    method
        Name of the conventions: they say whether the drop of 3.84 is counted from zero or from the maximum.
    """
    gamma, phi0, statistic = (scan[name].to_numpy() for name in SCAN_COLUMNS)
    flux = phi0 * _E2DNDE_PER_PHI0
    rows = {row["gamma"]: row for row in limits.select(LIMIT_COLUMNS).to_pylist()}
    from_zero = conventions(method).limit_from == "zero"
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", catalogue, f"{weighting} weights", synthetic=synthetic)
        axes = figure.add_subplot(xscale="log")
        for index, color in canvas.index_colors(gamma.tolist()).items():
            chosen = (gamma == index) & np.isfinite(statistic)
            limit = _draw_limit(axes, rows.get(index), from_zero, color)
            text = f"< {canvas.scientific(limit)}" if np.isfinite(limit) else "no limit in the scan"
            axes.plot(flux[chosen], statistic[chosen], color=color, label=f"{index_text(index)}:  {text}", zorder=3)
        if from_zero:
            axes.axhline(-LIMIT_DROP, color="#333333", linestyle="--", linewidth=1, label=f"TS = −{LIMIT_DROP}")
        else:
            axes.plot([], [], color="#333333", linestyle="--", linewidth=1, label=f"{LIMIT_DROP} below the maximum")
        low, high = NORTHERN_TRACKS.band(PIVOT_ENERGY_GEV, n_flavours=1)
        axes.axvspan(low, high, color=canvas.BAND_COLOR, alpha=0.45, linewidth=0, label=NORTHERN_TRACKS.label)

        finite = np.isfinite(statistic)
        _set_ranges(axes, flux[finite], statistic[finite], low, high)
        if not finite.any():
            canvas.note(axes, "no test statistic inside the scanned range")
        axes.set_xlabel(f"{canvas.E2DNDE} at 100 TeV, one flavour {canvas.FLUX_UNIT}")
        axes.set_ylabel("Test statistic TS")
        canvas.legend_beside(axes, title=f"95 % upper limits\n{canvas.FLUX_UNIT}")
        return figure


def _draw_limit(axes: Axes, row: dict | None, from_zero: bool, color: str) -> float:
    """Mark the limit of one index; its flux, or NaN where there is none."""
    phi0_limit = row["phi0_ul95_per_ev"] if row else None
    if phi0_limit is None or not np.isfinite(phi0_limit):
        return np.nan
    limit = phi0_limit * _E2DNDE_PER_PHI0
    level = -LIMIT_DROP
    if not from_zero:
        level += row["ts_max"]
        axes.plot([row["phi0_at_max_per_ev"] * _E2DNDE_PER_PHI0, limit], [level, level], "--", color=color, linewidth=1)
    axes.plot(limit, level, "o", color=color, markeredgecolor="white", markeredgewidth=0.8, zorder=4)
    return limit


def _set_ranges(axes: Axes, flux: np.ndarray, statistic: np.ndarray, low: float, high: float) -> None:
    """Show the part of the scan where the curves leave zero, down to a few units below the limits."""
    top = max(statistic.max(initial=0.0), 0.0)
    bottom = -2.5 * LIMIT_DROP
    axes.set_ylim(bottom, top + 0.12 * (top - bottom))
    shown = flux[(np.abs(statistic) > 0.02) & (statistic > bottom)]
    axes.set_xlim(min(shown.min(initial=low) / 1.5, low / 3), max(shown.max(initial=high) * 1.5, high * 3))
