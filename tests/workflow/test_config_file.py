"""The workflow refuses configuration files that YAML's own loader would quietly take in part."""

import subprocess
import sys


def test_a_key_that_stands_twice_stops_the_workflow(repository, tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("run: x\nseed: 1\nseed: 2\ncatalogues:\n  wcda-hess: {}\n")
    command = [sys.executable, "-m", "snakemake", "--snakefile", repository / "Snakefile", "--dry-run"]
    done = subprocess.run(
        [*command, "--directory", tmp_path, "--configfile", path], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert f"{path}: not valid YAML: the key 'seed' stands here twice; keep one" in done.stdout + done.stderr
