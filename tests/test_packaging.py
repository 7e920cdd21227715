"""The lock file, the conda environment and pyproject.toml say the same."""

import re
import tomllib

import yaml


def bounds(requirements):
    return dict(re.match(r"([A-Za-z0-9_.-]+)(.*)", r.strip()).groups() for r in requirements)


def test_conda_environment_has_the_bounds_of_pyproject(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    environment = bounds(yaml.safe_load((repository / "environment.yml").read_text())["dependencies"])
    renamed = {"matplotlib-base": "matplotlib", "snakemake-minimal": "snakemake"}
    conda = {renamed.get(name, name): bound for name, bound in environment.items()}
    assert conda.pop("python") == project["requires-python"]
    assert conda == bounds(project["dependencies"])


def test_the_lock_pins_and_hashes_every_direct_dependency(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    lock = (repository / "requirements.lock").read_text()
    direct = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    for name in bounds(direct):
        assert re.search(rf"^{re.escape(name)}==[^ ]+.*\\\n    --hash=sha256:", lock, re.MULTILINE), name


def test_the_lock_names_no_index(repository):
    lock = (repository / "requirements.lock").read_text()
    assert "index-url" not in lock
    assert "://" not in lock
