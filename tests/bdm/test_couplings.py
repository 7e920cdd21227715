"""L_mu-L_tau: vertices, flavours and mixing, against amplitudes and sums written here."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad

from nusky import bdm
from nusky.bdm.models import ELEMENTARY_CHARGE, LOOP_MIXING, LMuTau
from nusky.bdm.spectrum import Weights, mixing_probabilities
from nusky.errors import PhysicsError

YEAR = 31556926
PLACE = (3.5, 8.5, 1.9498740968451136)

# Dirac matrices in the chiral representation.
PAULI = [np.array(m, dtype=complex) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])]
ZERO, ONE = np.zeros((2, 2)), np.eye(2)
GAMMA = [np.block([[ZERO, ONE], [ONE, ZERO]])] + [np.block([[ZERO, s], [-s, ZERO]]) for s in PAULI]
LEFT = np.diag([1.0, 1.0, 0.0, 0.0])
METRIC = np.diag([1.0, -1.0, -1.0, -1.0])


def slash(p):
    return sum(METRIC[k, k] * p[k] * GAMMA[k] for k in range(4))


def line(before, after, mass, left=False):
    """Sum over spins of u-bar(after) gamma^a [P_L] u(before) times its conjugate with gamma^b: a 4 x 4 tensor."""
    project = LEFT if left else np.eye(4)
    opposite = np.eye(4) - LEFT if left else np.eye(4)
    out = np.empty((4, 4), dtype=complex)
    for a, b in itertools.product(range(4), repeat=2):
        vertex, conjugate = GAMMA[a] @ project, opposite @ GAMMA[b]
        one, two = slash(after) + mass * np.eye(4), slash(before) + mass * np.eye(4)
        out[a, b] = np.trace(one @ vertex @ two @ conjugate)
    return out


def amplitude2(m1, m2, energy, cosine, coupling, mediator, left=False):
    """Sum over spins of |M|^2 for m1 (vertex with P_L if `left`) on m2, in their centre of mass."""
    p = math.sqrt(energy**2 - m1**2)
    other, sine = math.hypot(p, m2), math.sqrt(1 - cosine**2)
    k1, k2 = np.array([energy, 0, 0, p]), np.array([other, 0, 0, -p])
    k3, k4 = np.array([energy, p * sine, 0, p * cosine]), np.array([other, -p * sine, 0, -p * cosine])
    lower = METRIC @ line(k2, k4, m2) @ METRIC
    total = np.sum(line(k1, k3, m1, left) * lower).real
    t = -2 * p**2 * (1 - cosine)
    s = (energy + other) ** 2
    return coupling**2 / (t - mediator**2) ** 2 * total, (s, t, 2 * (m1**2 + m2**2) - s - t)


def test_the_vertex_with_a_charged_target_is_e_epsilon_g():
    for m_target, energy, cosine, ratio, charge in ((0.511, 3.0, 0.2, 0.3, 1.0), (938.2, 5.0, -0.7, 1.0, 54.0)):
        mx, mixing = 2.0, 3e-7
        coupling = charge * math.sqrt(4 * math.pi / 137.035999177) * mixing
        summed, invariants = amplitude2(mx, m_target, energy, cosine, coupling, ratio * mx)
        model = LMuTau(target_coupling=mixing, mediator_ratio=ratio, mt=m_target, charge=charge)
        assert model.amp2_xe(*invariants, mx) == pytest.approx(summed / 4, rel=1e-8)


def test_neutrino_spins_that_are_averaged_over():
    """The left-handed neutrino has one spin state; the literature divides by two."""
    mx, coupling = 2.0, 1e-8
    summed, invariants = amplitude2(0.0, mx, 3.0, 0.2, coupling, mx / 3, left=True)
    for spins in (1, 2):
        model = LMuTau(neutrino_coupling=coupling, neutrino_spins=spins)
        assert model.amp2_xv(*invariants, mx) == pytest.approx(summed / (2 * spins), rel=1e-10)


def test_electromagnetic_limit_is_mott_scattering():
    """epsilon g_x = e and a light mediator: dark matter of charge 1 on a heavy nucleus, Mott's formula."""
    mx, Tx, heavy = 1.0, 2.0, 1e6
    model = LMuTau(target_coupling=ELEMENTARY_CHARGE, mediator_ratio=1e-9, mt=heavy, charge=3.0).at(*PLACE)
    p2, energy = Tx * (Tx + 2 * mx), Tx + mx
    alpha = ELEMENTARY_CHARGE**2 / (4 * math.pi)

    def mott(q):  # d(sigma)/d(q^2) = pi/p^2 dsigma/dOmega, q^2 = 4 p^2 sin^2(theta/2)
        sine2 = q / (4 * p2)
        return math.pi / p2 * (3 * alpha * energy) ** 2 * (1 - p2 / energy**2 * sine2) * 4 / q**2

    above = 0.1 * 4 * p2 / (2 * heavy)  # recoils of more than a tenth of the largest
    expected = quad(mott, 0.1 * 4 * p2, 4 * p2, epsabs=0)[0] * bdm.constant.perMeV2cm**2
    found = model._target_from_amplitude().total(np.array([Tx]), np.array([mx]), above).value[0]
    assert found == pytest.approx(expected, rel=2e-5)


def test_published_keeps_the_literal_coupling():
    standard, published = (LMuTau().at(*PLACE, conventions=c) for c in (bdm.STANDARD, bdm.PUBLISHED))
    assert published.sigma_xe(5, 1) == pytest.approx(1.6616e-37, rel=3e-5)
    assert published.sigma_xe(5, 1) / standard.sigma_xe(5, 1) == pytest.approx(2 * math.pi / ELEMENTARY_CHARGE**2)
    assert published.flux(350 * YEAR, 5, 1) == pytest.approx(5.513412767506566e-13, rel=1e-9)


def test_electron_neutrinos_do_not_couple():
    standard = LMuTau().at(*PLACE).flux(350 * YEAR, 5, 1)
    every = LMuTau(charges=(1, 1, 1)).at(*PLACE).flux(350 * YEAR, 5, 1)
    assert every == pytest.approx(3.645459003498711e-14, rel=1e-9)  # reference/boosted_dark_matter.json
    parts = [
        LMuTau(charges=(1, 1, 1)).at(*PLACE, spectrum=bdm.FermiDirac(*one)).flux(350 * YEAR, 5, 1) for one in np.eye(3)
    ]
    assert sum(parts) == pytest.approx(every, rel=1e-7)
    assert standard == pytest.approx(parts[2], rel=1e-7)
    assert standard / every == pytest.approx(0.57, abs=0.005)
    twice = LMuTau(charges=(0, 2, -2)).at(*PLACE).flux(350 * YEAR, 5, 1)
    assert twice == pytest.approx(4 * standard, rel=1e-7)


def test_oscillation():
    for ordering, (neutrino, anti) in {"normal": (2, 0), "inverted": (1, 2)}.items():
        probability = mixing_probabilities(ordering)
        np.testing.assert_allclose([probability.sum(axis=0), probability.sum(axis=1)], 1.0, rtol=1e-12)
        weights = bdm.flavour_weights((0, 1, -1), ordering)
        # 1 - |U_ei|^2 of the state that leaves as nu_e, and of the others on average
        assert weights.nu_e == pytest.approx(1 - probability[0, neutrino])
        assert weights.anti_nu_e == pytest.approx(1 - probability[0, anti])
        assert weights.nu_e + weights.anti_nu_e + 4 * weights.nu_x == pytest.approx(4.0)
        assert bdm.flavour_weights((1, 1, 1), ordering) == pytest.approx((1, 1, 1))
    flux = {o: LMuTau(oscillation=o).at(*PLACE).flux(350 * YEAR, 5, 1) for o in ("none", "normal", "inverted")}
    assert flux["none"] < flux["normal"] < flux["inverted"]


def test_mixing_by_loops():
    assert pytest.approx(70, abs=1) == 1 / LOOP_MIXING
    model = LMuTau(neutrino_coupling=3e-8, target_coupling="loop")
    assert model.mixing == pytest.approx(3e-8 * LOOP_MIXING)
    ratio = model.at(*PLACE).sigma_xe(5, 1) / LMuTau(target_coupling=1e-8).at(*PLACE).sigma_xe(5, 1)
    assert ratio == pytest.approx((3 * LOOP_MIXING) ** 2, rel=1e-12)


def test_spectra_of_one_s_own():
    flavours = [
        bdm.Flavour(5e52, 11.0, 2.3, 1, "nu_e"),
        bdm.Flavour(5e52, 16.0, 2.3, 1, "anti_nu_e"),
        bdm.Flavour(5e52, 25.0, 2.3, 4, "nu_x"),
    ]
    model = LMuTau().at(*PLACE, spectrum=bdm.AlphaFit(flavours))
    heavy = LMuTau(charges=(1, 1, 1)).at(*PLACE, spectrum=bdm.AlphaFit(flavours[2:]))
    assert model.flux(350 * YEAR, 5, 1) == pytest.approx(heavy.flux(350 * YEAR, 5, 1), rel=1e-7)
    assert bdm.AlphaFit(flavours).coupled(Weights(1, 0, 0))(np.array([10.0])) == pytest.approx(
        bdm.AlphaFit(flavours[:1])(np.array([10.0]))
    )
    with pytest.raises(PhysicsError, match="species = '' of a Flavour must be one of nu_e"):
        LMuTau().at(*PLACE, spectrum=bdm.AlphaFit([bdm.Flavour(5e52, 11.0, 2.3)]))
    with pytest.raises(PhysicsError, match="holds all species together"):
        LMuTau().at(*PLACE, spectrum=lambda Ev: np.exp(-Ev))
    assert LMuTau().at(*PLACE, spectrum=lambda Ev: np.exp(-Ev), conventions=bdm.PUBLISHED).flux(1e9, 5, 1) > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"neutrino_spins": 3}, "neutrino_spins = 3 must be 1 or 2"),
        ({"charges": (1, 1)}, "must be three numbers"),
        ({"oscillation": "vacuum"}, "oscillation = 'vacuum' must be one of none, normal, inverted"),
        ({"target_coupling": "tree"}, "target_coupling = 'tree' is no real number"),
        ({"neutrino_coupling": -1.0}, "neutrino_coupling = -1"),
        ({"mediator_ratio": 0.0}, "mediator_ratio = 0"),
    ],
)
def test_bad_couplings(change, message):
    with pytest.raises(PhysicsError, match=message):
        LMuTau(**change)
