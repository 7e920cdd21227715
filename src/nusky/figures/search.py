"""One figure of a search: the sky around the source with its events, and the likelihood in n_s and gamma."""

import textwrap
from typing import Any

import numpy as np
import scipy
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import EllipseCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from nusky.figures import canvas
from nusky.sphere import offsets

LEVELS = (0.68, 0.95)
_COLORS = ("#0072B2", "#56B4E9")
_SOURCE = "#D55E00"
_PROBABLE = LinearSegmentedColormap.from_list("probable", ["#C3CFD9", "#56B4E9", "#0072B2", "#08213F"])
_LEAST_RADIUS, _MOST_RADIUS = 1.0, 8.0
_LEGEND = {"loc": "best", "frameon": True, "framealpha": 0.85, "edgecolor": "none", "handletextpad": 0.5}


def search_figure(found: Any) -> Figure:
    """Draw a `nusky.results.search.SearchResult`.

    Left: the events that are signal with a probability of at least 5 %, as circles with their angular error for radius;
    one source is drawn in offsets from it, a stack on the whole sky. Right: the regions of n_s and gamma, or
    another parameter that was fitted, by Wilks' theorem; or the test statistic over n_s where none was.
    """
    with canvas.style():
        release = found.settings["release"]
        title = [found.row["name"], release, *_window(found)]
        figure = canvas.new_figure(*title, synthetic=found.synthetic, size=(7.4, 3.5))
        sky, likelihood = figure.subplots(1, 2, width_ratios=(1.2, 1))
        events = found.events()
        largest = max(0.1, float(events["weight"].max())) if len(events) else 1.0
        scale = ScalarMappable(Normalize(0, largest), _PROBABLE)
        (_around if "ra_deg" in found.row else _whole_sky)(sky, found, events, scale)
        bar = figure.colorbar(scale, cax=sky.inset_axes([1.03, 0, 0.045, 1]))
        bar.set_label("Probability to be signal")
        bar.ax.tick_params(which="both", direction="out", left=False)
        bar.outline.set_linewidth(0.6)
        (_contours if found.is_free else _profile)(likelihood, found)
        return figure


def _window(found: Any) -> list[str]:
    """The window that all of the figure is about: the one asked for, or that of the flare found."""
    edges = [
        (found.row if "start_mjd" in found.row else found.fit).get(key, np.nan) for key in ("start_mjd", "stop_mjd")
    ]
    return ["MJD {:.10g} to {:.10g}".format(*np.round(edges, 2))] if np.isfinite(edges).all() else []


def _around(axes: Axes, found: Any, events: Any, scale: ScalarMappable) -> None:
    """Events around one source; the more probable, the stronger and the further on top."""
    centre = np.radians([found.row["ra_deg"], found.row["dec_deg"]])
    where = np.radians([events["ra"].value, events["dec"].value])
    east, north = np.degrees(offsets(*where, *centre))
    size, weight = events["ang_err"].value, events["weight"].value
    extension = float(np.degrees(found.target.sources.extension[0]))
    half = 1.06 * max((np.hypot(east, north) + size)[weight > 0.1].max(initial=_LEAST_RADIUS), 1.5 * extension)
    half = min(half, _MOST_RADIUS)
    order = np.argsort(weight)
    colors, share = scale.to_rgba(weight)[order], (weight / scale.norm.vmax)[order]
    faces, edges = colors.copy(), colors.copy()
    faces[:, 3], edges[:, 3] = 0.14 * share, 0.25 + 0.75 * share
    where = np.column_stack([east, north])[order]
    axes.add_collection(_circles(axes, size[order], where, facecolors=faces, edgecolors=edges, linewidths=0.6 + share))
    axes.scatter(*where.T, s=3 + 12 * share, c=edges, zorder=3, linewidths=0)
    if extension:
        options = {"facecolors": "none", "edgecolors": _SOURCE, "linestyles": "--", "linewidths": 1.1}
        axes.add_collection(_circles(axes, [extension], [(0, 0)], **options))
    axes.plot(0, 0, "+", color=_SOURCE, markersize=12, markeredgewidth=1.8, zorder=5)
    axes.set_xlim(half, -half)  # east is left, as on the sky
    axes.set_ylim(-half, half)
    axes.set_aspect("equal")
    axes.set_xlabel(r"$\Delta$RA cos(Dec)  [deg]")
    axes.set_ylabel(r"$\Delta$Dec  [deg]")
    halo = [withStroke(linewidth=2.5, foreground="white")]
    name = canvas.short(found.row["name"], 26)
    place = {"xytext": (6, 0.93), "textcoords": ("offset points", "axes fraction")}
    axes.annotate(name, (half, 0), color=_SOURCE, weight="bold", size=9, path_effects=halo, zorder=6, **place)
    if not len(events):
        text = "no event is signal with 5 % or more"
        axes.text(0.5, 0.06, text, transform=axes.transAxes, ha="center", color=canvas.MUTED_COLOR, size=8.5)


def _whole_sky(axes: Axes, found: Any, events: Any, scale: ScalarMappable) -> None:
    sources, weight = found.target.sources, events["weight"].value
    marks = {"color": _SOURCE, "markersize": 5, "markeredgewidth": 0.9, "linestyle": "none"}
    axes.plot(np.degrees(sources.ra) % 360, np.degrees(sources.dec), "+", zorder=3, label="sources", **marks)
    order = np.argsort(weight)
    where = events["ra"].value[order] % 360, events["dec"].value[order]
    axes.scatter(*where, s=14, c=scale.to_rgba(weight[order]), linewidths=0, zorder=4, label="events")
    axes.set_xlim(360, 0)
    axes.set_ylim(-90, 90)
    axes.set_xticks(range(0, 361, 90))
    axes.set_yticks(range(-90, 91, 30))
    axes.set_xlabel("RA  [deg]")
    axes.set_ylabel("Dec  [deg]")
    axes.legend(**_LEGEND)


def _circles(axes: Axes, radius: Any, where: Any, **options: Any) -> EllipseCollection:
    width = 2 * np.asarray(radius)
    return EllipseCollection(
        width, width, np.zeros(len(width)), units="xy", offsets=where, offset_transform=axes.transData, **options
    )


def _contours(axes: Axes, found: Any) -> None:
    gammas, steps, values = found.contours
    fall = max(found.fit["test_statistic"], values.max()) - values
    levels = [scipy.special.chdtri(2, 1 - level) for level in LEVELS]
    axes.contourf(steps, gammas, fall, levels=[-1, *levels], colors=_COLORS, alpha=0.25)
    axes.contour(steps, gammas, fall, levels=levels, colors=_COLORS, linewidths=1.4)
    for level, color in zip(LEVELS, _COLORS, strict=True):
        axes.plot([], [], color=color, label=f"{100 * level:.0f} %")
    _best_fit(axes, found, found.parameter)
    axes.set_xlim(0, steps[-1])
    axes.set_ylim(gammas[0], gammas[-1])
    axes.set_xlabel(r"Signal events $n_s$")
    name = found.target.spectrum.fit
    energy = name.removesuffix("_gev").capitalize()
    label = rf"log$_{{10}}$({energy} / GeV)" if name.endswith("_gev") else name.replace("_", " ").capitalize()
    axes.set_ylabel(r"Spectral index $\gamma$" if name == "gamma" else label)
    axes.legend(**_LEGEND)


def _profile(axes: Axes, found: Any) -> None:
    _, steps, values = found.contours
    axes.plot(steps, values[0], color=_COLORS[0], label=_spectrum(found))
    peak = values[0].max()
    for level, style in zip(LEVELS, ("--", ":"), strict=True):
        height = peak - scipy.special.chdtri(1, 1 - level)
        axes.axhline(height, color=canvas.MUTED_COLOR, linestyle=style, linewidth=0.9)
        inside = height > values[0][0]  # the curve rises through the line: there is room between its branches only
        where = {"ha": "center" if inside else "left", "xytext": (0 if inside else 4, 2), "textcoords": "offset points"}
        place = (steps[np.argmax(values[0])] if inside else 0, height)
        axes.annotate(f"{100 * level:.0f} %", place, **where, size=8, color=canvas.MUTED_COLOR)
    _best_fit(axes, found, np.interp(found.fit["n_signal"], steps, values[0]))
    axes.set_xlim(0, steps[-1])
    axes.set_ylim(peak - 5.0, peak + 1.6)
    axes.set_xlabel(r"Signal events $n_s$")
    flare = "start_mjd" in found.fit  # whose TS pays for the choice of the window; the curve is that of this window
    axes.set_ylabel("Test statistic in this window" if flare else "Test statistic TS")
    axes.legend(**_LEGEND)


def _spectrum(found: Any) -> str:
    index, spectrum = found.contours[0][0], found.target.spectrum
    return rf"$\gamma$ = {index:g}" if spectrum.fit == "gamma" else textwrap.fill(canvas.short(spectrum.words, 120), 30)


def _best_fit(axes: Axes, found: Any, height: float) -> None:
    if found.fit["n_signal"] > 0:
        look = {"color": _SOURCE, "markersize": 11, "markeredgecolor": "white", "markeredgewidth": 0.8}
        axes.plot(found.fit["n_signal"], height, "*", linestyle="none", label="best fit", zorder=5, **look)
