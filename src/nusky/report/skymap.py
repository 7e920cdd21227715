"""What the report says of the all-sky map."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_SPOT_COLUMNS = {
    "ra_deg": "RA [deg]",
    "dec_deg": "Dec [deg]",
    "test_statistic": "TS",
    "n_signal": "signal events",
    "gamma": "γ",
    "p_local": "local p, trials",
    "p_local_tail": "local p, fitted tail",
    "extrapolated": "extrapolated",
}
_HEMISPHERES = {"north": "north of declination −5°", "south": "south of declination −5°"}
Parts = tuple[str, Sequence[str], Sequence[Sequence[Any]], str]


def skymap_findings(skymap: Mapping[str, Any] | None, number: Callable[[Any], str]) -> Iterator[str]:
    """One sentence per hemisphere; `number` writes a number for people."""
    for spot in (skymap or {}).get("hottest", ()):
        where = f"all-sky map, {_analysis(skymap)}, {_HEMISPHERES[spot['hemisphere']]}"
        if spot["test_statistic"] is None:
            yield f"{where}: no hot spot."
            continue
        extrapolated = ", extrapolated beyond the trials" if spot["extrapolated"] else ""
        level = number(round(100 * spot["p_confidence_level"]))
        significance = spot["significance_post"]
        sigma = "" if significance is None else f"; {number(round(significance, 2))} σ"
        yield (
            f"{where}: the hottest spot is at RA {number(round(spot['ra_deg'], 2))}°, "
            f"Dec {number(round(spot['dec_deg'], 2))}°, TS = {number(spot['test_statistic'])} "
            f"at {number(spot['n_signal'])} signal events, γ = {number(spot['gamma'])}; "
            f"local p = {number(spot['p_local_tail'])}{extrapolated}; post-trial p = {number(spot['p_post'])} "
            f"({number(spot['p_post_low'])} to {number(spot['p_post_high'])} at {level} %{sigma}) "
            f"from {number(spot['n_sky_trials'])} scrambled skies."
        )


def skymap_tables(skymap: Mapping[str, Any] | None) -> Iterator[Parts]:
    """Title, columns, rows and description of the table of hot spots."""
    if skymap and skymap["spots"]:
        spots, total = skymap["spots"], skymap["n_spots"]
        shown = f"The {len(spots)} hottest of {total} spots" if total > len(spots) else "Hot spots"
        yield (
            "Hot spots of the sky",
            ["number", *_SPOT_COLUMNS.values()],
            [[i, *(_cell(spot[key]) for key in _SPOT_COLUMNS)] for i, spot in enumerate(spots, start=1)],
            f"{shown}, {_analysis(skymap)}; the smallest local p-value first, numbered as in the map. The local "
            f"p-values are from {spots[0]['n_trials']} trials at each declination and do not account for the number of "
            "positions looked at; those from the trials alone never fall below 1/(trials + 1).",
        )


def _analysis(skymap: Mapping[str, Any]) -> str:
    return skymap["analysis"] + (", γ fitted" if skymap["gamma"] is None else f", γ = {skymap['gamma']:g}")


def _cell(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
