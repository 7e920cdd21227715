"""What the report says of the all-sky map."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nusky.probability import at_floor, compared
from nusky.report.columns import titled
from nusky.report.numbers import cell_of

_SPOT_COLUMNS = titled("ra_deg dec_deg test_statistic n_signal gamma p_local", n_signal="signal events")
_TAIL_COLUMNS = titled(
    "p_tail p_tail_low p_tail_high", p_tail="p of the fitted tail", p_tail_low="from", p_tail_high="to"
)
"""Where they are asked for."""
_HEMISPHERES = {"north": "north of declination −5°", "south": "south of declination −5°"}
Parts = tuple[str, Sequence[str], Sequence[Sequence[Any]], str]


def skymap_findings(skymap: Mapping[str, Any] | None, number: Callable[[Any], str]) -> Iterator[str]:
    """One sentence per hemisphere; `number` writes a number for people."""
    for spot in (skymap or {}).get("hottest", ()):
        where = f"all-sky map, {_analysis(skymap)}, {_HEMISPHERES[spot['hemisphere']]}"
        if spot["test_statistic"] is None:
            yield f"{where}: no hot spot."
            continue
        local = compared(spot["p_local"], spot["n_trials"], number)
        beyond = f", above all {number(spot['n_trials'])} trials" if spot["beyond_trials"] else ""
        if "p_tail" in spot:
            p, *ends = (number(spot[key]) for key in _TAIL_COLUMNS)
            beyond += f", of the fitted tail p = {p} ({' to '.join(ends)})"
        post = compared(spot["p_post"], spot["n_sky_trials"], number)
        level = number(round(100 * spot["p_confidence_level"]))
        significance = spot["significance_post"]
        least = "more than " if at_floor(spot["p_post"], spot["n_sky_trials"]) else ""
        sigma = "" if significance is None else f"; {least}{number(round(significance, 2))} σ"
        yield (
            f"{where}: the hottest spot is at RA {number(round(spot['ra_deg'], 2))}°, "
            f"Dec {number(round(spot['dec_deg'], 2))}°, TS = {number(spot['test_statistic'])} "
            f"at {number(spot['n_signal'])} signal events, γ = {number(spot['gamma'])}; "
            f"local p {local}{beyond}; post-trial p {post} "
            f"({number(spot['p_post_low'])} to {number(spot['p_post_high'])} at {level} %{sigma}) "
            f"from {number(spot['n_sky_trials'])} scrambled skies."
        )


def skymap_tables(skymap: Mapping[str, Any] | None) -> Iterator[Parts]:
    """Title, columns, rows and description of the table of hot spots."""
    if skymap and skymap["spots"]:
        spots, total = skymap["spots"], skymap["n_spots"]
        columns = _SPOT_COLUMNS | (_TAIL_COLUMNS if "p_tail" in spots[0] else {})
        shown = f"The {len(spots)} hottest of {total} spots" if total > len(spots) else "Hot spots"
        yield (
            "Hot spots of the sky",
            ["number", *columns.values()],
            [[i, *(cell_of(spot, key) for key in columns)] for i, spot in enumerate(spots, start=1)],
            f"{shown}, {_analysis(skymap)}, numbered as in the map and in the order of the tails fitted to the trials "
            f"({skymap['tail_model']}). The local p-values are from {spots[0]['n_trials']} trials at each declination, "
            "which tell none below 1/(trials + 1), and do not account for the number of positions looked at.",
        )


def _analysis(skymap: Mapping[str, Any]) -> str:
    return skymap["analysis"] + (", γ fitted" if skymap["gamma"] is None else f", γ = {skymap['gamma']:g}")
