"""`nusky init` and `nusky run`: from a list of one's own to a run, from any folder."""

import itertools
import os
from pathlib import Path

import pytest
import yaml

from nusky import config

LIST = "Source,RA,Dec,S\nNGC 1068,40.67,-0.01,1.5\nTXS 0506+056,77.36,5.69,0.4\n"


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
    assert made.inference.weightings == ["uniform", "by-S"]  # what is asked for gets its p-value and limit
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


def test_init_reads_the_weights(nusky, refused, tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg,S\nA,40,1,-1\nB,50,2,1\n")
    assert "weighting column 'S': -1 of source 'A'" in refused("init", "mine.csv", "--weight", "S")
    assert not (tmp_path / "mine.yaml").exists()
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg,S\nA,40,1,\nB,50,2,1\n")
    assert "note on by-S" in nusky("init", "mine.csv", "--weight", "S").stdout


def test_a_label_that_yaml_would_take_for_something_else_stays_a_name(nusky, tmp_path):
    (tmp_path / "123.csv").write_text(LIST)
    assert nusky("init", "123.csv").exit_code == 0
    assert config.load(tmp_path / "123.yaml").run == "123"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["min.csv"], 1, "min.csv: no such file. Did you mean mine.csv?"),
        (["."], 1, ".: is a folder. Give the file in it."),
        (["list.xlsx"], 1, "list.xlsx: is a spreadsheet. Save the sheet of the sources as CSV"),
        (["other.yaml"], 1, "other.yaml: is YAML, as a configuration"),
        (["wcda-hess"], 1, "wcda-hess: this catalogue comes with nusky and needs no list"),
        (
            ["mine.csv", "--weight", "s"],
            1,
            "Use one of extension_deg, flux, S. Did you mean 'S'?",
        ),
        (["mine.csv", "--weight", "Source"], 1, "weighting column 'Source' does not exist or is text. Use one of"),
        (["mine.csv", "--release", "icecube10yr"], 1, "no release 'icecube10yr'; nusky knows icecube-3yr"),
        (["mine.csv", "-o", "mine.csv"], 1, "mine.csv: configurations are written as .yaml, .yml"),
        (["mine.csv", "-o", "nowhere/mine.yaml"], 1, "there is no folder nowhere; make it first"),
        (["mine.csv", "--ra", "Ra"], 1, "no column 'Ra'; it has Source, RA, Dec, S. Did you mean 'RA'?"),
        (["mine.csv", "--name", "Dec"], 2, "the column 'Dec' is named twice"),
        (["mine.csv", "--unit", "furlong"], 2, "--unit: must be 'deg', 'rad' or 'hours' (given: 'furlong')"),
        (["mine.csv", "--weights", "S"], 2, "No such option: --weights. Did you mean --weight?"),
        (["mine.csv", "more.csv"], 2, "not expected here: more.csv"),
    ],
)
def test_a_mistake_at_init_is_told_and_nothing_written(refused, tmp_path, arguments, status, message):
    for name, content in {"mine.csv": LIST, "list.xlsx": "PK", "other.yaml": "run: x\n"}.items():
        (tmp_path / name).write_text(content)
    assert message in refused("init", *arguments, status=status)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.xlsx", "mine.csv", "other.yaml"]


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
        ({}, [], "Missing argument 'CONFIG'"),
        ({}, ["mine.yaml", "other.yaml"], "give one configuration"),
        ({}, ["mine.yaml", "--cores", "0"], "--cores: must be at least 1 (given: '0')"),
        ({}, ["mine.yaml", "--cores", "all"], "--cores: must be a whole number (given: 'all')"),
        ({}, ["mine.yaml", "--core", "2"], "No such option: --core. Did you mean --cores?"),
        ({}, ["mine.yaml", "-n"], "Those of Snakemake stand behind --: nusky run CONFIG -- -n"),
        ({}, ["mine.yaml", "--cores", "2", "report"], "report: not expected here"),
        ({}, ["mine.yaml", "--", "--unkown"], "unrecognized arguments: --unkown"),
        ({}, ["mine.yml"], "Did you mean mine.yaml?"),
        ({"inference": {"weightings": ["flux"]}}, ["mine.yaml"], "names 'flux', which no catalogue it treats has"),
        ({"skymap": {"nside": 100}}, ["mine.yaml"], "nside must be a power of two"),
        ({"figures": {"formats": ["gif"]}}, ["mine.yaml"], "must be 'pdf', 'png' or 'svg' (given: 'gif')"),
        ({"bdm": {"supernova": "Cas A"}}, ["mine.yaml"], "in `bdm.supernova`: must be a block of keys"),
        (
            {"catalogues": {"mine": {"lists": [{"file": "good.csv", "columns": {"name": "ra_deg"}}]}}},
            ["mine.yaml"],
            "the column 'ra_deg' is named twice",
        ),
        ({}, ["mine.yaml", "--until", "report"], "No such option: --until"),
        ({"run": "a/b"}, ["mine.yaml"], "in `run`: must consist of letters, digits, - and _"),
        ({"release": "icecube-3yr"}, ["mine.yaml"], "in `release`: must be a block of keys"),
        ({"release": {"name": "icecube-3yr", "seasons": ["IC40"]}}, ["mine.yaml"], "no season 'IC40'; it has IC79"),
        ({"methods": ["standart"]}, ["mine.yaml"], "in `methods.0`: must be 'published' or 'standard'"),
        ({"catalogues": {"mine": {}}}, ["mine.yaml"], "`lists` is required"),
        ({}, ["."], ".: cannot be read (Is a directory)"),
        ({}, ["mine.yaml", "--directory", "list.csv"], "--directory list.csv: is no folder; give one."),
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
    asked_wrongly = not arguments or set(arguments) & {"--cores", "--core", "--until", "-n", "--", "other.yaml"}
    told = refused("run", *arguments, status=2 if asked_wrongly else 1)
    assert message in told
    assert len(told) < 400
    assert not (tmp_path / "results").exists()


def arguments_of(nusky, monkeypatch, *arguments):
    """What `nusky run` hands to Snakemake."""
    given = []
    monkeypatch.setattr("snakemake.cli.main", given.extend)
    result = nusky("run", "mine.yaml", *arguments)
    return result, dict(itertools.pairwise(given))


@pytest.fixture
def folder(nusky, tmp_path):
    (tmp_path / "good.csv").write_text("name,ra_deg,dec_deg\nA,40,1\n")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(GOOD))
    return tmp_path


def profile(path):
    path.mkdir(parents=True)
    (path / "config.yaml").write_text("executor: cluster-generic\ncluster-generic-submit-cmd: ./others.sh\n")
    return path


@pytest.mark.parametrize("name", ["default", "profiles/default"])
def test_a_profile_that_lies_in_the_folder_is_not_taken_unasked(nusky, monkeypatch, folder, name):
    profile(folder / name)
    _, given = arguments_of(nusky, monkeypatch)
    assert Path(given["--workflow-profile"]).is_absolute()
    assert folder not in Path(given["--workflow-profile"]).parents
    _, given = arguments_of(nusky, monkeypatch, "--", "--workflow-profile", name)
    assert given["--workflow-profile"] == name


def test_the_name_of_a_profile_of_nusky_is_not_that_of_a_folder(nusky, monkeypatch, folder):
    profile(folder / "slurm")
    _, given = arguments_of(nusky, monkeypatch, "--profile", "slurm")
    assert folder not in Path(given["--profile"]).parents
    _, given = arguments_of(nusky, monkeypatch, "--profile", "./slurm")
    assert given["--profile"] == "./slurm"


@pytest.mark.parametrize("what", ["folder", "file"])
def test_profiles_of_others_are_refused(nusky, monkeypatch, folder, what):
    mine = profile(folder / "cluster")
    assert arguments_of(nusky, monkeypatch, "--profile", "cluster")[1]["--profile"] == "cluster"
    at = mine if what == "folder" else mine / "config.yaml"
    at.chmod(0o777)
    result, given = arguments_of(nusky, monkeypatch, "--profile", "cluster")
    assert result.exit_code == 1
    assert not given
    assert f"{at.relative_to(folder)} belongs to another user or can be written by everyone" in result.stderr
    if os.geteuid() == 0:
        at.chmod(0o755)
        os.chown(at, 65534, 65534)
        assert arguments_of(nusky, monkeypatch, "--profile", "cluster")[0].exit_code == 1
