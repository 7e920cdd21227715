"""`nusky init`: a commented configuration for a source list of one's own."""

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nusky.cli import console
from nusky.cli.catalogue import ListOptions, Weights, file_block, weights_told, written
from nusky.cli.option_groups import with_groups

_USUAL = {
    "name": ("source", "source_name", "object", "id", "common_name", "main_id"),
    "ra": ("ra", "raj2000", "_raj2000", "ra_j2000", "right ascension", "right_ascension"),
    "dec": ("dec", "dej2000", "_dej2000", "decj2000", "dec_j2000", "declination", "de"),
}
"""What columns are often called, in small letters, where they are not called as nusky would call them."""
_TEMPLATE = """\
# An analysis of the sources in {file}, written by `nusky init`.
#
#   nusky check {name}      says what would run and what it costs
#   nusky run {name}        runs it; the answer is in results/{run}/report.html
#
# All keys and what they mean: docs/configuration.md
run: {run} # results go to results/{run}/
release:
  name: {release} # {title}
  # local_path: /data/icecube # if you have the release already: its zip archive or its folder
catalogues:
  {run}:
{catalogue}
    gammas: [2.0, 2.5, 3.0] # spectral indices of dN/dE ~ E^-gamma
inference: # p-values and calibrated limits, from scrambled skies
  weightings: {weightings} # each is a search of its own, for which the p-value of the run is corrected
{gamma}  trials: 1000 # of every stack: no p-value of it can be below 1/1001; 10000 for a paper
  source_trials: 1000 # the same of every single source
  sky_trials: 200 # whole skies that all searches look at: no p-value of the run can be below 1/201
  leave_one_out_trials: 200 # the same of a stack without its main sources
  injected_trials: 100 # skies with signal at each strength, for the limits; 1000 for a paper
  source_injected_trials: 50
  discovery_sigmas: [] # such as [3.0, 5.0], for discovery potentials
# skymap: {{}} # a search of the whole sky too (takes long)
# figures: {{titles: false, width: column}} # for a paper
"""
_FIXED_GAMMA = "  gamma: 2.5 # this release does not tell energies apart: the index is fixed\n"


@with_groups
def init(
    file: Annotated[Path, typer.Argument(metavar="LIST", help="CSV, TSV, ECSV, FITS or VOTable file with sources.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Configuration to write; by default named like the list.")
    ] = None,
    release: Annotated[str, typer.Option(help="The events to search; `nusky data list` shows what there is.")] = (
        "icecube-3yr"
    ),
    *,
    given: ListOptions,
    weight: Weights = None,
) -> None:
    """Write a commented configuration for a source list of your own, after reading the list.

    Columns that are not named are looked for under their usual names. A file that exists is not written over.

    \b
    Examples:
      nusky init mine.csv
      nusky init mine.csv --name Source --ra RA --dec Dec --weight flux -o stack.yaml
    """
    import yaml

    from nusky import config, strict_yaml
    from nusky.catalogues.build import build_catalogue
    from nusky.errors import ConfigurationError
    from nusky.files import write_text
    from nusky.printable import printable
    from nusky.releases import registry

    if output is not None:
        console.check_output(output, (".yaml", ".yml"), what="configurations")
    if file.suffix.lower() in (".yaml", ".yml") and file.is_file():
        raise ConfigurationError(f"{file}: is YAML, as a configuration, which `nusky run` takes. Give a source list.")
    if str(file) in config.PRESETS:
        raise ConfigurationError(
            f"{file}: this catalogue comes with nusky and needs no list. Write `catalogues: {{{file}: {{}}}}` in a "
            "configuration (docs/configuration.md)."
        )
    chosen = registry.find(release)
    label, block = file_block(file, _found(file, given), weight or [])
    built, report = build_catalogue(block, label)
    weights = {name: weights_told(built, settings) for name, settings in block.weightings.items()}
    path = output or Path(f"{label}.yaml")
    if path.exists():
        raise ConfigurationError(f"{path}: this file exists. Remove it, or give another name with --output.")
    lists = yaml.safe_dump(written(block), sort_keys=False, allow_unicode=True, width=110).rstrip()
    content = _TEMPLATE.format(
        file=printable(file.name),
        name=path.name,
        run=yaml.safe_dump(label).split("\n")[0],
        release=release,
        title=chosen.title,
        catalogue=textwrap.indent(lists, "    "),
        weightings=yaml.safe_dump(list(block.weightings), default_flow_style=True, width=1000).strip(),
        gamma="" if chosen.smearing else _FIXED_GAMMA,
    )
    config.parse(strict_yaml.load(content, where=str(path)), where=str(path))
    write_text(path, content)
    for part in report["lists"]:
        console.pairs({"sources": str(part["n_sources"]), "read as": part["understood"] or "RA and Dec in degrees"})
    for note in report["notes"]:
        console.pairs({"note": note})
    for name, told in weights.items():
        for note in told["notes"]:
            console.pairs({f"note on {name}": note})
    console.say(f"Written: {path}. Look at it, then `nusky run {path}`.")


def _found(file: Path, given: ListOptions) -> ListOptions:
    """The columns to read: those that were named, and for the others what the file calls them, if that is usual."""
    from nusky.catalogues.tablefile import read_table

    present = read_table(file, given.name, {}, given.table, given.form).table.colnames
    plain = {name.strip().lower(): name for name in present}
    found = {}
    for key, usual in _USUAL.items():
        default = getattr(ListOptions, key)
        if getattr(given, key) == default and default not in present:  # nobody named another one
            found[key] = next((plain[name] for name in (default, *usual) if name in plain), default)
    return replace(given, **found)
