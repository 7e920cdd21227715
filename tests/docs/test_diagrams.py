"""The diagrams of the architecture page are those of the code."""

import re
from itertools import pairwise

import pytest

from docs import diagrams


@pytest.fixture(scope="module")
def rules():
    return diagrams.rules()


def test_committed_layers_are_current(repository):
    committed = (repository / diagrams.LAYERS).read_text(encoding="utf-8")
    assert committed == diagrams.layers_svg(), "run `make generated` and commit docs/images"


def test_committed_rules_are_current(repository):
    committed = (repository / diagrams.RULES).read_text(encoding="utf-8")
    assert committed == diagrams.rules_svg(), "run `make generated` and commit docs/images"


def test_every_rule_is_drawn(repository, rules):
    written = {
        name
        for path in [repository / "Snakefile", *(repository / "workflow/rules").glob("*.smk")]
        for name in re.findall(
            r"^ *(?:use rule \w+ as (?=\w+ with)|rule (?=\w+:))(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert {rule for edge in rules for rule in edge} == written, "let `diagrams.EVERYTHING` ask for every rule"


def test_every_part_of_the_package_is_in_a_layer(repository):
    parts = {part for layer in diagrams.layers() for part in layer}
    modules = {
        f"nusky.{path.stem}"
        for path in (repository / "src/nusky").iterdir()
        if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix == ".py"
    }
    assert modules - {"nusky.__init__", "nusky.__main__"} == parts


def test_edges_that_follow_from_others_are_left_out():
    edges = {("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}
    assert diagrams.reduced(edges) == {("a", "b"), ("b", "c"), ("a", "d")}
    assert diagrams.ranks(edges) == [["a"], ["b", "d"], ["c"]]


def test_boxes_do_not_overlap_and_edges_go_down(rules):
    edges = {(a, b) for a, b in rules if a != "all"}
    drawing = diagrams.rules_svg()
    boxes = re.findall(r'<rect x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="26"', drawing)
    placed = sorted((float(y), float(x), float(x) + float(width)) for x, y, width in boxes)
    assert len(placed) == len({rule for edge in edges for rule in edge})
    for (row, _, right), (next_row, left, _) in pairwise(placed):
        assert row != next_row or right < left
    for start, end in re.findall(r'd="M[-\d.]+ ([\d.]+).*? ([\d.]+)" marker', drawing):
        assert float(start) < float(end)
