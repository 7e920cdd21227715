import subprocess
import sys

import numpy as np
import pytest

from nusky import bdm
from nusky.bdm import PUBLISHED, constant, scan
from nusky.bdm.models import ConstantCrossSection, LMuTau
from nusky.bdm.scan import scan_events, scan_flux
from nusky.bdm.supernovae import Host, Supernova, find
from nusky.errors import PhysicsError

YEAR = constant.year2Seconds
SUPERNOVAE = [Supernova("near", 10, 20, 1.0), Supernova("far", 266, -29, 8.0), find("SN 1987A")]


def test_flux_table_holds_every_point_in_order():
    table = scan_flux(LMuTau(), SUPERNOVAE, [0.5, 1], [5, 10, 20], [20 * YEAR, 90 * YEAR]).to_pylist()
    assert len(table) == 3 * 2 * 3 * 2
    assert [row["supernova"] for row in table[::12]] == ["near", "far", "SN 1987A"]
    for k in (0, 5, 14, 23, 30):
        row = table[k]
        supernova = {s.name: s for s in SUPERNOVAE}[row["supernova"]]
        lmc = supernova.host == "LMC"
        halo = constant.LMC_profile if lmc else {}
        boosted = LMuTau().at(supernova.distance_kpc, 49.97 if lmc else 8.5, supernova.beta(), **halo)
        expected = boosted.flux(row["t_s"], row["tx_mev"], row["mx_mev"])
        assert row["flux_per_mev_cm2_s"] == pytest.approx(expected, rel=1e-6)
        assert 0 <= row["flux_error_per_mev_cm2_s"] <= 1e-7 * expected + 1e-300
    assert any(row["flux_per_mev_cm2_s"] > 0 for row in table)


def test_events_table_and_conventions():
    ranges = [(10 * YEAR, 20 * YEAR), (20 * YEAR, 50 * YEAR)]
    table = scan_events(
        ConstantCrossSection(), SUPERNOVAE[:1], np.geomspace(0.1, 10, 9), (5, 30), ranges, conventions=PUBLISHED
    ).to_pylist()
    assert [(row["t_start_s"], row["t_stop_s"]) for row in table[::9]] == ranges
    row = table[13]
    expected = bdm.event(
        row["mx_mev"], 1.0, SUPERNOVAE[0].beta(), t_range=ranges[1], Tx_range=(5, 30), conventions=PUBLISHED
    )
    assert row["events_per_target"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow  # starts interpreters
def test_processes_change_nothing(monkeypatch):
    monkeypatch.setattr(scan, "_FLUX_POINTS", 7)  # 2 supernovae in 4 tasks each, the last one smaller
    grid = (np.geomspace(0.1, 10, 4), np.linspace(5, 30, 2), np.linspace(1, 90, 3) * YEAR)
    arguments = (ConstantCrossSection(), SUPERNOVAE[:2], *grid)
    assert scan_flux(*arguments).equals(scan_flux(*arguments, processes=2))


SCRIPT = """
import numpy as np
from nusky.bdm.models import ConstantCrossSection
from nusky.bdm.scan import scan_flux
from nusky.bdm.supernovae import find
{model}
print("started")
grid = np.geomspace(0.1, 10, 15), np.linspace(5, 30, 15), np.linspace(1e8, 1e10, 10)
table = scan_flux({name}(), [find("Cas A")], *grid, rtol=0.1, processes=2)
print(len(table))
"""


@pytest.mark.slow
@pytest.mark.parametrize("own", [False, True])
def test_a_script_without_a_main_guard(tmp_path, own):
    """Works where the processes need nothing of the script, and says what to do where they do."""
    model = "class Mine(ConstantCrossSection): pass" if own else ""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(model=model, name="Mine" if own else "ConstantCrossSection"))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path, check=False)
    if own:
        assert "a model that is defined in the script itself: put what the script does under" in done.stderr
        assert done.returncode == 1
    else:
        assert (done.returncode, done.stdout.split()) == (0, ["started", "2250"]), done.stderr


def test_a_model_that_cannot_be_sent():
    class Inner(ConstantCrossSection):
        pass

    arguments = (SUPERNOVAE[:1], np.geomspace(0.1, 10, 15), np.linspace(5, 30, 15), np.linspace(1e8, 1e10, 10))
    with pytest.raises(PhysicsError, match="cannot be sent to other processes"):
        scan_flux(Inner(), *arguments, processes=2)


def test_hosts_of_one_s_own():
    galaxy = Host("dwarf", 0.0, 0.0, 60.0, {"rhos": 500, "rs": 2.0})
    supernova = Supernova("there", 266.4, -28.9, 60.0)
    table = scan_flux(ConstantCrossSection(), [supernova], 1, 5, YEAR, hosts=[galaxy])
    expected = bdm.flux(YEAR, 5, 1, 60.0, supernova.beta(galaxy), Re=60.0, rhos=500, rs=2.0)
    assert table["flux_per_mev_cm2_s"][0].as_py() == pytest.approx(expected, rel=1e-6)
    with pytest.raises(PhysicsError, match="0 hosts for 1 supernovae"):
        scan_flux(ConstantCrossSection(), [supernova], 1, 5, YEAR, hosts=[])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mx": [1, -1]}, "mx = -1 MeV"),
        ({"mx": []}, "mx is empty"),
        ({"t": []}, "t is empty"),
        ({"t": -1.0}, "t = -1 s"),
        ({"processes": 0}, "processes = 0"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"mx": 1, "Tx": 5, "t": YEAR, **change}
    with pytest.raises(PhysicsError, match=message):
        scan_flux(ConstantCrossSection(), SUPERNOVAE[:1], **arguments)


def test_nothing_to_scan():
    with pytest.raises(PhysicsError, match="supernovae is empty"):
        scan_flux(ConstantCrossSection(), [], 1, 5, YEAR)
    with pytest.raises(PhysicsError, match="t_ranges is empty"):
        scan_events(ConstantCrossSection(), SUPERNOVAE[:1], 1, (5, 30), [])
    for times in ((5, 4), (5, 5)):
        with pytest.raises(PhysicsError, match="t_ranges = "):
            scan_events(ConstantCrossSection(), SUPERNOVAE[:1], 1, (5, 30), [times])
