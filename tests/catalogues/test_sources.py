"""The checks every list has to pass."""

import numpy as np
import pandas as pd
import pytest

from nusky.catalogues.sources import Sources, check, drop_repeats, shared
from nusky.errors import CatalogueError


def sources(**columns):
    good = {"name": ["a", "b"], "ra_deg": [1.0, 2.0], "dec_deg": [3.0, 4.0], "extension_deg": 0.0, "flux": np.nan}
    frame = pd.DataFrame({**good, **columns}, index=[1, 2])
    return Sources("mine", "mine.csv", frame, has_flux=False, headers={"ra_deg": "RAJ2000"})


def test_a_good_list_passes():
    check(sources(ra_deg=[0.0, 359.9], dec_deg=[-90.0, 90.0], flux=[1.0, np.nan]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"ra_deg": [1.0, 361.0]}, "mine.csv: row 2: RAJ2000 = 361.0 must lie in 0 to 360 degrees"),
        ({"ra_deg": [-1.0, 2.0]}, "row 1: RAJ2000 = -1.0 must lie in 0 to 360 degrees (add 360"),
        ({"ra_deg": [np.nan, 2.0]}, "row 1: RAJ2000 is missing; give it"),
        ({"ra_deg": [np.inf, 2.0]}, "row 1: RAJ2000 = inf must lie in"),
        ({"dec_deg": [0.0, 90.5]}, "row 2: dec_deg = 90.5 must lie in -90 to 90"),
        ({"dec_deg": [0.0, np.nan]}, "row 2: dec_deg is missing"),
        ({"extension_deg": [0.0, -0.1]}, "row 2: extension_deg = -0.1 must lie in 0 to 180 degrees; 0 for"),
        ({"name": ["", "b"]}, "row 1: name is missing"),
        ({"flux": [np.inf, 1.0]}, "row 1: flux = inf must be finite"),
        (
            {"name": ["", "b"], "dec_deg": [0.0, 91.0]},
            "row 1: name is missing; give it; row 2: dec_deg",
        ),
    ],
)
def test_bad_rows_are_named(columns, message):
    with pytest.raises(CatalogueError) as caught:
        check(sources(**columns))
    assert message in str(caught.value)


def test_many_bad_rows_are_counted():
    frame = pd.DataFrame({"name": "a", "ra_deg": 400.0, "dec_deg": 0.0, "extension_deg": 0.0, "flux": 1.0}, range(1, 9))
    with pytest.raises(CatalogueError, match=r"row 5: .*; and 3 more"):
        check(Sources("mine", "mine.csv", frame, has_flux=True))


def test_repeated_rows_are_dropped_and_named():
    frame = pd.DataFrame(
        {"name": ["a", "a", "a", "b"], "ra_deg": [1.0, 1.0, 2.0, 2.0], "dec_deg": 0.0}, index=[1, 2, 3, 4]
    )
    kept, repeated = drop_repeats(Sources("mine", "mine.csv", frame, has_flux=False))
    assert kept.frame.index.tolist() == [1, 3, 4]
    assert repeated == ["a"]
    assert shared(kept.frame, ["name"]) == [["a", "a"]]
    assert shared(kept.frame, ["ra_deg", "dec_deg"]) == [["a", "b"]]
