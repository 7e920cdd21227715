"""Nothing a file holds reaches the terminal as something else than text, whichever way it is printed."""

import json

import pyarrow as pa
import pyarrow.csv
import pytest

from nusky.tables import Provenance, write_table

STEERING = ["\x1b[2J\x1b[31mRED", "\x1b]0;title\x07", "\x9b31m", "a\rb", "\u202eevil", "\x7f", "tab\tand\nline"]
RAW = [chr(code) for code in [*range(0x20), *range(0x7F, 0xA0), 0x202E] if chr(code) != "\n"]


@pytest.fixture(params=STEERING, ids=ascii)
def text(request):
    return request.param


def table_of(tmp_path, text):
    path = tmp_path / "t.parquet"
    provenance = Provenance(False, {f"in{text}.csv": "0" * 64}, settings={f"set{text}": text})
    write_table(path, {f"column{text}": [text], "name": [f"N{text}"]}, kind=f"sources{text}", provenance=provenance)
    return path


@pytest.mark.parametrize("options", [[], ["--json"], ["--csv"], ["--columns", "nothing"]], ids=str)
def test_a_table(nusky, tmp_path, text, options):
    result = nusky("show", str(table_of(tmp_path, text)), *options)
    assert result.output.strip()
    assert not [raw for raw in RAW if raw in result.output.replace("\x1b[1m", "").replace("\x1b[0m", "")]
    if options == ["--json"]:
        assert json.loads(result.stdout)["provenance"]["settings"] == {f"set{text}": text}


@pytest.mark.parametrize("text", [STEERING[0], STEERING[2], STEERING[4]], ids=ascii)
def test_a_catalogue_and_its_errors(nusky, tmp_path, text):
    header = text.replace("\n", "").replace("\r", "")
    path = tmp_path / "mine.csv"
    path.write_text(f'name,ra_deg,dec_deg,"{header}"\nA,10,20,{header}\n', encoding="utf-8")
    for arguments in (["show"], ["show", "--json"], ["validate"], ["show", "--ra", "Ra"]):
        result = nusky("catalogue", *arguments, str(path))
        assert "unforeseen" not in result.output
        assert not [raw for raw in RAW if raw in result.output]


def test_what_the_user_types(nusky, text):
    for arguments in ([text], ["show", f"{text}.parquet"], ["show", f"--{text}"], ["catalogue", "show", text]):
        result = nusky(*arguments)
        assert result.exit_code in (1, 2)
        assert not [raw for raw in RAW if raw in result.output]


@pytest.mark.parametrize(
    "formula", ['=HYPERLINK("http://x","y")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", " =1+1", "＝1"]
)
def test_no_cell_of_a_csv_is_a_formula(nusky, tmp_path, formula):
    path = tmp_path / "t.parquet"
    columns = {formula: ["x"], "name": [formula], "dec_deg": [-1.5], "none": pa.array([None], pa.string())}
    write_table(path, columns, kind="sources", provenance=Provenance(False))
    (tmp_path / "t.csv").write_text(nusky("show", str(path), "--csv").stdout)
    read = pa.csv.read_csv(tmp_path / "t.csv").to_pylist()
    assert read == [{f"'{formula}": "x", "name": f"'{formula}", "dec_deg": -1.5, "none": None}]
