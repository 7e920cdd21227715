"""`nusky search`: is there an excess of neutrinos at a source, and what may be said of it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nusky.cli import console
from nusky.errors import PhysicsError

RELEASE = "icecube-10yr"


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Name of the source; or give --ra and --dec.", show_default=False),
    ] = None,
    ra: Annotated[
        str | None, typer.Option(metavar="ANGLE", help="Right ascension (ICRS): degrees, or 02h42m40s.")
    ] = None,
    dec: Annotated[
        str | None, typer.Option(metavar="ANGLE", help="Declination (ICRS): degrees, or -00d00m48s.")
    ] = None,
    extension: Annotated[
        str | None, typer.Option(metavar="ANGLE", help="Gaussian width of the source: degrees, or 30arcmin.")
    ] = None,
    release: Annotated[str, typer.Option(help="Release, as `nusky data list` shows it.")] = RELEASE,
    release_path: Annotated[
        Path | None, typer.Option(help="Folder or zip archive of the release; it is fetched if left out.")
    ] = None,
    seasons: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Seasons to use; all of them if left out.")
    ] = None,
    no_check_counts: Annotated[
        bool, typer.Option("--no-check-counts", help="Accept files that are not the published ones.")
    ] = False,
    allow_version_1: Annotated[
        bool, typer.Option("--allow-version-1", help="Accept version 1.0 of icecube-14yr, which is faulty.")
    ] = False,
    window: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="START STOP", help="When the source shines: MJD, or dates (UTC) such as 2014-12-13; else always."
        ),
    ] = None,
    flare: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="SHORTEST LONGEST", help="Look for a flare whose window is not known: its durations in days."
        ),
    ] = None,
    limit_days: Annotated[
        float | None,
        typer.Option(
            metavar="DAYS", help="With --flare: upper limits are for a flare that lasts so long, at any time."
        ),
    ] = None,
    gamma: Annotated[float | None, typer.Option(help="Spectral index to fix; fitted if left out.")] = None,
    spectrum: Annotated[
        str | None,
        typer.Option(
            metavar="SPECTRUM",
            help="Spectrum: cutoff:cutoff=100TeV, log-parabola:gamma=2,curvature=0.1, or a table FLUX.ecsv "
            "(docs/spectra.md); a power law if left out.",
        ),
    ] = None,
    trials: Annotated[int, typer.Option(help="Scrambled skies; 0 for a quick look without a p-value.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Root of the random numbers.")] = 1,
    out: Annotated[
        list[Path] | None,
        typer.Option(help="File to write: .json, .ecsv, .fits, .csv, .png, .pdf, .svg; may be repeated."),
    ] = None,
    profile: Annotated[
        list[Path] | None,
        typer.Option(help="File for the likelihood over flux and index, for other programs: .fits or .ecsv."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Search for neutrinos from one source: fit, p-value, upper limit, events.

    The release is read once into your data folder (or NUSKY_DATA), then used again.

    \b
    Examples:
      nusky search "NGC 1068"
      nusky search --ra 40.67 --dec -0.01 --trials 0
      nusky search "TXS 0506+056" --release icecube-3yr --out txs.png --out txs.json
      nusky search "Crab nebula" --spectrum cutoff:gamma=2.2,cutoff=30TeV
      nusky search "TXS 0506+056" --window 2014-09-29 2015-03-12
      nusky search "TXS 0506+056" --flare 1 300 --limit-days 30
    """
    for path in out or []:
        from nusky.results.search import SUFFIXES

        console.check_output(path, SUFFIXES)
    for path in profile or []:
        from nusky.results.profile import SUFFIXES as OF_PROFILES

        console.check_output(path, OF_PROFILES, what="profiles")
    if flare is not None and window is not None:
        raise typer.BadParameter("the window is known or looked for: give either --window or --flare.")
    if limit_days is not None and flare is None:
        raise typer.BadParameter("it is about an unknown flare; give --flare, too.", param_hint="--limit-days")
    if limit_days is not None and trials == 0:
        raise typer.BadParameter("limits of an unknown flare need --trials of 100 or more.", param_hint="--limit-days")
    if flare is not None and profile:
        raise typer.BadParameter("an unknown flare has none; give --window once it is known.", param_hint="--profile")
    named, origin, position = _source(" ".join(words) if words else None, ra, dec, extension)
    from nusky.detector.configured import spectrum_of_text
    from nusky.results.search import Search, check_request

    shape = None if spectrum is None else spectrum_of_text(spectrum)
    chosen = None if seasons is None else [part.strip() for part in seasons.split(",") if part.strip()]
    check_request(gamma, shape, trials, window, flare, limit_days)
    with console.busy(f"reading {release}"):
        accepted = {"check_counts": not no_check_counts, "allow_version_1": allow_version_1}
        searched = Search(release, release_path, chosen, seed, **accepted)
    with console.busy("searching" if not trials else f"searching, {trials} trials"):
        options = {"extension": position[2], "name": named, "gamma": gamma, "window": window, "trials": trials}
        options |= {"spectrum": shape, "flare": flare, "limit_days": limit_days}
        found = searched.at(*position[:2], **options)
        written = [found.write(path) for path in out or []]
        written += [found.write_profile(path) for path in profile or []]
    if json:
        console.as_json(found.to_dict())
        return
    _print(found, origin, written)


def _source(
    name: str | None, ra: str | None, dec: str | None, extension: str | None
) -> tuple[str | None, str, tuple[float, float, float]]:
    """Name, where its position is from, and position with width, rad."""
    from math import radians

    from nusky.cli.angles import declination_deg, right_ascension_deg

    if name is not None and (ra is not None or dec is not None):
        raise typer.BadParameter("give either the name of a source or --ra and --dec, not both.")
    if name is None and (ra is None or dec is None):
        missing = " and ".join(option for option, given in (("--ra", ra), ("--dec", dec)) if given is None)
        raise typer.BadParameter(
            f"{missing} missing; give the name of a source, or its position: --ra 40.67 --dec -0.01."
        )
    width = None if extension is None else _width_deg(extension)
    if name is not None:
        from nusky.catalogues import names

        with console.busy(f"looking for {name}"):
            found = names.find(name)
        width = found.extension_deg if width is None else width
        return found.name, found.origin, (radians(found.ra_deg), radians(found.dec_deg), radians(width))
    ra_deg, dec_deg = right_ascension_deg(ra), declination_deg(dec)
    if not 0 <= ra_deg < 360:
        raise PhysicsError(f"--ra {ra}: {ra_deg:g} degrees is no right ascension; give 0 to 360.")
    if not -90 <= dec_deg <= 90:
        raise PhysicsError(f"--dec {dec}: {dec_deg:g} degrees is no declination; give -90 to 90.")
    return None, "", (radians(ra_deg), radians(dec_deg), radians(width or 0.0))


def _width_deg(text: str) -> float:
    from nusky.cli.angles import declination_deg

    width = declination_deg(text)
    if not 0 <= width <= 30:
        raise PhysicsError(f"--extension {text}: {width:g} degrees is no width of a source; give 0 to 30.")
    return width


def _print(found: Any, origin: str, written: list[Path]) -> None:
    from math import isfinite

    console.heading(found.title)
    flare = "shortest_days" in found.row
    window = flare or "start_mjd" in found.row
    if found.synthetic:
        console.say("SYNTHETIC EVENTS: not a measurement.")
    first, *rest = found.summary().items()
    console.pairs(dict([first, *([("  from", origin)] if origin else []), *rest]))
    console.say()
    level = found.limits[0]["confidence_level"]
    kind = "calibrated with trials" if found.settings["trials"] else "asymptotic, not calibrated (--trials 1000 is)"
    if "uncalibrated" in found.settings["injection"]:
        kind = "from trials, uncalibrated: their coverage is not shown"
    if flare and not isfinite(found.limits[0]["n_signal_limit"]):
        console.say(f"{found.limits[0]['problem']} (--limit-days)")
    else:
        about = f" of a flare of {found.limits[0]['limit_days']:g} d at any time" if flare else ""
        console.heading(f"{100 * level:.0f} % upper limits{about}, {kind}")
        _print_limits(found, window)
    events = found.events()
    console.section(f"events that are signal with 5 % or more, for {found.n_judged:.1f} signal events: {len(events)}")
    rows = [
        {
            "season": str(event["season"]),
            "MJD": f"{event['mjd']:.3f}",
            "RA": f"{event['ra']:.2f}°",
            "Dec": f"{event['dec']:+.2f}°",
            "error": f"{event['ang_err']:.2f}°",
            "distance": f"{event['separation']:.2f}°",
            "probability": f"{event['weight']:.2f}",
        }
        for event in events[:10]
    ]
    if rows:
        console.grid(rows)
    if len(events) > 10:
        console.say(f"  and {len(events) - 10} more; --out FILE.json has all of them")
    for path in written:
        console.say(f"written: {path}")


def _print_limits(found: Any, window: bool) -> None:
    from nusky.results.search import energies, or_none, spectrum_text

    flux = "E² dN/dE in the window" if window else "E² dN/dE"
    console.say(f"{flux} in GeV cm⁻² s⁻¹, one flavour, neutrinos and antineutrinos; sensitivity in brackets")
    for row in found.limits:
        console.pairs(
            {
                spectrum_text(row): f"{or_none(row['n_signal_limit'], '.1f', ' events')} "
                f"({or_none(row['n_signal_sensitivity'], '.1f')})",
                "  at 1 TeV": _flux(row, 1),
                "  at 100 TeV": _flux(row, 100),
                **({"  fluence": _fluence(row)} if window else {}),
                "  energies": f"{energies(row)} (central 90 % of the signal)",
            }
        )
        if row["problem"]:
            console.say(f"    {row['problem']}")


def _fluence(row: dict[str, Any]) -> str:
    limit, usual = (row[f"{what}_e2_fluence_100tev_gev_cm2"] for what in ("limit", "sensitivity"))
    return f"{_of(limit, usual)}  GeV cm⁻² at 100 TeV: E² times the integral of the flux over time"


def _flux(row: dict[str, Any], energy: int) -> str:
    limit, usual = (row[f"{what}_e2dnde_{energy}tev_gev_cm2_s"] for what in ("limit", "sensitivity"))
    outside = not row["energy_min_gev"] <= energy * 1e3 <= row["energy_max_gev"]
    return f"{_of(limit, usual)}{'  outside the energies of the signal' if outside else ''}"


def _of(limit: float, sensitivity: float) -> str:
    from nusky.results.search import or_none

    return f"{or_none(limit, '.2e')} ({or_none(sensitivity, '.2e')})"
