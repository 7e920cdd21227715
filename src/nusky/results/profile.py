"""Likelihood profiles as files for other programs, in the columns of gamma-ray astronomy.

The columns are those of the `likelihood` spectral energy distributions of the Data Formats for Gamma-Ray Astronomy,
https://gamma-astro-data-formats.readthedocs.io, as gammapy's FluxPoints reads them: `norm` counts signal events, and
the reference flux is that of one. What nusky adds has other names and is passed over by readers that do not know it.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.errors import ConfigurationError
from nusky.files import atomic_path
from nusky.search.statistics.statements import ONE_FLAVOUR

if TYPE_CHECKING:  # importing it takes longer than `import nusky` may
    from astropy.table import Table

SUFFIXES = (".fits", ".ecsv")
_COLUMNS = {
    "gamma": ("gamma", "", 1.0),
    "e_ref": ("energy_ref_gev", "TeV", 1e-3),
    "e_min": ("energy_min_gev", "TeV", 1e-3),
    "e_max": ("energy_max_gev", "TeV", 1e-3),
    "ref_dnde": ("ref_dnde_per_gev", "TeV-1 cm-2 s-1", 1e3),
    "ref_flux": ("ref_flux_cm2_s", "cm-2 s-1", 1.0),
    "ref_eflux": ("ref_eflux_gev_cm2_s", "TeV cm-2 s-1", 1e-3),
    "ref_phi0": ("ref_phi0_per_gev", "TeV-1 cm-2 s-1", 1e3),
    "norm": ("n_signal", "", 1.0),
    "ts": ("test_statistic", "", 1.0),
    "norm_scan": ("n_signal_scan", "", 1.0),
}
"""By column of the file: the column it comes from, its unit, and the factor to it."""


def profile_table(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> "Table":
    """A profile as an astropy table, one row for each gamma.

    Parameters
    ----------
    rows : as `nusky.search.likelihood_profile.LikelihoodProfile.rows` gives them
    about : keywords of the header, of at most 8 letters, besides those that every profile has

    Returns
    -------
    Table with the columns `gamma`; `e_ref`, `e_min`, `e_max` [TeV]; `ref_dnde`, the flux at `e_ref` of one signal
    event, `ref_flux`, `ref_eflux`, its integrals, and `ref_phi0`, its phi0; `norm` and `ts`, the best number
    of events at this gamma and its TS; `stat` = -TS, `stat_null` = 0; `norm_scan`, `dnde_scan` and `stat_scan`,
    (n_steps,) each: numbers of events, the fluxes at `e_ref` that give them, and -TS = -2 ln L/L(0) there
    """
    from astropy import units as u
    from astropy.table import Table

    table = Table()
    for name, (source, unit, factor) in _COLUMNS.items():
        table[name] = factor * np.array([row[source] for row in rows], dtype=float)
        table[name].unit = unit or None
    table["stat"], table["stat_null"] = -table["ts"], np.zeros(len(rows))
    table["dnde_scan"] = np.asarray(table["norm_scan"]) * np.asarray(table["ref_dnde"])[:, None]
    table["dnde_scan"].unit = u.Unit(_COLUMNS["ref_dnde"][1])
    table["stat_scan"] = -np.array([row["test_statistic_scan"] for row in rows], dtype=float)
    best = next(row for row in rows if row["best"])
    table.meta = dict(about) | {
        "SED_TYPE": "likelihood",
        "BESTROW": [bool(row["best"]) for row in rows].index(True),
        "BESTNS": best["n_signal"],
        "BESTGAM": best["gamma"],
        "BESTTS": best["test_statistic"],
        "PIVOT": 1e-3 * best["pivot_energy_gev"],
        "FLAVOUR": ONE_FLAVOUR,
        "CREATOR": "nusky",
    }
    if np.isfinite(duration := best.get("duration_s", float("nan"))):
        table.meta["DURATION"] = duration
    return table


def check_suffix(path: str | os.PathLike[str]) -> Path:
    """The path; ConfigurationError where no profile can be written to it."""
    path = Path(path).expanduser()
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"{path}: likelihood profiles are written as {' or '.join(SUFFIXES)}.")
    if path.is_dir():
        raise ConfigurationError(f"{path}: is a folder; give the name of a file in it.")
    return path


def write_profile(table: "Table", path: str | os.PathLike[str]) -> Path:
    """Write a `profile_table`.

    ``.ecsv``: the table. ``.fits``: the extension `PROFILE` with it, after `FLUXPOINTS` with its row of the best gamma.

    Raises
    ------
    ConfigurationError : the suffix is another one, or `path` a folder.
    """
    path = check_suffix(path)
    with atomic_path(path) as temporary:
        if path.suffix.lower() == ".ecsv":
            table.write(temporary, format="ascii.ecsv")
        else:
            from astropy.io import fits

            row = table.meta["BESTROW"]
            hdus = [
                fits.table_to_hdu(table[row : row + 1], name="FLUXPOINTS"),
                fits.table_to_hdu(table, name="PROFILE"),
            ]
            fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(temporary)
    return path
