"""`nusky init` and `nusky run`: from a list of one's own to a run, from any folder."""

import os
import subprocess
import sys
import zipfile

import pytest
import yaml

from nusky import config
from nusky.files import read_json

LIST = "Source,RA,Dec,S\nNGC 1068,40.67,-0.01,1.5\nTXS 0506+056,77.36,5.69,0.4\n"
CALL = [sys.executable, "-c", "from nusky.cli import main; main()"]


def test_init_writes_a_configuration_that_is_valid_and_uses_the_columns_of_the_list(nusky, tmp_path):
    (tmp_path / "mine.csv").write_text(LIST)
    result = nusky("init", "mine.csv", "--weight", "S")
    assert result.exit_code == 0, result.output
    made = config.load(tmp_path / "mine.yaml")
    assert made.run == "mine"
    assert made.catalogues["mine"].lists[0].columns.model_dump() == {
        "name": "Source",
        "ra_deg": "RA",
        "dec_deg": "Dec",
        "extension_deg": None,
    }
    assert made.catalogues["mine"].weightings["by-S"].column == "S"
    assert made.inference.gamma == 2.5  # the three-year release tells no energies apart
    assert nusky("check", "mine.yaml").exit_code == 0


def test_init_keeps_what_exists_and_fixes_no_index_where_energies_are_known(nusky, refused, tmp_path):
    (tmp_path / "mine.csv").write_text(LIST)
    (tmp_path / "mine.yaml").write_text("run: precious\n")
    assert "this file exists" in refused("init", "mine.csv")
    assert (tmp_path / "mine.yaml").read_text() == "run: precious\n"
    assert nusky("init", "mine.csv", "-o", "ten.yaml", "--release", "icecube-10yr").exit_code == 0
    assert config.load(tmp_path / "ten.yaml").inference.gamma is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,dec_deg\nA,1\n", "ra_deg"),
        ("name,ra_deg,dec_deg\nA,400,1\n", "400"),
        ("", "mine.csv"),
    ],
)
def test_init_refuses_what_no_run_could_read(refused, tmp_path, content, message):
    (tmp_path / "mine.csv").write_text(content)
    assert message in refused("init", "mine.csv")
    assert not (tmp_path / "mine.yaml").exists()


def test_a_label_that_yaml_would_take_for_something_else_stays_a_name(nusky, tmp_path):
    (tmp_path / "123.csv").write_text(LIST)
    assert nusky("init", "123.csv").exit_code == 0
    assert config.load(tmp_path / "123.yaml").run == "123"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "mine.yaml: cannot be read (No such file or directory)"),
        ("run: x\ncatalogs: {}\n", "did you mean `catalogues`?"),
        ("run: [1\n", "mine.yaml"),
        ("run: x\nrun: y\ncatalogues: {wcda-hess: {}}\n", "run"),
        ("- a\n", "a mapping of keys is expected"),
    ],
)
def test_a_wrong_configuration_has_a_sentence(refused, tmp_path, content, message):
    if content is not None:
        (tmp_path / "mine.yaml").write_text(content)
    assert message in refused("run", "mine.yaml")
    assert not (tmp_path / "results").exists()


GOOD = {"run": "x", "release": {"name": "icecube-3yr"}, "catalogues": {"mine": {"lists": [{"file": "good.csv"}]}}}


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, ["list.csv"], "`nusky init list.csv` makes one"),
        ({}, ["."], ".: cannot be read (Is a directory)"),
        ({}, ["mine.yaml", "--directory", "list.csv"], "--directory list.csv: is no folder"),
        ({}, ["mine.yaml", "--directory", "nowhere"], "--directory nowhere: no such folder; make it first"),
        ({}, ["mine.yaml", "--profile", "slrm"], "no profile of nusky (slurm, pbs, htcondor)"),
        ({"release": {"name": "icecube-15yr"}}, ["mine.yaml"], "there is no release 'icecube-15yr'"),
        (
            {"release": {"name": "icecube-3yr", "local_path": "lost"}},
            ["mine.yaml"],
            "lost: NOT THERE; correct `release.local_path`",
        ),
        ({"catalogues": {"mine": {"lists": [{"file": "lost.csv"}]}}}, ["mine.yaml"], "lost.csv: no such file"),
        ({"catalogues": {"mine": {"lists": [{"file": "list.csv"}]}}}, ["mine.yaml"], "no column"),
        (
            {"catalogues": {"mine": {"lists": [{"file": "good.csv"}], "weightings": {"w": {"column": "S"}}}}},
            ["mine.yaml"],
            "weighting column 'S' does not exist",
        ),
        ({"catalogues": {"mine": {"lists": [{"file": "good.csv"}], "gammas": [-2]}}}, ["mine.yaml"], "minus sign"),
        ({"inference": {"trials": 0}}, ["mine.yaml"], "`inference.trials`"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(refused, tmp_path, change, arguments, message):
    (tmp_path / "list.csv").write_text(LIST)
    (tmp_path / "good.csv").write_text("name,ra_deg,dec_deg\nA,40,1\n")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(GOOD | change))
    assert message in refused("run", *arguments)
    assert not (tmp_path / "results").exists()


@pytest.fixture(scope="module")
def installed(repository, tmp_path_factory):
    """The wheel, unpacked outside of the checkout; the environment in which Python finds it there first."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=repository, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return {**os.environ, "PYTHONPATH": str(folder / "site")}


def test_the_wheel_holds_the_whole_workflow(installed, tmp_path):
    (tmp_path / "mine.csv").write_text(LIST)
    environment = {**installed, "COLUMNS": "200"}
    for arguments in (["init", "mine.csv"], ["run", "mine.yaml", "--cores", "1", "--", "--dry-run"]):
        done = subprocess.run([*CALL, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    site = installed["PYTHONPATH"]
    planned = done.stdout + done.stderr
    assert f"{site}/nusky/pipeline" in planned  # not the checkout's
    for rule in ("fetch_release", "build_catalogue", "stacking_scan", "inference_limits", "figures", "report"):
        assert rule in planned
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_a_run_from_the_wheel_tells_its_stages_and_ends_with_the_verdict(installed, tmp_path):
    settings = {
        "run": "tiny",
        "release": {
            "name": "icecube-10yr",
            "seasons": ["IC40"],
            "synthetic": "always",
            "generator": {"event_fraction": 0.01},
        },
        "catalogues": {"mine": {"lists": [{"file": "mine.csv", "columns": {"name": "Source", "ra_deg": "RA"}}]}},
        "figures": {"formats": ["png", "pdf"], "dpi": 50},
    }
    settings["catalogues"]["mine"]["lists"][0]["columns"]["dec_deg"] = "Dec"
    (tmp_path / "mine.csv").write_text(LIST)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    done = subprocess.run([*CALL, "run", "mine.yaml"], cwd=tmp_path, env=installed, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    stages = [line for line in lines if line.startswith("[")]
    assert len(stages) == len(set(stages)) >= 10
    assert stages[-1].startswith("[12/12] report done") or "report done" in "".join(stages)
    assert "cannot say whether there is an excess" in done.stdout
    report = tmp_path / "results/tiny/report.html"
    assert lines[-1] == f"Report: {report}"
    assert '<a href="figures/sky_map.pdf">' in report.read_text()
    assert read_json(tmp_path / "results/tiny/summary.json")["configuration"]["run"] == "tiny"
    again = subprocess.run([*CALL, "run", "mine.yaml"], cwd=tmp_path, env=installed, capture_output=True, text=True)
    assert "nothing had to be done again" in again.stdout, again.stderr
    for arguments, part in (
        (["table", "results/tiny", "--latex"], r"\begin{tabular}"),
        (["methods", "results/tiny"], r"\citep{nusky}"),
        (["show", "results/tiny"], "cannot say whether there is an excess"),
        (["check", "mine.yaml", "--finished"], "mine"),
        (["catalogue", "validate", "mine.csv", "--ra", "RA", "--dec", "Dec", "--name", "Source"], "2 sources"),
        (["data", "list"], "icecube-14yr"),
        (["bdm", "flux"], "MeV"),
        (["version"], "nusky"),
    ):
        done = subprocess.run([*CALL, *arguments], cwd=tmp_path, env=installed, capture_output=True, text=True)
        assert done.returncode == 0, (arguments, done.stderr)
        assert part in done.stdout, arguments


@pytest.mark.slow
def test_a_failing_job_ends_the_command_with_its_reason(installed, tmp_path):
    (tmp_path / "empty").mkdir()
    content = "run: bad\nrelease: {name: icecube-3yr, local_path: empty}\ncatalogues: {wcda-hess: {}}\n"
    (tmp_path / "mine.yaml").write_text(content)
    done = subprocess.run(
        [*CALL, "run", "mine.yaml", "--", "--until", "fetch_release"],
        cwd=tmp_path,
        env=installed,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    (reason,) = {line for line in done.stderr.splitlines() if line.startswith("nusky: error: ")}
    assert "empty" in reason
