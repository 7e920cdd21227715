"""Model weights: how the sources of a stack share the flux."""

from typing import Literal

import numpy as np
import pyarrow as pa

from nusky.config import Weighting
from nusky.errors import CatalogueError
from nusky.suggestions import did_you_mean

_NAMES_IN_NOTE = 20
_UNITS = ("flux_unit_per_tev_cm2_s", "flux_unit_above_1tev_cm2_s")
"""Columns that say what the unit of a list's flux is."""


def weight_column(sources: pa.Table, column: str) -> np.ndarray:
    """The numbers of a catalogue's `column`, (n_sources,) float64; CatalogueError if it has no such numbers."""
    numeric = [field.name for field in sources.schema if pa.types.is_floating(field.type)]
    if column not in numeric:
        problem = "holds no numbers to weight with" if column in sources.column_names else "does not exist or is text"
        usual = [name for name in numeric if name not in ("ra_deg", "dec_deg")]
        hint = did_you_mean(column, usual)
        raise CatalogueError(f"weighting column '{column}' {problem}. Use one of {', '.join(usual)}.{hint}")
    return sources[column].to_numpy()


def model_weights(
    sources: pa.Table, weighting: Weighting, method: Literal["published", "standard"]
) -> tuple[np.ndarray, list[str]]:
    """Weights w_j of the sources of a stack, and what had to be decided about them.

    published: a missing value gets the mean of the other values of its list; sources of two lists count twice; the
    weights keep their scale. standard: missing values, limits (column `<column>_limit`) and duplicates get no weight;
    fluxes of several lists are brought to one scale (`photons_above_1tev`) unless the lists share the flux equally; the
    weights add up to 1.

    Parameters
    ----------
    sources : table "sources" of a catalogue
    weighting : column ** power, or equal weights; with `share_by_list` every list has the sum 1 before they are joined

    Returns
    -------
    weights : (n_sources,) float64, at least 0
    notes : sentences for the report

    Raises
    ------
    CatalogueError : no such numeric column, a negative or infinite weight, fluxes without a common scale, or no weight
        left.
    """
    names = np.array(sources["name"].to_pylist(), dtype=object)
    origins = np.array(sources["origin"].to_pylist(), dtype=object)
    duplicate = sources["duplicate_of"].to_numpy() >= 0
    values = np.ones(len(names)) if weighting.column is None else weight_column(sources, weighting.column).copy()
    notes, share = [], weighting.shares_by_list(method)
    if method == "standard" and weighting.column == "flux" and not share and len(set(origins)) > 1:
        values, said = _on_one_scale(sources, origins)
        notes.append(said)
    excluded = np.zeros(len(names), dtype=bool)
    missing = np.isnan(values)
    if method == "published":
        for origin in dict.fromkeys(origins[missing]):
            gaps = missing & (origins == origin)
            values[gaps] = _mean_of_list(values[~missing & (origins == origin)], origin, weighting)
            notes.append(f"{origin}: {weighting.column} is missing, the list's mean stands in: {_listed(names[gaps])}.")
        if duplicate.any():
            notes.append(f"Sources present in two lists count twice: {_listed(names[duplicate])}.")
    else:
        limit = np.zeros(len(names), dtype=bool)
        if f"{weighting.column}_limit" in sources.column_names:
            limit = sources[f"{weighting.column}_limit"].to_numpy(zero_copy_only=False)
        for rows, reason in (
            (missing, f"{weighting.column} is missing"),
            (limit, f"the {weighting.column} is an upper limit"),
            (duplicate, "the source stands in an earlier list"),
        ):
            if rows.any():
                notes.append(f"No weight because {reason}: {_listed(names[rows])}.")
            excluded |= rows
    zero = (values == 0) & ~excluded
    if zero.any():
        notes.append(
            f"{weighting.column} is 0 and counts as measured (leave unknown values empty): {_listed(names[zero])}."
        )
    weights = np.zeros(len(names))
    weights[~excluded] = _powers(values[~excluded], weighting, names[~excluded])
    if share:
        for origin in dict.fromkeys(origins):
            rows = origins == origin
            weights[rows] = _shares(weights[rows], f"the sources of list '{origin}'", weighting)
    shares = _shares(weights, "the sources", weighting)
    return (shares if method == "standard" else weights), notes


def photons_above_1tev(sources: pa.Table) -> np.ndarray:
    """Photons above 1 TeV of the sources of a catalogue, (n_sources,) float64, cm^-2 s^-1; NaN where unknown.

    From their spectra, flux * flux_unit_per_tev_cm2_s (E / pivot_tev)^-spectral_index TeV^-1 cm^-2 s^-1 with an index
    above 1, if these were measured down to 1 TeV (`energy_min_tev`); or flux * flux_unit_above_1tev_cm2_s where that is
    known.
    """

    def column(name: str) -> np.ndarray:
        return sources[name].to_numpy() if name in sources.column_names else np.full(sources.num_rows, np.nan)

    flux, index, pivot, unit = (
        column(name) for name in ("flux", "spectral_index", "pivot_tev", "flux_unit_per_tev_cm2_s")
    )
    from_spectrum = np.full(sources.num_rows, np.nan)
    usable = (index > 1) & (pivot > 0) & (column("energy_min_tev") <= 1)
    index, pivot = index[usable], pivot[usable]
    from_spectrum[usable] = (flux * unit)[usable] * pivot**index / (index - 1)
    given = flux * column("flux_unit_above_1tev_cm2_s")
    return np.where(np.isnan(from_spectrum), given, from_spectrum)


def _on_one_scale(sources: pa.Table, origins: np.ndarray) -> tuple[np.ndarray, str]:
    """Fluxes of several lists on one scale, NaN where missing, and a note that says which."""
    flux, photons = sources["flux"].to_numpy(), photons_above_1tev(sources)
    known = ~np.isnan(flux)
    lists = [origin for origin in dict.fromkeys(origins) if known[origins == origin].any()]
    without = [origin for origin in lists if np.isnan(photons[known & (origins == origin)]).all()]
    if not without:
        return photons, "The fluxes of the lists are compared as photons above 1 TeV, from each list's own spectra."
    if set(_UNITS).intersection(sources.column_names):
        raise CatalogueError(
            f"weighting by flux: the fluxes of list '{without[0]}' are not known as photons above 1 TeV, so they "
            f"cannot be compared with those of other lists. Give it columns {_UNITS[0]}, spectral_index, pivot_tev and "
            f"energy_min_tev of spectra measured from 1 TeV or below, or {_UNITS[1]}; or let the lists share the flux "
            "equally with `share_by_list: true`."
        )
    return flux, "The fluxes of the lists are taken to be in one unit, as no list says how they compare."


def _mean_of_list(known: np.ndarray, origin: str, weighting: Weighting) -> float:
    if not len(known):
        raise CatalogueError(
            f"list '{origin}' has no value of '{weighting.column}'. Choose another weighting column or drop the list."
        )
    return float(known.mean())


def _powers(values: np.ndarray, weighting: Weighting, names: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        weights = values**weighting.power
    bad = (values < 0) | ~np.isfinite(weights)
    if bad.any():
        first = np.flatnonzero(bad)[0]
        raise CatalogueError(
            f"weighting column '{weighting.column}': {values[first]:g} of source '{names[first]}' to the power "
            f"{weighting.power:g} is no weight. Weights must be finite and not negative; leave unknown values empty."
        )
    return weights


def _shares(weights: np.ndarray, what: str, weighting: Weighting) -> np.ndarray:
    total = weights.sum()
    if not 0 < total < np.inf:
        raise CatalogueError(
            f"weighting by '{weighting.column or 'equal weights'}': {what} have no usable weight (sum {total:g}). "
            "Choose another column, or drop the list."
        )
    return weights / total


def _listed(names: np.ndarray) -> str:
    shown = ", ".join(names[:_NAMES_IN_NOTE])
    more = f" and {len(names) - _NAMES_IN_NOTE} more" if len(names) > _NAMES_IN_NOTE else ""
    return f"{len(names)} source(s), {shown}{more}"
