"""The stage: table with provenance, report as JSON."""

import pytest

from nusky import files, tables
from nusky.config import PRESETS, Catalogue, SourceList, Weighting
from nusky.errors import CatalogueError
from nusky.resources import resource
from nusky.stages.catalogues import build

_FILES = ("1lhaaso_wcda.ecsv", "hess.ecsv", "gamma_cat.ecsv")


def test_table_and_report_are_written_with_provenance(tmp_path):
    table_path, report_path = tmp_path / "sources/wcda-hess.parquet", tmp_path / "sources/wcda-hess.json"
    build(Catalogue(**PRESETS["wcda-hess"]), "wcda-hess", table_path, report_path)
    assert tables.read_table(table_path, kind="sources").num_rows == 164
    metadata = tables.read_metadata(table_path)
    digests = {name: files.sha256(resource(f"catalogues/{name}")) for name in _FILES}
    assert metadata["inputs"] == digests
    assert metadata["synthetic"] is False
    assert files.read_json(report_path)["n_sources"] == 164


def test_weightings_do_not_shape_the_table(tmp_path):
    digests = set()
    for index, weightings in enumerate(({"a": Weighting()}, {"b": Weighting(column="flux")})):
        path = tmp_path / f"{index}.parquet"
        build(Catalogue(lists=[SourceList(builtin="hess")], weightings=weightings), "h", path, tmp_path / "r.json")
        digests.add(tables.read_metadata(path)["settings_sha256"])
    assert len(digests) == 1


def test_nothing_is_written_when_a_list_is_bad(tmp_path):
    source = tmp_path / "mine.csv"
    source.write_text("name,ra_deg,dec_deg\na,400,0\n")
    with pytest.raises(CatalogueError, match="row 1: ra_deg = 400"):
        build(Catalogue(lists=[SourceList(file=str(source))]), "mine", tmp_path / "t.parquet", tmp_path / "r.json")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.csv"}
