"""The workflow refuses configuration files that YAML's own loader would quietly take in part."""

import pytest
from snakemake.exceptions import WorkflowError

from nusky import config
from nusky.errors import ConfigurationError
from tests.workflow import plan

DARK = "run: x\nbdm: {{{}}}\n"
SEARCH = "run: x\ncatalogues: {{wcda-hess: {{{}}}}}\nrelease: {{synthetic: always}}\n"


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        (DARK.format("model: {neutrino_coupling: 1e-30}"), True),
        (DARK.format("") + "seed: '5'\n", True),
        (DARK.format("nside: 64.0, mx_mev: '1.5'"), True),
        (DARK.format("nside: 0x40"), False),
        (DARK.format("t_yr: 5:34"), False),
        (DARK.format("n_l: 80.5"), False),
        (DARK.format("") + "seed: 1e3\n", False),
        (DARK.format("") + "seed: 1\nseed: 2\n", False),
        (SEARCH.format("") + "methods: [standard, standard]\n", False),
        (SEARCH.format("gammas: [2, 2.0]"), False),
        (SEARCH.format("") + "inference: {weightings: [uniform, heavy]}\n", False),
        (SEARCH.format("single_sources: 'no', gammas: ['2.5']"), True),
        (SEARCH.format("single_sources: 1, gammas: [true]"), False),
        (SEARCH.format("") + "inference: {trials: 1000000000000}\n", False),
        (SEARCH.format("") + "__use_yte__: true\n", False),
    ],
)
def test_check_and_workflow_accept_the_same(text, accepted, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    if accepted:
        config.load(path)
        assert plan.jobs(path, tmp_path)
        return
    with pytest.raises(ConfigurationError) as told:
        config.load(path)
    with pytest.raises(WorkflowError) as planned:
        plan.jobs(path, tmp_path)
    reasons = str(told.value).removeprefix(f"{path}: ").splitlines()[-1]
    assert reasons in str(planned.value)


def test_the_command_line_stands_above_the_files(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(DARK.format("nside: 8"))
    assert "results/y/summary.json" in plan.outputs(path, tmp_path, run="y")
