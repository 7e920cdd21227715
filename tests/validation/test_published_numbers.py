"""The page of published numbers: what it states, and that this version still computes it."""

import re

import pytest

from validation import page, published_numbers


@pytest.fixture(scope="module")
def tables(repository):
    """The rows of every table of the committed page, cells as text."""
    text = (repository / "docs/validation/published_numbers.md").read_text(encoding="utf-8")
    bodies = re.findall(r"^\| ---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [[[cell.strip() for cell in line.split("|")[1:-1]] for line in body.splitlines()] for body in bodies]


def test_expected_events_are_the_page_s_and_the_authors_(tables, validation_data):
    rows = list(published_numbers.expected(validation_data))
    assert len(rows) == len(tables[0]) == 8
    for (what, reference, ours), shown in zip(rows, tables[0], strict=True):
        assert ours == pytest.approx(reference, rel=1e-6)
        assert shown[0] == what
        assert float(shown[2]) == pytest.approx(ours, rel=1e-9)


def test_single_sources_on_the_page_agree(tables):
    assert len(tables[1]) == 36
    for _, reference, ours, _, n, our_n in tables[1]:
        assert float(ours) == pytest.approx(float(reference), abs=1e-4)
        assert n == our_n


@pytest.mark.parametrize(("number", "rows", "tolerance"), [(2, 28, 1e-12), (3, 13, 1e-7), (4, 10, 1e-3), (5, 5, 1e-7)])
def test_boosted_dark_matter_on_the_page_agrees(tables, number, rows, tolerance):
    assert len(tables[number]) == rows
    assert all(abs(float(row[3])) <= tolerance for row in tables[number])


def test_difference_is_relative_and_absolute_at_zero():
    assert published_numbers.difference(2.0, 2.2) == pytest.approx(0.1)
    assert published_numbers.difference(0.0, 1e-3) == 1e-3


def test_a_table_names_its_source_and_largest_difference():
    table = published_numbers.table("Speed", "a paper", [("a", 1.0, 1.0), ("b", 2.0, 2.5)])
    assert isinstance(table, page.Table)
    assert table.about == "Speed. Source: a paper. Largest difference: 2.5e-01."
    assert table.rows[1] == ("b", "2", "2.5", "+2.5e-01")
