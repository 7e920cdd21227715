"""What the summary says of the all-sky map (format: docs/summary.md)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nusky.files import finite_or_null
from nusky.tables import read_metadata, read_table

N_SPOTS = 20
_TAIL_KEYS = ("p_tail", "p_tail_low", "p_tail_high")
"""Columns that are there on request only."""
_SPOT_KEYS = (
    "ra_deg",
    "dec_deg",
    "test_statistic",
    "n_signal",
    "gamma",
    "p_local",
    "significance",
    "beyond_trials",
    "n_trials",
    "tail_score",
)
_HOTTEST_KEYS = (
    "hemisphere",
    *_SPOT_KEYS,
    "p_post",
    "p_post_low",
    "p_post_high",
    "p_confidence_level",
    "significance_post",
    "n_sky_trials",
)


def collect(tables: Mapping[str, Path]) -> dict[str, Any]:
    """The entry `skymap` of the summary, from the tables "skymap_hottest" and "skymap_spots"."""
    metadata = read_metadata(tables["spots"])
    settings, asked = metadata["settings"], tuple(key for key in _TAIL_KEYS if key in metadata["columns"])
    spots = read_table(tables["spots"], kind="skymap_spots", columns=_SPOT_KEYS + asked)
    hottest = read_table(tables["hottest"], kind="skymap_hottest", columns=_HOTTEST_KEYS + asked)
    found = {
        "analysis": settings["analysis"],
        "gamma": settings["gamma"],
        **{key: settings["grid"][key] for key in ("nside", "nside_coarse", "refine_above")},
        "tail_model": settings["tail_model"],
        "hottest": hottest.to_pylist(),
        "n_spots": len(spots),
        "spots": spots.slice(0, N_SPOTS).to_pylist(),
    }
    return finite_or_null(found)
