"""The command `nusky`: its subcommands, and what becomes of errors.

Modules of the subcommands import what they need when they are called, so that `nusky --help` answers at once.
"""

import contextlib
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from nusky.cli import bdm, catalogue, check, data, init, methods, run, search, show, table, usage
from nusky.cli.console import fail, say
from nusky.cli.exit_status import FAILED, INTERRUPTED, OK, UNFINISHED, UNFORESEEN, USAGE
from nusky.errors import NuskyError
from nusky.shortage import shortage

EPILOG = f"""\b
Exit status:
  {OK:3}  done
  {FAILED:3}  not possible: the message says where, why and what to do
  {USAGE:3}  the command line is wrong
  {UNFINISHED:3}  not finished, missing or changed (check --finished, data verify)
  {UNFORESEEN:3}  an error nobody foresaw
  {INTERRUPTED:3}  interrupted with Ctrl-C

\b
Examples:
  nusky search "NGC 1068"
  nusky init blazars.csv
  nusky run blazars.yaml
  nusky check config/demo.yaml
  nusky data list
  nusky catalogue validate mine.csv --ra RA --dec Dec
  nusky show results/demo/summary.json
  nusky table results/demo --of stacks --latex
  nusky methods results/demo
  nusky bdm flux --supernova "Cas A" --t 350yr --tx 5MeV --mx 1MeV
"""


class Command(typer.core.TyperGroup):
    """The group of all subcommands: errors become one readable message and an exit status."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the options before the subcommand."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except Exception as error:
            if not usage.is_usage_error(error):
                raise
            fail(f"error: {usage.told(error)}")
            raise typer.Exit(USAGE) from None

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand; see the class."""
        try:
            with _ended_by_signals():
                result = super().invoke(ctx)
                sys.stdout.flush()  # a full disk shows here
                return result
        except NuskyError as error:
            return self._end(ctx, FAILED, f"error: {error}")
        except KeyboardInterrupt:
            return self._end(ctx, INTERRUPTED, "interrupted; what was finished before is kept")
        except BrokenPipeError:
            # Whoever read the output has seen enough; nothing must be flushed to it at exit.
            _discard_output()
            raise typer.Exit(OK) from None
        except Exception as error:
            if usage.is_usage_error(error):
                return self._end(ctx, USAGE, f"error: {usage.told(error)}")
            if hasattr(error, "exit_code"):  # typer's own: they know how to end
                raise
            if short := shortage(error):
                if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG):
                    _discard_output()  # it may be the output that found no room
                return self._end(ctx, FAILED, f"error: {short}")
            if isinstance(error, OSError) and error.filename is not None:
                reason = f"error: {error.filename}: {error.strerror or error}. Check the path and its permissions."
                return self._end(ctx, FAILED, reason)
            again = "" if ctx.params.get("debug") else " Run `nusky --debug ...` for the details and report them."
            return self._end(ctx, UNFORESEEN, f"unforeseen error: {type(error).__name__}: {error}.{again}")

    def _end(self, ctx: Any, status: int, message: str) -> None:
        if ctx.params.get("debug"):
            traceback.print_exc()
        fail(message)
        raise typer.Exit(status)


def _discard_output() -> None:
    """Let nothing be flushed to standard output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a hang-up and the signal to end do what Ctrl-C does: half-written files and child processes go."""
    main = threading.current_thread() is threading.main_thread()
    names = [signal.SIGHUP, signal.SIGTERM] if main else []
    before = {name: signal.getsignal(name) for name in names}
    for name in names:
        if before[name] == signal.SIG_DFL:  # under nohup, hang-ups stay ignored
            signal.signal(name, signal.default_int_handler)
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


app = typer.Typer(
    cls=Command,
    help="IceCube's public tracks against catalogues of gamma-ray sources, and boosted dark matter.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print version and revision, and end.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an error too.")] = False,
) -> None:
    """Options before the subcommand."""


app.command(short_help="Is there an excess at a source, and what limit?")(search.search)
app.command(short_help="Write a configuration for a source list of yours.")(init.init)
app.command(short_help="Say what a configuration would run and cost.")(check.check)
app.command(cls=run.Command, short_help="Run an analysis, from download to report.")(run.run)
app.command(short_help="Print a result and where it comes from.")(show.show)
app.command(short_help="Sources or stacks of a run as a table for a paper.")(table.table)
app.command(short_help="How a run was made, as text for a paper.")(methods.methods)
app.add_typer(data.app, name="data")
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(bdm.app, name="bdm")


@app.command(short_help="Print version and git revision.")
def version() -> None:
    """Version of nusky, and the git revision when it runs from a source tree.

    \b
    Example:
      nusky version
    """
    from nusky import __version__
    from nusky.revision import revision

    say(f"nusky {__version__} (revision {revision()})")
