"""Public catalogues as their authors give them: named sources have the positions that an independent reading gives."""

import csv

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from nusky.catalogues.build import build_catalogue
from nusky.config import Catalogue

FOURFGL = {"table": "LAT_Point_Source_Catalog"}
GIVEN = {  # file -> columns of name, longitude and latitude, ten sources, what else is stated, extension, weight
    "gll_psc_v35.fit": (
        ("Source_Name", "RAJ2000", "DEJ2000"),
        "4FGL J0534.5+2200,4FGL J1104.4+3812,4FGL J1653.8+3945,4FGL J0509.4+0542,4FGL J0000.3-7355,4FGL J0001.2+4741,"
        "4FGL J0319.8+4130,4FGL J1230.8+1223,4FGL J2158.8-3013,4FGL J0633.9+1746",
        FOURFGL,
        None,
        "Energy_Flux100",
    ),
    "gammacat.ecsv": (
        ("common_name", "ra", "dec"),
        "CTA 1,Tycho SNR,NGC 253,Crab nebula,Markarian 421,Markarian 501,M 87,PKS 2155-304,Vela X,1ES 0033+595",
        {},
        "morph_sigma",
        "spec_flux_1TeV",
    ),
    "tevcat.ecsv": (
        ("source_name", "ra", "dec"),
        "Crab,Markarian 421,Markarian 501,M 87,PKS 2155-304,Cassiopeia A,Vela X,1ES 2344+514,H 1426+428,LS I +61 303",
        {},
        None,
        None,
    ),
    "3HWC.ecsv": (
        ("source_name", "ra", "dec"),
        "3HWC J0534+220,3HWC J1104+381,3HWC J1654+397,3HWC J0540+228,3HWC J0543+231,3HWC J0617+224,3HWC J0621+382,"
        "3HWC J0630+186,3HWC J0631+107,3HWC J0633+191",
        {},
        "search_radius",
        "spec0_dnde",
    ),
    "1LHAASO_catalog.fits": (
        ("Source_Name", "RAJ2000", "DECJ2000"),
        "1LHAASO J0007+5659u,1LHAASO J0007+7303u,1LHAASO J0056+6346u,1LHAASO J0206+4302u,1LHAASO J0212+4254u,"
        "1LHAASO J0216+4237u,1LHAASO J0249+6022,1LHAASO J0339+5307,1LHAASO J0534+2200u,1LHAASO J1104+3810",
        {},
        "r39",
        "N0",
    ),
    "icecat1_v4.csv": (
        ("NAME", "RA", "DEC"),
        "IC110514A,IC110610A,IC110616A,IC110714A,IC110726A,IC110807A,IC110818A,IC110902A,IC110907A,IC170922A",
        {},
        None,
        "ENERGY",
    ),
    "icecube_tracks.csv": (
        ("NAME", "RA", "DEC"),
        "IC110514A,IC110902A,IC111208A,IC120501A,IC120611A,IC121115A,IC130408A,IC130627A,IC130822A,IC170922A",
        {},
        None,
        "SIGNAL",
    ),
    "ATNF.csv": (
        ("NAME", "RAJD", "DECJD"),
        "J0002+6216,J0023+0923,B0021-72E,J0024-7204T,J0026-1955,J0205+6449,J0437-4715,J0633+1746,J1833-1034,J0509+37",
        {},
        None,
        "S1400",
    ),
    "hess_source.csv": (
        ("Name", "RA", "Decl"),
        "HESS J1614-518,HESS J1813-178,HESS J1708-410,HESS J1302-638,HESS J1104+382,HESS J0534+220,HESS J1857+026,"
        "HESS J1908+063,HESS J1841-055,HESS J0152+017",
        {},
        "Radius [arc min]",
        None,
    ),
    "lhsaaocataloguekm2a.csv": (
        ("Source_name", "RA", "DEC"),
        "1LHAASOJ0007+5659u,1LHAASOJ0339+5307,1LHAASOJ0534+2200u,1LHAASOJ0622+3754,1LHASSOJ1813-1245,1LHAASOJ1831-1028,"
        "1LHAASOJ1848-0001u,1LHAASOJ1928+1746u,1LHAASOJ2020+4034,1LHAASOJ2108+5153u",
        {},
        "r39",
        "N0",
    ),
    "lhsaaocataloguewcda.csv": (
        ("Source_name", "RA", "DEC"),
        "1LHAASOJ0007+7303u,1LHAASOJ0534+2200u,1LHAASOJ0534+3533,1LHAASOJ1104+3810,1LHAASOJ1825-1418,1LHAASOJ1841-0519,"
        "1LHAASOJ1858+0330,1LHAASO J1914+1150u,1LHAASOJ1952+2922,1LHAASOJ2200+5643u",
        {},
        "r39",
        "N0",
    ),
}
KNOWN = {  # SIMBAD positions, and what these sources are called above
    (83.633, 22.015): (
        "4FGL J0534.5+2200",
        "Crab nebula",
        "Crab",
        "3HWC J0534+220",
        "1LHAASO J0534+2200u",
        "1LHAASOJ0534+2200u",
        "HESS J0534+220",
    ),
    (166.114, 38.209): (
        "4FGL J1104.4+3812",
        "Markarian 421",
        "3HWC J1104+381",
        "1LHAASO J1104+3810",
        "HESS J1104+382",
        "1LHAASOJ1104+3810",
    ),
    (253.468, 39.760): ("4FGL J1653.8+3945", "Markarian 501", "3HWC J1654+397"),
    (77.358, 5.693): ("4FGL J0509.4+0542",),
    (98.476, 17.770): ("4FGL J0633.9+1746", "J0633+1746"),
    (69.316, -47.253): ("J0437-4715",),
    (329.717, -30.226): ("4FGL J2158.8-3013", "PKS 2155-304"),
}


@pytest.fixture(params=GIVEN)
def catalogue(request, validation_data):
    """Name of the file, its path, and its row of GIVEN."""
    path = validation_data / "catalogues" / request.param
    if not path.is_file():
        pytest.skip(f"no {path}: this public catalogue is not here")
    return request.param, path, GIVEN[request.param]


def independent(path, columns):
    """Names and positions in degrees, read without nusky."""
    if path.suffix == ".csv":
        with open(path, encoding="utf-8-sig", newline="") as handle:
            lines = [{" ".join(str(k).split()): v for k, v in line.items()} for line in csv.DictReader(handle)]
        return [[line[columns[0]] for line in lines], *([float(line[c]) for line in lines] for c in columns[1:])]
    if path.suffix == ".ecsv":
        table = Table.read(path, format="ascii.ecsv")
        return [list(table[columns[0]]), *(np.asarray(table[c], dtype=float) for c in columns[1:])]
    with fits.open(path) as hdus:
        data = hdus[1].data
        return [[str(name) for name in data[columns[0]]], *(np.asarray(data[c], dtype=float) for c in columns[1:])]


def build(path, row):
    columns, _, stated, extension, weight = row
    names = dict(zip(("name", "ra_deg", "dec_deg"), columns, strict=True)) | {"extension_deg": extension}
    weightings = {"uniform": {}} | ({"w": {"column": weight}} if weight else {})
    lists = [{"file": str(path), "columns": names, **stated}]
    return build_catalogue(Catalogue(lists=lists, weightings=weightings), "public")


def test_ten_named_sources_of_each(catalogue):
    _, path, row = catalogue
    table, report = build(path, row)
    listed, ra, dec = independent(path, row[0])
    places = zip(*(table[axis].to_pylist() for axis in ("ra_deg", "dec_deg")), strict=True)
    found = dict(zip(table["name"].to_pylist(), places, strict=True))
    wanted = row[1].split(",")
    assert len(set(wanted)) == 10
    assert table.num_rows == len(listed)
    for source in wanted:
        at = [" ".join(text.split()) for text in listed].index(source)
        assert found[source] == (ra[at], dec[at]), source
        for place, called in KNOWN.items():
            if source in called:
                known = SkyCoord(*place, unit=u.deg)
                assert known.separation(SkyCoord(*found[source], unit=u.deg)).deg < 0.1, source
    assert "read as" not in " ".join(report["notes"])
    assert report["lists"][0]["understood"]


def test_galactic_columns_give_the_same_places(validation_data):
    path = validation_data / "catalogues" / "gll_psc_v35.fit"
    if not path.is_file():
        pytest.skip(f"no {path}: this public catalogue is not here")
    equatorial, _ = build(path, GIVEN["gll_psc_v35.fit"])
    galactic, _ = build(path, (("Source_Name", "GLON", "GLAT"), "", FOURFGL, None, None))
    a, b = (SkyCoord(t["ra_deg"].to_numpy(), t["dec_deg"].to_numpy(), unit=u.deg) for t in (equatorial, galactic))
    assert a.separation(b).arcsec.max() < 1.0  # single precision
