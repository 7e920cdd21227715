"""Large tables in bounded memory; what a table may hold is tested with the layouts."""

import tracemalloc

import numpy as np
import pytest

from nusky.errors import ReleaseError
from nusky.releases import text
from nusky.releases.text import read_filled, read_numbers

HEADER = {"a": "a", "b[deg]": "b", "c": "share"}


def write(path, rows):
    path.write_text("# a b[deg] c\n" + "".join(rows))
    return path


def test_memory_does_not_grow_with_the_rows_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "_BLOCK", 1 << 17)
    n = 120_000
    path = write(tmp_path / "large.csv", [f"{i:12.4f} {i % 180:10.3f} {0.5 * (i % 999 == 7)}\n" for i in range(n)])
    tracemalloc.start()
    columns, numbers = read_filled(path, HEADER, "share")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(numbers, np.arange(7, n, 999))
    np.testing.assert_array_equal(columns["a"], numbers)
    np.testing.assert_array_equal(columns["b"], numbers % 180)
    assert (columns["share"] == 0.5).all()
    assert peak < 2_000_000 < 8 * n * len(HEADER) < path.stat().st_size


@pytest.mark.parametrize("block", [7, 64, 1 << 20])
def test_blocks_change_nothing(tmp_path, monkeypatch, block):
    rng = np.random.default_rng(1)
    values = np.round(rng.normal(size=(200, 3)) * 100, 3)
    values[rng.random(200) < 0.5, 2] = 0
    lines = [" ".join(map(repr, row)) + "\n" for row in values.tolist()]
    monkeypatch.setattr(text, "_BLOCK", max(block, 15))  # the header is one block
    path = write(tmp_path / "table.csv", [*lines, "\n", "  \n", "\n" * 40])
    np.testing.assert_array_equal(np.column_stack(list(read_numbers(path, HEADER).values())), values)
    columns, rows = read_filled(path, HEADER, "share")
    np.testing.assert_array_equal(rows, np.flatnonzero(values[:, 2]))
    np.testing.assert_array_equal(np.column_stack(list(columns.values())), values[rows])
    for bad, line, message in (
        ("x", 102, "column a: 'x' is not a finite number"),
        ("", 102, "column a is empty"),
        ("1 2 3\x07", 102, "control character 0x07"),
    ):
        path = write(tmp_path / "bad.csv", [*lines[:100], bad + "\n", *lines[100:]])
        with pytest.raises(ReleaseError, match=f"line {line}[,:].*{message}"):
            read_numbers(path, HEADER)
    path.write_text(path.read_text().rstrip())
    with pytest.raises(ReleaseError, match="line 202: the last line does not end"):
        read_numbers(path, HEADER)
