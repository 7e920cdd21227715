import json

import pytest
import yaml

from nusky import config

FILE = "Source,RA,Dec,S\nA,40.67,-0.01,1.5\nB,77.36,5.69,\nC,80,6,4.5\n"
COLUMNS = ("--name", "Source", "--ra", "RA", "--dec", "Dec")


@pytest.fixture
def file(tmp_path):
    (tmp_path / "my list.csv").write_text(FILE)
    return "my list.csv"


@pytest.mark.parametrize(
    ("name", "count"), [("wcda-hess", 164), ("km2a-hess", 170), ("pulsars", 2374), ("hess", 95), ("1lhaaso-km2a", 75)]
)
def test_show_knows_what_comes_with_nusky(nusky, name, count):
    result = nusky("catalogue", "show", name, "--rows", 3)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{name}: {count} sources\n")
    assert f"{count - 3} more sources; --rows shows more of them" in result.stdout


def test_show_tells_what_was_left_out(nusky):
    text = " ".join(nusky("catalogue", "show", "atnf", "--rows", 0).stdout.split())
    assert "1015 of 3389 pulsars left out: S1400 or DIST_DM is unknown." in text


def test_show_a_file(nusky, file):
    told = json.loads(nusky("catalogue", "show", file, *COLUMNS, "--json").stdout)
    assert [source["name"] for source in told["sources"]] == ["A", "B", "C"]
    assert told["sources"][0]["ra_deg"] == 40.67
    assert told["sources"][1]["S"] is None


def test_validate_writes_a_block_the_configuration_takes(nusky, file):
    result = nusky("catalogue", "validate", file, *COLUMNS, "--weight", "S")
    assert result.exit_code == 0, result.output
    block = yaml.safe_load(result.stdout.partition("write in the configuration:\n")[2])
    catalogue = config.parse({"run": "x", **block}).catalogues["my-list"]
    assert catalogue.lists[0].file == file
    assert catalogue.lists[0].columns.ra_deg == "RA"
    assert catalogue.weightings["by-S"].column == "S"


def test_validate_tells_the_weights(nusky, file):
    weightings = json.loads(nusky("catalogue", "validate", file, *COLUMNS, "--weight", "S", "--json").stdout)[
        "weightings"
    ]
    assert weightings["uniform"]["n_effective"] == pytest.approx(3)
    # shares 1/4 and 3/4
    assert weightings["by-S"]["n_effective"] == pytest.approx(1 / (1 / 16 + 9 / 16))
    assert weightings["by-S"]["notes"] == ["No weight because S is missing: 1 source(s), B."]
