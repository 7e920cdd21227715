"""Joined catalogues and their reports."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nusky.catalogues.build import build_catalogue
from nusky.catalogues.sources import CANONICAL
from nusky.config import PRESETS, Catalogue, SourceList, Weighting
from nusky.errors import CatalogueError
from nusky.resources import resource


def preset(name, **more):
    return Catalogue(**{**PRESETS[name], **more})


def own(path, **more):
    return Catalogue(lists=[SourceList(file=str(path))], **more)


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("name,ra_deg,dec_deg,mass\nnear Crab,83.7,22.0,1\nfar,200,-70,2\nfar,200,-70,2\nfar,201,-70,3\n")
    return path


@pytest.mark.parametrize(("name", "n_sources"), [("wcda-hess", 164), ("km2a-hess", 170), ("pulsars", 2374)])
def test_the_ready_made_catalogues(name, n_sources):
    table, report = build_catalogue(preset(name), name)
    assert table.num_rows == report["n_sources"] == n_sources
    assert table.column_names[: len(CANONICAL)] == list(CANONICAL)
    types = dict(zip(table.column_names, table.schema.types, strict=True))
    assert types["duplicate_of"] == pa.int32()
    assert types["extension_limit"] == types["flux_limit"] == pa.bool_()
    assert types["name"] == types["origin"] == pa.string()
    merged = {"wcda-hess": 15, "km2a-hess": 9, "pulsars": 0}[name]  # closer than 0.3 deg or an extension
    assert np.count_nonzero(table["duplicate_of"].to_numpy() >= 0) == len(report["crossmatch"]["merged"]) == merged
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_lists_are_joined_in_order_with_nan_where_a_column_is_lacking():
    table, report = build_catalogue(preset("wcda-hess"), "wcda-hess")
    assert table["origin"].to_pylist() == ["1lhaaso-wcda"] * 69 + ["hess"] * 95
    assert table["name"][69].as_py() == "HESS J1614-518"
    index = table["spectral_index"].to_numpy()
    assert index[0] == 2.74  # 1LHAASO J0007+7303u, ApJS 271, 25
    assert np.isnan(table["flux_unit_per_tev_cm2_s"].to_numpy()[69:]).all()
    assert report["missing_flux"]["count"] == 13
    assert report["missing_flux"]["names"][0] == "HESS J0232+202"


def test_crossmatching_marks_the_later_list():
    table, report = build_catalogue(preset("wcda-hess"), "wcda-hess")
    names, partner = table["name"].to_pylist(), table["duplicate_of"].to_pylist()
    assert names[partner[names.index("HESS J0534+220")]] == "1LHAASOJ0534+2200u"  # the Crab nebula
    assert set(partner[:69]) == {-1}
    merged = report["crossmatch"]["merged"]
    assert len(merged) == sum(row >= 0 for row in partner) > 5
    extension = np.nan_to_num(table["extension_deg"].to_numpy())
    for pair in merged:
        rows = [names.index(pair[key]) for key in ("source", "duplicate_of")]
        assert pair["separation_deg"] <= max(0.3, *extension[rows])
    apart, _ = build_catalogue(preset("wcda-hess", crossmatch_radius_deg=None), "wcda-hess")
    assert set(apart["duplicate_of"].to_pylist()) == {-1}


def test_a_users_list_joins_a_builtin_one(mine):
    catalogue = Catalogue(
        lists=[SourceList(builtin="hess"), SourceList(file=str(mine), label="own")], crossmatch_radius_deg=0.2
    )
    table, report = build_catalogue(catalogue, "both")
    assert table["origin"].to_pylist()[95:] == ["own"] * 3
    assert table["name"][table["duplicate_of"][95].as_py()].as_py() == "HESS J0534+220"
    assert table["mass"].to_numpy()[95:].tolist() == [1.0, 2.0, 3.0]
    part = report["lists"][1]
    assert part["repeated_rows_left_out"] == ["far"]
    assert part["same_name_kept"] == ["far"]
    assert not part["has_flux"]
    assert np.isnan(table["flux"].to_numpy()[95:]).all()


def test_messages_name_the_config_block_and_the_row(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("name,ra_deg,dec_deg\na,1,2\nb,1,-95\n")
    with pytest.raises(CatalogueError) as caught:
        build_catalogue(own(path), "blazars")
    assert str(caught.value).startswith(
        f"in config block `catalogues.blazars`: {path}: row 2: dec_deg = -95.0 must lie"
    )


def test_the_alert_tracks_serve_as_a_users_list():
    table, report = build_catalogue(own(resource("catalogues/icecube_tracks.ecsv")), "alerts")
    assert table.num_rows == 275
    assert table["energy_tev"].to_numpy()[0] == 187.0  # IC110514A, ApJS 269, 25
    assert report["lists"][0]["label"] == "icecube_tracks"


cells = st.sampled_from(["a", "b", "0", "1.5", "-91", "360", "nan", "", "1e", "±", '"', "#", " ", "\u00a0", ";"])
lines = st.lists(cells, min_size=1, max_size=5).map(",".join)


@given(body=st.lists(lines, max_size=6).map("\n".join))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_catalogue_or_a_catalogue_error(tmp_path, body):
    path = tmp_path / "any.csv"
    path.write_text("name,ra_deg,dec_deg,flux\n" + body, encoding="utf-8")
    try:
        table, report = build_catalogue(own(path, weightings={"f": Weighting(column="flux")}), "any")
    except CatalogueError:
        return
    assert table.num_rows == report["n_sources"] > 0
    assert ((table["ra_deg"].to_numpy() >= 0) & (table["ra_deg"].to_numpy() < 360)).all()
    assert (np.abs(table["dec_deg"].to_numpy()) <= 90).all()
    assert all(table["name"].to_pylist())


def test_a_file_without_rows_is_refused(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("name,ra_deg,dec_deg\n")
    with pytest.raises(CatalogueError, match="holds no source"):
        build_catalogue(own(path), "blazars")


def test_a_weighting_column_that_does_not_exist_is_refused_early(mine):
    with pytest.raises(CatalogueError, match=r"weighting column 'lumi' does not exist or is text\. Use one of .*mass"):
        build_catalogue(own(mine, weightings={"w": Weighting(column="lumi")}), "blazars")


def test_two_lists_need_two_labels(mine):
    catalogue = Catalogue(lists=[SourceList(file=str(mine))] * 2)
    with pytest.raises(CatalogueError, match="two lists are called 'mine'"):
        build_catalogue(catalogue, "twice")
