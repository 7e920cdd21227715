"""`nusky check`: what a configuration would do, what it costs, and what of it is done."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from nusky.cli import console
from nusky.cli.exit_status import UNFINISHED


def check(
    configuration: Annotated[Path, typer.Argument(metavar="CONFIG", help="Configuration of a run, YAML.")],
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores to estimate the time for; all of this machine.")
    ] = None,
    directory: Annotated[Path, typer.Option(help="Folder the workflow runs in: holds results/ and data/.")] = Path("."),
    finished: Annotated[bool, typer.Option("--finished", help="End with status 3 unless the run is finished.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a configuration and say in plain words what would run, what it costs and what is there already.

    Source lists are read and checked too; nothing is computed or downloaded.

    \b
    Examples:
      nusky check config/demo.yaml
      nusky check mine.yaml --cores 32
      nusky check mine.yaml --finished && echo done
    """
    from nusky import config
    from nusky.detector.configured import spectrum_of
    from nusky.stages import estimate

    cfg = config.load(configuration)
    if cfg.bdm:
        from nusky.stages import bdm

        bdm.check(cfg.bdm)
    spectrum = spectrum_of(cfg.spectrum, directory).words
    catalogues = {name: catalogue_report(cfg, name, directory) for name in cfg.catalogues}
    sources = {name: report["n_sources"] for name, report in catalogues.items()}
    console.require_workflow()
    jobs = estimate.jobs(cfg, estimate.Sizes(estimate.events_of(cfg), sources), directory)
    cores = cores or console.cores()
    whole = estimate.total(jobs, cores)
    missing = [job for job in jobs if not all((directory / output).exists() for output in job.outputs)]
    left = estimate.total(missing, cores)
    told = {
        "configuration": str(configuration),
        "run": cfg.run,
        "release": release_report(cfg, directory) if cfg.catalogues else None,
        "catalogues": {name: _explained(cfg, name, report) for name, report in catalogues.items()},
        "spectrum": spectrum if cfg.catalogues else None,
        "methods": cfg.methods if cfg.catalogues else [],
        "inference": cfg.inference.model_dump(mode="json") if cfg.inference else None,
        "durations_outside_seasons": durations_report(cfg, directory),
        "bdm": cfg.bdm.model_dump(mode="json") if cfg.bdm else None,
        "skymap": cfg.skymap.model_dump(mode="json") if cfg.skymap else None,
        "outputs": f"results/{cfg.run}/",
        "cost": {"cores": cores, "all": vars(whole), "left": vars(left)},
        "jobs": {rule: len(group) for rule, group in estimate.by_rule(jobs).items()},
        "finished": not missing,
        "unfinished_jobs": {rule: len(group) for rule, group in estimate.by_rule(missing).items()},
        "failed": _failed(directory / f"results/{cfg.run}"),
        "origin": _origin(cfg, directory),
    }
    if json:
        console.as_json(told)
    else:
        _print(told, cfg, whole, left, configuration, directory)
    if finished and missing:
        raise typer.Exit(UNFINISHED)


def catalogue_report(cfg: Any, name: str, directory: Path) -> dict[str, Any]:
    """Report of a catalogue whose files are named relative to `directory`, its weightings and spectra tried."""
    from nusky.catalogues.build import build_catalogue
    from nusky.catalogues.weights import model_weights
    from nusky.detector.configured import of_stack, spectra_of
    from nusky.errors import CatalogueError, ConfigurationError, NuskyError
    from nusky.releases import registry

    block = cfg.catalogues[name]
    lists = [
        item if item.file is None else item.model_copy(update={"file": str(directory / item.file)})
        for item in block.lists
    ]
    table, report = build_catalogue(block.model_copy(update={"lists": lists}), name)
    report["outside"] = {}
    if block.time is not None:
        from nusky.stages.inference import profiles_of

        try:
            profiles = profiles_of(block.time, table, directory)
        except NuskyError as error:
            raise type(error)(f"in config block `catalogues.{name}.time`: {error}") from None
        names = _distinct(table["name"].to_pylist())
        report["outside"] = _outside(cfg, f"catalogues.{name}.time", dict(zip(names, profiles, strict=True)), directory)
    stacks = cfg.inferred_weightings(name) if name in cfg.inferred and not cfg.one_by_one(name) else []
    report["weightings"] = {}
    for weighting, settings in block.weightings.items():
        try:
            weights, _ = model_weights(table, settings, "standard")
        except CatalogueError as error:
            raise CatalogueError(f"in config block `catalogues.{name}.weightings.{weighting}`: {error}") from None
        report["weightings"][weighting] = int((weights > 0).sum())
        if report["outside"] and weighting in stacks:
            from nusky.search.time_profile import none_seen

            weighted = [own for own, weight in zip(names, weights, strict=True) if weight > 0]
            left = {own: report["outside"][own] for own in weighted if own in report["outside"]}
            if left and len(left) == len(weighted):
                key = f"catalogues.{name}.weightings.{weighting}"
                raise ConfigurationError(f"in config block `{key}`: of those with a weight, {none_seen(left)}")
    try:
        spectrum = of_stack(spectra_of(cfg.spectrum_of(name), table, directory))
    except NuskyError as error:
        raise type(error)(f"in config block `catalogues.{name}.spectrum`: {error}") from None
    asked = cfg.spectrum_of(name)
    report |= {
        "spectrum": spectrum.quoted_words,
        "fitted": asked.fitted,
        "gammas": block.gammas if asked.fitted == "gamma" else [],
    }
    if asked.fitted not in ("", "gamma"):
        report["fitted"] += " from {:g} to {:g}".format(*asked.fit_range)
        if cfg.release.synthetic == "never" and not registry.of(cfg.release).smearing:
            raise ConfigurationError(
                f"in config block `catalogues.{name}`: {asked.fitted} cannot be fitted, as the release has no smearing "
                "tables, so that the likelihood knows no energies. Leave `fit` out of its spectrum, or of the run's."
            )
    return report


def _distinct(names: list[str]) -> list[str]:
    """Names of sources, those of several with the number of the source."""
    uses = Counter(names)
    return [name if uses[name] == 1 else f"{name} (source {k})" for k, name in enumerate(names, start=1)]


def durations_report(cfg: Any, directory: Path) -> dict[str, str] | None:
    """Windows of `inference.durations` that lie outside the good runs, with the reason; None where these are not known.

    PhysicsError if all of them do.
    """
    from nusky.stages.inference import windows_at

    windows = cfg.inference and cfg.inference.durations
    if not windows:
        return {}
    profiles = dict(zip((f"{days:g} d" for days in windows.days), windows_at(windows.model_dump()), strict=True))
    return _outside(cfg, "inference.durations", profiles, directory)


def _outside(cfg: Any, key: str, profiles: dict[str, Any], directory: Path) -> dict[str, str] | None:
    """Windows, by name, that lie outside the good runs, with the reason; None where these are not known yet."""
    from nusky.errors import NuskyError
    from nusky.paths import DOWNLOADS
    from nusky.releases import ingest, registry
    from nusky.stages.windows import unseen

    seasons = registry.of(cfg.release).select(cfg.release.seasons)
    uptimes = ingest.known_runs(cfg.release, cfg.seed, directory, directory / DOWNLOADS)
    if {season.name for season in seasons} > set(uptimes["season"].to_pylist()):
        return None
    try:
        return unseen(profiles, uptimes)
    except NuskyError as error:
        raise type(error)(f"in config block `{key}`: {error}") from None


def release_report(cfg: Any, directory: Path) -> dict[str, Any]:
    """What is known of the release of a configuration before anything is read, as `nusky check` prints it."""
    from nusky.paths import DOWNLOADS
    from nusky.releases import inventory, own_lists, registry
    from nusky.releases.generator import is_generated
    from nusky.stages import estimate

    release = registry.of(cfg.release)
    seasons = release.select(cfg.release.seasons)
    if release.lists:
        files = own_lists.required_files(Path(), release, seasons)
        lost = [name for name in files if not (directory / name).is_file()]
        here, where = not lost, f"NOT THERE: {', '.join(lost)}" if lost else f"{len(files)} files as configured"
    elif cfg.release.synthetic == "always":
        where, here = "generated by nusky: no number of this run is a measurement", True
    elif cfg.release.local_path is not None:
        path = directory / Path(cfg.release.local_path).expanduser()
        here = path.exists()
        where = str(path) if here else f"{path}: NOT THERE; correct `release.local_path`"
        if path.is_dir() and is_generated(path):
            where += " (generated by nusky: no number of this run is a measurement)"
    else:
        here = inventory.take(release, directory / DOWNLOADS).unpacked
        size = "" if release.archive_bytes is None else f" ({console.bytes_text(release.archive_bytes)})"
        where = "already downloaded" if here else f"to be downloaded{size} from {release.mirrors[0].url}"
        if not here and cfg.release.synthetic == "if-unavailable":
            where += "; generated events if that fails"
    counts = [season.n_events for season in seasons]
    return {
        "name": release.name,
        "title": release.title,
        "seasons": [season.name for season in seasons],
        "n_events": sum(estimate.events_of(cfg).values()),
        "n_events_known": None not in counts,
        "where": where,
        "not_stated": cfg.release.not_stated,
        "here": here,
    }


def _explained(cfg: Any, name: str, report: dict[str, Any]) -> dict[str, Any]:
    block = cfg.catalogues[name]
    return {
        "n_sources": report["n_sources"],
        "lists": {part["label"]: part["n_sources"] for part in report["lists"]},
        "weightings": report["weightings"],
        "spectrum": report["spectrum"],
        "fitted": report["fitted"],
        "gammas": report["gammas"],
        "single_sources": block.single_sources,
        "without_flux": report["missing_flux"]["count"],
        "understood": {part["label"]: part["understood"] for part in report["lists"] if part["understood"]},
        "time": _of_time(block.time),
        "windows_outside_seasons": report["outside"],
        "notes": report["notes"],
    }


def _of_time(time: Any) -> str:
    if time is None:
        return "steady"
    described = (
        f"{key} {value if isinstance(value, float) else f'in column {value}'}" for key, value in time.values.items()
    )
    options = (f"{key} {value}" for key, value in time.options.items() if key != "file_columns")
    what = "times are" if time.scramble == "times" else "right ascensions are"
    return f"{time.profile}: {', '.join([*described, *options])}; {what} scrambled"


def _failed(run: Path) -> list[dict[str, Any]]:
    """Jobs whose last try failed."""
    from nusky.stages import run_log

    logs = run_log.all_of(run) if run.is_dir() else []
    keys = ("rule", "wildcards", "ended", "error")
    return [{key: log.get(key) for key in keys} for log in logs if log.get("status") == "failed"]


def _origin(cfg: Any, directory: Path) -> dict[str, Any]:
    """Which code made the tables that are there; warnings of that, and of tables that no job of the run made."""
    from nusky.errors import TableError
    from nusky.revision import sources_sha256
    from nusky.stages import origins
    from nusky.stages.contents import Contents
    from nusky.tables import read_metadata

    contents = Contents(cfg, directory)
    tables, unreadable = [], []
    for name in sorted(name for name in contents.tables() if (directory / name).is_file()):
        try:
            read_metadata(directory / name)
            tables.append(name)
        except TableError as error:
            unreadable.append(str(error))
    code = origins.code(directory / name for name in tables)
    strangers = origins.strangers(directory, contents.paths.root, tables)
    warnings = origins.warnings(code, strangers.unaccounted)
    if unreadable:
        warnings.append(f"{len(unreadable)} of the tables cannot be read, as the first of them: {unreadable[0]}")
    if strangers.changed:
        named = ", ".join(strangers.changed)
        warnings.append(f"Not what a job of this run wrote there: {named}. Delete it and run again.")
    others = sum(state["tables"] for state in code if state["sources_sha256"] != sources_sha256())
    if others:
        warnings.append(
            f"{others} of {len(tables)} tables were made by other code than this, and a run keeps them. "
            "`snakemake --forceall` makes them anew."
        )
    return {"code": code, "warnings": warnings}


def _print(told: dict[str, Any], cfg: Any, whole: Any, left: Any, configuration: Path, directory: Path) -> None:
    console.say(f"{configuration}: valid")
    console.section(f"run {cfg.run}")
    if told["release"]:
        release = told["release"]
        number = f"{release['n_events']:,}".replace(",", " ")
        events = number if release["n_events_known"] else f"about {number}, known once they are read"
        console.pairs(
            {
                "release": f"{release['name']}: {release['title']}",
                "events": f"{events} in {len(release['seasons'])} seasons: {', '.join(release['seasons'])}",
                "where": release["where"],
                "methods": ", ".join(told["methods"]),
            }
        )
        for text in release["not_stated"]:
            console.pairs({"not stated": text})
    for name, catalogue in told["catalogues"].items():
        lists = ", ".join(f"{label} {count}" for label, count in catalogue["lists"].items())
        console.section(f"catalogue {name}")
        rows = {
            "sources": f"{catalogue['n_sources']} ({lists})",
            "weightings": ", ".join(
                f"{w} ({n} source{'' if n == 1 else 's'})" for w, n in catalogue["weightings"].items()
            ),
            "spectrum": catalogue["spectrum"],
            "spectral indices": ", ".join(map(str, catalogue["gammas"])) or "those of the spectrum",
            **({"fitted": catalogue["fitted"]} if catalogue["fitted"] not in ("", "gamma") else {}),
            "each source alone": "yes" if catalogue["single_sources"] else "no",
            "in time": catalogue["time"],
        }
        rows |= _of_windows(catalogue["windows_outside_seasons"])
        if catalogue["without_flux"]:
            rows["without a flux"] = str(catalogue["without_flux"])
        console.pairs(rows)
        for label, text in catalogue["understood"].items():
            console.pairs({f"{label} read as": text})
        for note in catalogue["notes"]:
            console.pairs({"note": note})
    if cfg.inference:
        console.section("inference (p-values, sensitivities, limits from trials)")
        console.pairs(_inference(cfg) | _of_windows(told["durations_outside_seasons"]))
    if cfg.skymap:
        console.section("all-sky map (hot spots, corrected for the scan)")
        console.pairs(_skymap(cfg.skymap, cfg.spectrum))
    if cfg.bdm:
        console.section(f"boosted dark matter of {cfg.bdm.supernova.name}")
        console.pairs(_bdm(cfg.bdm))
    other = [key for key in type(cfg).model_fields if key not in _EXPLAINED and getattr(cfg, key) is not None]
    if other:
        console.say()
        console.say(f"also computed, without an estimate here: {', '.join(other)}")
    console.section("cost (rough; a core of about 2.5 GHz, without downloads)")
    console.pairs(
        {
            "jobs": whole.n_jobs,
            "processor time": console.duration_text(whole.cpu_s),
            "time": f"{console.duration_text(whole.wall_s)} with --cores {told['cost']['cores']}",
            "longest job": console.duration_text(whole.longest_s),
            "memory": f"{whole.memory_mib / 1024:.1f} GiB for the largest job",
        }
    )
    console.say()
    _print_progress(told, whole, left, directory)


def _of_windows(outside: dict[str, str] | None) -> dict[str, str]:
    if outside is None:
        return {"windows": "whether they lie in good runs is known once the release is read"}
    if not outside:
        return {}
    listed = "; ".join(f"{name}: {reason}" for name, reason in list(outside.items())[:_LISTED])
    more = f"; and {len(outside) - _LISTED} more (--json has all)" if len(outside) > _LISTED else ""
    return {"left out": f"{len(outside)} outside the good runs. {listed}{more}"}


_LISTED = 5
"""Sources that are named."""
_EXPLAINED = (
    *("run", "seed", "release", "bdm", "catalogues", "spectrum", "methods", "scan"),
    *("inference", "skymap", "figures"),
)
"""Blocks of the configuration this command speaks of."""


def _print_progress(told: dict[str, Any], whole: Any, left: Any, directory: Path) -> None:
    console.heading(f"state of {directory / told['outputs']}")
    if told["finished"]:
        console.pairs({"finished": "every output is there; `snakemake -n` tells whether one is out of date"})
    else:
        done = whole.n_jobs - left.n_jobs
        rules = ", ".join(f"{rule} {count}" for rule, count in told["unfinished_jobs"].items())
        console.pairs({"finished": f"{done} of {whole.n_jobs} jobs", "left": rules})
        if done:
            console.pairs({"time left": console.duration_text(left.wall_s)})
    for warning in told["origin"]["warnings"]:
        console.pairs({"warning": warning})
    for job in told["failed"]:
        where = ", ".join(job["wildcards"].values())
        console.pairs({f"failed: {job['rule']} {where}".rstrip(): job["error"]})


def _inference(cfg: Any) -> dict[str, Any]:
    from nusky.releases import registry

    block = cfg.inference
    smearing = cfg.release.synthetic == "always" or registry.of(cfg.release).smearing  # generated events have tables
    chosen = block.catalogues or list(cfg.catalogues)
    free = "fitted" if smearing else "fixed at each listed one"
    return {
        "likelihood": "space and energy where the release has smearing tables" if smearing else "space only",
        "catalogues": ", ".join(f"{name} ({', '.join(cfg.inferred_weightings(name))})" for name in chosen),
        "spectral index": _index(block, cfg.spectrum, free),
        "trials": f"{block.trials} per stack, {block.source_trials} per source, {block.sky_trials} full skies, "
        f"{block.injected_trials} with signal at each strength",
        "upper limits": f"{100 * block.confidence_level:g} % ({block.limit_method})",
        "declinations": len(block.declinations_deg) or "none",
    }


def _index(block: Any, spectrum: Any, free: str) -> str:
    """What the block of an inference or a map does with the index; `free` where nothing fixes it."""
    fixed = block.gamma if spectrum.gamma is None else spectrum.gamma
    other = f"; {spectrum.fit} is fitted" if spectrum.fit not in (None, "gamma") else ""
    return free if fixed is None else f"fixed at {fixed}{other}"


def _skymap(block: Any, spectrum: Any) -> dict[str, Any]:
    from nusky.search.skymap.nodes import declinations

    n_declinations = len(declinations(block.calibration_spacing_deg))
    divided = block.nside > block.nside_coarse
    finer = f", {block.nside} where TS reaches {block.refine_above:g}" if divided else ""
    return {
        "spectral index": _index(block, spectrum, "fitted"),
        "pixels": f"HEALPix nside {block.nside_coarse}{finer}",
        "trials": f"{block.calibration_trials} at each of {n_declinations} declinations, {block.sky_trials} full skies",
        "hot spots": f"{block.n_spots} listed, {block.n_zooms} enlarged",
    }


def _bdm(block: Any) -> dict[str, Any]:
    return {
        "dark matter": f"mass {block.mx_mev:g} MeV, kinetic energy {block.tx_mev:g} MeV",
        "time": f"{block.t_yr:g} years after the neutrinos; events of {block.duration_yr:g} years",
        "sky map": f"{block.n_l} x {block.n_b} points, HEALPix nside {block.nside}",
        "light curve": f"{block.n_times} times",
        "events": f"{block.n_masses} masses, {block.tx_min_mev:g} to {block.tx_max_mev:g} MeV",
    }
