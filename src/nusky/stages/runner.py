"""How a workflow script runs: messages go to the rule's log, nusky's own errors end it without a traceback."""

import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nusky.errors import NuskyError
from nusky.files import explain_shortage
from nusky.printable import printable
from nusky.shortage import shortage
from nusky.stages.run_log import RunLog


@contextlib.contextmanager
def logged(snakemake: Any) -> Iterator[None]:
    """Run a stage for a Snakemake job: import what needs numba inside the block, so that it sees the job's threads.

    Logging and warnings go to the job's log file, when and where it ran to its run log (the job's first and second
    `log`, `nusky.paths.Paths.log`). A `NuskyError`, or that the machine falls short (`nusky.shortage`), is printed as
    one message and ends with status 1.
    """
    os.environ["NUMBA_NUM_THREADS"] = str(snakemake.threads)
    log, run_log = map(Path, snakemake.log)
    run = None
    try:
        with explain_shortage(log):
            log.parent.mkdir(parents=True, exist_ok=True)
            logging.basicConfig(handlers=[_handler(log)], level=logging.INFO, force=True)
        logging.captureWarnings(True)
        run = RunLog(run_log, snakemake)
        yield
        run.end("finished")
    except BaseException as error:
        known = error if isinstance(error, NuskyError) else shortage(error)
        message = str(known or f"{type(error).__name__}: {error}")
        logging.error("%s", known or traceback.format_exc())
        if run is not None:
            with contextlib.suppress(NuskyError):  # what keeps the log from being written ended the job
                run.end("failed", message)
        if known is None:
            raise
        print(f"nusky: error: {printable(message, keep=chr(10))}", file=sys.stderr)
        sys.exit(1)


class _Formatter(logging.Formatter):
    """Names in messages cannot steer the terminal that shows the log."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), keep="\n")


class _Handler(logging.FileHandler):
    """A log that cannot be written to is no reason to fail, and none to say so at every message."""

    failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exception()
        if not self.failed:
            reason = shortage(error, self.baseFilename) or f"{self.baseFilename}: {error}"
            print(f"nusky: the log is incomplete: {reason}", file=sys.stderr)
        self.failed = True


def _handler(log: Path) -> logging.Handler:
    handler = _Handler(log, mode="w", encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler
