"""One way from a supernova to its halo, whoever asks."""

import json

import numpy as np
import pytest

from nusky import bdm, config
from nusky.bdm.models import ConstantCrossSection
from nusky.bdm.scan import scan_flux
from nusky.bdm.supernovae import described, find, place
from nusky.errors import CatalogueError, PhysicsError
from nusky.stages import bdm as stage
from nusky.tables import read_table

YEAR = bdm.constant.year2Seconds


def by_command(nusky, *arguments):
    result = nusky("bdm", "flux", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["flux"]


def by_workflow(folder, **block):
    block = config.BoostedDarkMatter(nside=1, n_l=8, n_b=8, **block)
    stage.sky_map(block, folder / "sky.parquet", {n: folder / f"{n}.fits" for n in ("published", "standard")})
    stage.numbers(block, folder / "sky.parquet", folder / "numbers.parquet")
    rows = {row["key"]: row for row in read_table(folder / "numbers.parquet", kind="bdm_numbers").to_pylist()}
    return rows["flux_constant"]["standard"]


@pytest.mark.parametrize(("name", "t", "mx"), [("SN 1987A", 39.0, 1.0), ("SN 1054", 970.0, 60.0)])
def test_command_workflow_and_scan_agree(nusky, tmp_path, name, t, mx):
    command = by_command(nusky, "--supernova", name, "--t", f"{t}yr", "--mx", f"{mx}MeV")
    workflow = by_workflow(tmp_path, supernova={"name": name}, t_yr=t, mx_mev=mx)
    table = scan_flux(ConstantCrossSection(), [find(name)], mx, 5, t * YEAR)
    scanned = table["flux_per_mev_cm2_s"][0].as_py()
    assert command == pytest.approx(workflow, rel=1e-9)
    assert scanned == pytest.approx(workflow, rel=1e-6)
    where = place(find(name))
    direct = bdm.flux(t * YEAR, 5, mx, where.supernova.distance_kpc, where.beta, Re=where.host.distance_kpc,
                      **where.host.halo)  # fmt: skip
    assert workflow == pytest.approx(direct, rel=1e-9)


def test_sn_1987a_is_seen_through_its_own_galaxy(tmp_path):
    own = by_workflow(tmp_path, supernova={"name": "SN 1987A"}, t_yr=39.0)
    foreign = by_workflow(tmp_path, supernova={"name": "SN 1987A", "host": "Milky Way"}, t_yr=39.0)
    where = place(find("SN 1987A"))
    beta = bdm.galactic_to_beta(*where.galactic)
    assert foreign == pytest.approx(bdm.flux(39 * YEAR, 5, 1, 51.4, beta), rel=1e-7)
    halo = {"rhos": 68, "rs": 31.9, "n": 3}
    beta = bdm.galactic_to_beta(*where.galactic, where.centre)
    assert own == pytest.approx(bdm.flux(39 * YEAR, 5, 1, 51.4, beta, Re=49.97, **halo), rel=1e-7)


def test_a_map_of_the_workflow_has_the_host_s_centre(tmp_path):
    block = config.BoostedDarkMatter(supernova={"name": "SN 1987A"}, t_yr=39.0, nside=1, n_l=60, n_b=60)
    stage.sky_map(block, tmp_path / "sky.parquet", {n: tmp_path / f"{n}.fits" for n in ("published", "standard")})
    table = read_table(tmp_path / "sky.parquet", kind="bdm_sky_map").to_pydict()
    where = place(find("SN 1987A"))
    k = int(np.argmax(table["standard_per_mev_cm2_s_sr"]))
    angles = bdm.sky_angles(np.radians(table["l_deg"][k]), np.radians(table["b_deg"][k]), where.galactic, where.centre)
    boosted = where.under(ConstantCrossSection())
    assert boosted.differential_flux(39 * YEAR, 5, 1, *angles) == pytest.approx(
        table["standard_per_mev_cm2_s_sr"][k], rel=1e-9
    )


def test_every_default_is_one_cas_a(nusky, tmp_path):
    fluxes = [
        by_command(nusky),
        by_command(nusky, "--supernova", "Cas A"),
        by_command(nusky, "--ra", "23h23m24s", "--dec", "58d49m00s", "--distance", "3.5kpc"),
        by_workflow(tmp_path),
        by_workflow(tmp_path, supernova={"name": "Cas A"}),
        scan_flux(ConstantCrossSection(), [find("Cas A")], 1, 5, 350 * YEAR)["flux_per_mev_cm2_s"][0].as_py(),
    ]
    assert fluxes == pytest.approx([9.341471424630357e-20] * 6, rel=1e-6)


def test_what_is_not_said_comes_from_the_list():
    assert described("SN 1987A") == find("SN 1987A")
    moved = described("SN 1987A", distance_kpc=49.0)
    assert (moved.distance_kpc, moved.host) == (49.0, "LMC")
    assert described("mine", 10.0, 20.0, 3.0).host == "Milky Way"
    assert described("mine", 80.0, -69.0, 50.0, "LMC").host == "LMC"
    with pytest.raises(CatalogueError, match="no supernova 'mine'"):
        described("mine", 10.0, 20.0)
    with pytest.raises(PhysicsError, match="unknown host 'M31'"):
        place(described("mine", 10.0, 20.0, 780.0, "M31"))
