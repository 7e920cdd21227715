"""The part of the report on boosted dark matter: what was computed, and why the two sets of conventions differ."""

from collections.abc import Mapping
from typing import Any

DIFFERENCES = (
    "Scattering on neutrinos: the published dσ/dΩ of an amplitude already holds the factor dE_ν/dT_χ with which the "
    "flux multiplies it again.",
    "Scattering in the detector: the published cross section of an amplitude is larger than its definition by 2π.",
    "The original also integrated that cross section with a rule that is never refined, wrong by up to orders of "
    "magnitude; both sets here use a converged integral.",
    "Rounding: the original finds the distance along the line of sight as a difference of nearly equal numbers, which "
    "fails for light dark matter; neither set here does.",
    "Speed: the published flux carries a factor v/c too many, which makes it one per momentum, labelled and integrated "
    "as one per kinetic energy.",
    "Sky map: the published recipe treats the sky as flat and counts the azimuth from another axis than the flux, so "
    "that the map is mirrored and its integral is not the flux.",
    "Density spike: the published models ignore the influence radius they are given and take it from the black "
    "hole's mass.",
    "Flavours: the vector boson of L_μ−L_τ does not couple to electron neutrinos; the published flux counts them.",
    "Charge: its vertex with a charged target is e ε g_χ; the published cross section takes ε g_χ.",
)
COLUMNS = ("quantity", "unit", "published", "standard", "published / standard")


def lead(bdm: Mapping[str, Any]) -> str:
    """What was computed, in two sentences."""
    return (
        f"Dark matter of {bdm['mx_mev']:g} MeV boosted by the neutrinos of {bdm['supernova']}, {bdm['t_yr']:g} years "
        f"after these arrived; energies of {bdm['tx_mev']:g} MeV for maps and fluxes, {bdm['tx_min_mev']:g} to "
        f"{bdm['tx_max_mev']:g} MeV for events in {bdm['duration_yr']:g} years. The published conventions repeat the "
        "numbers of the literature; the standard ones are the physics done correctly. They differ for these reasons:"
    )


def rows(bdm: Mapping[str, Any]) -> list[list[Any]]:
    """One row of `COLUMNS` for every number."""
    body = []
    for number in bdm["numbers"].values():
        published, standard = number["published"], number["standard"]
        ratio = published / standard if published is not None and standard else None
        body.append([number["quantity"], number["unit"], published, standard, ratio])
    return body
