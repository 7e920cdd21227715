"""The workflow as a module of another one, deployed as the workflow catalogue does it."""

import subprocess
import sys

import pytest
import yaml

from nusky.resources import workflow_file

SNAKEFILE = """
configfile: "config/config.yaml"

module nusky:
    snakefile: "{snakefile}"
    config: config

use rule * from nusky{names}
"""


def test_the_description_for_the_catalogue_is_that_of_a_deployable_workflow(repository):
    usage = yaml.safe_load((repository / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) >= {"mandatory-flags", "software-stack-deployment", "report"}
    assert usage["software-stack-deployment"]["conda"] is True
    for path in ("workflow/Snakefile", "config/README.md", "config/config.yaml", "LICENSE", "README.md"):
        assert (repository / path).is_file(), path


@pytest.mark.parametrize(("names", "target"), [("", []), (" as nusky_*", ["nusky_all"])])
def test_it_is_planned_as_a_module_with_its_captions(tmp_path, repository, names, target):
    own = tmp_path / "workflow"
    own.mkdir()
    (own / "Snakefile").write_text(SNAKEFILE.format(snakefile=workflow_file("workflow/Snakefile"), names=names))
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text((repository / "tests/workflow/small.yaml").read_text())
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--directory", str(tmp_path)]
    done = subprocess.run([*command, *target], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    planned = done.stdout + done.stderr
    for rule in ("fetch_release", "stacking_scan", "inference_fits", "figures", "report"):
        assert any(line.split()[:1] == [names.removeprefix(" as ").removesuffix("*") + rule]
                   for line in planned.splitlines()), (rule, planned)  # fmt: skip
    assert "limit_spectra.rst" in planned or "report" in planned
