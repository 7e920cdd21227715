"""What is measured and how: wall time of named parts, repeats, peak memory, and the results as plain records."""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

MIB = 2**20


class Clock:
    """Adds up the wall time [s] of named parts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time the block as (more of) the part `name`."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def median_parts(*works: Callable[[Clock], object], repeats: int) -> list[dict[str, float]]:
    """Median wall time [s] of every part of each of the `works`, which take turns, over `repeats` rounds."""
    rounds = [[Clock() for _ in works] for _ in range(repeats)]
    for clocks in rounds:
        for work, clock in zip(works, clocks, strict=True):
            work(clock)
    return [
        {name: statistics.median(clock.seconds[name] for clock in clocks) for name in clocks[0].seconds}
        for clocks in zip(*rounds, strict=True)
    ]


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, MiB.

    On Linux from the process's own status: the maximum that `getrusage` gives there includes the memory of the
    process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


@dataclass(frozen=True)
class Part:
    """One part of a paired timing."""

    name: str
    nusky_s: float
    brute_force_s: float
    """Measured on the reduced problem."""
    factor: float
    """From the reduced problem to the full one."""
    factor_is: str

    @property
    def scaled_s(self) -> float:
        """Brute force on the full problem."""
        return self.brute_force_s * self.factor


@dataclass(frozen=True)
class Value:
    """One measured number, with its target if it has one."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def target(self) -> str:
        """The target in words; empty if there is none."""
        if self.at_most is not None:
            return f"at most {self.at_most:g} {self.unit}"
        return f"at least {self.at_least:g} {self.unit}" if self.at_least is not None else ""

    @property
    def met(self) -> bool:
        """Whether the value meets its target."""
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )


@dataclass(frozen=True)
class Report:
    """The outcome of one benchmark."""

    title: str
    about: str
    """What was measured, in a sentence or two."""
    values: list[Value]
    parts: list[Part] = field(default_factory=list)


def paired(
    title: str, about: str, parts: list[Part], *, at_most_s: float | None = None, at_least: float | None = None
) -> Report:
    """Report of a paired timing: the parts and their totals."""
    nusky, brute = sum(part.nusky_s for part in parts), sum(part.scaled_s for part in parts)
    values = [
        Value("nusky", nusky, "s", at_most=at_most_s),
        Value("brute force, measured on the reduced problem", sum(part.brute_force_s for part in parts), "s"),
        Value("brute force, scaled to the full problem", brute, "s"),
        Value("speed-up", brute / nusky, "times", at_least=at_least),
    ]
    return Report(title, about, values, parts)
