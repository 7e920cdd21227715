"""Limits of detectors on boosted dark matter over its mass."""

import itertools

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas

COLUMNS = (
    *("detector", "approximate", "mx_mev", "confidence_level", "limit_sqrt_sigma_cm2", "limit_strength"),
    *(f"expected_{name}_strength" for name in ("low95", "low68", "median", "high68", "high95")),
    *(f"spread_{name}_strength" for name in ("low68", "high68")),
)
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_HIGHEST = 1e8
"""Limits this much above the lowest are not drawn: there the signal ends or all but vanishes."""


def bdm_exclusion(table: pa.Table, *, supernova: str, coupling_product: float | None) -> Figure:
    """Draw limits over the mass, one colour a detector, with the bands of the table.

    Parameters
    ----------
    table
        Table "bdm_exclusion"; columns `COLUMNS`, strengths relative to the model.
    supernova
        Name, for the title.
    coupling_product
        Product of couplings of strength 1, dimensionless; events go with its square. None for constant cross sections.
    """
    rows = table.to_pandas()
    level = rows["confidence_level"].iloc[0]
    with canvas.style():
        figure = canvas.new_figure(supernova, f"{100 * level:g} % confidence level", synthetic=False, size=(7.2, 4.6))
        axes = figure.add_subplot(xscale="log", yscale="log")
        lowest, spread = np.inf, False
        for color, (name, part) in zip(itertools.cycle(_COLORS), rows.groupby("detector", sort=False), strict=False):
            curves = {column: _drawn(part, column, coupling_product) for column in part if "strength" in column}
            mass, median = part["mx_mev"].to_numpy(), curves["expected_median_strength"]
            for low, high, alpha in (("low95", "high95", 0.18), ("low68", "high68", 0.3)):
                band = curves[f"expected_{low}_strength"], curves[f"expected_{high}_strength"]
                axes.fill_between(mass, *band, color=color, alpha=alpha, lw=0)
            if np.isfinite(curves["spread_low68_strength"]).any():
                for edge in ("spread_low68_strength", "spread_high68_strength"):
                    axes.plot(mass, curves[edge], color=color, ls=":", lw=0.9)
                spread = True
            rough = "background" in part["approximate"].iloc[0].split(", ")
            label = f"{canvas.plain(name)}, expected" + ("\n(background approximate)" if rough else "")
            axes.plot(mass, median, color=color, label=label)
            if np.isfinite(curves["limit_strength"]).any():
                axes.plot(mass, curves["limit_strength"], color=color, ls="--", label=f"{canvas.plain(name)}, observed")
            both = np.concatenate([median, curves["limit_strength"]])
            if np.isfinite(both).any():
                lowest = min(lowest, np.nanmin(both))
        axes.set_xlabel(r"Dark matter mass $m_\chi$ [MeV]")
        if coupling_product is None:
            axes.set_ylabel(r"$\sqrt{\sigma_{\chi\nu}\,\sigma_{\chi e}}$ [cm²]")
        else:
            axes.set_ylabel("Product of couplings")
        for alpha, text in ((0.48, "68 % of limits expected"), (0.18, "95 % of limits expected")):
            axes.fill_between([], [], color=canvas.MUTED_COLOR, alpha=alpha, lw=0, label=text)
        if spread:
            axes.plot([], [], color=canvas.MUTED_COLOR, ls=":", lw=0.9, label="68 %: distance, halo")
        canvas.legend_beside(axes)
        if np.isfinite(lowest):
            axes.set_ylim(lowest / 3, min(axes.get_ylim()[1], lowest * _HIGHEST))
        else:
            canvas.note(axes, "nothing arrives")
        return figure


def _drawn(part: pa.Table, column: str, coupling_product: float | None) -> np.ndarray:
    """A strength as cross section or coupling, NaN where there is no limit."""
    strength = part[column].to_numpy()
    strength = np.where(np.isfinite(strength), strength, np.nan)
    if coupling_product is not None:
        return coupling_product * np.sqrt(strength)
    # What strength 1 means follows from the column that has it in cm^2.
    told = np.where(np.isfinite(part["limit_strength"]), part["limit_strength"], part["expected_median_strength"])
    known = np.isfinite(told) & np.isfinite(part["limit_sqrt_sigma_cm2"].to_numpy())
    if not known.any():
        return np.full(strength.shape, np.nan)
    first = np.flatnonzero(known)[0]
    return part["limit_sqrt_sigma_cm2"].to_numpy()[first] / np.sqrt(told[first]) * np.sqrt(strength)
