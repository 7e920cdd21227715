"""What a run does when its terminal hangs up: it ends its jobs, removes its lock, and ends, as after Ctrl-C.

So it does when it is told to end (SIGTERM) before its first job. Later Snakemake itself answers that: it starts no more
jobs and waits for those at work.
"""

import contextlib
import os
import signal
import threading
from types import FrameType


def end_on_hangup() -> None:
    """Let SIGHUP end this process's jobs and interrupt it; under ``nohup``, which ignores the signal, it stays so.

    Without it the signal would kill Snakemake alone, which then leaves its lock, and jobs that go on by themselves.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    import psutil

    signal.signal(number, signal.SIG_IGN)  # once is enough
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.terminate()
    raise KeyboardInterrupt
