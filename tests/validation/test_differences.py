"""The page of both conventions: its stacks are those of the workflow's own functions, its changes what they say."""

from dataclasses import replace

import numpy as np
import pytest

from nusky.catalogues.weights import model_weights
from nusky.conventions import PUBLISHED, STANDARD
from nusky.releases import icecube_10yr
from nusky.releases.generator import generate_release
from nusky.releases.registry import ICECUBE_10YR
from nusky.search.expected import expected_events
from validation import differences

pytestmark = pytest.mark.slow

SEASONS = ICECUBE_10YR.select(["IC79", "IC86_I"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("release")
    generate_release(made, ICECUBE_10YR, SEASONS, 3, 0.003, [])
    return made


@pytest.fixture(scope="module")
def stacks(folder):
    read = icecube_10yr.read(icecube_10yr.find_root(folder), ICECUBE_10YR, SEASONS, check_counts=False)
    return differences.Stacks(read, "wcda-hess")


@pytest.mark.parametrize("rules", [PUBLISHED, STANDARD])
def test_expected_events_are_those_of_the_package(folder, stacks, rules):
    known = expected_events(
        folder,
        catalogue="wcda-hess",
        weighting="flux",
        gammas=[2.53],
        conventions=rules,
        seasons=[season.name for season in SEASONS],
    )
    (found,) = stacks.scans(rules, "flux", rules.name, [2.53])
    assert found.expected.per_phi0_ev == pytest.approx(known[2.53].per_phi0_ev, rel=1e-12)


def test_each_difference_changes_what_it_is_about(stacks):
    rows = {name: np.array(cells, dtype=float) for name, *cells in differences.alone(stacks)}
    assert set(rows) == {*differences.FIELDS, *differences.WEIGHTS, "all of them"}
    unchanged = ("own sample per season", "clipped poles", "limit from the maximum")
    assert all((rows[name][:4] == 1).all() for name in unchanged)
    assert (rows["acceptance once"][:4] < 0.7).all()
    np.testing.assert_allclose(rows["acceptance once"][:4] * rows["acceptance once"][4:], 1, atol=0.02)
    fields = {key: value for changed in differences.FIELDS.values() for key, value in changed.items()}
    assert replace(PUBLISHED, **fields).limit_from == STANDARD.limit_from


def test_weights_that_are_changed_leave_out_what_they_say(stacks):
    twice, missing, standard = (stacks.weights("flux", how) for how in differences.WEIGHTS)
    duplicate = stacks.sources["duplicate_of"].to_numpy() >= 0
    unknown = np.isnan(stacks.sources["flux"].to_numpy())
    np.testing.assert_array_equal(twice == 0, duplicate)
    np.testing.assert_array_equal(missing == 0, unknown)
    np.testing.assert_array_equal(standard == 0, duplicate | unknown)
    block = stacks.block.weightings["flux"]
    np.testing.assert_array_equal(standard, model_weights(stacks.sources, block, "standard")[0])
