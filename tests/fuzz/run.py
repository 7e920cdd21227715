"""Fuzz the readers: ``python -m tests.fuzz.run --n 100000 [--seconds S] [--seed K] [READER ...]``.

Every input is a mutation of a valid file. It is read, or refused with one of nusky's own errors; anything else is a
failure, printed with the reader and the seed that bring it back, and the input is kept in a file.
"""

import argparse
import hashlib
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from nusky.errors import NuskyError
from tests.fuzz.mutate import mutants
from tests.fuzz.targets import TARGETS, folder

LONGEST_S = 20
"""An input that takes more processor time counts as a failure; a busy or suspended machine does not make one."""
BATCH = 1000
"""Inputs with one seed: a failure is brought back by its batch alone."""


@dataclass
class Outcome:
    """What became of the inputs of one reader."""

    read: int = 0
    refused: int = 0
    seconds: float = 0.0
    failures: Counter | None = None

    @property
    def n_inputs(self) -> int:
        return self.read + self.refused + sum(self.failures.values())


def _too_slow(*_):
    raise TimeoutError(f"took more than {LONGEST_S} s of processor time")


def fuzz(name: str, n: int, seed: int, seconds: float = float("inf"), keep: Path | None = None) -> Outcome:
    """Give reader `name` up to `n` inputs, for at most `seconds`."""
    target, outcome, start = TARGETS[name], Outcome(failures=Counter()), time.monotonic()
    seeds = target.seeds()
    before = signal.signal(signal.SIGPROF, _too_slow)
    with tempfile.TemporaryDirectory(dir=folder()) as room, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(room) / f"input{target.suffix}"
        for first in range(0, n, BATCH):
            for content in mutants(seeds, min(BATCH, n - first), seed + first // BATCH):
                if time.monotonic() - start > seconds:
                    break
                path.write_bytes(content)
                signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
                try:
                    target.read(path)
                    outcome.read += 1
                except NuskyError as error:
                    outcome.refused += 1
                    if Path(room).name not in str(error):
                        outcome.failures[f"message names no file: {str(error)[:200]}"] += 1
                except Exception as error:
                    what = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                    if keep is not None and not outcome.failures[what]:
                        digest = hashlib.sha256(content).hexdigest()[:12]
                        (keep / f"{name}-{digest}{target.suffix}").write_bytes(content)
                    outcome.failures[what] += 1
                finally:
                    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)
    outcome.seconds = time.monotonic() - start
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", help=f"any of {', '.join(TARGETS)}; all if none is given")
    parser.add_argument("--n", type=int, default=100_000, help="inputs for each reader")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="longest time for each reader")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first batch of 1000 inputs")
    parser.add_argument("--keep", type=Path, default=None, help="folder for inputs that fail")
    options = parser.parse_args()
    unknown = set(options.readers) - set(TARGETS)
    if unknown:
        parser.error(f"no reader {', '.join(sorted(unknown))}")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    failed = False
    print("| reader | inputs | read | refused | failed | per second | seed |\n|---|---|---|---|---|---|---|")
    for name in options.readers or TARGETS:
        found = fuzz(name, options.n, options.seed, options.seconds, options.keep)
        n_failed, rate = sum(found.failures.values()), found.n_inputs / max(found.seconds, 1e-9)
        row = (name, found.n_inputs, found.read, found.refused, n_failed, f"{rate:.0f}", options.seed)
        print(f"| {' | '.join(map(str, row))} |", flush=True)
        for what, times in found.failures.most_common():
            print(f"    {times} x {what}", file=sys.stderr, flush=True)
        failed |= n_failed > 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
