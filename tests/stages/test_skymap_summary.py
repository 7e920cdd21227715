import json

import pytest

from nusky.errors import TableError
from nusky.stages import skymap_summary
from tests import skymap_run


def test_spots_and_hottest_are_there_and_json_can_hold_them(tmp_path):
    found = skymap_summary.collect(skymap_run.write(tmp_path))
    assert (found["analysis"], found["gamma"], found["nside"]) == ("spatial and energy", None, skymap_run.NSIDE)
    assert found["nside_coarse"] <= found["nside"]
    assert found["refine_above"] > 0
    assert found["n_spots"] == 2
    assert found["spots"][0].items() >= skymap_run.HOTTEST.items()
    south, north = found["hottest"]
    assert (south["hemisphere"], south["test_statistic"]) == ("south", None)
    assert north.items() >= {"n_sky_trials": 99, "p_post": 0.04, **skymap_run.HOTTEST}.items()
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_table_of_another_kind_is_refused(tmp_path):
    paths = skymap_run.write(tmp_path)
    with pytest.raises(TableError, match=r"spots\.parquet: holds 'skymap_spots', but 'skymap_hottest' is needed"):
        skymap_summary.collect(paths | {"hottest": paths["spots"]})
