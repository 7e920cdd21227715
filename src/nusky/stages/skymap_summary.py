"""What the summary says of the all-sky map (format: docs/summary.md)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nusky.tables import read_metadata, read_table

N_SPOTS = 20
_HOTTEST_KEYS = (
    "hemisphere",
    "ra_deg",
    "dec_deg",
    "test_statistic",
    "n_signal",
    "gamma",
    "p_local",
    "p_local_tail",
    "extrapolated",
    "p_post",
    "p_post_low",
    "p_post_high",
    "p_confidence_level",
    "significance_post",
    "n_sky_trials",
)
_SPOT_KEYS = (
    "ra_deg",
    "dec_deg",
    "test_statistic",
    "n_signal",
    "gamma",
    "p_local",
    "p_local_tail",
    "extrapolated",
    "n_trials",
)


def collect(tables: Mapping[str, Path]) -> dict[str, Any]:
    """The entry `skymap` of the summary, from the tables "skymap_hottest" and "skymap_spots"."""
    settings = read_metadata(tables["spots"])["settings"]
    spots = read_table(tables["spots"], kind="skymap_spots", columns=_SPOT_KEYS)
    return {
        "analysis": settings["analysis"],
        "gamma": settings["gamma"],
        "nside": settings["grid"]["nside"],
        "hottest": _rows(read_table(tables["hottest"], kind="skymap_hottest", columns=_HOTTEST_KEYS)),
        "n_spots": len(spots),
        "spots": _rows(spots.slice(0, N_SPOTS)),
    }


def _rows(table: Any) -> list[dict[str, Any]]:
    return [
        {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in row.items()}
        for row in table.to_pylist()
    ]
