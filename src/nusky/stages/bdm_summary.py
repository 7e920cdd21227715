"""What the summary says of boosted dark matter."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from nusky.tables import read_table

_DESCRIPTION = ("mx_mev", "tx_mev", "t_yr", "duration_yr", "tx_min_mev", "tx_max_mev")


def collect(numbers: str | os.PathLike[str], block: Mapping[str, Any]) -> dict[str, Any]:
    """The entry `bdm` of the summary, from the table "bdm_numbers" and the `bdm` block of the configuration."""
    rows = read_table(numbers, kind="bdm_numbers").to_pylist()
    return {
        "supernova": block["supernova"]["name"],
        **{key: block[key] for key in _DESCRIPTION},
        "numbers": {
            row["key"]: {
                "quantity": row["quantity"],
                "unit": row["unit"],
                **{name: row[name] if np.isfinite(row[name]) else None for name in ("published", "standard")},
            }
            for row in rows
        },
    }
