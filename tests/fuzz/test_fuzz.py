"""Whatever a reader is given, it reads it or raises one of nusky's own errors that names the file."""

import pytest

from tests.fuzz.mutate import mutants
from tests.fuzz.run import fuzz
from tests.fuzz.targets import TARGETS

SLOW_S = 15.0


@pytest.mark.parametrize("name", TARGETS)
def test_valid_files_are_read(name, tmp_path):
    target = TARGETS[name]
    for content in target.seeds():
        path = tmp_path / f"input{target.suffix}"
        path.write_bytes(content)
        target.read(path)


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_inputs(name):
    outcome = fuzz(name, 60, seed=20261122, seconds=1.0)
    assert not outcome.failures
    assert outcome.refused > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_many_inputs(name, capsys):
    outcome = fuzz(name, 1_000_000, seed=1, seconds=SLOW_S)
    with capsys.disabled():
        print(f" {name}: {outcome.n_inputs} inputs, {outcome.read} read, {outcome.refused} refused", end="")
    assert not outcome.failures
    assert outcome.n_inputs > 30


def test_inputs_are_the_same_for_the_same_seed():
    seeds = TARGETS["csv"].seeds()
    assert list(mutants(seeds, 50, 3)) == list(mutants(seeds, 50, 3)) != list(mutants(seeds, 50, 4))
