"""Stage of the likelihood profiles of a stack, or of every source of a catalogue."""

from typing import Any

import pyarrow as pa

from nusky.search.likelihood_profile import likelihood_profile
from nusky.stages.inference import Settings, Study, write_together
from nusky.tables import write_table

_SCAN = pa.list_(pa.field("element", pa.float64()))


def profiles(files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings) -> None:
    """TS of the data over the spectrum's parameter and n_s: one row for each source and value of the parameter."""
    study, rows = Study(files, setup, hypothesis), []
    if write_together(study, files, outputs, {"profiles": "likelihood_profiles"}):
        return
    for j, target in zip(study.numbers, study, strict=True):
        about = target.row | ({} if study.kind == "stack" else {"source": int(study.rows[j])})
        rows += [about | row for row in likelihood_profile(target).rows()]
    table = pa.Table.from_pylist(rows)
    # As Parquet names what is in a list: a table read back is then of the same kind.
    kept = [f.with_type(_SCAN) if pa.types.is_list(f.type) else f for f in table.schema]
    write_table(outputs[0], table.cast(pa.schema(kept)), kind="likelihood_profiles", provenance=study.trace())
