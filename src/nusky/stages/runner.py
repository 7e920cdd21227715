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
from nusky.stages.run_log import RunLog


@contextlib.contextmanager
def logged(snakemake: Any) -> Iterator[None]:
    """Run a stage for a Snakemake job: import what needs numba inside the block, so that it sees the job's threads.

    Logging and warnings go to the job's log file, when and where it ran to its run log (the job's first and second
    `log`, `nusky.paths.Paths.log`). A `NuskyError` is printed as one message and ends with status 1.
    """
    os.environ["NUMBA_NUM_THREADS"] = str(snakemake.threads)
    log, run_log = map(Path, snakemake.log)
    log.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=log,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    run = RunLog(run_log, snakemake)
    try:
        yield
    except NuskyError as error:
        logging.error("%s", error)
        run.end("failed", str(error))
        print(f"nusky: error: {error}", file=sys.stderr)
        sys.exit(1)
    except BaseException as error:
        logging.error("%s", traceback.format_exc())
        run.end("failed", f"{type(error).__name__}: {error}")
        raise
    run.end("finished")
