"""The range of neutrino energies a statement is about: where the central 90 % of the expected signal comes from."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import SourceSpectra, Spectrum
from nusky.errors import PhysicsError
from nusky.units import takes_directions


@takes_directions(livetime_s="s", dec="dec")
def central_energy_range(
    areas: Mapping[str, EffectiveArea],
    responses: Sequence[str],
    livetime_s: ArrayLike,
    dec: ArrayLike,
    spectrum: Spectrum,
    model_weights: ArrayLike = 1.0,
    content: float = 0.9,
) -> tuple[float, float]:
    """Energies [GeV] below and above which (1 - content)/2 of the expected events lie.

    Parameters
    ----------
    responses, livetime_s : of the seasons; s
    dec : (n_sources,) float64, rad
    model_weights : (n_sources,) float64
        How the sources of a stack share its flux, in any normalisation.

    Notes
    -----
    Exact quantiles of sum_k T_k sum_j w_j A_k(E, dec_j) f(E), the area being constant in its bins of energy.
    """
    if not 0 < content < 1:
        raise PhysicsError(f"content {content} lies outside (0, 1); give 0.9 for 90 %.")
    return tuple(
        float(10**x)
        for x in signal_energy_quantiles(
            areas, responses, livetime_s, dec, spectrum, [(1 - content) / 2, (1 + content) / 2], model_weights
        )
    )


@takes_directions(livetime_s="s", dec="dec")
def signal_energy_quantiles(
    areas: Mapping[str, EffectiveArea],
    responses: Sequence[str],
    livetime_s: ArrayLike,
    dec: ArrayLike,
    spectrum: Spectrum,
    shares: ArrayLike,
    model_weights: ArrayLike = 1.0,
) -> NDArray:
    """log10(E/GeV) below which the `shares` of the expected events lie; arguments as in `central_energy_range`."""
    dec = np.atleast_1d(np.asarray(dec, dtype=float))
    weights = np.broadcast_to(np.asarray(model_weights, dtype=float), dec.shape)
    livetime = np.broadcast_to(np.asarray(livetime_s, dtype=float), (len(responses),))
    names = list(dict.fromkeys(responses))
    edges = np.unique(np.concatenate([areas[name].log10_energy for name in names]))
    middle = 0.5 * (edges[1:] + edges[:-1])
    own, events = isinstance(spectrum, SourceSpectra), np.zeros(len(middle))
    for name in names:
        area = areas[name]
        time = sum(t for t, response in zip(livetime, responses, strict=True) if response == name)
        row = np.searchsorted(area.log10_energy, middle, side="right") - 1
        inside = (row >= 0) & (row < len(area.log10_energy) - 1)
        areas_of = area.at(dec)[row[inside]]
        if own:
            events[inside] += time * np.einsum("bj,jb->b", areas_of * weights, spectrum.of_each(edges)[:, inside])
        else:
            events[inside] += time * (areas_of @ weights)
    events *= 1.0 if own else spectrum.integrals(edges)
    if not events.sum() > 0:
        raise PhysicsError("no signal is expected from these sources: all effective areas times weights are zero.")
    return quantiles(events, edges, spectrum, shares)


def quantiles(content: NDArray, log10_energy_edges: NDArray, spectrum: Spectrum, shares: ArrayLike) -> NDArray:
    """log10(E/GeV) below which the `shares` of a content lie that follows `spectrum` inside each bin.

    `content` is (n,), not negative and not 0 everywhere; the edges are (n + 1,), log10(E/GeV).
    """
    cumulative = np.concatenate([[0.0], np.cumsum(content)]) / content.sum()
    shares = np.atleast_1d(np.asarray(shares, dtype=float))
    bins = np.clip(np.searchsorted(cumulative, shares, side="left") - 1, 0, len(content) - 1)
    fraction = (shares - cumulative[bins]) / (cumulative[bins + 1] - cumulative[bins])
    return spectrum.quantile(np.clip(fraction, 0, 1), log10_energy_edges[bins], log10_energy_edges[bins + 1])
