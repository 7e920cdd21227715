"""What a run does when its terminal hangs up: it ends its jobs, removes its lock, and ends, as after Ctrl-C."""

import contextlib
import os
import signal
import threading
from types import FrameType


def end_on_hangup() -> None:
    """Let SIGHUP end this process's jobs and interrupt it; under ``nohup``, which ignores the signal, it stays so.

    Without it the signal would kill Snakemake alone, which then leaves its lock, and jobs that go on by themselves.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _end)


def _end(_signal: int, _frame: FrameType | None) -> None:
    import psutil

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # once is enough
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.terminate()
    raise KeyboardInterrupt
