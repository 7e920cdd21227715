"""Draws the layers of the code and the rules of the workflow, from the code: `python -m docs.diagrams`.

The layers come from the import contract in pyproject.toml, the arrows from the imports themselves; the rules from
Snakemake. Arrows that follow from others are left out. Both are written as SVG into docs/images.
"""

import functools
import itertools
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import grimp
import yaml

REPOSITORY = Path(__file__).parents[1]
LAYERS = Path("docs/images/layers.svg")
RULES = Path("docs/images/rules.svg")

EVERYTHING = {
    "run": "everything",
    "release": {"name": "icecube-10yr"},
    "catalogues": {
        "wcda-hess": {},
        "pulsars": {"time": {"profile": "box", "start_mjd": 55000.0, "stop_mjd": 55100.0}},
        "km2a-hess": {"time": {"profile": "flare", "shortest_days": 1, "longest_days": 100}},
    },
    "bdm": {"exclusion": {}},
    "inference": {
        "declinations_deg": [0.0],
        "sources_per_batch": 300,
        "differential_log10_energy_gev": [3, 5, 7],
        "recovery_trials": 100,
        "profiles": True,
        "systematics": {},
    },
    "skymap": {},
}
"""A configuration that asks for every rule."""

Edges = set[tuple[str, str]]
"""(needs, needed)"""


def layers() -> list[list[str]]:
    """The parts of nusky by layer, top first, as the contract has them."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = (c for c in settings["contracts"] if c["type"] == "layers" and "containers" not in c)
    return [sorted(part.strip() for part in re.split(r"[|:]", layer)) for layer in contract["layers"]]


def imports(parts: Sequence[str]) -> Edges:
    """(importer, imported) between `parts`, whichever of their modules does it."""
    graph = grimp.build_graph("nusky", cache_dir=None)
    owner = {
        module: part for part in parts for module in graph.modules if module == part or module.startswith(f"{part}.")
    }
    found = {
        (owner[module], owner[target])
        for module in owner
        for target in graph.find_modules_directly_imported_by(module)
        if target in owner
    }
    return {(a, b) for a, b in found if a != b}


@functools.cache
def rules() -> Edges:
    """(rule, other rule it needs) of a run of everything; some put together what they made of batches of sources."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "everything.yaml"
        configuration.write_text(yaml.safe_dump(EVERYTHING), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")]
        command += ["--configfile", str(configuration), "--directory", folder, "--rulegraph", "mermaid-js"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", text, re.MULTILINE))
    found = re.findall(r"^\s*(id\d+) --> (id\d+)", text, re.MULTILINE)
    return {(names[b], names[a]) for a, b in found if a != b}


def ranks(edges: Edges) -> list[list[str]]:
    """Nodes by the length of the longest way up to them, top first."""
    depth = dict.fromkeys(sorted({node for edge in edges for node in edge}), 0)
    for _ in depth:
        for needs, needed in edges:
            depth[needed] = max(depth[needed], depth[needs] + 1)
    return [[node for node, d in depth.items() if d == row] for row in range(max(depth.values()) + 1)]


def reduced(edges: Edges) -> Edges:
    """The edges without those that follow from others."""
    below: dict[str, set[str]] = {}
    for needs, needed in edges:
        below.setdefault(needs, set()).add(needed)

    def reach(node: str) -> set[str]:
        return below.get(node, set()).union(*(reach(n) for n in below.get(node, ())))

    return {(a, b) for a, b in edges if not any(b in reach(c) for c in below[a] if c != b)}


BOX_HEIGHT, ROW, GAP, CHARACTER, MARGIN = 26, 64, 16, 7.2, 12


def svg(title: str, rows: Sequence[Sequence[str]], edges: Edges, labels: Mapping[str, str]) -> str:
    """A drawing of `edges` between boxes in `rows`; long edges bend around the boxes of the rows they cross."""
    level = {node: i for i, row in enumerate(rows) for node in row}
    grid: list[list[str]] = [list(row) for row in rows]
    chains = []
    for a, b in sorted(edges):
        bends = [f"{a}>{b}@{i}" for i in range(level[a] + 1, level[b])]
        for i, bend in enumerate(bends, level[a] + 1):
            grid[i].append(bend)
        chains.append([a, *bends, b])
    neighbours: dict[str, list[str]] = {}
    for chain in chains:
        for upper, lower in itertools.pairwise(chain):
            neighbours.setdefault(upper, []).append(lower)
            neighbours.setdefault(lower, []).append(upper)
    width = {
        node: len(labels.get(node, node)) * CHARACTER + 18 if node in level else 6.0 for row in grid for node in row
    }
    full = max(sum(width[node] + GAP for node in row) for row in grid)
    x: dict[str, float] = {}
    for sweep in range(24):
        for row in grid if sweep % 2 == 0 else grid[::-1]:
            if x:
                middle = {n: [x[m] for m in neighbours.get(n, ()) if m in x] for n in row}
                row.sort(key=lambda n: (sum(middle[n]) / len(middle[n]) if middle[n] else x.get(n, full / 2), n))
            space = (full - sum(width[node] for node in row)) / (len(row) + 1)
            at = space
            for node in row:
                x[node] = at + width[node] / 2
                at += width[node] + space
    y = {node: MARGIN + i * ROW for i, row in enumerate(grid) for node in row}
    lines = []
    for chain in chains:
        path = f"M{x[chain[0]]:.1f} {y[chain[0]] + BOX_HEIGHT}"
        for upper, lower in itertools.pairwise(chain):
            start = y[upper] + BOX_HEIGHT
            half = (y[lower] - start) / 2
            path += f"C{x[upper]:.1f} {start + half} {x[lower]:.1f} {start + half} {x[lower]:.1f} {y[lower]}"
            if lower not in level:
                path += f"L{x[lower]:.1f} {y[lower] + BOX_HEIGHT}"
        lines.append(f'<path d="{path}" marker-end="url(#tip)"/>')
    boxes = [
        f'<rect x="{x[n] - width[n] / 2:.1f}" y="{y[n]}" width="{width[n]:.1f}" height="{BOX_HEIGHT}" rx="4"/>'
        f'<text x="{x[n]:.1f}" y="{y[n] + 17}">{escape(labels.get(n, n))}</text>'
        for n in sorted(level)
    ]
    size = f"{full:.0f} {MARGIN * 2 + (len(grid) - 1) * ROW + BOX_HEIGHT}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
            "<style>text{font:12px monospace;text-anchor:middle;fill:#1d2429}rect{fill:#eef3f6;stroke:#5b6770}"
            "path{fill:none;stroke:#7d8a94}marker path{fill:#7d8a94}</style>",
            '<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>',
            '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0L8 4L0 8z"/></marker>',
            *lines,
            *boxes,
            "</svg>\n",
        ]
    )


def layers_svg() -> str:
    rows = layers()
    parts = [part for row in rows for part in row]
    edges = imports(parts)
    level = {part: i for i, row in enumerate(rows) for part in row}
    # Within a layer the contract may allow imports: they stay out of a drawing that has them side by side.
    down = {(a, b) for a, b in edges if level[a] < level[b]}
    labels = {part: part.removeprefix("nusky.") for part in parts}
    return svg("The layers of nusky: imports go downwards only", rows, reduced(down), labels)


def rules_svg() -> str:
    edges = {(a, b) for a, b in rules() if a != "all"}
    return svg("The rules of the workflow, each above those it needs", ranks(edges), reduced(edges), {})


if __name__ == "__main__":
    for path, text in ((LAYERS, layers_svg()), (RULES, rules_svg())):
        (REPOSITORY / path).write_text(text, encoding="utf-8")
