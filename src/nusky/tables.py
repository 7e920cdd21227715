"""Parquet tables with provenance: every table knows what made it and from what.

The provenance sits in the Parquet schema's metadata under the key ``nusky`` as JSON: the kind of table, nusky's
version, git revision and digest of the sources, the settings that shaped it with their digest, the seeds of the random
numbers behind it, the SHA-256 of every input file and whether any of the events behind it were generated
(``synthetic``). All of that decides the content, so tables of equal provenance are equal byte by byte; what does not,
such as times, threads and hosts, stands in the run log of the job (`nusky.stages.run_log`).
"""

import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nusky import __version__
from nusky.errors import NuskyError, TableError
from nusky.files import atomic_path, read_json, sha256
from nusky.printable import for_spreadsheets
from nusky.revision import revision, sources_sha256
from nusky.shortage import shortage

METADATA_KEY = b"nusky"
BLOCK_ROWS = 1 << 23
"""Rows to hold at once of tables that may be larger than the memory."""
_AGAIN = "Delete it and run again."
_DAMAGE = (pa.ArrowException, OSError, ValueError, TypeError, LookupError, OverflowError, RuntimeError, MemoryError)
"""What Arrow raises on files that are not what they claim to be, and where the machine falls short."""


@dataclass(frozen=True)
class Provenance:
    """Where a table comes from."""

    synthetic: bool
    inputs: dict[str, str] = field(default_factory=dict)
    settings_sha256: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    """Roots of the random streams behind the table; empty where nothing random went in."""


def settings_digest(settings: Mapping[str, Any]) -> str:
    """SHA-256 of settings in canonical JSON."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()


def trace(inputs: Iterable[str | os.PathLike[str]], settings: Mapping[str, Any] | None = None) -> Provenance:
    """Provenance of a table made from `inputs`: synthetic as soon as one of them is, with the seeds of all.

    A `seed` among the `settings` is one more seed.
    """
    digests, synthetic = {}, False
    settings = dict(settings or {})
    seeds = {settings["seed"]} if settings.get("seed") is not None else set()
    for path in map(Path, inputs):
        digests[path.name if path.name not in digests else str(path)] = sha256(path)
        if path.suffix == ".parquet":
            metadata = read_metadata(path)
            synthetic |= bool(metadata["synthetic"])
            seeds.update(metadata.get("seeds", ()))
        elif path.suffix == ".json":
            synthetic |= bool(read_json(path).get("synthetic", False))
    return Provenance(synthetic, digests, settings_digest(settings), settings, tuple(sorted(seeds)))


def schema(*columns: tuple[pa.DataType, str]) -> pa.Schema:
    """The schema of a table: types, each with the names of its columns, separated by blanks, in their order."""
    return pa.schema([(name, kind) for kind, names in columns for name in names.split()])


def write_table(
    path: str | os.PathLike[str], columns: Mapping[str, Any] | pa.Table, *, kind: str, provenance: Provenance
) -> None:
    """Write equally long `columns` as a Parquet table of a `kind`, atomically, with a checksum on every page."""
    table = columns if isinstance(columns, pa.Table) else pa.table({k: _plain(v) for k, v in columns.items()})
    _write(path, [table], table.num_rows, kind, provenance)


def write_blocks(
    path: str | os.PathLike[str],
    blocks: Iterable[Mapping[str, Any]],
    n_rows: int,
    *,
    kind: str,
    provenance: Provenance,
) -> None:
    """Write a table that comes in `blocks` of its rows, at least one, of equal columns, `n_rows` in all.

    What `write_table` does for a table that is too large to be in memory at once.
    """
    _write(path, (pa.table({k: _plain(v) for k, v in block.items()}) for block in blocks), n_rows, kind, provenance)


def _write(
    path: str | os.PathLike[str], blocks: Iterable[pa.Table], n_rows: int, kind: str, provenance: Provenance
) -> None:
    blocks = iter(blocks)
    first = next(blocks)
    code = {"nusky_version": __version__, "git_revision": revision(), "sources_sha256": sources_sha256()}
    metadata = {"kind": kind, **code, **asdict(provenance), "columns": _described(first), "n_rows": n_rows}
    schema = first.schema.with_metadata({METADATA_KEY: json.dumps(metadata, sort_keys=True, default=str).encode()})
    written = 0
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        for block in itertools.chain([first], blocks):
            writer.write_table(block.replace_schema_metadata(schema.metadata))
            written += block.num_rows
        if written != n_rows:
            raise TableError(f"{path}: {written} rows came where {n_rows} were announced. Run again.")


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The provenance of a nusky table.

    Raises
    ------
    TableError
        There is no such file, or it is no undamaged Parquet file with nusky's provenance.
    """
    return _provenance(path, _read_schema(path))


def read_table(path: str | os.PathLike[str], *, kind: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a nusky table, checking that it is of the `kind`, has the `columns` asked for, and is what nusky wrote.

    Raises
    ------
    TableError
        The file is missing, damaged or of another kind, or somebody changed its columns or number of rows.
    """
    metadata = _checked_metadata(path, kind, columns)
    table = pa.concat_tables(_blocks(path, columns, BLOCK_ROWS, metadata))
    _check_columns(path, table, metadata)
    return table


def read_columns(path: str | os.PathLike[str], *, kind: str, columns: Sequence[str]) -> list[np.ndarray]:
    """The `columns` of a nusky table as numpy arrays, in the order asked for.

    The arrays are writable copies: numba would compile a second version of every kernel for read-only ones.
    """
    table = read_table(path, kind=kind, columns=columns)
    return [np.array(table[name].to_numpy()) for name in columns]


def read_blocks(
    path: str | os.PathLike[str], *, kind: str, columns: Sequence[str], rows: int
) -> Iterator[list[np.ndarray]]:
    """The `columns` of a nusky table in blocks, at least one, as `read_columns` gives them.

    Raises
    ------
    TableError
        As `read_table`; what is found in a later block is raised there.
    """
    metadata = _checked_metadata(path, kind, columns)
    for table in _blocks(path, columns, rows, metadata):
        _check_columns(path, table, metadata)
        yield [np.array(table[name].to_numpy()) for name in columns]


def _blocks(
    path: str | os.PathLike[str], columns: Sequence[str] | None, rows: int, metadata: dict[str, Any]
) -> Iterator[pa.Table]:
    """A table in blocks of up to `rows` rows, at least one: what a damaged file says of its length takes no memory."""
    said, n_rows, chosen = metadata.get("n_rows"), 0, None if columns is None else list(columns)
    at_once = rows if said is None else max(1, min(rows, said))
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            for batch in file.iter_batches(at_once, columns=chosen):
                n_rows += len(batch)
                if said is not None and n_rows > said:
                    break
                yield _valid(pa.Table.from_batches([batch]).replace_schema_metadata(schema.metadata), chosen)
            if said is not None and n_rows != said:
                raise _other_rows(path, n_rows, metadata)
            if not n_rows:
                yield _valid(schema.empty_table(), chosen)
    except TableError:
        raise
    except _DAMAGE as error:
        raise _unreadable(path, error, "damaged") from None


def _valid(table: pa.Table, columns: list[str] | None) -> pa.Table:
    table.validate(full=True)  # text that is no UTF-8, among others
    return table if columns is None else table.select(columns)


def write_csv(table: pa.Table, target: str | os.PathLike[str] | IO[bytes]) -> None:
    """Write a table as CSV, numbers in full, text as `nusky.printable.for_spreadsheets` has it."""
    from pyarrow.csv import write_csv

    for k, column in enumerate(table.schema):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            cells = [None if text is None else for_spreadsheets(text) for text in table[k].to_pylist()]
            table = table.set_column(k, column.name, pa.array(cells, pa.string()))
    write_csv(table.rename_columns([for_spreadsheets(name) for name in table.column_names]), target)


def _checked_metadata(path: str | os.PathLike[str], kind: str, columns: Sequence[str] | None) -> dict[str, Any]:
    schema = _read_schema(path)
    metadata = _provenance(path, schema)
    if metadata["kind"] != kind:
        raise TableError(f"{path}: holds '{metadata['kind']}', but '{kind}' is needed here.")
    missing = [name for name in columns or [] if name not in schema.names]
    if missing:
        raise TableError(f"{path}: column '{missing[0]}' is missing; it has {', '.join(schema.names)}.")
    return metadata


def _read_schema(path: str | os.PathLike[str]) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except FileNotFoundError:
        raise TableError(f"{path}: no such table. Run the workflow stage that makes it.") from None
    except _DAMAGE as error:
        raise _unreadable(path, error, "not a readable Parquet file") from None


def _unreadable(path: str | os.PathLike[str], error: Exception, reason: str) -> NuskyError:
    """The machine's fault is not the table's: nobody is to delete a result because the memory ran out."""
    return shortage(error, path) or TableError(f"{path}: {reason} ({error}). {_AGAIN}")


def _provenance(path: str | os.PathLike[str], schema: pa.Schema) -> dict[str, Any]:
    metadata = schema.metadata or {}
    if METADATA_KEY not in metadata:
        raise TableError(f"{path}: Parquet, but not a nusky table (no provenance). Point to a table written by nusky.")
    try:
        found = json.loads(metadata[METADATA_KEY])
        whole = isinstance(found["kind"], str) and isinstance(found["synthetic"], bool)
        whole &= isinstance(found.get("n_rows", 0), int)
        whole &= all(len(described) == 2 for described in found.get("columns", {}).values())
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        whole = False
    if not whole:
        raise TableError(f"{path}: its provenance is damaged. {_AGAIN}")
    return found


def _described(table: pa.Table) -> dict[str, list[Any]]:
    """Type and number of nulls of every column."""
    return {name: [str(table[name].type), table[name].null_count] for name in table.column_names}


def _other_rows(path: str | os.PathLike[str], n_rows: int, metadata: dict[str, Any]) -> TableError:
    return TableError(f"{path}: holds {n_rows} rows; nusky wrote {metadata['n_rows']}. {_AGAIN}")


def _check_columns(path: str | os.PathLike[str], table: pa.Table, metadata: dict[str, Any]) -> None:
    found = _described(table)
    written = metadata.get("columns", found)
    for name, (kind, nulls) in found.items():
        if written.get(name) != [kind, nulls]:
            before = "no such column" if name not in written else "{} ({} empty)".format(*written[name])
            raise TableError(f"{path}: column '{name}' holds {kind} ({nulls} empty); nusky wrote {before}. {_AGAIN}")


def _plain(values: Any) -> Any:
    return values if isinstance(values, (pa.Array, pa.ChunkedArray)) else np.asarray(values)
