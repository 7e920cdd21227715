"""A small all-sky map of invented numbers, as the files of a run."""

from pathlib import Path

import numpy as np
from astropy import units as u
from astropy_healpix import HEALPix

from nusky.search.skymap import healpix_file
from nusky.search.skymap.grid import PixelMap
from nusky.tables import Provenance, write_table

NSIDE = 8
HOTTEST = {"ra_deg": 83.25, "dec_deg": 22.5, "test_statistic": 21.5, "n_signal": 12.25, "gamma": 2.25}
"""The hottest spot, numbers that floating point holds exactly; its pixel is beyond the trials."""
N_TRIALS = 499
SETTINGS = {
    "analysis": "spatial and energy",
    "gamma": None,
    "seed": 7,
    "calibration_trials": N_TRIALS,
    "tail_model": "chi2",
    "grid": {"nside": NSIDE, "nside_coarse": 8, "refine_above": 4.0},
}
SOURCES = {
    "name": ["Crab", "HESS J1745-290", "HESS J1826-148"],
    "ra_deg": [83.63, 266.415, 276.5],
    "dec_deg": [22.01, -29.006, -14.8],
    "origin": ["1lhaaso-wcda", "hess", "hess"],
}


def values() -> tuple[np.ndarray, np.ndarray]:
    """TS and -log10 p of the pixels; both NaN around the poles."""
    healpix = HEALPix(NSIDE, "nested")
    dec = healpix.healpix_to_lonlat(np.arange(healpix.npix))[1].to_value(u.deg)
    ts = np.where(np.abs(dec) > 82, np.nan, np.arange(healpix.npix) / 100)
    minus_log10_p = ts / 4
    hottest = healpix.lonlat_to_healpix(HOTTEST["ra_deg"] * u.deg, HOTTEST["dec_deg"] * u.deg)
    ts[hottest], minus_log10_p[hottest] = HOTTEST["test_statistic"], np.log10(N_TRIALS + 1)
    return ts, minus_log10_p


def write(folder: Path, synthetic: bool = False, tail_p_values: bool = False) -> dict[str, Path]:
    """Write map, tables of spots and of the hottest ones, contours, trials and a catalogue; paths by name."""
    ts, minus_log10_p = values()
    pixel, n = np.arange(len(ts)), np.where(np.isnan(ts), np.nan, 2.0)
    fits = folder / "standard/skymap/map.fits"
    sky_map = PixelMap(NSIDE, pixel, ts, n, n, np.full(len(ts), NSIDE, np.int16))
    healpix_file.write(fits, sky_map, minus_log10_p, 2 * minus_log10_p, {})
    second = {"ra_deg": 200.0, "dec_deg": -30.0, "test_statistic": 9.0, "n_signal": 3.0, "gamma": 3.0}
    spots = [dict(spot=i, **spot) for i, spot in enumerate((HOTTEST, second))]
    beyond = {"p_local": 0.002, "significance": 2.88, "beyond_trials": True, "n_trials": N_TRIALS, "tail_score": 5.0}
    inside = {"p_local": 0.04, "significance": 1.75, "beyond_trials": False, "n_trials": N_TRIALS, "tail_score": 1.4}
    nowhere = {"p_local": 1.0, "significance": -np.inf, "beyond_trials": False, "n_trials": N_TRIALS, "tail_score": 0.0}
    if tail_p_values:
        beyond |= {"p_tail": 1e-5, "p_tail_low": 4e-6, "p_tail_high": 3e-5}
        inside |= {"p_tail": 0.04, "p_tail_low": 0.03, "p_tail_high": 0.05}
        nowhere |= dict.fromkeys(("p_tail", "p_tail_low", "p_tail_high"), 1.0)
    spots = [row | local | {"pixel": 0} for row, local in zip(spots, (beyond, inside), strict=True)]
    post = {
        "p_post": 0.04,
        "p_post_low": 0.02,
        "p_post_high": 0.07,
        "p_confidence_level": 0.6827,
        "significance_post": 1.75,
        "n_sky_trials": 99,
    }
    nothing = {key: np.nan for key in HOTTEST}
    hottest = [
        {"hemisphere": "south", **nothing, **nowhere, **post},
        {"hemisphere": "north", **HOTTEST, **beyond, **post},
    ]
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    contours = {
        "spot": np.zeros(40, np.int32),
        "confidence_level": np.full(40, 0.68),
        "ra_deg": HOTTEST["ra_deg"] + 0.4 * np.cos(angle),
        "dec_deg": HOTTEST["dec_deg"] + 0.4 * np.sin(angle),
    }
    contours["ra_deg"][7] = contours["dec_deg"][7] = np.nan  # a ray that does not cross
    trials = {"hemisphere": ["south", "north"] * 5, "trial": np.arange(10) // 2, "tail_score": np.arange(10) / 2}
    east, north = np.meshgrid(np.linspace(-2, 2, 5), np.linspace(-2, 2, 5))
    zooms = {"spot": np.zeros(25, np.int32), "east_deg": east.ravel(), "north_deg": north.ravel()}
    zooms["test_statistic"] = 20 - east.ravel() ** 2 - north.ravel() ** 2
    tables = {
        "spots": {key: [row[key] for row in spots] for key in spots[0]},
        "hottest": {key: [row[key] for row in hottest] for key in hottest[0]},
        "contours": contours,
        "hottest_trials": trials,
        "zooms": zooms,
    }
    paths = {"fits": fits}
    provenance = Provenance(synthetic, settings=SETTINGS, seeds=(7,))
    for name, columns in tables.items():
        paths[name] = folder / f"standard/skymap/{name}.parquet"
        write_table(paths[name], columns, kind=f"skymap_{name}", provenance=provenance)
    paths["sources"] = folder / "sources/mine.parquet"
    write_table(paths["sources"], SOURCES, kind="sources", provenance=Provenance(synthetic))
    return paths
