import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nusky import files, tables
from nusky.errors import TableError
from nusky.tables import (
    Provenance,
    read_blocks,
    read_columns,
    read_metadata,
    read_table,
    trace,
    write_blocks,
    write_table,
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, {"a": [1.0, 2.0], "b": [3, 4]}, kind="test", provenance=Provenance(False, {"x": "y"}))
    return path


def test_columns_come_back_writable_and_in_order(path):
    b, a = read_columns(path, kind="test", columns=("b", "a"))
    np.testing.assert_array_equal(a, [1.0, 2.0])
    np.testing.assert_array_equal(b, [3, 4])
    assert a.flags.writeable


def test_metadata_tells_kind_version_and_inputs(path):
    metadata = read_metadata(path)
    assert metadata["kind"] == "test"
    assert metadata["inputs"] == {"x": "y"}
    assert metadata["nusky_version"]
    assert metadata["git_revision"]


def test_seeds_are_inherited(path, tmp_path):
    random = tmp_path / "r.parquet"
    write_table(random, {"a": [1.0]}, kind="test", provenance=Provenance(True, seeds=(7,)))
    assert trace([path]).seeds == ()
    assert trace([path], {"seed": 0}).seeds == (0,)
    assert trace([path, random], {"seed": 3}).seeds == (3, 7)
    write_table(tmp_path / "s.parquet", {"a": [1.0]}, kind="test", provenance=trace([random], {"seed": 3}))
    assert read_metadata(tmp_path / "s.parquet")["seeds"] == [3, 7]


def test_equal_content_is_written_to_equal_bytes(path, tmp_path):
    write_table(
        tmp_path / "u.parquet", {"a": [1.0, 2.0], "b": [3, 4]}, kind="test", provenance=Provenance(False, {"x": "y"})
    )
    assert files.sha256(path) == files.sha256(tmp_path / "u.parquet")


def test_synthetic_is_inherited(path, tmp_path):
    made_up = tmp_path / "s.parquet"
    write_table(made_up, {"a": [1.0]}, kind="test", provenance=Provenance(True))
    assert trace([path]).synthetic is False
    traced = trace([path, made_up], {"k": 1})
    assert traced.synthetic is True
    assert traced.inputs["s.parquet"] == files.sha256(made_up)
    assert traced.settings_sha256 == tables.settings_digest({"k": 1}) != tables.settings_digest({"k": 2})


def test_another_kind_is_refused(path):
    with pytest.raises(TableError, match="holds 'test', but 'events' is needed"):
        read_table(path, kind="events")


def test_a_missing_column_is_named_with_those_present(path):
    with pytest.raises(TableError, match="column 'c' is missing; it has a, b"):
        read_columns(path, kind="test", columns=("a", "c"))


def test_a_missing_table(tmp_path):
    with pytest.raises(TableError, match="no such table"):
        read_metadata(tmp_path / "none.parquet")


def test_a_truncated_table(path):
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(TableError, match=r"t\.parquet: not a readable Parquet file"):
        read_table(path, kind="test")


def test_somebody_elses_parquet(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "p.parquet")
    with pytest.raises(TableError, match="not a nusky table"):
        read_table(tmp_path / "p.parquet", kind="test")


def rewrite(path, change):
    """Change a table as somebody would who keeps its metadata."""
    table = pq.read_table(path)
    pq.write_table(change(table).replace_schema_metadata(table.schema.metadata), path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop_columns(["a"]), "column 'a' is missing; it has b"),
        (
            lambda table: table.set_column(0, "a", pa.array(["1", "2"])),
            r"'a' holds string \(0 empty\); nusky wrote double",
        ),
        (
            lambda table: table.set_column(0, "a", pa.array([1.0, None])),
            r"'a' holds double \(1 empty\); nusky wrote dou",
        ),
        (lambda table: table.slice(0, 0), "holds 0 rows; nusky wrote 2"),
        (lambda table: table.slice(0, 1), "holds 1 rows; nusky wrote 2"),
    ],
)
def test_a_table_that_somebody_changed(path, change, message):
    rewrite(path, change)
    with pytest.raises(TableError, match=message):
        read_columns(path, kind="test", columns=("a", "b"))


def test_a_column_that_somebody_added(path):
    rewrite(path, lambda table: table.append_column("c", pa.array([1, 2])))
    with pytest.raises(TableError, match=r"column 'c' holds int64 \(0 empty\); nusky wrote no such column"):
        read_table(path, kind="test")


def test_nulls_that_nusky_wrote_come_back(tmp_path):
    write_table(tmp_path / "n.parquet", {"a": [1.0, None]}, kind="test", provenance=Provenance(False))
    assert read_table(tmp_path / "n.parquet", kind="test")["a"].null_count == 1


def test_a_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, {"a": np.random.default_rng(1).normal(size=1000)}, kind="test", provenance=Provenance(False))
    content = bytearray(path.read_bytes())
    content[2000] ^= 1  # among the numbers, which would silently be others
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"damaged \(.*CRC checksum verification failed"):
        read_table(path, kind="test")
    with pytest.raises(TableError, match=r"damaged \(.*CRC checksum verification failed"):
        blocks_of(path, 500, ["a"])


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b'{"kind": 1, "synthetic": false}',
        b'{"kind": "test"}',
        b'{"kind": "test", "synthetic": false, "n_rows": "2"}',
        b"\xff",
        b"[" * 9999,
    ],
)
def test_damaged_provenance(path, text):
    pq.write_table(pq.read_table(path).replace_schema_metadata({tables.METADATA_KEY: text}), path)
    with pytest.raises(TableError, match=r"t\.parquet: its provenance is damaged. Delete it and run again"):
        read_table(path, kind="test")


def test_text_that_is_no_utf8(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, {"name": ["NAME"]}, kind="test", provenance=Provenance(False))
    pq.write_table(pq.read_table(path), path, compression="none", use_dictionary=False)  # without checksums
    path.write_bytes(path.read_bytes().replace(b"NAME", b"N\xffME"))
    with pytest.raises(TableError, match=r"damaged \(.*UTF8"):
        read_table(path, kind="test")


@pytest.mark.parametrize("said", [2**20, 2**40, 2**48])
def test_a_length_that_is_no_true_one_takes_no_memory(tmp_path, said):
    """The footer says how many rows a group has; Arrow would make room for all of them."""
    path = tmp_path / "t.parquet"
    write_table(path, {"a": np.arange(77.0)}, kind="test", provenance=Provenance(False))
    content, number = path.read_bytes(), bytes([0x16, 2 * 77 & 0x7F | 0x80, 2 * 77 >> 7])  # zigzag, seven bits a byte
    digits, value = [], 2 * said
    while value:
        digits.append(value & 0x7F | (0x80 if value >> 7 else 0))
        value >>= 7
    begin = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = content[begin:-8]
    assert footer.count(number) == 3  # values of the column, rows of the group, rows of the table
    at = footer.rindex(number)
    footer = footer[:at] + bytes([0x16, *digits]) + footer[at + len(number) :]
    path.write_bytes(content[:begin] + footer + len(footer).to_bytes(4, "little") + content[-4:])
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n" + (
        "from nusky.tables import read_table\ntry:\n    read_table(sys.argv[1], kind='test')\n"
        "except Exception as error:\n    print(type(error).__name__, error)\nelse:\n    print('read')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.stdout.startswith(("TableError", "read")), done.stdout + done.stderr
    assert "memory" not in done.stdout


def blocks_of(path, rows, columns=("a", "b")):
    return list(read_blocks(path, kind="test", columns=columns, rows=rows))


def test_blocks_come_back(path, tmp_path):
    parts = [{"a": np.arange(n, dtype=float), "b": np.full(n, n)} for n in (3, 0, 4, 2)]
    long = tmp_path / "long.parquet"
    write_blocks(long, iter(parts), 9, kind="test", provenance=Provenance(False))
    expected = [np.concatenate([part[name] for part in parts]) for name in ("a", "b")]
    for rows in (1, 2, 6, 7, 9, 1000):
        found = blocks_of(long, rows)
        assert all(0 < len(a) <= rows for a, _ in found)
        for column, values in zip(zip(*found, strict=True), expected, strict=True):
            np.testing.assert_array_equal(np.concatenate(column), values)
        assert all(column.flags.writeable for block in found for column in block)
    for column, values in zip(read_columns(long, kind="test", columns=("a", "b")), expected, strict=True):
        np.testing.assert_array_equal(column, values)
    write_blocks(
        tmp_path / "u.parquet",
        [{"a": [1.0, 2.0], "b": [3, 4]}],
        2,
        kind="test",
        provenance=Provenance(False, {"x": "y"}),
    )
    assert files.sha256(path) == files.sha256(tmp_path / "u.parquet")


def test_a_table_without_rows_is_one_empty_block(tmp_path):
    write_table(tmp_path / "e.parquet", {"a": np.empty(0)}, kind="test", provenance=Provenance(False))
    assert [len(a) for (a,) in blocks_of(tmp_path / "e.parquet", 5, ["a"])] == [0]


def test_other_rows_than_announced_leave_no_table(tmp_path):
    with pytest.raises(TableError, match="2 rows came where 3 were announced"):
        write_blocks(tmp_path / "w.parquet", [{"a": [1.0, 2.0]}], 3, kind="test", provenance=Provenance(False))
    assert list(tmp_path.iterdir()) == []


def test_blocks_of_a_changed_table_are_refused(path, tmp_path):
    with pytest.raises(TableError, match="holds 'test', but 'events' is needed"):
        list(read_blocks(path, kind="events", columns=["a"], rows=1))
    metadata, changed = pq.read_schema(path).metadata, tmp_path / "c.parquet"
    pq.write_table(pa.table({"a": [1.0], "b": [3]}).replace_schema_metadata(metadata), changed)
    with pytest.raises(TableError, match="holds 1 rows; nusky wrote 2"):
        blocks_of(changed, 1)
    pq.write_table(pa.table({"a": [1.0, None], "b": [3, 4]}).replace_schema_metadata(metadata), changed)
    with pytest.raises(TableError, match=r"column 'a' holds double \(1 empty\)"):
        blocks_of(changed, 1)
