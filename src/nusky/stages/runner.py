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


@contextlib.contextmanager
def logged(snakemake: Any) -> Iterator[None]:
    """Run a stage for a Snakemake job: import what needs numba inside the block, so that it sees the job's threads.

    Logging and warnings go to the job's log file; a `NuskyError` is printed as one message and ends with status 1.
    """
    os.environ["NUMBA_NUM_THREADS"] = str(snakemake.threads)
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=log,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    try:
        yield
    except NuskyError as error:
        logging.error("%s", error)
        print(f"nusky: error: {error}", file=sys.stderr)
        sys.exit(1)
    except Exception:
        logging.error("%s", traceback.format_exc())
        raise
