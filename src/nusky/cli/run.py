"""`nusky run`: the whole workflow for one configuration, from any folder, with what a reader wants to see of it."""

import argparse
import contextlib
import logging
import os
import re
import signal
import stat
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from nusky.cli import console
from nusky.cli.exit_status import FAILED, USAGE


class Command(typer.core.TyperCommand):
    """What stands behind ``--`` are options of Snakemake, and what stands before it are none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; see the class."""
        end = args.index("--") if "--" in args else len(args)
        before, behind = args[:end], args[end + 1 :]
        try:
            rest = super().parse_args(ctx, before)
        except Exception as error:
            if not getattr(error, "possibilities", True):  # no such option, and none like it
                error.message += f". Those of Snakemake stand behind --: nusky run CONFIG -- {error.option_name}"
            raise
        if words := ctx.params.get("options"):
            if words[0].lower().endswith((".yaml", ".yml")):
                told = f"{ctx.params['configuration']} and {words[0]}: give one configuration; each is a run of its own"
            else:
                told = f"{' '.join(words)}: not expected here. What is meant for Snakemake stands behind --"
            raise typer.BadParameter(told, ctx)
        ctx.params["options"] = behind
        return rest


_LISTS = (".csv", ".ecsv", ".fits", ".fit", ".vot", ".xml", ".txt", ".dat")
_NOMINAL_SOURCES = 200
"""Sources of a catalogue for the shares of time of the rules: the catalogues are read by the run, not before it."""


def run(
    configuration: Annotated[Path, typer.Argument(metavar="CONFIG", help="Configuration of a run, YAML.")],
    cores: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Cores to use; if left out, all of this machine.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Snakemake profile: slurm, pbs, htcondor (come with nusky) or a folder.")
    ] = None,
    directory: Annotated[Path, typer.Option(help="Folder to work in: gets results/ and data/.")] = Path("."),
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- SNAKEMAKE OPTIONS]", help="Passed on to Snakemake as they are.")
    ] = None,
) -> None:
    """Run an analysis: everything from the download of the events to the report.

    What is finished already is kept. Source lists are sought, and results written, relative to --directory.

    \b
    Examples:
      nusky run mine.yaml
      nusky run mine.yaml --cores 8
      nusky run mine.yaml -- --dry-run
    """
    from nusky import config
    from nusky.errors import ConfigurationError
    from nusky.files import ensure_cache_home
    from nusky.paths import Paths
    from nusky.resources import workflow_file

    if configuration.suffix.lower() in _LISTS and configuration.is_file():
        raise ConfigurationError(
            f"{configuration}: is no configuration, which is YAML. Of a source list `nusky init {configuration}` makes "
            "one."
        )
    given = list(options or [])
    cfg = config.load(configuration)
    ensure_cache_home(directory / ".snakemake" / "cache")
    _refuse_what_cannot_run(cfg, directory)
    console.require_workflow()
    import snakemake.cli

    arguments = ["--snakefile", str(workflow_file("Snakefile")), "--configfile", str(configuration.absolute())]
    arguments += ["--directory", str(directory)]
    if not any(option.split("=")[0] == "--workflow-profile" for option in given):
        # Snakemake takes a folder `default` or `profiles/default` of the place where it is started, whoever made it.
        arguments += ["--workflow-profile", str(workflow_file("profiles/default/config.yaml").parent)]
    if profile is not None:
        arguments += ["--profile", _profile(profile)]
    if cores or profile is None:
        arguments += ["--cores", str(cores or console.cores())]
    planned = any(re.fullmatch(r"-[a-zA-Z]*n[a-zA-Z]*|--dry-?run", option) for option in given)
    shown = None if planned else _Progress(cfg, directory)
    for name in (signal.SIGHUP, signal.SIGTERM):  # the workflow and Snakemake have their own ways to end
        if signal.getsignal(name) == signal.default_int_handler:
            signal.signal(name, signal.SIG_DFL)
    logger = logging.getLogger("snakemake.logging")
    if shown:
        logger.addFilter(shown.filter)
    begun = time.monotonic()
    try:
        status = _main(snakemake.cli.main, [*arguments, *given])
    finally:
        if shown:
            logger.removeFilter(shown.filter)
            shown.close()
    if status:
        raise typer.Exit(USAGE if status == USAGE else FAILED)
    paths = Paths(cfg.run, str(directory / "results"))
    if shown and Path(paths.summary).exists() and Path(paths.report).exists():
        _headline(paths, shown.n_jobs, time.monotonic() - begun)


def _refuse_what_cannot_run(cfg: Any, directory: Path) -> None:
    """Read the source lists and look for the files of the release: a mistake in them is told before anything runs."""
    from nusky.cli.check import catalogue_report, durations_report, release_report
    from nusky.errors import ConfigurationError, ReleaseError
    from nusky.releases import registry

    if not directory.is_dir():
        what = "is no folder; give one" if directory.exists() else "no such folder; make it first"
        raise ConfigurationError(f"--directory {directory}: {what}.")
    registry.of(cfg.release).select(cfg.release.seasons)
    if cfg.release.events is not None or cfg.release.local_path is not None:
        told = release_report(cfg, directory)
        if not told["here"]:
            raise ReleaseError(f"in config block `release`: {told['where']}.")
    for name in cfg.catalogues:
        catalogue_report(cfg, name, directory)
    durations_report(cfg, directory)


def _main(main: Any, arguments: list[str]) -> int:
    usage = argparse.ArgumentParser.print_usage
    argparse.ArgumentParser.print_usage = lambda *_: None  # hundreds of lines, for one mistyped option
    try:
        main(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        argparse.ArgumentParser.print_usage = usage
    return 0


def _profile(name: str) -> str:
    """A profile that comes with nusky, a folder as it is given, or the name of one of the user's own."""
    from nusky.errors import ConfigurationError, NuskyError
    from nusky.resources import workflow_file

    if Path(name).name == name:  # before a folder that somebody may have put where the run is started
        with contextlib.suppress(NuskyError):
            return str(workflow_file(f"workflow/profiles/{name}/config.yaml").parent)
    if Path(name).exists():
        for path in (Path(name), *Path(name).glob("config*.yaml")):
            status = path.stat()
            if status.st_uid not in (os.geteuid(), 0) or status.st_mode & stat.S_IWOTH:
                raise ConfigurationError(
                    f"--profile {name}: {path} belongs to another user or can be written by everyone, and programs "
                    "that it names would be started as you. Look into it, then copy it to a folder of your own."
                )
        return name
    import platformdirs

    folders = platformdirs.user_config_dir("snakemake"), platformdirs.site_config_dir("snakemake")  # Snakemake's own
    own = [Path(folder) / name for folder in folders]
    if not any(folder.is_dir() for folder in own):
        raise ConfigurationError(
            f"--profile {name}: no such folder, and no profile of nusky (slurm, pbs, htcondor) or of your own in "
            f"{own[0].parent}."
        )
    return name


def _headline(paths: Any, n_jobs: int, seconds: float) -> None:
    from nusky.files import read_json
    from nusky.report.verdict import verdict

    done = (
        f"{n_jobs} job{'s' if n_jobs > 1 else ''} in {console.duration_text(seconds)}"
        if n_jobs
        else "nothing had to be done again"
    )
    console.say()
    console.say(f"Finished, {done}.")
    found = verdict(read_json(paths.summary))
    for sentence in (found.headline, found.p_sentence, found.limit_sentence):
        if sentence:
            console.say(sentence)
    console.say(f"Report: {Path(paths.report).absolute()}")


class _Progress:
    """What is shown while Snakemake works: a bar on a terminal, a line for every finished rule elsewhere.

    A filter of Snakemake's logger: it sees every message, and lets Snakemake's own log file have all of them, while
    only errors and warnings go on to the terminal.
    """

    def __init__(self, cfg: Any, directory: Path) -> None:
        self.n_jobs = self._done = 0
        self._cfg, self._directory = cfg, directory
        self._left: dict[str, int] = {}
        self._rules: dict[int, str] = {}
        self._running: dict[int, str] = {}
        self._begun: dict[str, float] = {}
        self._weights: dict[str, float] = {}
        self._bar: Any = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Take note of a message; see the class."""
        for handler in logging.getLogger("snakemake.logging").handlers:
            if handler.name == "DefaultStreamHandler":
                handler.setLevel(logging.WARNING)
        event = getattr(getattr(record, "event", None), "value", None)
        if event == "run_info":
            self._start(dict(record.stats))
        elif event == "job_info":
            self._rules[record.jobid] = self._running[record.jobid] = record.rule_name
            self._begun.setdefault(record.rule_name, time.monotonic())
        elif event == "job_finished":
            self._running.pop(record.job_id, None)
            self._finished(self._rules.get(record.job_id, "all"))
        return True

    def close(self) -> None:
        """End the bar."""
        if self._bar:
            self._bar.stop()

    def _start(self, counts: dict[str, int]) -> None:
        self._left = {rule: n for rule, n in counts.items() if rule not in ("total", "all")}
        self.n_jobs = sum(self._left.values())
        if not sys.stderr.isatty():
            console.say(f"{self.n_jobs} job{'s' if self.n_jobs > 1 else ''} to do")
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._weights = self._shares()
        # Time left is that of the work, which jobs share unequally; the count is that of the jobs.
        fields = [TextColumn(f"{{task.{field}}}") for field in ("fields[jobs]", "description")]
        columns = (BarColumn(), fields[0], TimeRemainingColumn(), fields[1])
        # Jobs may take minutes: the speed is that of the whole run.
        options = {"speed_estimate_period": float("inf"), "transient": True}
        self._bar = Progress(*columns, console=Console(stderr=True), **options)
        work = sum(self._weights.get(rule, 1.0) * n for rule, n in self._left.items())
        self._task = self._bar.add_task("", total=work, jobs=f"0 of {self.n_jobs} jobs")
        self._bar.start()

    def _shares(self) -> dict[str, float]:
        """Processor time of a job of every rule, about [s]."""
        from nusky.stages import estimate

        sizes = estimate.Sizes(estimate.events_of(self._cfg), dict.fromkeys(self._cfg.catalogues, _NOMINAL_SOURCES))
        jobs = estimate.by_rule(estimate.jobs(self._cfg, sizes, self._directory))
        return {rule: sum(job.cpu_s + estimate.ENGINE_S for job in group) / len(group) for rule, group in jobs.items()}

    def _finished(self, rule: str) -> None:
        if rule not in self._left:
            return
        self._done += 1
        self._left[rule] -= 1
        if self._bar:
            running = sorted(set(self._running.values()))
            text = ", ".join(name.replace("_", " ") for name in running[:3])
            self._bar.update(
                self._task,
                advance=self._weights.get(rule, 1.0),
                description=text,
                jobs=f"{self._done} of {self.n_jobs} jobs",
            )
        elif not self._left[rule]:
            seconds = time.monotonic() - self._begun.get(rule, time.monotonic())
            took = console.duration_text(seconds)
            console.say(f"[{self._done:>{len(str(self.n_jobs))}}/{self.n_jobs}] {rule.replace('_', ' ')} done, {took}")
            sys.stdout.flush()
