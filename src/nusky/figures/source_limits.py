"""Upper limits of the sources of a list, with the range expected from background."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator
from numpy.typing import NDArray

from nusky.conventions import index_text
from nusky.figures import canvas

LIMIT_COLUMN = "e2dnde_100tev_gev_cm2_s"
_EXPECTED = ("low95", "low68", "median", "high68", "high95")
BAND_COLUMNS = tuple(f"expected_{name}_{LIMIT_COLUMN}" for name in _EXPECTED)
COLUMNS = ("name", "dec_deg", LIMIT_COLUMN, *BAND_COLUMNS)
SHIFT_COLUMNS = ("source", "shift_low", "shift_high")
_LIMIT_COLOR = "#0072B2"
_ROW_INCHES = 0.15
_BAR_HEIGHT = 0.72
_BANDS = (("95", 0.35), ("68", 0.65))
"""Bands of the expected limits, in %, and how strongly they are drawn."""
MOST_ROWS = 150
"""Sources of a figure with names; more are drawn over declination, without."""


def source_limits(
    limits: pa.Table,
    *,
    method: str,
    catalogue: str,
    gamma: float,
    confidence_level: float,
    synthetic: bool,
    systematics: pa.Table | None = None,
    flare_days: float | None = None,
) -> Figure:
    """Draw the limit on E^2 dN/dE at 100 TeV of every source over its expected median, 68 and 95 % bands.

    Parameters
    ----------
    limits
        Table "source_limits", one row per source; `COLUMNS`, one flavour, NaN where no limit was found. The sources
        stand in order of declination, or over declination if they are more than `MOST_ROWS`.
    confidence_level
        Of the limits, e.g. 0.9.
    systematics
        Rows of the table "systematics" with the shifts of these limits by all effects together, `SHIFT_COLUMNS`; their
        bands are drawn as bars.
    flare_days
        Duration of the unknown flares that the limits are about, d.
    """
    order = np.argsort(-limits["dec_deg"].to_numpy(), kind="stable")
    names = [canvas.short(limits["name"][int(i)].as_py()) for i in order]
    limit = limits[LIMIT_COLUMN].to_numpy()[order]
    expected = {name: limits[column].to_numpy()[order] for name, column in zip(_EXPECTED, BAND_COLUMNS, strict=True)}
    many = len(names) > MOST_ROWS
    rows = np.arange(len(names))
    shifts = _shifts(limits, systematics)[:, order]
    band = {"systematic errors": limit * (1 + shifts)} if np.isfinite(limit * shifts).any() else {}
    with canvas.style():
        figure = canvas.new_figure(
            f"{method} method",
            catalogue,
            rf"{100 * confidence_level:g} % upper limits, {index_text(gamma)}"
            + ("" if flare_days is None else f", in a flare of {flare_days:g} d"),
            synthetic=synthetic,
            size=(7.2, 4.8 if many else max(2.4, 1.0 + _ROW_INCHES * len(names))),
        )
        axes = figure.add_subplot()
        if many:
            dec = limits["dec_deg"].to_numpy()[order]
            _over_declination(axes, dec, limit, expected)
            for label, (low, high) in band.items():
                axes.vlines(dec, low, high, color=_LIMIT_COLOR, linewidth=0.8, alpha=0.6, label=label, rasterized=True)
                canvas.legend_beside(axes)
            return figure
        axes.set_xscale("log")
        for share, alpha in _BANDS:
            low, high = expected[f"low{share}"], expected[f"high{share}"]
            look = {"color": canvas.BAND_COLOR, "alpha": alpha, "label": f"expected {share} %"}
            axes.barh(rows, high - low, _BAR_HEIGHT, low, **look)
        axes.plot(expected["median"], rows, "|", color="#333333", markersize=6, label="expected median")
        axes.plot(limit, rows, "o", color=_LIMIT_COLOR, label="upper limit", zorder=4)
        for label, (low, high) in band.items():
            axes.hlines(rows, low, high, color=_LIMIT_COLOR, linewidth=1.2, label=label, zorder=3)
        drawn = np.concatenate([limit, *expected.values(), *(end for ends in band.values() for end in ends)])
        drawn = drawn[np.isfinite(drawn) & (drawn > 0)]
        if drawn.size:
            axes.set_xlim(drawn.min() / 1.2, drawn.max() * 1.2)
        else:
            canvas.note(axes, "no limit was found")
        axes.set_yticks(rows, names, fontsize=6.5)
        axes.tick_params(axis="y", which="both", length=0)
        axes.set_ylim(len(names) - 0.4, -0.6)
        low, high = axes.get_xlim()
        subs = range(2, 10) if high < 2 * low else (2, 3, 4, 5, 7) if high < 4 * low else (2, 5)
        axes.xaxis.set_minor_locator(LogLocator(subs=subs))
        if high < 100 * low:  # limits often span no full decade; over several the labels would touch
            axes.xaxis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(np.inf, np.inf)))
        axes.grid(axis="x", which="both", zorder=0)
        axes.set_axisbelow(True)
        axes.set_xlabel(f"{canvas.E2DNDE} at 100 TeV, one flavour {canvas.FLUX_UNIT}")
        canvas.legend_beside(axes)
        return figure


def _shifts(limits: pa.Table, systematics: pa.Table | None) -> NDArray:
    """Relative ends of the band of every limit, (2, n_limits); NaN where there is none."""
    if systematics is None:
        return np.full((2, len(limits)), np.nan)
    known = {row["source"]: (row["shift_low"], row["shift_high"]) for row in systematics.to_pylist()}
    return np.array([known.get(source, (np.nan, np.nan)) for source in limits["source"].to_pylist()]).T


def _over_declination(axes: Axes, dec: NDArray, limit: NDArray, expected: Mapping[str, NDArray]) -> None:
    axes.set_yscale("log")
    for share, alpha in _BANDS:
        look = {"color": canvas.BAND_COLOR, "alpha": alpha, "label": f"expected {share} %"}
        axes.vlines(dec, expected[f"low{share}"], expected[f"high{share}"], linewidth=1, rasterized=True, **look)
    axes.plot(dec, expected["median"], "_", color="#333333", markersize=3, label="expected median", rasterized=True)
    axes.plot(dec, limit, ".", color=_LIMIT_COLOR, markersize=2, label="upper limit", zorder=4, rasterized=True)
    if not (np.isfinite(limit) & (limit > 0)).any():
        canvas.note(axes, "no limit was found")
    axes.set_xlabel("declination [deg]")
    axes.set_ylabel(f"{canvas.E2DNDE} at 100 TeV, one flavour {canvas.FLUX_UNIT}")
    axes.grid(zorder=0)
    axes.set_axisbelow(True)
    canvas.legend_beside(axes)
