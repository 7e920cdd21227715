"""Figure stage of boosted dark matter: tables in, figure files out."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nusky import config
from nusky.tables import read_table

PathLike = str | os.PathLike[str]


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
    from nusky.figures.bdm_cross_sections import (
        DIFFERENTIAL_COLUMNS,
        TARGET_COLUMNS,
        bdm_differential_cross_section,
        bdm_target_cross_sections,
    )
    from nusky.figures.bdm_rates import EVENT_COLUMNS, LIGHT_CURVE_COLUMNS, bdm_events, bdm_light_curve
    from nusky.figures.bdm_sky_map import COLUMNS, bdm_sky_map

    block = config.BoostedDarkMatter.model_validate(settings)
    numbers = read_table(tables["numbers"], kind="bdm_numbers").to_pylist()
    value = {row["key"]: row["standard"] for row in numbers}
    name, years = block.supernova.name, f"{block.t_yr:g} years after the neutrinos"
    mass, energy = f"mχ = {block.mx_mev:g} MeV", f"Tχ = {block.tx_mev:g} MeV"
    figures = [
        bdm_sky_map(
            read_table(tables["sky_map"], kind="bdm_sky_map", columns=COLUMNS),
            supernova=name,
            position=(value["l_supernova"], value["b_supernova"]),
            case=f"{energy}, {mass}, {years}",
        ),
        bdm_differential_cross_section(
            read_table(tables["differential"], kind="bdm_differential_cross_section", columns=DIFFERENTIAL_COLUMNS),
            case=f"{energy}, {mass}",
        ),
        bdm_target_cross_sections(
            read_table(tables["targets"], kind="bdm_target_cross_sections", columns=TARGET_COLUMNS),
            case=f"{mass}, nucleus of {block.model.nucleus_mass_mev / 1e3:g} GeV",
        ),
        bdm_light_curve(
            read_table(tables["light_curve"], kind="bdm_light_curve", columns=LIGHT_CURVE_COLUMNS),
            supernova=name,
            case=f"{energy}, {mass}",
        ),
        bdm_events(
            read_table(tables["events"], kind="bdm_events", columns=EVENT_COLUMNS),
            supernova=name,
            case=f"{block.duration_yr:g} years from {years}, {block.tx_min_mev:g} to {block.tx_max_mev:g} MeV",
            threshold_mev=value["mx_threshold"],
        ),
    ]
    for figure, files in zip(figures, _grouped(outputs, len(options.formats)), strict=True):
        canvas.save(figure, files, dpi=options.dpi)


def _grouped(outputs: Sequence[PathLike], size: int) -> Iterable[Sequence[PathLike]]:
    return [outputs[i : i + size] for i in range(0, len(outputs), size)]
