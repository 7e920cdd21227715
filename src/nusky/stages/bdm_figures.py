"""Figure stage of boosted dark matter: tables in, figure files out."""

import os
from collections.abc import Iterator, Mapping, Sequence
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
    "exclusion": "exclusion",
}
"""The figures, and the table that each of them shows."""


def of_run(block: config.BoostedDarkMatter) -> list[str]:
    """Those of `FIGURES` that a run has: limits only where they are asked for."""
    return [name for name in FIGURES if name != "exclusion" or block.exclusion]


def draw(
    settings: Mapping[str, Any], tables: Mapping[str, PathLike], outputs: Sequence[PathLike], options: config.Figures
) -> None:
    """Draw every figure of boosted dark matter.

    Parameters
    ----------
    settings : the `bdm` block of the configuration
    tables : paths by name: numbers, and those of `FIGURES`
    outputs : the figures of `of_run`, each in all formats
    """
    from nusky.figures import canvas

    block = config.BoostedDarkMatter.model_validate(settings)
    for name, files in zip(of_run(block), in_groups(outputs, len(options.formats)), strict=True):
        with canvas.laid_out(canvas.Layout(options.titles, options.width)):
            drawn = figure(name, block, tables[FIGURES[name]], tables["numbers"])
        canvas.save(drawn, files, dpi=options.dpi)


def figure(name: str, block: config.BoostedDarkMatter, table: PathLike, numbers: PathLike) -> Any:
    """One of `FIGURES`, drawn from its table and the table "bdm_numbers"."""

    from nusky.figures import bdm_cross_sections, bdm_exclusion, bdm_rates, bdm_sky_map

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
    if name == "exclusion":
        from nusky.stages.bdm import particle_model  # numba takes longer to import than a figure to draw

        coupled = block.exclusion is not None and block.exclusion.model == "lmutau"
        product = particle_model(block).coupling_product if coupled else None
        return bdm_exclusion.bdm_exclusion(read(bdm_exclusion.COLUMNS), supernova=supernova, coupling_product=product)
    counted = f"{block.duration_yr:g} years from {years}, {block.tx_min_mev:g} to {block.tx_max_mev:g} MeV"
    return bdm_rates.bdm_events(
        read(bdm_rates.EVENT_COLUMNS), supernova=supernova, case=counted, threshold_mev=value["mx_threshold"]
    )


def in_groups(outputs: PathLike | Sequence[PathLike], size: int) -> Iterator[tuple[PathLike, ...]]:
    """The files of each figure, `size` of them, from those of all."""
    outputs = [outputs] if isinstance(outputs, str | os.PathLike) else outputs
    return zip(*[iter(outputs)] * size, strict=True)
