"""Stage of the systematic bands of limits and sensitivities, of a stack or of every source of a catalogue."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from nusky.search.experiment import Request
from nusky.search.systematics import systematic_shifts
from nusky.stages.inference import Settings, Study, write_together
from nusky.tables import write_table


def systematics(
    files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings, request: Settings, sizes: Mapping[str, float]
) -> None:
    """How far limit and sensitivity move with each effect: one row for each source, index, statement and effect.

    `sizes` are dimensionless, above 0, by effect, as `nusky.search.systematics.systematic_shifts` takes them.
    """
    study, asked = Study(files, setup, hypothesis), Request(**request)
    if write_together(study, files, outputs, {"systematics": "systematics"}, request=request, sizes=sizes):
        return
    background, rows = study.statistics(files.trials), []
    for k, (j, target) in enumerate(zip(study.numbers, study, strict=True)):
        about = target.row | ({} if study.kind == "stack" else {"source": int(study.rows[j])})
        observed = target.experiment.observed[:, 2]
        for gamma in study.indices.gammas:
            fit = study.indices.fit_of(gamma)
            made = systematic_shifts(target, float(gamma), observed[fit], background[:, k, fit], asked, sizes)
            rows += [about | {"gamma": target.spectrum.at(gamma).quoted_index} | row for row in made]
    provenance = study.trace(files.trials, request=request, sizes=sizes)
    write_table(outputs[0], pa.Table.from_pylist(rows), kind="systematics", provenance=provenance)
