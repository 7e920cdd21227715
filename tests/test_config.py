import pytest
import yaml

from nusky import config, config_docs
from nusky.errors import ConfigurationError

MINIMAL = {"run": "x", "catalogues": {"wcda-hess": {}}}


def test_committed_schema_and_table_are_those_of_the_model(repository):
    regenerate = "run `make generated` and commit the result"
    assert (repository / config_docs.SCHEMA).read_text() == config_docs.schema(), regenerate
    assert (repository / config_docs.TABLE).read_text() == config_docs.table(), regenerate


def test_every_key_is_described():
    assert "| None |" not in config_docs.table()


@pytest.mark.parametrize(
    ("name", "methods"),
    [
        ("config.yaml", ["published", "standard"]),
        ("demo.yaml", ["published", "standard"]),
        ("inference.yaml", ["standard"]),
    ],
)
def test_committed_configurations_are_valid(repository, name, methods):
    assert config.load(repository / "config" / name).methods == methods


def test_ready_made_catalogues_are_those_of_the_spec():
    content = {"run": "x", "catalogues": {name: {} for name in config.PRESETS}, "inference": {}}
    catalogues = config.parse(content).catalogues
    assert catalogues["wcda-hess"].gammas == [2.0, 2.4, 2.53, 3.0]
    assert catalogues["km2a-hess"].gammas == [2.0, 2.4, 2.53, 3.0, 3.5]
    assert set(catalogues["wcda-hess"].weightings) == {"uniform", "flux"}
    assert catalogues["pulsars"].weightings["inverse-distance-squared"].power == -2
    assert {own.quantity for own in catalogues["tdes"].weightings.values()} == {"fluence"}


def test_a_ready_made_catalogue_can_be_changed_in_part():
    block = config.parse({"run": "x", "catalogues": {"wcda-hess": {"gammas": [2.2]}}}).catalogues["wcda-hess"]
    assert block.gammas == [2.2]
    assert [item.builtin for item in block.lists] == ["1lhaaso-wcda", "hess"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sead": 1}, "in `sead`: unknown key"),
        ({"run": None}, "in `run`"),
        ({"run": "a b"}, r"in `run`.*given: 'a b'"),
        ({"run": "../up"}, "in `run`"),
        ({"release": {"name": "icecube-99yr"}}, "in `release.name`"),
        ({"release": {"seasons": []}}, "in `release.seasons`: give at least one season"),
        ({"release": {"seasons": ["IC79", "IC79"]}}, "each only once"),
        ({"catalogues": {}}, "in `catalogues`"),
        ({"catalogues": {"mine": {}}}, "in `catalogues.mine`: `lists` is required"),
        ({"catalogues": {"mine": {"lists": [{}]}}}, "exactly one of `builtin` and `file`"),
        ({"catalogues": {"wcda-hess": {"gammas": [9.0]}}}, r"in `catalogues.wcda-hess.gammas.0`.*given: 9.0"),
        ({"catalogues": {"wcda-hess": {"gammas": [float("nan")]}}}, "in `catalogues.wcda-hess.gammas.0`"),
        ({"scan": {"phi0_min_per_ev": 1e-20}}, "phi0_min_per_ev must be below"),
        ({"figures": {"formats": ["pdf"]}}, "shows png or svg"),
        ({"methods": ["bayesian"]}, "in `methods.0`"),
        ({"methods": ["standard", "standard"]}, "in `methods`: standard stands here twice"),
        (
            {"catalogues": {"wcda-hess": {"gammas": [2, 2.0]}}},
            "wcda-hess.gammas`: 2 stands here twice",
        ),
        ({"catalogues": {"wcda-hess": {"gammas": [2.5, 2.5000000001]}}}, "gammas`: 2.5 stands here twice"),
        ({"inference": {"declinations_deg": [10, 3, 3 + 1e-9]}}, "declinations_deg`: 3 stands here twice"),
        ({"run": "x" * 101}, "in `run`.*at most 100"),
        ({"catalogues": {"y" * 300: {"lists": [{"builtin": "hess"}]}}}, "in `catalogues.y.*at most 100"),
        ({"inference": {"weightings": ["z" * 101]}}, "weightings.0`.*at most 100"),
        ({"seed": True}, "in `seed`: true or false does not belong here"),
        ({"catalogues": {"wcda-hess": {"gammas": [2.0, True]}}}, "gammas`: true or false does not belong here"),
        ({"scan": {"n_steps": True}}, "in `scan.n_steps`: true or false"),
        ({"inference": {"trials": 10**9, "trials_per_batch": 100}}, "trials: 10000000 jobs of trials_per_batch each"),
        ({"inference": {"source_trials": 10**12}}, "source_trials: 1000000000 jobs"),
        ({"skymap": {"sky_trials": 10**7}}, "sky_trials: 500000 jobs of skies_per_batch each, more than 100000"),
        ({"inference": {"weightings": ["uniform", "heavy"]}}, "names 'heavy', which no catalogue it treats has"),
        ({"inference": {"confidence_level": 0.9999}}, "0.9999 cannot be told from 1000 trials, at least 10000"),
        ({"inference": {"source_injected_trials": 12, "confidence_level": 0.95}}, "raise source_injected_trials"),
        (
            {"inference": {"limit_method": "feldman-cousins", "trials": 120, "confidence_level": 0.995}},
            "from 120 trials, at least 200 are needed: raise trials",
        ),
        ({"inference": {"trials": 400}}, "3 sigma cannot be told from 400 background trials, at least 500"),
        (
            {"inference": {"discovery_sigmas": [2], "source_trials": 300, "declinations_deg": [0]}},
            "raise source_trials",
        ),
    ],
)
def test_bad_values_are_named(change, message):
    with pytest.raises(ConfigurationError, match=message):
        config.parse({**MINIMAL, **change})


def test_all_problems_are_told_at_once():
    with pytest.raises(ConfigurationError, match="2 problem"):
        config.parse({**MINIMAL, "sead": 1, "methods": []})


@pytest.mark.parametrize(("text", "message"), [("run: [", "not valid YAML"), ("- a", "a mapping of keys is expected")])
def test_files_that_are_no_configuration(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        config.load(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        config.load(tmp_path / "none.yaml")


def test_dump_and_parse_agree():
    parsed = config.parse(MINIMAL)
    assert config.parse(yaml.safe_load(yaml.safe_dump(parsed.model_dump(mode="json")))) == parsed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sead": 1}, "in `sead`: unknown key; did you mean `seed`?"),
        ({"catalogues": {"mine": {"listz": []}}}, "in `catalogues.mine.listz`: unknown key; did you mean `lists`?"),
        ({"bdm": {"model": {"mediator_ration": 2}}}, "did you mean `mediator_ratio`?"),
        ({"catalogues": {"mine": {"lists": [{"file": "a.csv", "columns": {"ra": "RA"}}]}}}, "did you mean `ra_deg`?"),
        ({"inference": {"trails": 1}}, "in `inference.trails`: unknown key; did you mean `trials`?"),
        ({"scan": {"zzz": 1}}, "in `scan.zzz`: unknown key; all keys are in docs/configuration.md"),
        ({"catalogues": {"wcda-hess": {"gammas": [-2.0]}}}, "(given: -2.0); the flux falls as E^-gamma: leave the"),
        ({"inference": {"gamma": -2.5}}, "(given: -2.5); the flux falls as E^-gamma: leave the minus sign out"),
    ],
)
def test_likely_slips_are_recognised(change, message):
    with pytest.raises(ConfigurationError) as caught:
        config.parse({**MINIMAL, **change})
    assert message in str(caught.value)


def test_tabs_are_recognised(tmp_path):
    (tmp_path / "c.yaml").write_text("run: x\ncatalogues:\n\twcda-hess: {}\n")
    with pytest.raises(ConfigurationError, match=r"(?s)c\.yaml: not valid YAML.*line 3.*replace the tabs"):
        config.load(tmp_path / "c.yaml")


@pytest.mark.parametrize(
    "inference",
    [
        {"confidence_level": 0.9, "injected_trials": 10, "source_injected_trials": 10},
        {"confidence_level": 0.9999, "limit_method": "asymptotic", "source_limit_method": "asymptotic"},
        {"confidence_level": 0.9999, "limit_method": "asymptotic", "single_sources": False},
        {"discovery_sigmas": [1, 2], "trials": 490},  # 11 trials beyond 2 sigma are enough without a fit
        {"discovery_sigmas": [6], "trials": 500},
    ],
)
def test_what_the_trials_can_tell_is_accepted(inference):
    assert config.parse({**MINIMAL, "inference": inference}).inference
