"""Stage: source lists to the canonical table of a catalogue, with a report of what was read and decided."""

import os

from nusky import config, files, tables
from nusky.stages.origins import source_lists


def build(
    catalogue: config.Catalogue, name: str, table_path: str | os.PathLike[str], report_path: str | os.PathLike[str]
) -> None:
    """Write the table "sources" of the catalogue called `name` and its report (JSON)."""
    from nusky.catalogues.build import build_catalogue

    sources, report = build_catalogue(catalogue, name)
    settings = catalogue.model_dump(include={"lists", "crossmatch_radius_deg"})
    if catalogue.time and catalogue.time.columns:
        settings["time"] = catalogue.time.columns
    tables.write_table(
        table_path, sources, kind="sources", provenance=tables.trace(source_lists(catalogue), settings=settings)
    )
    files.write_json(report_path, report)
