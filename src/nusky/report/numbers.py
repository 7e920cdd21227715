"""Numbers for people."""

import math
from collections.abc import Mapping
from typing import Any

from nusky.probability import written

MISSING = "–"
AS_GIVEN = "as given"
INDICES = ("gamma", "limit_gamma", "gamma_fixed", "gamma_without")
"""Columns with an index, which is 0 where there is none, of a spectrum that was given as a whole."""
TRIALS = {"p_local": "n_trials", "p_post": "n_sky_trials"}
"""The column with the trials behind a p-value, by its own."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Probability(float):
    """A p-value as a cell: sorts as a number, reads as `nusky.probability.written` says for its number of trials."""

    n_trials: int

    def __new__(cls, p_value: float, n_trials: int) -> "Probability":
        """Of `p_value`, dimensionless, from `n_trials`."""
        made = super().__new__(cls, p_value)
        made.n_trials = n_trials
        return made


def cell_of(row: Mapping[str, Any], key: str, trials: Mapping[str, str] = TRIALS) -> Any:
    """The value of `row` in the column `key`: a `Probability` where `trials` names the column with its trials."""
    value, n_trials = row.get(key), row.get(trials.get(key, ""))
    if key in INDICES:
        return index_cell(value)
    if key.endswith("_mjd") and value is not None:
        return f"{value:.2f}"  # no thousands separated, and the part of a day
    return value if value is None or n_trials is None else Probability(value, n_trials)


def index_cell(value: float | str | None) -> float | str | None:
    """A spectral index, dimensionless, as a cell; in words where there is none."""
    index = None if value in (None, "fitted") else float(value)
    return value if index is None else AS_GIVEN if index == 0 else index


def format_number(value: Any, digits: int = 4) -> str:
    """A number for people: `digits` significant ones, thousands separated, powers of ten written out."""
    if isinstance(value, Probability):
        return written(float(value), value.n_trials, format_number)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}".replace("-", "−")
    decimals = 0 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")
