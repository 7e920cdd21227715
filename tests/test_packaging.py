"""The lock file, the conda environment and pyproject.toml say the same."""

import importlib.metadata
import re
import subprocess
import sys
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
    assert conda == bounds([*project["dependencies"], *project["optional-dependencies"]["workflow"]])


def test_the_lock_pins_and_hashes_every_direct_dependency(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    lock = (repository / "requirements.lock").read_text()
    direct = [*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)]
    for name in bounds(direct):
        assert re.search(rf"^{re.escape(name)}==[^ ]+.*\\\n    --hash=sha256:", lock, re.MULTILINE), name


SEARCH_ALONE = """
import importlib, importlib.abc, pkgutil, sys

class Without(importlib.abc.MetaPathFinder):
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.split(".")[0] in LEFT_OUT else self.finder.find_spec(name, path, target)

before = set(sys.modules)
sys.meta_path[:] = [Without(finder) if hasattr(finder, "find_spec") else finder for finder in sys.meta_path]
import nusky
for module in pkgutil.walk_packages(nusky.__path__, "nusky."):
    importlib.import_module(module.name)
from typer.testing import CliRunner
from nusky.cli.app import app
for arguments in (["catalogue", "show", "hess"], ["data", "list"], ["version"]):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, (arguments, result.output)
print("done", *(LEFT_OUT & set(sys.modules) - before))
"""


def closure(requirements):
    """The distributions that an installation of `requirements` brings, as they are installed here."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found, new = {}, [(Requirement(text), frozenset()) for text in requirements]
    while new:
        requirement, _ = new.pop()
        name, extras = canonicalize_name(requirement.name), requirement.extras | {""}
        if extras <= found.get(name, set()):
            continue
        found[name] = found.get(name, set()) | extras
        for text in importlib.metadata.distribution(name).requires or []:
            further = Requirement(text)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                new.append((further, extras))
    return set(found)


def test_the_search_alone_needs_nothing_of_the_workflow(repository):
    from packaging.utils import canonicalize_name

    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    alone = closure(project["dependencies"])
    workflow = closure(project["optional-dependencies"]["workflow"])
    assert "snakemake" not in alone
    assert len(workflow - alone) > 20  # what nobody has to install for a search from Python
    modules = importlib.metadata.packages_distributions()
    left_out = {
        module
        for module, names in modules.items()
        if not {canonicalize_name(name) for name in names} & (alone | {"nusky"})
    }
    assert {"snakemake", "connection_pool", "psutil"} <= left_out
    code = f"LEFT_OUT = {left_out!r}\n{SEARCH_ALONE}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=repository)
    assert done.stdout.strip() == "done", done.stdout + done.stderr


def test_what_is_built_is_built_by_what_is_pinned(repository):
    """Whatever has one file in the lock exists only as source; the Makefile names it, and builds nothing else."""
    blocks = re.split(r"\n(?=[a-z0-9])", (repository / "requirements.lock").read_text())
    files = {block.split("==")[0]: block.count("--hash=") for block in blocks if "==" in block}
    makefile = (repository / "Makefile").read_text()
    allowed = re.search(r"^SOURCE_ONLY := (.*)$", makefile, re.MULTILINE)[1].split()
    assert [name for name, n_files in files.items() if n_files == 1] == allowed
    assert files["setuptools"] >= 2
    installs = [line for line in makefile.replace("\\\n", " ").splitlines() if "$(PIP_INSTALL) " in line]
    locked = [line for line in installs if "--editable" not in line]
    assert len(locked) == 2
    assert all("--require-hashes --only-binary :all:" in line for line in locked)
    assert all("--no-build-isolation" in line for line in installs if line != locked[0])


def test_the_lock_names_no_index(repository):
    lock = (repository / "requirements.lock").read_text()
    assert "index-url" not in lock
    assert "://" not in lock
