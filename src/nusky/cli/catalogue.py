"""`nusky catalogue`: what nusky understands of a source list."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from nusky.cli import console
from nusky.cli.option_groups import with_groups

app = typer.Typer(
    help="Source catalogues: show one, check a file of your own.", no_args_is_help=True, rich_markup_mode=None
)


@dataclass(frozen=True)
class ListOptions:
    """What a source list holds where: its columns, and what it does not state itself."""

    name: Annotated[str, typer.Option(help="Column with the names of the sources.")] = "name"
    ra: Annotated[
        str, typer.Option(help="Column with the right ascension or Galactic longitude, degrees unless it has a unit.")
    ] = "ra_deg"
    dec: Annotated[
        str, typer.Option(help="Column with the declination or Galactic latitude, degrees unless it has a unit.")
    ] = "dec_deg"
    extension: Annotated[
        str | None, typer.Option(help="Column with the Gaussian width, degrees unless it has a unit.")
    ] = None
    table: Annotated[str | None, typer.Option(help="Name or number of the table in a file that holds several.")] = None
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv, tsv, blanks, ecsv, fits or votable, where the suffix does not tell."),
    ] = None
    unit: Annotated[
        str | None, typer.Option(help="Unit of coordinates where the file states none: deg, rad or hours.")
    ] = None
    frame: Annotated[
        str | None, typer.Option(help="Frame where the file states none: icrs, fk5, fk4 (B1950) or galactic.")
    ] = None


Weights = Annotated[list[str] | None, typer.Option("--weight", help="Column to weight a stack with; may be repeated.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
@with_groups
def show(
    what: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A ready-made catalogue, a built-in list or a file.")
    ],
    *,
    rows: Annotated[int, typer.Option(min=0, help="Number of sources to show.")] = 10,
    given: ListOptions,
    json: AsJson = False,
) -> None:
    """Print the sources of a catalogue as nusky uses them, and what was decided while reading.

    \b
    Examples:
      nusky catalogue show wcda-hess
      nusky catalogue show atnf --rows 3
      nusky catalogue show mine.csv --name Source --ra RA --dec Dec
    """
    from nusky.catalogues.build import build_catalogue

    label, block = _catalogue(what, given)
    built, report = build_catalogue(block, label)
    sources = built.to_pylist()
    if json:
        console.as_json({"report": report, "sources": sources})
        return
    _explain(report)
    console.say()
    if left_out := console.grid(sources[:rows]):
        console.say(f"further columns: {', '.join(left_out)}")
    if rows < len(sources):
        console.say(f"{len(sources) - rows} more sources; --rows shows more of them")


@app.command()
@with_groups
def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, TSV, ECSV, FITS or VOTable file.")],
    *,
    given: ListOptions,
    weight: Weights = None,
    json: AsJson = False,
) -> None:
    """Check a source list of your own, and write the block of the configuration that uses it.

    \b
    Examples:
      nusky catalogue validate mine.csv --ra RA --dec Dec
      nusky catalogue validate mine.csv --name Source --weight flux
    """
    from nusky.catalogues.build import build_catalogue

    label, block = file_block(file, given, weight or [])
    built, report = build_catalogue(block, label)
    stacks = {weighting: weights_told(built, settings) for weighting, settings in block.weightings.items()}
    if json:
        console.as_json({"report": report, "weightings": stacks})
        return
    _explain(report)
    console.say()
    for weighting, found in stacks.items():
        console.heading(f"weighting {weighting}")
        console.pairs({"sources with a weight": found["n_sources"], "effective number": f"{found['n_effective']:.1f}"})
        for note in found["notes"]:
            console.pairs({"note": note})
    console.section("To use it, write in the configuration:")
    import yaml

    content = {"catalogues": {label: written(block)}}
    console.say(yaml.safe_dump(content, sort_keys=False, allow_unicode=True).rstrip())


def _catalogue(what: str, given: ListOptions) -> tuple[str, Any]:
    """The name and the configuration of a ready-made catalogue, a built-in list or a file."""
    from nusky import config
    from nusky.errors import CatalogueError
    from nusky.resources import SOURCE_LISTS

    if what in config.PRESETS:
        return what, config.Catalogue.model_validate(config.PRESETS[what])
    if what in SOURCE_LISTS:
        return what, config.Catalogue(lists=[config.SourceList(builtin=what)])
    if not Path(what).suffix and not Path(what).exists():
        raise CatalogueError(
            f"'{what}' is no catalogue: there are the ready-made {', '.join(config.PRESETS)}, the lists "
            f"{', '.join(SOURCE_LISTS)}, and files (.csv, .tsv, .ecsv, .fits, .vot)."
        )
    return file_block(Path(what), given, [])


def file_block(path: Path, given: ListOptions, weights: list[str]) -> tuple[str, Any]:
    """The name and the configuration of a source list of one's own, weighted by the columns `weights` too."""
    import re

    from pydantic import ValidationError

    from nusky import config

    stated = {"table": given.table, "format": given.form, "unit": given.unit, "frame": given.frame}
    columns = {"name": given.name, "ra_deg": given.ra, "dec_deg": given.dec}
    if given.extension is not None:
        columns["extension_deg"] = given.extension
    try:
        lists = [config.SourceList(file=str(path), columns=config.Columns(**columns), **stated)]
    except ValidationError as error:
        wrong = error.errors()[0]
        hint = f"--{wrong['loc'][0]}" if wrong["loc"] else None
        raise typer.BadParameter(config.problem(wrong), param_hint=hint) from None
    weightings = {"uniform": config.Weighting()} | {f"by-{_word(w)}": config.Weighting(column=w) for w in weights}
    label = re.sub(r"^[^A-Za-z0-9]+", "", _word(path.name.split(".")[0])) or "mine"
    return label, config.Catalogue(lists=lists, weightings=weightings)


def _word(text: str) -> str:
    """`text` as a name a configuration accepts."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)


def weights_told(table: Any, weighting: Any) -> dict[str, Any]:
    """What the standard method makes of a weighting; the effective number of sources is 1 / sum of squared shares."""
    from nusky.catalogues.weights import model_weights

    weights, notes = model_weights(table, weighting, "standard")
    return {"n_sources": int((weights > 0).sum()), "n_effective": float(1 / (weights**2).sum()), "notes": notes}


def _explain(report: dict[str, Any]) -> None:
    console.heading(f"{report['catalogue']}: {report['n_sources']} sources")
    for part in report["lists"]:
        console.pairs({part["label"]: f"{part['n_sources']} sources from {part['source']}"})
        if part["understood"]:
            console.pairs({"read as": part["understood"]}, indent=4)
        told = {
            "repeated rows left out": part["repeated_rows_left_out"],
            "same name, kept": part["same_name_kept"],
            "same position, kept": [" = ".join(names) for names in part["same_position_kept"]],
            "without a flux": part["missing_flux"],
        }
        few = {key: ", ".join(names[:6]) + (" ..." if len(names) > 6 else "") for key, names in told.items()}
        console.pairs({key: f"{len(names)}: {few[key]}" for key, names in told.items() if names}, indent=4)
    limits = report["limits"]
    if limits["flux"] or limits["extension"]:
        console.pairs({"upper limits": f"{limits['flux']} of the flux, {limits['extension']} of the extension"})
    for note in report["notes"]:
        console.pairs({"note": note})


def written(block: Any) -> dict[str, Any]:
    """The catalogue of `file_block` as a configuration holds it."""
    content = block.model_dump(mode="json", exclude_defaults=True)
    own = {name: settings.model_dump(exclude_defaults=True) for name, settings in block.weightings.items()}
    return content | {"weightings": own}
