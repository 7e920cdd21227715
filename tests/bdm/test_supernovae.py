import re

import numpy as np
import pytest
from astropy.table import Table

from nusky.bdm import constant, equatorial_to_beta
from nusky.bdm.supernovae import Host, Supernova, find, host, load
from nusky.errors import CatalogueError, PhysicsError
from nusky.resources import resource


def test_historical_supernovae_lie_where_their_remnants_are_called_after():
    table = Table.read(resource("supernovae/historical.ecsv"), format="ascii.ecsv")
    for row, supernova in zip(table, load(), strict=True):
        assert supernova.name == row["name"]
        match = re.search(r"G(\d+\.\d)([+-]\d+\.\d)", row["remnant"])
        if match:
            l, b = np.degrees(supernova.galactic())
            # a remnant's name is that of its middle; the pulsar in Vela has left it
            assert abs((l - float(match[1]) + 180) % 360 - 180) < (0.5 if row["name"] == "Vela" else 0.1)
            assert b == pytest.approx(float(match[2]), abs=0.6 if row["name"] == "Vela" else 0.1)


def test_every_historical_row_has_a_reference_and_a_distance_with_error():
    table = Table.read(resource("supernovae/historical.ecsv"), format="ascii.ecsv")
    assert len(table) >= 10
    assert all(re.search(r"\(\d{4}\)", row["reference"]) for row in table)
    for supernova in load():
        assert supernova.year < 2000
        assert np.isnan(supernova.distance_error_low_kpc) == (supernova.name == "G1.9+0.3")


def test_sn_1987a_belongs_to_the_large_magellanic_cloud():
    supernova = find("SN 1987A")
    assert supernova.host == "LMC"
    # angle between SN 1987A and the LMC's centre, reference/boosted_dark_matter.json
    assert supernova.beta() == pytest.approx(0.02004146106280973, rel=1e-5)
    assert host("LMC").halo == constant.LMC_profile
    assert supernova.distance_kpc == constant.SN1987a_coord[2]


def test_angle_and_age():
    supernova = Supernova("Cas A", 350.85, 58 + 49 / 60, 3.5, year=1680)
    assert supernova.beta() == pytest.approx(equatorial_to_beta("23h23m24s", "58d49m00s")[0], rel=1e-12)
    assert supernova.age(2030) == pytest.approx(350 * constant.year2Seconds)
    assert supernova.beta(Host("anti", np.pi, 0.0, 8.5)) == pytest.approx(np.pi - supernova.beta(), rel=1e-12)
    with pytest.raises(PhysicsError, match="X: its year is not known"):
        Supernova("X", 1, 1, 1).age(2030)


def test_user_file_with_units(tmp_path):
    table = Table({"name": ["A", "B"], "ra_deg": [1.0, 2.0], "dec_deg": [3.0, 4.0], "distance_kpc": [500.0, 2000.0]})
    table["distance_kpc"].unit = "pc"
    table["ra_deg"].unit = "hourangle"
    table.write(tmp_path / "mine.ecsv")
    first, second = load(tmp_path / "mine.ecsv")
    assert (first.ra_deg, first.dec_deg, first.distance_kpc) == pytest.approx((15.0, 3.0, 0.5))
    assert (second.name, second.host, second.distance_kpc) == ("B", "Milky Way", pytest.approx(2.0))
    assert np.isnan(second.year)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,ra_deg,dec_deg\nA,1,2\n", "no column 'distance_kpc'; it has name, ra_deg, dec_deg"),
        ("name,ra_deg,dec_deg,distance_kpc\nA,400,2,1\n", "row 1: ra_deg = 400"),
        ("name,ra_deg,dec_deg,distance_kpc\nA,1,2,1\nB,1,2,-3\n", "row 2: B: distance_kpc = -3 kpc"),
        ("name,ra_deg,dec_deg,distance_kpc\nA,1,2,\n", "row 1: A: distance_kpc is NaN"),
        ("name,ra_deg,dec_deg,distance_kpc\nA,1,2,near\n", "'distance_kpc' holds text"),
        ("name,ra_deg,dec_deg,distance_kpc\nA,1,2,1\nA,1,3,1\n", "more than one row is called 'A'"),
        ("name,ra_deg,dec_deg,distance_kpc,host\nA,1,2,1,M31\n", "row 1: unknown host 'M31'"),
        ("name,ra_deg,dec_deg,distance_kpc\n", "holds no source"),
    ],
)
def test_bad_files_are_explained(tmp_path, text, message):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(CatalogueError, match=message) as caught:
        load(path)
    assert "mine.csv" in str(caught.value)


def test_unknown_names_are_explained():
    with pytest.raises(CatalogueError, match=r"no supernova 'CasA'.* Did you mean 'Cas A'"):
        find("CasA")
    with pytest.raises(PhysicsError, match="X: ra_deg = 400, dec_deg = 1 is no position"):
        Supernova("X", 400, 1, 1)
