"""The source lists that come with nusky, brought into canonical columns."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np

from nusky.resources import SOURCE_LISTS, resource

if TYPE_CHECKING:  # importing them takes longer than most of what needs the names of the lists only
    from astropy.table import Table

    from nusky.catalogues.sources import Sources

CRAB_ABOVE_1TEV = 2.26e-11
"""Photons of the Crab nebula above 1 TeV, cm^-2 s^-1 (H.E.S.S. Collaboration, A&A 457, 899 (2006))."""
WCDA_RANGE_TEV = (1.0, 25.0)
"""Energies of the spectra of WCDA (ApJS 271, 25; the table itself gives none)."""
KM2A_RANGE_TEV = (25.0, 100.0)
"""Energies of the spectra of KM2A (as above) of sources that are not seen above 100 TeV."""
KM2A_UHE_MAX_TEV = 200.0
"""Where those of sources seen above 100 TeV (TS100 given) end. The list does not say; the highest photons of the first
twelve of them have 0.21 PeV and more (LHAASO Collaboration, Nature 594, 33 (2021))."""
SIGMA_PER_R39 = 1 / np.sqrt(-2 * np.log(0.61))
"""Width of a 2-D Gaussian over its 39 % containment radius: the fraction inside r is 1 - exp(-r²/2σ²)."""


def read_builtin(name: str, label: str) -> "Sources":
    """The built-in list `name` in canonical columns, rows in the order of the publication.

    Extensions: 1LHAASO r39 becomes a Gaussian width, an upper limit on r39 a point-like source with
    `extension_limit`; the radii of the H.E.S.S. list and of 3HWC are taken as the Gaussian width. Measured spectra are
    in the columns that `nusky.detector.gamma_rays` reads, those of the H.E.S.S. list from the sources of gamma-cat with
    the same name. Of the pulsars those enter that have both S1400 and DIST_DM, 2374 of 3389: the selection of the
    published stack. Of the tidal disruption events `gold`, `silver`, `jetted` and `obscured` are 1 for the members of a
    sample, 0 for others.
    """
    import pandas as pd
    from astropy.table import Table

    from nusky.catalogues.sources import Sources

    table = Table.read(resource(SOURCE_LISTS[name]), format="ascii.ecsv")
    notes: tuple[str, ...] = ()
    point_like = {"extension_deg": 0.0, "extension_limit": False, "flux": np.nan, "flux_limit": False}
    position = _columns(table, ("ra_deg", "dec_deg"))
    columns = {"name": table["name"].tolist(), **position, **point_like, **COLUMNS[name](table)}
    frame = pd.DataFrame(columns, index=np.arange(1, len(table) + 1))
    if name == "atnf":
        frame = frame.dropna(subset=["s1400_mjy", "distance_dm_kpc"])
        notes = (f"{len(table) - len(frame)} of {len(table)} pulsars left out: S1400 or DIST_DM is unknown.",)
    return Sources(label, f"built-in list '{name}'", frame, has_flux=name not in ("atnf", "tdes"), notes=notes)


_FLUX = {"flux": "n0", "flux_error": "n0_error"}
_INDEX = {"spectral_index": "gamma", "spectral_index_error": "gamma_error"}
"""Canonical names of the columns of a power law, and those of the lists."""


def _lhaaso_extension(table: "Table") -> dict[str, np.ndarray]:
    limit = np.asarray(table["r39_limit"])
    width = np.where(limit, 0.0, _floats(table["r39_deg"]) * SIGMA_PER_R39)
    return {"extension_deg": width, "extension_limit": limit}


def _km2a_range(table: "Table") -> tuple[float, np.ndarray]:
    seen_above = np.isfinite(_floats(table["ts100"]))
    return KM2A_RANGE_TEV[0], np.where(seen_above, KM2A_UHE_MAX_TEV, KM2A_RANGE_TEV[1])


def _lhaaso(table: "Table") -> dict[str, np.ndarray | float]:
    energies = _km2a_range(table) if table["component"][0] == "KM2A" else WCDA_RANGE_TEV
    return {
        **_lhaaso_extension(table),
        **_columns(table, _FLUX | _INDEX),
        "flux_limit": np.asarray(table["n0_limit"]),
        "pivot_tev": float(table.meta["pivot_tev"]),
        "flux_unit_per_tev_cm2_s": float(table["n0"].unit.scale),
        "energy_min_tev": energies[0],
        "energy_max_tev": energies[1],
    }


def _joined_lhaaso(table: "Table") -> dict[str, np.ndarray]:
    """Both components of every source; `flux` is dN/dE at 25 TeV, where one range ends and the other begins."""
    columns = _lhaaso_extension(table)
    ranges = {"wcda": WCDA_RANGE_TEV, "km2a": _km2a_range(table)}
    at_joint = []
    for component, prefix in (("wcda", ""), ("km2a", "second_")):
        unit, pivot = table[f"{component}_n0"].unit.scale, float(table.meta[f"{component}_pivot_tev"])
        n0, gamma = _floats(table[f"{component}_n0"]) * unit, _floats(table[f"{component}_gamma"])
        columns |= {
            f"{prefix}dnde_per_tev_cm2_s": n0,
            f"{prefix}dnde_error_per_tev_cm2_s": _floats(table[f"{component}_n0_error"]) * unit,
            f"{prefix}cap_per_tev_cm2_s": _floats(table[f"{component}_n0_upper_limit"]) * unit,
            f"{prefix}spectral_index": gamma,
            f"{prefix}spectral_index_error": _floats(table[f"{component}_gamma_error"]),
            f"{prefix}pivot_tev": np.full(len(table), pivot),
            f"{prefix}energy_min_tev": np.full(len(table), ranges[component][0]),
            f"{prefix}energy_max_tev": np.broadcast_to(ranges[component][1], len(table)).astype(float),
        }
        at_joint.append(n0 * (KM2A_RANGE_TEV[0] / pivot) ** -gamma)
    return columns | {"flux": np.where(np.isfinite(at_joint[0]), *at_joint)}


def _gamma_cat(table: "Table") -> dict[str, np.ndarray]:
    return {"extension_deg": np.nan_to_num(_floats(table["sigma_deg"])), **_gamma_cat_spectra(table)} | {
        "flux": _floats(table["flux_above_1tev"]),
        "flux_unit_above_1tev_cm2_s": 1.0,
    }


def _gamma_cat_spectra(table: "Table") -> dict[str, np.ndarray]:
    """The spectra of gamma-cat as fluxes at a pivot.

    Of a power law stated by its photons F above E_m, n0 = F (gamma - 1) / E_m (E_0 / E_m)^-gamma at
    E_0 = E_m exp(1 / (gamma - 1)), where a small change of gamma leaves n0 as it is: its error is that of F.
    """
    n0, error, pivot, gamma, flux, flux_error, above = (
        _floats(table[name])
        for name in ("n0", "n0_error", "pivot_tev", "gamma", "flux_above", "flux_above_error", "above_tev")
    )
    of_photons = np.isfinite(flux) & (gamma > 1)
    stretch = np.exp(1 / (gamma[of_photons] - 1))
    pivot[of_photons] = above[of_photons] * stretch
    n0[of_photons] = (flux / above)[of_photons] * (gamma[of_photons] - 1) * stretch ** -gamma[of_photons]
    error[of_photons] = n0[of_photons] * (flux_error / flux)[of_photons]
    return {
        "dnde_per_tev_cm2_s": n0,
        "dnde_error_per_tev_cm2_s": error,
        "pivot_tev": pivot,
        "spectral_index": gamma,
        "spectral_index_error": _floats(table["gamma_error"]),
        **_columns(table, ("cutoff_tev", "cutoff_error_tev", "energy_min_tev", "energy_max_tev")),
    }


def _hess(table: "Table") -> dict[str, np.ndarray]:
    from astropy.table import Table

    catalogue = Table.read(resource(SOURCE_LISTS["gamma-cat"]), format="ascii.ecsv")
    others = ([name, *others.split(", ")] for name, others in catalogue["name", "gamma_names"].filled("").iterrows())
    rows = {name.strip(): row for row, names in enumerate(others) for name in names if name}
    row = np.array([rows.get(name, -1) for name in table["name"]])
    measured = {key: np.where(row >= 0, values[row], np.nan) for key, values in _gamma_cat_spectra(catalogue).items()}
    return measured | {
        "extension_deg": _floats(table["radius_arcmin"]) / 60,
        "flux": _floats(table["flux_crab"]),
        "flux_unit_above_1tev_cm2_s": CRAB_ABOVE_1TEV,
    }


def _hawc(table: "Table") -> dict[str, np.ndarray | float]:
    return {
        "extension_deg": np.nan_to_num(_floats(table["radius_deg"])),
        **_columns(table, _FLUX),
        "flux_unit_per_tev_cm2_s": 1.0,
        **_columns(table, _INDEX),
        "pivot_tev": float(table.meta["pivot_tev"]),
    }


def _atnf(table: "Table") -> dict[str, np.ndarray]:
    return _columns(table, ("period_s", "s1400_mjy", "distance_kpc", "distance_dm_kpc"))


def _tdes(table: "Table") -> dict[str, np.ndarray]:
    sample = np.array(table["sample"].tolist())
    members = {name: (sample == name).astype(float) for name in ("gold", "silver", "jetted", "obscured")}
    return _columns(table, ("start_mjd", "stop_mjd", "reference_mjd", "distance_mpc")) | members


COLUMNS: dict[str, Callable[["Table"], dict[str, np.ndarray | float]]] = {
    "1lhaaso-wcda": _lhaaso,
    "1lhaaso-km2a": _lhaaso,
    "1lhaaso": _joined_lhaaso,
    "hess": _hess,
    "gamma-cat": _gamma_cat,
    "3hwc": _hawc,
    "atnf": _atnf,
    "tdes": _tdes,
}
"""Canonical columns of every list, beyond name and position."""


def _columns(table: "Table", names: Collection[str]) -> dict[str, np.ndarray]:
    """Columns of numbers, by their names; of a dictionary the values are those in the table."""
    known = names if isinstance(names, dict) else dict(zip(names, names, strict=True))
    return {name: _floats(table[own]) for name, own in known.items()}


def _floats(column) -> np.ndarray:
    return np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)
