"""Every fault docs/reliability.md lists is proved by a test that exists, and every limit it names is the real one."""

import ast
import re

import pytest

from nusky import config
from nusky.catalogues import sources, tablefile
from nusky.releases import archive, transfer
from tests.fuzz.targets import TARGETS


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "reliability.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def known(repository):
    """Names of all tests."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in repository.glob("tests/**/test_*.py")]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def rows(page, section):
    """The rows of the table in a section, as lists of cells."""
    text = re.split(r"^## ", page, flags=re.MULTILINE)
    (part,) = [part for part in text if part.startswith(section + "\n")]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_test_named_exists(page, known):
    named = re.findall(r"`(test_\w+)`", page)
    assert len(named) > 60
    assert sorted(set(named) - known) == []


@pytest.mark.parametrize(("section", "least"), [("Network", 15), ("Files", 15), ("Machine", 10), ("Foreign code", 10)])
def test_every_fault_has_a_message_and_a_test(page, section, least):
    table = [row for row in rows(page, section) if row[0] != "fault" and set(row[0]) != {"-"}]
    assert len(table) >= least
    for fault, seen, test in table:
        assert fault, table
        assert seen, fault
        assert re.search(r"`test_\w+`", test), fault


def test_every_reader_was_fuzzed(page):
    assert {row[0] for row in rows(page, "Fuzzing")} == set(TARGETS)
    assert all(int(row[4]) == 0 for row in rows(page, "Fuzzing"))


def test_limits_are_the_real_ones(page):
    for number in (
        f"after {transfer.STALL_S:g} s without a byte",
        f"after {transfer.ANSWER_S / 60:g} minutes without an answer",
        f"after {transfer.ATTEMPTS} attempts",
        f"after {transfer.TOTAL_S / 3600:g} hours in all",
        f"not finished after {transfer.TOTAL_S:g} s",
        f"expands more than {archive.MAX_RATIO} times",
        f"{archive.MAX_MEMBERS} are allowed",
        f"longer than {archive.MAX_NAME} bytes",
        f"longer than {sources.MAX_NAME} characters",
        f"more than {tablefile.MAX_BYTES} bytes",
        f"over {config.MAX_FILE_BYTES >> 20} MiB",
    ):
        assert number in page.replace("\n", " "), number
