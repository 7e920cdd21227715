"""`nusky bdm`: boosted dark matter of one supernova: flux, events, limits of detectors and sky map."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from nusky.cli import console
from nusky.cli.angles import declination_deg, right_ascension_deg
from nusky.cli.option_groups import with_groups

app = typer.Typer(help="Boosted dark matter of one supernova.", no_args_is_help=True, rich_markup_mode=None)


Model = Literal["constant", "lmutau"]
Rules = Literal["standard", "published"]
Counting = Literal["poisson", "feldman-cousins"]


def _quantity(name: str) -> Callable[[Any], Any]:
    """Parser of an option; imported late because it needs the physics' constants."""

    def parse(text: Any) -> Any:
        from nusky.cli import quantities

        return getattr(quantities, name).parse(text)

    parse.__name__ = name.lower()
    return parse


_ENERGY, _TIME, _DISTANCE, _AREA = (_quantity(name) for name in ("ENERGY", "TIME", "DISTANCE", "AREA"))


def _coupling(text: Any) -> Any:
    """Parser of a number or the word loop."""
    if text == "loop":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is neither a number nor the word loop.") from None


@dataclass(frozen=True)
class Where:
    """A supernova, and the galaxy whose halo its neutrinos cross."""

    supernova: Annotated[str, typer.Option(help="Name in nusky's list, or any name with --ra, --dec, --distance.")] = (
        "Cas A"
    )
    ra: Annotated[
        float | None,
        typer.Option(
            parser=right_ascension_deg, metavar="ANGLE", help="Right ascension: 350.85, 23h23m24s or 23:23:24 (hours)."
        ),
    ] = None
    dec: Annotated[
        float | None,
        typer.Option(parser=declination_deg, metavar="ANGLE", help="Declination: 58.8, 58d49m00s or 58:49:00."),
    ] = None
    distance: Annotated[float | None, typer.Option(parser=_DISTANCE, metavar="KPC", help="Distance: 3.5kpc.")] = None
    host: Annotated[
        str | None, typer.Option(help="Galaxy whose halo is boosted, Milky Way or LMC; that of the supernova.")
    ] = None

    def place(self) -> Any:
        """The `nusky.bdm.supernovae.Place`."""
        from nusky.bdm.supernovae import described, place

        if (self.ra is None) != (self.dec is None):
            raise typer.BadParameter("give --ra and --dec together, or neither for a supernova of nusky's list.")
        if self.ra is not None and self.distance is None:
            raise typer.BadParameter("a position of your own needs --distance too.")
        return place(described(self.supernova, self.ra, self.dec, self.distance, self.host))


@dataclass(frozen=True)
class Couplings:
    """Parameters of the model lmutau."""

    neutrino_coupling: Annotated[
        float, typer.Option(help="lmutau: product of couplings, neutrinos and dark matter.")
    ] = 1e-8
    target_coupling: Annotated[
        Any,
        typer.Option(
            parser=_coupling, metavar="NUMBER", help="lmutau: kinetic mixing times coupling to dark matter, or loop."
        ),
    ] = "1e-8"
    mediator_ratio: Annotated[float, typer.Option(help="lmutau: mass of the boson over that of dark matter.")] = 1 / 3
    oscillation: Annotated[
        str,
        typer.Option(help="lmutau: flavours of the neutrinos: none (as emitted), normal or inverted (mass ordering)."),
    ] = "none"

    def physics(self, model: Model, sigma_xv: float = 1e-45) -> Any:
        """A model of `nusky.bdm.models`; sigma_xv in cm^2."""
        from nusky.bdm.checks import positive
        from nusky.bdm.models import ConstantCrossSection, LMuTau

        if model == "constant":
            return ConstantCrossSection(float(positive("sigma_xv", sigma_xv, "cm2")))
        return LMuTau(**vars(self))


Time = Annotated[
    float, typer.Option("--t", parser=_TIME, metavar="YR", help="Time since its neutrinos arrived: 350yr, 3e8s.")
]
Tx = Annotated[
    float, typer.Option("--tx", parser=_ENERGY, metavar="MEV", help="Kinetic energy of dark matter: 5MeV, 0.005GeV.")
]
Mx = Annotated[float, typer.Option("--mx", parser=_ENERGY, metavar="MEV", help="Mass of dark matter: 1MeV, 10keV.")]
ModelName = Annotated[Model, typer.Option("--model", help="Constant cross section, or vector boson of L_mu - L_tau.")]
Sigma = Annotated[
    float, typer.Option("--sigma-xv", parser=_AREA, metavar="CM2", help="constant: cross section with neutrinos.")
]
Conventions = Annotated[Rules, typer.Option("--conventions", help="Set of conventions.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with all inputs.")]


@app.command()
@with_groups
def flux(
    context: typer.Context,
    *,
    where: Where,
    t: Time = "350yr",
    tx: Tx = "5MeV",
    mx: Mx = "1MeV",
    model: ModelName = "constant",
    sigma_xv: Sigma = "1e-45cm2",
    couplings: Couplings,
    conventions: Conventions = "standard",
    json: AsJson = False,
) -> None:
    """Flux from the whole sky per kinetic energy, MeV^-1 cm^-2 s^-1.

    \b
    Examples:
      nusky bdm flux --t 350yr --tx 5MeV --mx 1MeV
      nusky bdm flux --supernova "SN 1054" --t 970yr --mx 10keV --json
      nusky bdm flux --ra 23h23m24s --dec 58d49m00s --distance 3.5kpc
    """
    _refuse_idle(context, _of_other_models(model))
    from nusky.bdm import constant, get_tvan

    place = where.place()
    physics = couplings.physics(model, sigma_xv)
    boosted = place.under(physics, _set(conventions))
    value, error = boosted.flux(t * constant.year2Seconds, tx, mx, full_output=True)
    end = get_tvan(tx, mx, boosted.Rs) / constant.year2Seconds
    inputs = {**_told_of(place), **_told(model, physics), "conventions": conventions}
    inputs |= {"t_yr": t, "tx_mev": tx, "mx_mev": mx, "signal_ends_yr": end}
    _report("flux", value, error, "MeV^-1 cm^-2 s^-1", inputs, json, _why_nothing(value, t, end))


@app.command()
@with_groups
def events(
    context: typer.Context,
    *,
    where: Where,
    t: Time = "350yr",
    duration: Annotated[float, typer.Option(parser=_TIME, metavar="YR", help="How long is counted.")] = "35yr",
    tx_min: Annotated[float, typer.Option(parser=_ENERGY, metavar="MEV", help="Lowest kinetic energy.")] = "5MeV",
    tx_max: Annotated[float, typer.Option(parser=_ENERGY, metavar="MEV", help="Highest kinetic energy.")] = "30MeV",
    mx: Mx = "1MeV",
    recoil_above: Annotated[
        float, typer.Option(parser=_ENERGY, metavar="MEV", help="Lowest recoil energy of the target that counts.")
    ] = "0MeV",
    targets: Annotated[float, typer.Option(min=0, help="Number of targets (electrons).")] = 1.0,
    model: ModelName = "constant",
    sigma_xv: Sigma = "1e-45cm2",
    sigma_xe: Annotated[
        float, typer.Option(parser=_AREA, metavar="CM2", help="constant: cross section with the target.")
    ] = "1e-35cm2",
    couplings: Couplings,
    conventions: Conventions = "standard",
    json: AsJson = False,
) -> None:
    """Number of recoils in a detector of electrons.

    \b
    Examples:
      nusky bdm events --t 350yr --duration 10yr --targets 7.5e33
      nusky bdm events --model lmutau --tx-max 30MeV --recoil-above 2MeV
    """
    _refuse_idle(context, _of_other_models(model))
    if not tx_min < tx_max:
        raise typer.BadParameter("must be above --tx-min.", param_hint="--tx-max")
    if not duration > 0:
        raise typer.BadParameter("must be above 0.", param_hint="--duration")
    from nusky.bdm import constant

    place = where.place()
    physics = couplings.physics(model, sigma_xv)
    span = (t * constant.year2Seconds, (t + duration) * constant.year2Seconds)
    value, error = place.under(physics, _set(conventions)).event(
        mx, (tx_min, tx_max), span, recoil_above=recoil_above, full_output=True
    )
    # With a constant cross section the events are those of a target of 1 cm^2.
    scale = targets * (sigma_xe if model == "constant" else 1.0)
    inputs = {**_told_of(place), **_told(model, physics), "conventions": conventions}
    inputs |= {"t_yr": t, "duration_yr": duration, "tx_min_mev": tx_min, "tx_max_mev": tx_max, "mx_mev": mx}
    inputs |= {"recoil_above_mev": recoil_above, "targets": targets}
    inputs |= {"sigma_xe_cm2": sigma_xe} if model == "constant" else {}
    nothing = None if value else "nothing arrives in this time with these energies"
    _report("events", value * scale, error * scale, "", inputs, json, nothing)


@app.command()
@with_groups
def exclude(
    context: typer.Context,
    *,
    where: Where,
    detector: Annotated[
        str, typer.Option(help="super-k, hyper-k, juno, dune, xenonnt, or a YAML file with a detector of your own.")
    ] = "super-k",
    t: Annotated[
        float | None,
        typer.Option("--t", parser=_TIME, metavar="YR", help="Start of counting after the neutrinos; with --duration."),
    ] = None,
    duration: Annotated[
        float | None, typer.Option(parser=_TIME, metavar="YR", help="How long is counted; without, the detector's run.")
    ] = None,
    mx_min: Annotated[float, typer.Option(parser=_ENERGY, metavar="MEV", help="Lowest mass.")] = "0.001MeV",
    mx_max: Annotated[float, typer.Option(parser=_ENERGY, metavar="MEV", help="Highest mass.")] = "100MeV",
    masses: Annotated[int, typer.Option(min=1, help="Masses, evenly spaced in the logarithm.")] = 50,
    observed: Annotated[
        int | None,
        typer.Option(min=0, help="Events seen in the window in all of the time; without, the expected limit."),
    ] = None,
    confidence_level: Annotated[float, typer.Option(help="Confidence level of the limits.")] = 0.9,
    method: Annotated[
        Counting | None, typer.Option(help="How the number of events is limited; by what is known of the background.")
    ] = None,
    draws: Annotated[
        int, typer.Option(min=0, help="Distances and halos drawn for the band of their uncertainties.")
    ] = 0,
    distance_error: Annotated[
        float | None,
        typer.Option(
            parser=_DISTANCE, metavar="KPC", help="Error of the distance for the draws, 0kpc for none; the list's."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    model: ModelName = "constant",
    couplings: Couplings,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Also write .parquet, .csv, .png, .pdf or .svg.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Upper limits of a detector over the mass: sqrt(sigma_xv sigma_xe), or the model's product of couplings.

    \b
    Examples:
      nusky bdm exclude --supernova "Cas A" --detector super-k
      nusky bdm exclude --ra 17h45m40s --dec -29d00m28s --distance 8.5kpc --t 10s --duration 20yr --detector hyper-k
      nusky bdm exclude --detector mine.yaml --observed 3 --output limits.csv
    """
    _refuse_idle(context, _of_other_models(model) | ({} if draws else {"distance_error": "is for --draws above 0"}))
    if output is not None:
        console.check_output(output, (".parquet", ".csv", ".png", ".pdf", ".svg"), what="limits")
    import numpy as np

    from nusky.bdm import constant
    from nusky.bdm.detectors import load_detector
    from nusky.bdm.exclusion import Uncertainties, drawn_events, observed_span
    from nusky.bdm.exclusion import exclude as limits_of

    if (t is None) != (duration is None):
        raise typer.BadParameter("give --t and --duration together, or neither for the detector's run.")
    if not mx_min < mx_max and masses > 1:
        raise typer.BadParameter("--mx-min must be below --mx-max.")
    place, found = where.place(), load_detector(detector)
    physics = couplings.physics(model)
    if t is None:
        span = observed_span(place.supernova, found)
    else:
        span = (t * constant.year2Seconds, (t + duration) * constant.year2Seconds)
    limits = limits_of(
        place.under(physics),
        found,
        np.geomspace(mx_min, mx_max, masses),
        span,
        observed=observed,
        confidence_level=confidence_level,
        method=method,
    )
    if draws:
        counted = (limits.t_start, limits.t_stop)
        errors = Uncertainties(distance_kpc=None if distance_error is None else (distance_error, distance_error))
        drawn = drawn_events(physics, place, found, limits.mx, counted, draws=draws, seed=seed, uncertainties=errors)
        limits = limits.with_spread(drawn)
    inputs = {**_told_of(place), **_told(model, physics), "detector": found.title}
    inputs |= {"rough_or_assumed": ", ".join(found.approximate) or None}
    inputs |= {"confidence_level": confidence_level}
    inputs |= {"method": limits.limits[0].method, "observed": observed, "draws": draws, "seed": seed}
    inputs |= {"distance_error_kpc": distance_error}
    inputs |= {"t_start_yr": span[0] / constant.year2Seconds, "t_stop_yr": span[1] / constant.year2Seconds}
    if model == "constant":
        inputs.pop("sigma_xv_cm2")  # what strength 1 means; the limit does not depend on it
        name, scale = "sqrt_sigma_cm2", np.sqrt(limits.reference_cm4)
    else:
        name, scale = "coupling_product", physics.coupling_product
    curves = {
        name: limits.told,
        **dict(zip(("low95", "low68", "median", "high68", "high95"), limits.spread, strict=True)),
    }
    curves = {key: scale * np.sqrt(value) for key, value in curves.items() if key == name or draws}
    if output is not None:
        _write_limits(output, limits.table(), inputs, place.supernova.name, None if model == "constant" else scale)
    kind = "expected median" if observed is None else "observed"
    if json:
        shown = {key: [value if np.isfinite(value) else None for value in column] for key, column in curves.items()}
        console.as_json(
            {"mx_mev": limits.mx.tolist(), **shown, "kind": kind, "confidence_level": confidence_level}
            | {"n_limit": limits.limit_events.tolist(), "n_signal": limits.events.tolist(), "inputs": inputs}
        )
        return
    typer.echo(f"{kind} upper limits at {100 * confidence_level:g} % confidence level")
    columns = {"mx_mev": limits.mx, "n_limit": limits.limit_events, **curves}
    hidden = console.grid(
        [dict(zip(columns, map(float, row), strict=True)) for row in zip(*columns.values(), strict=True)]
    )
    if hidden:
        typer.echo(f"no room for {', '.join(hidden)}: use --json or --output")
    if not (limits.events > 0).any():
        typer.echo("nothing arrives in this time within the window: no mass is limited")
    elif not np.isfinite(curves[name]).all():
        typer.echo("inf: nothing of this mass arrives in this time within the window, so it is not limited")
    console.pairs({key: console.cell(given) for key, given in inputs.items() if given is not None})
    if output is not None:
        typer.echo(f"written: {output}")


@app.command()
@with_groups
def skymap(
    context: typer.Context,
    output: Annotated[
        Path, typer.Argument(metavar="FILE", help=".fits (HEALPix), .parquet (grid), .png, .pdf or .svg.")
    ],
    *,
    where: Where,
    t: Time = "350yr",
    tx: Tx = "5MeV",
    tx_max: Annotated[
        float | None,
        typer.Option(parser=_ENERGY, metavar="MEV", help="Integrate from --tx to this energy (.fits only)."),
    ] = None,
    mx: Mx = "1MeV",
    model: ModelName = "constant",
    sigma_xv: Sigma = "1e-45cm2",
    couplings: Couplings,
    conventions: Annotated[Rules, typer.Option(help="Set of conventions (.fits; the others show both).")] = (
        "standard"
    ),
    nside: Annotated[int, typer.Option(help="Resolution of .fits, a power of two.")] = 128,
    n_l: Annotated[int, typer.Option(help="Points in Galactic longitude, other formats.")] = 800,
    n_b: Annotated[int, typer.Option(help="Points in Galactic latitude, other formats.")] = 400,
    json: AsJson = False,
) -> None:
    """Map of the flux per solid angle, Galactic coordinates.

    \b
    Examples:
      nusky bdm skymap sky.fits --nside 64
      nusky bdm skymap sky.fits --tx 5MeV --tx-max 30MeV
      nusky bdm skymap sky.png --supernova "SN 1054" --t 970yr
    """
    console.check_output(output, (".fits", ".parquet", ".png", ".pdf", ".svg"), what="maps")
    of_grids = dict.fromkeys(("n_l", "n_b"), "is for grids, not for .fits")
    of_pixels = {"nside": "is for .fits", "conventions": "is for .fits; the others show both"}
    of_pixels |= {"tx_max": "maps integrated over energies are written as .fits"}
    idle = of_grids if output.suffix.lower() == ".fits" else of_pixels
    _refuse_idle(context, _of_other_models(model) | idle)
    from nusky.bdm import constant
    from nusky.bdm.skymap import grid_map, healpix_map

    place = where.place()
    physics = couplings.physics(model, sigma_xv)
    seconds = t * constant.year2Seconds
    inputs = {**_told_of(place), **_told(model, physics), "t_yr": t, "tx_mev": tx, "tx_max_mev": tx_max, "mx_mev": mx}
    if output.suffix.lower() == ".fits":
        energies = tx if tx_max is None else (tx, tx_max)
        boosted = place.under(physics, _set(conventions))
        sky = healpix_map(boosted, place.galactic, seconds, energies, mx, nside=nside, GC_coord=place.centre)
        sky.write(output)
        largest, integral, unit = float(sky.value.max()), sky.integral(), sky.unit
        inputs |= {"nside": nside, "conventions": conventions}
    else:
        shown = {"n_l": n_l, "n_b": n_b, "GC_coord": place.centre}
        grids = {
            rules: grid_map(place.under(physics, _set(rules)), place.galactic, seconds, tx, mx, **shown)
            for rules in get_args(Rules)
        }
        _write_grids(output, grids, inputs, place, f"Tχ = {tx:g} MeV, mχ = {mx:g} MeV, {t:g} years")
        largest, integral = float(grids[conventions].value.max()), grids[conventions].integral()
        unit = "MeV-1 cm-2 s-1 sr-1"
        inputs |= {"n_l": n_l, "n_b": n_b, "conventions": conventions}
    found = {"file": str(output), "largest": largest, "integral": integral, "unit": unit}
    if json:
        console.as_json(found | {"inputs": inputs})
        return
    console.say(f"{output}: largest {largest:.5g}, integral over the sky {integral:.5g} [{unit.removesuffix(' sr-1')}]")
    console.pairs({key: console.cell(value) for key, value in inputs.items() if value is not None})


def _refuse_idle(context: typer.Context, idle: Mapping[str, str]) -> None:
    """Refuse options that would change nothing here; `idle` says why, by the name of the parameter."""
    for param in context.command.params:
        source = context.get_parameter_source(param.name)
        if param.name in idle and source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"{idle[param.name]}; leave it out.", param_hint=param.opts[0])


def _of_other_models(model: Model) -> dict[str, str]:
    """The options that belong to another model, and why they are idle."""
    couplings = tuple(option.name for option in fields(Couplings))
    names, other = (couplings, "lmutau") if model == "constant" else (("sigma_xv", "sigma_xe"), "constant")
    return dict.fromkeys(names, f"belongs to --model {other}")


def _told_of(where: Any) -> dict[str, Any]:
    """What was computed under: supernova, position, distance and galaxy."""
    return {
        "supernova": where.supernova.name,
        "ra_deg": where.supernova.ra_deg,
        "dec_deg": where.supernova.dec_deg,
        "distance_kpc": where.supernova.distance_kpc,
        "host": where.host.name,
    }


def _set(rules: Rules) -> Any:
    from nusky.bdm import PUBLISHED, STANDARD

    return STANDARD if rules == "standard" else PUBLISHED


def _told(model: Model, physics: Any) -> dict[str, Any]:
    """The model's name and parameters."""
    if model == "constant":
        return {"model": model, "sigma_xv_cm2": physics.sigxv0}
    return {"model": model} | {option.name: getattr(physics, option.name) for option in fields(Couplings)}


def _why_nothing(value: float, t: float, end: float) -> str | None:
    if value:
        return None
    if t <= 0:
        return "nothing arrives before the neutrinos"
    return f"nothing arrives at {t:.4g} yr: the signal ends after {end:.4g} yr" if t >= end else None


def _report(
    what: str, value: float, error: float, unit: str, inputs: dict[str, Any], json: bool, note: str | None
) -> None:
    if json:
        console.as_json({what: value, "error": error, "unit": unit, "note": note, "inputs": inputs})
        return
    console.say(f"{what} = {value:.6g} ± {error:.2g} {unit}".rstrip())
    if note:
        console.say(note)
    console.pairs({key: console.cell(given) for key, given in inputs.items()})


def _write_limits(
    output: Path, table: Any, inputs: dict[str, Any], supernova: str, coupling_product: float | None
) -> None:
    """The table "bdm_exclusion" as Parquet or CSV, or its figure."""
    from nusky.tables import trace, write_csv, write_table

    if output.suffix.lower() == ".parquet":
        columns = {name: table[name] for name in table.column_names}
        write_table(output, columns, kind="bdm_exclusion", provenance=trace([], inputs))
    elif output.suffix.lower() == ".csv":
        from nusky.files import atomic_path

        with atomic_path(output) as temporary:
            write_csv(table, temporary)
    else:
        from nusky.figures import canvas
        from nusky.figures.bdm_exclusion import bdm_exclusion

        figure = bdm_exclusion(table, supernova=supernova, coupling_product=coupling_product)
        canvas.save(figure, [output], dpi=200)


def _write_grids(output: Path, grids: dict[Rules, Any], inputs: dict[str, Any], place: Any, case: str) -> None:
    """The table "bdm_sky_map" of both conventions, or its figure."""
    import numpy as np
    import pyarrow as pa

    from nusky.tables import trace, write_table

    some = grids["published"]
    l, b = np.degrees(np.meshgrid(some.l, some.b, indexing="ij"))
    columns = {"l_deg": l.ravel(), "b_deg": b.ravel()}
    columns |= {f"{rules}_per_mev_cm2_s_sr": grid.value.ravel() for rules, grid in grids.items()}
    if output.suffix.lower() == ".parquet":
        write_table(output, columns, kind="bdm_sky_map", provenance=trace([], inputs))
        return
    from nusky.figures import canvas
    from nusky.figures.bdm_sky_map import bdm_sky_map

    figure = bdm_sky_map(pa.table(columns), supernova=place.supernova.name, position=place.galactic, case=case)
    canvas.save(figure, [output], dpi=200)
