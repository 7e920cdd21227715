"""Model weights of both methods, against the definitions written out."""

import csv

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.integrate import quad

from nusky.catalogues.build import build_catalogue
from nusky.catalogues.weights import model_weights, weight_column
from nusky.config import PRESETS, Catalogue, Weighting
from nusky.errors import CatalogueError

FLUX = Weighting(column="flux", share_by_list="published")
NAN = float("nan")


def catalogue(flux, origin=None, duplicate_of=None, flux_limit=None, **more):
    n = len(flux)
    return pa.table(
        {
            "name": [f"s{i}" for i in range(n)],
            "flux": pa.array(np.asarray(flux, dtype=float)),
            "flux_limit": flux_limit or [False] * n,
            "origin": origin or ["one"] * n,
            "duplicate_of": pa.array(duplicate_of or [-1] * n, pa.int32()),
            **more,
        }
    )


def test_published_flux_weights_of_wcda_and_hess(validation_data):
    folder = validation_data / "catalogues"
    with open(folder / "lhsaaocataloguewcda.csv", encoding="utf-8", newline="") as handle:
        n0 = np.array([float(row[8]) for row in list(csv.reader(handle))[1:]])
    with open(folder / "hess_source.csv", encoding="utf-8", newline="") as handle:
        cells = [row[5].strip() for row in list(csv.reader(handle))[1:]]
    known = [float(cell) for cell in cells if cell]
    crab = np.array([float(cell) if cell else sum(known) / len(known) for cell in cells])
    sources, _ = build_catalogue(Catalogue(**PRESETS["wcda-hess"]), "wcda-hess")
    weights, notes = model_weights(sources, FLUX, "published")
    np.testing.assert_allclose(weights, np.concatenate([n0 / n0.sum(), crab / crab.sum()]), rtol=1e-14)
    assert len(notes) == 2
    assert notes[1].startswith("Sources present in two lists count twice: 15 source(s)")
    assert notes[0].startswith("hess: flux is missing, the list's mean stands in: 13 source(s), HESS J0232+202")


def test_standard_flux_weights_leave_the_unknown_out():
    sources, _ = build_catalogue(Catalogue(**PRESETS["wcda-hess"]), "wcda-hess")
    weights, notes = model_weights(sources, FLUX, "standard")
    own = sources["duplicate_of"].to_numpy() < 0
    no_flux = np.isnan(sources["flux"].to_numpy())
    assert np.count_nonzero(weights) == np.count_nonzero(own & ~no_flux)
    assert weights.sum() == pytest.approx(1.0, rel=1e-14)
    assert "No weight because flux is missing: 13 source(s), HESS J0232+202" in notes[1]
    shared, _ = model_weights(sources, Weighting(column="flux", share_by_list=True), "standard")
    assert shared[:69].sum() == pytest.approx(0.5, rel=1e-14)


def test_fluxes_of_two_lists_are_photons_above_1_tev():
    block = Catalogue(**{**PRESETS["wcda-hess"], "crossmatch_radius_deg": None})
    sources, _ = build_catalogue(block, "wcda-hess")
    weights, notes = model_weights(sources, FLUX, "standard")
    rows = sources.to_pylist()
    photons = np.array(
        [
            row["flux"]
            * 1e-13
            * 3
            * quad(lambda u, index=row["spectral_index"]: np.exp(u * (1 - index)), -np.log(3), 90)[0]
            if row["origin"] == "1lhaaso-wcda"
            else row["flux"] * 2.26e-11  # the Crab nebula, A&A 457, 899
            for row in rows
        ]
    )
    np.testing.assert_allclose(weights, np.nan_to_num(photons) / np.nansum(photons), rtol=1e-6)
    assert weights[:69].sum() == pytest.approx(0.58, abs=0.01)
    assert "photons above 1 TeV" in notes[0]


def test_fluxes_without_a_common_scale_are_refused():
    spectra = {"spectral_index": [3.0, 3.0], "pivot_tev": [50.0, 50.0], "flux_unit_per_tev_cm2_s": [1e-16, NAN]}
    two = {"origin": ["km2a", "own"], "energy_min_tev": [25.0, NAN], **spectra}
    for method in ("published", "standard"):
        shared, _ = model_weights(catalogue([1.0, 2.0], **two), Weighting(column="flux", share_by_list=True), method)
        assert shared[0] == shared[1]
    with pytest.raises(CatalogueError, match="fluxes of list 'km2a' are not known as photons above 1 TeV"):
        model_weights(catalogue([1.0, 2.0], **two), Weighting(column="flux"), "standard")
    two["energy_min_tev"] = [1.0, NAN]
    with pytest.raises(CatalogueError, match="fluxes of list 'own' are not known as photons above 1 TeV"):
        model_weights(catalogue([1.0, 2.0], **two), Weighting(column="flux"), "standard")
    plain, notes = model_weights(catalogue([1.0, 3.0], origin=["a", "b"]), Weighting(column="flux"), "standard")
    assert plain.tolist() == [0.25, 0.75]
    assert "taken to be in one unit" in notes[0]


def test_standard_leaves_out_limits_and_duplicates():
    sources = catalogue([1.0, 2.0, 3.0, 4.0], duplicate_of=[-1, -1, -1, 0], flux_limit=[False, True, False, False])
    weights, notes = model_weights(sources, Weighting(column="flux"), "standard")
    np.testing.assert_allclose(weights, [0.25, 0, 0.75, 0])
    assert notes == [
        "No weight because the flux is an upper limit: 1 source(s), s1.",
        "No weight because the source stands in an earlier list: 1 source(s), s3.",
    ]
    uniform, _ = model_weights(sources, Weighting(), "standard")
    np.testing.assert_allclose(uniform, [1 / 3, 1 / 3, 1 / 3, 0])


def test_published_counts_duplicates_and_limits_and_keeps_the_scale():
    sources = catalogue([1.0, 2.0, 3.0], duplicate_of=[-1, -1, 0], flux_limit=[False, True, False])
    weights, notes = model_weights(sources, Weighting(column="flux"), "published")
    np.testing.assert_array_equal(weights, [1, 2, 3])
    assert notes == ["Sources present in two lists count twice: 1 source(s), s2."]
    np.testing.assert_array_equal(model_weights(sources, Weighting(), "published")[0], [1, 1, 1])


def test_published_mean_is_of_the_column_and_of_the_same_list():
    sources = catalogue([1.0, 3.0, NAN, 10.0, NAN], origin=["one"] * 3 + ["two"] * 2)
    weights, _ = model_weights(sources, Weighting(column="flux", power=2), "published")
    np.testing.assert_array_equal(weights, [1, 9, 4, 100, 100])


@given(
    flux=npst.arrays(float, st.integers(1, 20), elements=st.floats(1e-3, 1e3)),
    power=st.floats(-3, 3),
    share=st.booleans(),
    data=st.data(),
)
def test_weights_are_shares_of_the_powers(flux, power, share, data):
    origin = data.draw(st.lists(st.sampled_from("ab"), min_size=len(flux), max_size=len(flux)))
    sources = catalogue(flux, origin=origin)
    weighting = Weighting(column="flux", power=power, share_by_list=share)
    standard, notes = model_weights(sources, weighting, "standard")
    published, _ = model_weights(sources, weighting, "published")
    assert all("in one unit" in note for note in notes)
    np.testing.assert_allclose(standard, published / published.sum(), rtol=1e-12)
    for label in set(origin):
        rows = np.array(origin) == label
        np.testing.assert_allclose(published[rows] / published[rows].max(), _relative(flux[rows], power), rtol=1e-9)
        if share:
            assert published[rows].sum() == pytest.approx(1, rel=1e-12)


def _relative(values, power):
    logarithms = power * np.log(values)
    return np.exp(logarithms - logarithms.max())


def test_the_notes_stay_short():
    _, notes = model_weights(catalogue([1.0] + [NAN] * 30), Weighting(column="flux"), "standard")
    assert notes[0].endswith("s20 and 10 more.")


@pytest.mark.parametrize("method", ["published", "standard"])
@pytest.mark.parametrize(
    ("flux", "weighting", "message"),
    [
        ([1.0, -2.0], {"column": "flux"}, "weighting column 'flux': -2 of source 's1' to the power 1 is no weight"),
        ([1.0, -2.0], {"column": "flux", "power": 2}, "-2 of source 's1' to the power 2 is no weight"),
        ([1.0, 0.0], {"column": "flux", "power": -2}, "0 of source 's1' to the power -2 is no weight"),
        ([0.0, 0.0], {"column": "flux"}, "the sources have no usable weight (sum 0)"),
        ([0.0, 0.0], {"column": "flux", "share_by_list": True}, "the sources of list 'one' have no usable weight"),
        ([1.0, 1.0], {"column": "mass"}, "weighting column 'mass' does not exist or is text. Use one of flux"),
        ([1.0, 1.0], {"column": "name"}, "weighting column 'name' holds no numbers to weight with. Use one of flux"),
    ],
)
def test_what_cannot_be_a_weight_is_refused(flux, weighting, message, method):
    with pytest.raises(CatalogueError) as caught:
        model_weights(catalogue(flux), Weighting(**weighting), method)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("method", "message"), [("published", "list 'one' has no value of 'flux'"), ("standard", "have no usable weight")]
)
def test_a_column_without_any_value_is_refused(method, message):
    with pytest.raises(CatalogueError, match=message):
        model_weights(catalogue([NAN, NAN]), Weighting(column="flux"), method)


def test_weight_column_gives_the_numbers():
    np.testing.assert_array_equal(weight_column(catalogue([1.0, 2.0]), "flux"), [1.0, 2.0])
