"""The page on boosted dark matter: its configurations mean what it says, its numbers are those computed."""

import pytest
import yaml

from nusky import config
from nusky.stages import bdm
from nusky.tables import read_table
from tests.docs.markdown import blocks

PAGE = "docs/boosted_dark_matter.md"


@pytest.fixture(scope="module")
def text(repository):
    return (repository / PAGE).read_text(encoding="utf-8")


def test_configurations_shown_are_valid(text):
    shown = [config.parse({"run": "example", **yaml.safe_load(block.code)}) for block in blocks(text, "yaml")]
    assert shown[0].bdm == config.BoostedDarkMatter()
    assert shown[1].bdm.supernova.distance_kpc is None


def test_table_of_numbers_is_what_the_workflow_computes(text, tmp_path):
    block = config.BoostedDarkMatter(nside=1)
    bdm.sky_map(
        block, tmp_path / "sky.parquet", {name: tmp_path / f"{name}.fits" for name in ("published", "standard")}
    )
    bdm.numbers(block, tmp_path / "sky.parquet", tmp_path / "numbers.parquet")
    computed = {row["key"]: row for row in read_table(tmp_path / "numbers.parquet", kind="bdm_numbers").to_pylist()}
    keys = (
        "map_maximum",
        "map_maximum_l",
        "map_integral_per_flux",
        "flux_constant",
        "dsigma_forward",
        "sigma_electron",
        "sigma_nucleus",
        "flux_model",
        "events_model",
        "flux_override",
        "events_override",
    )
    table = text.split("| | published | standard |\n|---|---|---|\n")[1].split("\n\n")[0].splitlines()
    for key, row in zip(keys, table, strict=True):
        for cell, name in zip(row.split("|")[2:4], ("published", "standard"), strict=True):
            assert number(cell) == pytest.approx(computed[key][name], rel=6e-5), row


def number(cell: str) -> float:
    """A number as the page writes it."""
    mantissa, _, exponent = cell.strip().partition(" × 10")
    return float(mantissa) * 10 ** int(exponent.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
