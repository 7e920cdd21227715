"""Figure stage of boosted dark matter: tables in, figure files out."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nusky import config
from nusky.tables import read_table

PathLike = str | os.PathLike[str]
FIGURES = {
    "sky_map": "sky_map",
    "differential_cross_section": "differential",
    "target_cross_sections": "targets",
    "light_curve": "light_curve",
    "events": "events",
}
"""The figures, and the table that each of them shows."""


def draw(
    settings: Mapping[str, Any], tables: Mapping[str, PathLike], outputs: Sequence[PathLike], options: config.Figures
) -> None:
    """Draw every figure of boosted dark matter.

    Parameters
    ----------
    settings : the `bdm` block of the configuration
    tables : paths by name: sky_map, differential, targets, light_curve, events, numbers
    outputs : sky map, differential cross section, target cross sections, light curve, events, each in all formats
    """
    from nusky.figures import canvas

    block = config.BoostedDarkMatter.model_validate(settings)
    for (name, table), files in zip(FIGURES.items(), _grouped(outputs, len(options.formats)), strict=True):
        canvas.save(figure(name, block, tables[table], tables["numbers"]), files, dpi=options.dpi)


def draw_exclusion(
    table: PathLike, outputs: Sequence[PathLike], settings: Mapping[str, Any], options: config.Figures
) -> None:
    """Draw the table "bdm_exclusion"; `settings` is the `bdm` block of the configuration."""
    from nusky.figures import bdm_exclusion, canvas

    block = config.BoostedDarkMatter.model_validate(settings)
    given = block.exclusion
    reference = None
    if given is not None and given.model == "lmutau":
        reference = block.model.neutrino_coupling * block.model.target_coupling
    shown = read_table(table, kind="bdm_exclusion", columns=bdm_exclusion.COLUMNS)
    drawn = bdm_exclusion.bdm_exclusion(shown, supernova=block.supernova.name, coupling_product=reference)
    canvas.save(drawn, outputs, dpi=options.dpi)


def figure(name: str, block: config.BoostedDarkMatter, table: PathLike, numbers: PathLike) -> Any:
    """One of `FIGURES`, drawn from its table and the table "bdm_numbers"."""
    from nusky.figures import bdm_cross_sections, bdm_rates, bdm_sky_map

    value = {row["key"]: row["standard"] for row in read_table(numbers, kind="bdm_numbers").to_pylist()}
    supernova, years = block.supernova.name, f"{block.t_yr:g} years after the neutrinos"
    mass, energy = f"mχ = {block.mx_mev:g} MeV", f"Tχ = {block.tx_mev:g} MeV"

    def read(columns: Sequence[str]) -> Any:
        return read_table(table, kind=f"bdm_{name}", columns=columns)

    if name == "sky_map":
        return bdm_sky_map.bdm_sky_map(
            read(bdm_sky_map.COLUMNS),
            supernova=supernova,
            position=(value["l_supernova"], value["b_supernova"]),
            case=f"{energy}, {mass}, {years}",
        )
    if name == "differential_cross_section":
        shown = read(bdm_cross_sections.DIFFERENTIAL_COLUMNS)
        return bdm_cross_sections.bdm_differential_cross_section(shown, case=f"{energy}, {mass}")
    if name == "target_cross_sections":
        nucleus = f"nucleus of {block.model.nucleus_mass_mev / 1e3:g} GeV"
        shown = read(bdm_cross_sections.TARGET_COLUMNS)
        return bdm_cross_sections.bdm_target_cross_sections(shown, case=f"{mass}, {nucleus}")
    if name == "light_curve":
        shown = read(bdm_rates.LIGHT_CURVE_COLUMNS)
        return bdm_rates.bdm_light_curve(shown, supernova=supernova, case=f"{energy}, {mass}")
    counted = f"{block.duration_yr:g} years from {years}, {block.tx_min_mev:g} to {block.tx_max_mev:g} MeV"
    return bdm_rates.bdm_events(
        read(bdm_rates.EVENT_COLUMNS), supernova=supernova, case=counted, threshold_mev=value["mx_threshold"]
    )


def _grouped(outputs: Sequence[PathLike], size: int) -> Iterable[Sequence[PathLike]]:
    return [outputs[i : i + size] for i in range(0, len(outputs), size)]
