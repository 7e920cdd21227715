import itertools

import numpy as np
import pytest
from scipy.stats import binom

from nusky.detector.spectrum import CutoffPowerLaw, PowerLaw, power_laws
from nusky.errors import PhysicsError, TableError
from nusky.report.inference import inference_findings, inference_tables
from nusky.report.report import format_number
from nusky.search.analysis import FULL, SPATIAL
from nusky.search.hypothesis import Hypothesis
from nusky.search.sources import Sources
from nusky.search.trials import stream
from nusky.stages import inference, inference_summary, stack_sources
from nusky.tables import read_metadata, read_table
from tests.stages.inferred import GAMMAS, Job, outputs

REQUEST = {"confidence_level": 0.9, "limit_method": "neyman", "discovery_sigmas": (5.0,), "n_trials": 50}
N_TRIALS, N_SKIES = 120, 20
STACK = "stack/mine/uniform"


@pytest.fixture(scope="module", params=["full", "spatial"])
def stack(request, root):
    """Kind, batches of trials and tables of statements of a stack."""
    folder = root / request.param
    trials = Job(root, request.param, STACK).trials(folder / "trials", N_TRIALS, 50)
    return request.param, trials, run_statements(root, request.param, trials, folder)


def run_statements(root, kind, trials, folder):
    job, made = Job(root, kind, STACK), outputs(folder, "fits", "searches", "statements", "fluxes")
    skies = root / kind / f"skies/0-{N_SKIES}.parquet"
    if not skies.exists():
        job.batch(skies, range(N_SKIES), "skies")
    job.run(inference.fits, outputs(folder, "fits", "searches"), inputs={"trials": trials, "skies": [skies]})
    wanted = outputs(folder, "statements", "fluxes")
    job.run(inference.statements, wanted, inputs={"trials": trials}, request=REQUEST)
    return made


def joined(paths, kind, column):
    return np.concatenate([read_table(path, kind=kind)[column].to_numpy() for path in paths])


def test_trials_do_not_depend_on_the_batches(root, stack, tmp_path):
    kind, trials, _ = stack
    for step in (10, 1000):
        other = Job(root, kind, STACK).trials(tmp_path / str(step), 60, step)
        for column in ("trial", "n_signal", "gamma", "test_statistic"):
            whole = joined(trials, "trials", column)
            part = joined(other, "trials", column)
            np.testing.assert_array_equal(part, whole[: len(part)])


def test_a_batch_made_again_is_the_same_file_and_changes_no_statement(root, stack, tmp_path):
    kind, trials, made = stack
    before = trials[1].read_bytes()
    trials[1].unlink()
    Job(root, kind, STACK).batch(trials[1], range(50, 100))
    assert trials[1].read_bytes() == before
    again = run_statements(root, kind, trials, tmp_path)
    assert [again[name].read_bytes() for name in again] == [made[name].read_bytes() for name in again]


def test_a_missing_batch_is_refused(root, stack, tmp_path):
    kind, trials, _ = stack
    with pytest.raises(TableError, match=r"does not hold the trials from number \d+ of .* Delete its folder"):
        run_statements(root, kind, [trials[0], trials[2]], tmp_path)
    assert not list(tmp_path.iterdir())


def test_fixed_indices_share_a_sky_but_are_fitted_alone(root, tmp_path):
    """Each fixed index against the likelihood's own fit with that index only."""
    trials = Job(root, "spatial", STACK).trials(tmp_path, 8, 50)
    analysis = Job(root, "spatial", STACK).study().analysis
    sources = read_table(root / "sources.parquet", kind="sources")
    ts = joined(trials, "trials", "test_statistic").reshape(-1, 2)
    for i, gamma in enumerate(GAMMAS):
        alone = Hypothesis.of(analysis, Sources.of(*inference.positions(sources), 1.0), power_laws(gamma))
        for t in (0, 7):
            fit = alone.fit(alone.scrambled(stream(11, "stack", "mine/uniform", t)))
            assert ts[t, i] == pytest.approx(fit.ts, rel=1e-9, abs=1e-12)


def test_statements_of_a_stack(stack):
    kind, trials, made = stack
    fits = read_table(made["fits"], kind="stack_fits").to_pylist()
    ts = joined(trials, "trials", "test_statistic").reshape(N_TRIALS, -1)
    fixed = [fit["gamma_fixed"] for fit in fits]
    assert fixed == list(GAMMAS) if kind == "spatial" else np.isnan(fixed).tolist() == [True]
    for i, fit in enumerate(fits):
        assert fit["n_trials"] == N_TRIALS
        # with gamma free the quoted fit is refined beyond that of the trials, by less than 0.05
        ends = [fit["test_statistic"], fit["test_statistic"] - 0.05]
        least, most = ((np.count_nonzero(ts[:, i] >= end) + 1) / (N_TRIALS + 1) for end in ends)
        assert least <= fit["p_local"] <= most
        assert fit["p_local_low"] <= fit["n_exceeding"] / N_TRIALS <= fit["p_local_high"]
        assert fit["converged"]
        assert 0 <= fit["n_signal_low68"] <= fit["n_signal"] < fit["n_signal_high68"]
        assert 1 <= fit["gamma_low68"] <= fit["gamma_high68"] <= 4
        assert (fit["gamma_low68"] == fit["gamma_high68"]) == (kind == "spatial")
    rows = read_table(made["statements"], kind="statements").to_pylist()
    names = ["sensitivity", "5 sigma discovery potential", "upper limit"]
    assert [(row["gamma"], row["statement"]) for row in rows] == list(itertools.product(GAMMAS, names))
    for row in rows:
        if row["problem"]:
            assert "Run more" in row["problem"]
            assert np.isnan(row["n_signal"])
            continue
        assert row["injection"] == ("smearing" if kind == "full" else "gaussian (uncalibrated)")
        assert 1 < row["n_signal"] < 200
        assert row["phi0_per_gev"] == pytest.approx(row["n_signal"] / row["events_per_phi0_gev"])
        assert row["e2dnde_100tev_gev_cm2_s"] == pytest.approx(1e10 * row["phi0_per_gev"])
        assert row["diffuse_share_100tev"] == pytest.approx(row["phi0_per_gev"] / (4 * np.pi * 1.44e-18))
        assert 100 < row["energy_min_gev"] < row["energy_max_gev"] < 1e9
        assert row["confidence_level"] == (0.5 if "discovery" in row["statement"] else 0.9)
    assert not rows[0]["problem"]
    limits = {row["gamma"]: row["phi0_per_gev"] for row in rows if row["statement"] == "upper limit"}
    fluxes = read_table(made["fluxes"], kind="source_fluxes").to_pandas()
    for gamma, total in fluxes.groupby("gamma").phi0_per_gev.sum().items():
        assert total == pytest.approx(limits[gamma])


def test_tables_name_the_likelihood_and_generated_events(stack):
    kind, trials, made = stack
    for path in (*trials, *made.values()):
        metadata = read_metadata(path)
        assert metadata["synthetic"] is True
        assert metadata["settings"]["analysis"] == (FULL if kind == "full" else SPATIAL)
    assert read_metadata(made["searches"])["settings"]["hypothesis"] == STACK
    assert len(read_metadata(made["fits"])["inputs"]) == 6 + 1 + 3 + 1


def test_the_report_says_what_the_likelihood_used(root, stack):
    kind, _, made = stack
    of_sources = outputs(root / kind, "sources")
    Job(root, kind, STACK).run(stack_sources.stack_sources, of_sources, n_sources=0, n_trials=10)
    found = inference_summary.collect({"uniform": made | of_sources}, None)
    sentences = list(inference_findings(found, format_number))
    assert len(sentences) == (1 if kind == "full" else 2) + 2
    how = f"{FULL}, γ fitted" if kind == "full" else f"{SPATIAL}, γ = 2"
    assert sentences[0].startswith(f"stack with uniform weights, {how}: TS = ")
    assert "120 scrambled skies" in sentences[0]
    assert ("Gaussian of AngErr" in sentences[-1]) == (kind == "spatial")
    table, sources = inference_tables(found, "mine, standard method")
    assert len(table[2]) == 6
    assert len(sources[2]) == 6 * len(found["stacks"]["uniform"]["fits"])
    assert all(len(row) == len(table[1]) for row in table[2])


@pytest.fixture(scope="module")
def singles(root):
    """Trials and tables of the single sources, spatial only, gamma fixed at 2.5."""
    job, folder = Job(root, "spatial", "sources/mine", 2.5), root / "singles"
    trials = job.trials(folder / "trials", 100, 60)
    skies = job.trials(folder / "skies", N_SKIES, N_SKIES, "skies")
    made = outputs(folder, "fits", "searches", "population")
    job.run(inference.source_fits, made, inputs={"trials": trials, "skies": skies})
    return trials, skies, made


def test_sky_trials_are_common_skies(root, singles):
    _, skies, _ = singles
    analysis = Job(root, "spatial", STACK).study().analysis
    ra, dec, width = inference.positions(read_table(root / "sources.parquet", kind="sources"))
    ts = joined(skies, "trials", "test_statistic").reshape(N_SKIES, 6)
    for t in (0, N_SKIES - 1):
        rng = stream(11, "sky", t)
        sky = [2 * np.pi * rng.random(len(season)) for season in analysis.seasons]
        for j in range(6):
            source = Hypothesis.of(analysis, Sources.of(ra[j], dec[j], width[j]), power_laws(2.5))
            assert ts[t, j] == pytest.approx(source.fit(source.sky(sky)).ts, abs=1e-8)


def test_post_trial_p_values_count_skies(singles):
    trials, skies, made = singles
    own = joined(trials, "trials", "test_statistic").reshape(100, 6)
    common = joined(skies, "trials", "test_statistic").reshape(N_SKIES, 6)

    def local(ts):
        return np.array([(np.count_nonzero(own[:, j] >= ts[j]) + 1) / 101 for j in range(6)])

    fits = read_table(made["fits"], kind="source_fits").to_pandas()
    np.testing.assert_allclose(fits.p_local, local(fits.test_statistic.to_numpy()))
    minimal = np.array([local(sky).min() for sky in common])
    expected = [(np.count_nonzero(minimal <= p) + 1) / (N_SKIES + 1) for p in fits.p_local]
    np.testing.assert_allclose(fits.p_post, expected)
    assert (fits.p_post_low <= fits.p_post).all()
    assert (fits.n_sky_trials == N_SKIES).all()


def test_a_stack_ranks_common_skies_in_its_own_trials(root, stack):
    kind, trials, made = stack
    own = joined(trials, "trials", "test_statistic").reshape(N_TRIALS, -1)
    searches = read_table(made["searches"], kind="searches").to_pandas()
    fits = read_table(made["fits"], kind="stack_fits").to_pandas()
    study = Job(root, kind, STACK).study()
    hypothesis = study.target(0).experiment.hypothesis
    rng = stream(11, "sky", 3)
    sky = hypothesis.sky([2 * np.pi * rng.random(len(season)) for season in study.analysis.seasons])
    ts = study.target(0).experiment.fits(sky)[:, 2]
    for i, fit in enumerate(fits.itertuples()):
        of_fit = searches[i * (N_SKIES + 1) : (i + 1) * (N_SKIES + 1)]
        assert of_fit.sky.tolist() == list(range(-1, N_SKIES))
        assert set(of_fit.search) == {"stack"}
        assert set(of_fit.p_value) == {fit.p_local}
        assert of_fit.p_ranked.iloc[0] == fit.p_local
        assert of_fit.p_ranked.iloc[4] == (np.count_nonzero(own[:, i] >= ts[i]) + 1) / (N_TRIALS + 1)


def test_a_list_has_a_binomial_test_on_the_same_skies(singles):
    trials, skies, made = singles
    own = joined(trials, "trials", "test_statistic").reshape(100, 6)
    common = joined(skies, "trials", "test_statistic").reshape(N_SKIES, 6)
    observed = read_table(made["fits"], kind="source_fits")["p_local"].to_numpy()

    def smallest(p):
        p = np.sort(p)
        scan = binom.sf(np.arange(6), 6, p)
        return min(scan[p <= 0.1], default=1.0), scan

    local = [[(np.count_nonzero(own[:, j] >= sky[j]) + 1) / 101 for j in range(6)] for sky in common]
    expected = np.array([smallest(p)[0] for p in local])
    found = read_table(made["population"], kind="population").to_pandas()
    best, scan = smallest(observed)
    np.testing.assert_allclose(found.p_binomial, scan)
    np.testing.assert_allclose(found.p_k, np.sort(observed))
    assert found.p_binomial_best[0] == pytest.approx(best)
    assert found.p_post[0] == (np.count_nonzero(expected <= best * (1 + 1e-12)) + 1) / (N_SKIES + 1)
    np.testing.assert_allclose(found.sky_median, np.median([smallest(p)[1] for p in local], axis=0))
    searches = read_table(made["searches"], kind="searches").to_pandas()
    assert searches.groupby("search").size().to_dict() == {"source": N_SKIES + 1, "population": N_SKIES + 1}
    assert searches[searches.search == "population"].p_value.iloc[0] == found.p_post[0]


def test_sensitivity_over_declination(root, tmp_path):
    job, made = Job(root, "full", "declinations"), outputs(tmp_path, "sensitivity")
    trials = job.trials(tmp_path / "trials", 100, 60)
    asked = REQUEST | {"discovery_sigmas": ()}
    job.run(inference.statements, made, inputs={"trials": trials}, request=asked)
    rows = read_table(made["sensitivity"], kind="sensitivity").to_pylist()
    assert [(row["dec_deg"], row["gamma"]) for row in rows] == list(itertools.product([-40.0, 10.0], GAMMAS))
    assert {row["statement"] for row in rows} == {"sensitivity"}
    hard = {row["dec_deg"]: row["e2dnde_100tev_gev_cm2_s"] for row in rows if row["gamma"] == 2.0}
    assert hard[-40.0] > 3 * hard[10.0]  # the southern sky is seen through a high energy threshold


@pytest.mark.parametrize("method", ["feldman-cousins", "asymptotic"])
def test_other_limits_are_labelled(root, tmp_path, method):
    job, made = Job(root, "spatial", STACK, 2.5), outputs(tmp_path, "statements", "fluxes")
    trials = job.trials(tmp_path / "trials", 100, 100)
    asked = REQUEST | {"limit_method": method, "discovery_sigmas": ()}
    job.run(inference.statements, made, inputs={"trials": trials}, request=asked)
    limit = read_table(made["statements"], kind="statements").to_pylist()[-1]
    assert limit["statement"] == "upper limit"
    assert limit["method"].lower() == method
    assert limit["injection"] == ("none (uncalibrated)" if method == "asymptotic" else "gaussian (uncalibrated)")
    assert 1.5 < limit["n_signal"] < 100


OWN = {"shape": "cutoff-power-law", "gamma": "spectral_index", "cutoff_gev": 5e4}


def test_sources_have_the_spectra_of_their_columns(root):
    stack, alone = Job(root, "full", "stack/mine/uniform"), Job(root, "full", "sources/mine")
    stack.setup["spectrum"] = alone.setup["spectrum"] = OWN
    study, target = stack.study(), stack.study().target(0)
    index = read_table(root / "sources.parquet", kind="sources")["spectral_index"].to_numpy()
    assert target.spectrum.own == tuple(CutoffPowerLaw(gamma, 5e4, fit="") for gamma in index)
    assert (study.indices.gammas.tolist(), study.indices.free) == ([0.0], False)
    scale = target.flux_scale(0.0)
    assert scale.spectrum.shape(1e5) == pytest.approx(np.exp(-2))
    per_source = [sources.flux_scale(0.0).events_per_phi0_gev for sources in alone.study()]
    assert scale.events_per_phi0_gev == pytest.approx(np.mean(per_source))
    settings = study.trace().settings
    assert settings["analysis"] == f"{FULL}, 6 spectra of 6 sources"
    skies = alone.study().common_skies(range(2))
    assert skies.shape == (2, 6, 1)
    assert (skies >= 0).all()
    fits = [sources.experiment.observed[0].tolist() for sources in alone.study()]
    assert [fit[1] for fit in fits] == [0.0] * 6


def test_a_tabulated_spectrum_is_searched_at_declinations(root, tmp_path):
    (tmp_path / "flux.csv").write_text("energy [TeV],flux [1 / (TeV cm2 s)]\n1,1e-12\n1000,1e-18\n")
    job = Job(root, "full", "declinations")
    job.setup["spectrum"] = {"shape": "table", "file": str(tmp_path / "flux.csv")}
    scale = job.study().target(1).flux_scale(0.0)
    assert 1e3 <= scale.energy_min_gev < scale.energy_max_gev <= 1e6
    # a power law of index 2, cut at its ends; f is the flux in GeV^-1 cm^-2 s^-1
    cut = PowerLaw(2.0, log10_limits=(3.0, 6.0))
    area = job.study().analysis.areas
    expected = sum(
        season.livetime_s * area[season.response].integrals(np.radians([10.0]), [cut])[0, 0]
        for season in job.study().analysis.seasons
    )
    assert scale.events_per_phi0_gev == pytest.approx(expected * 1e-19, rel=1e-9)


CUT = {"shape": "cutoff-power-law", "gamma": 2.2, "cutoff_gev": 3e4, "fit": "cutoff_gev"}


def fitted_cutoff(root, name):
    job = Job(root, "full", name)
    job.setup["spectrum"] = CUT
    return job


def test_a_fitted_cutoff_stands_under_its_name_everywhere(root, tmp_path):
    job = fitted_cutoff(root, STACK)
    made = outputs(tmp_path, "fits", "searches", "statements", "fluxes", "sources")
    trials = job.trials(tmp_path / "trials", 40, 40)
    job.batch(tmp_path / "skies.parquet", range(2), "skies")
    skies = [tmp_path / "skies.parquet"]
    assert "log10_cutoff_gev" in read_table(trials[0], kind="trials").column_names
    job.run(inference.fits, outputs(tmp_path, "fits", "searches"), inputs={"trials": trials, "skies": skies})
    request = REQUEST | {"limit_method": "asymptotic", "discovery_sigmas": (), "n_trials": 10}
    job.run(inference.statements, outputs(tmp_path, "statements", "fluxes"), inputs={"trials": trials}, request=request)
    job.run(stack_sources.stack_sources, outputs(tmp_path, "sources"), n_sources=0, n_trials=10)
    [fit] = read_table(made["fits"], kind="stack_fits").to_pylist()
    target = job.study().target(0)
    grid = np.linspace(3, 8, 26)
    hypothesis = target.experiment.hypothesis.with_gammas(grid)
    _, value, _ = hypothesis.likelihood(hypothesis.data()).profile()
    assert fit["test_statistic"] == pytest.approx(max(2 * value.max(), 0), abs=0.05)
    assert np.isnan(fit["gamma_fixed"])
    assert fit["gamma"] == 2.2
    if fit["n_signal"] > 0:
        assert np.log10(fit["cutoff_gev"]) == pytest.approx(grid[np.argmax(value)], abs=0.3)
        assert 1e3 <= fit["cutoff_gev_low68"] <= fit["cutoff_gev"] <= fit["cutoff_gev_high68"] <= 1e8 * (1 + 1e-9)
    rows = read_table(made["statements"], kind="statements").to_pylist()
    assert {(row["gamma"], row["spectrum"]) for row in rows} == {
        (0.0, "cutoff-power-law (gamma 2.2, cutoff_gev 30000, cutoff_power 1)")
    }
    limit = next(row for row in rows if row["statement"] == "upper limit")
    cut = CutoffPowerLaw(2.2, 3e4)
    assert limit["e2dnde_100tev_gev_cm2_s"] == pytest.approx(1e10 * limit["phi0_per_gev"] * cut.shape(1e5))
    settings = read_metadata(made["fits"])["settings"]
    assert settings["analysis"] == f"{FULL}, cutoff-power-law (gamma 2.2, cutoff_power 1, cutoff_gev fitted)"
    found = inference_summary.collect({"uniform": made}, None)
    assert list(found["stacks"]["uniform"]["statements"]) == ["0.0"]
    sentence = next(iter(inference_findings(found, format_number)))
    assert f"cut-off [GeV] fitted: {format_number(fit['cutoff_gev'])}: TS =" in sentence
    titles = {title: columns for title, columns, *_ in inference_tables(found, "mine")}
    assert "cut-off [GeV] without it" in titles["Sources of the stack of mine, uniform weights"]


def test_a_cutoff_cannot_be_fitted_without_energies(root):
    job = Job(root, "spatial", STACK)
    job.setup["spectrum"] = CUT
    with pytest.raises(PhysicsError, match="cutoff_gev cannot be fitted: the release has no smearing tables"):
        job.study()
