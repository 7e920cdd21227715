"""A model follows whatever its functions read, wherever that is and however they are evaluated."""

import functools
import itertools
import math
import types

import numba
import numpy as np
import pytest

from nusky import bdm
from nusky.bdm import published
from nusky.bdm.amplitudes import Elementwise
from nusky.bdm.dependencies import Unseen, snapshot
from nusky.errors import PhysicsError

YEAR = 31556926
g = 1.0
table = np.array([1.0, 2.0])
couplings = types.ModuleType("couplings")
couplings.g, couplings.inner = 1.0, types.ModuleType("inner")
couplings.inner.g = 1.0


class Holder:
    g = 1.0


def helper(s):
    return g * math.sqrt(s)


@numba.njit
def compiled_helper(s):
    return g * math.sqrt(s)


def uses_global(s, t, u, mx):
    return g * math.sqrt(s) if s > 0 else 0.0


def uses_array(s, t, u, mx):
    return table[0] * math.sqrt(s) if s > 0 else 0.0


def uses_helper(s, t, u, mx):
    return helper(s) if s > 0 else 0.0


def uses_compiled_helper(s, t, u, mx):
    return compiled_helper(s) if s > 0 else 0.0


def uses_module(s, t, u, mx):
    return couplings.g * math.sqrt(s) if s > 0 else 0.0


couplings.helper = compiled_helper


def uses_module_s_function(s, t, u, mx):
    return couplings.helper(s) if s > 0 else 0.0


def uses_function_of_compiled(s, t, u, mx):
    return helper_of_compiled(s) if s > 0 else 0.0


def helper_of_compiled(s):
    return compiled_helper(s)


def uses_inner_module(s, t, u, mx):
    return couplings.inner.g * math.sqrt(s) if s > 0 else 0.0


def uses_getattr(s, t, u, mx):
    return getattr(couplings, "g") * math.sqrt(s) if s > 0 else 0.0  # noqa: B009 - the text is the point


def uses_class(s, t, u, mx):
    return Holder.g * math.sqrt(s) if s > 0 else 0.0


def uses_nested(s, t, u, mx):
    def inner(x):
        return g * math.sqrt(x)

    return inner(s) if s > 0 else 0.0


def uses_import(s, t, u, mx):
    import math

    return g * math.sqrt(s) if s > 0 else 0.0


def uses_default(s, t, u, mx, factor=1.0):
    return factor * math.sqrt(s) if s > 0 else 0.0


def with_factor(factor, s, t, u, mx):
    return factor * compiled_helper(s) if s > 0 else 0.0


class Physics:
    """Methods and attributes that lead to what numba compiled."""

    def __init__(self):
        self.root = compiled_helper

    def __call__(self, s, t, u, mx):
        return compiled_helper(s) if s > 0 else 0.0

    def through_attribute(self, s, t, u, mx):
        return self.root(s) if s > 0 else 0.0

    @classmethod
    def of_class(cls, s, t, u, mx):
        return compiled_helper(s) if s > 0 else 0.0


class Special(Physics):
    def __call__(self, s, t, u, mx):
        return super().__call__(s, t, u, mx)


physics, special = Physics(), Special()
by_name, in_order = {"root": compiled_helper}, (compiled_helper,)


def uses_object(s, t, u, mx):
    return physics.through_attribute(s, t, u, mx)


def uses_dictionary(s, t, u, mx):
    return by_name["root"](s) if s > 0 else 0.0


def uses_tuple(s, t, u, mx):
    return in_order[0](s) if s > 0 else 0.0


def on_arrays(s, t, u, mx):
    return g * np.sqrt(s)


@numba.njit
def compiled(s, t, u, mx):
    return g * math.sqrt(s) if s > 0 else 0.0


@numba.vectorize
def ufunc(s, t, u, mx):
    return g * math.sqrt(s)


def double_global():
    global g
    g = 2 * g


def double_defaults():
    uses_default.__defaults__ = (2.0,)


CASES = {
    "global": (uses_global, double_global),
    "array changed in place": (uses_array, lambda: table.__imul__(2)),
    "function": (uses_helper, double_global),
    "compiled function": (uses_compiled_helper, double_global),
    "compiled function of a module": (uses_module_s_function, double_global),
    "compiled function of a function": (uses_function_of_compiled, double_global),
    "module": (uses_module, lambda: setattr(couplings, "g", 2.0)),
    "module of a module": (uses_inner_module, lambda: setattr(couplings.inner, "g", 2.0)),
    "getattr": (uses_getattr, lambda: setattr(couplings, "g", 2.0)),
    "class": (uses_class, lambda: setattr(Holder, "g", 2.0)),
    "nested function": (uses_nested, double_global),
    "import in the function": (uses_import, double_global),
    "default": (uses_default, double_defaults),
    "partial function": (functools.partial(with_factor, 1.0), double_global),
    "object": (physics, double_global),
    "object of a subclass": (special, double_global),
    "method of an object": (physics.through_attribute, double_global),
    "method of a class": (Physics.of_class, double_global),
    "object in a global": (uses_object, double_global),
    "function in a dictionary": (uses_dictionary, double_global),
    "function in a tuple": (uses_tuple, double_global),
    "vectorized": (np.vectorize(uses_compiled_helper), double_global),
    "whole arrays": (on_arrays, double_global),
    "compiled by the user": (compiled, double_global),
    "ufunc of the user": (ufunc, double_global),
}


@pytest.fixture(autouse=True)
def reset():
    global g
    g, couplings.g, couplings.inner.g, Holder.g, uses_default.__defaults__ = 1.0, 1.0, 1.0, 1.0, (1.0,)
    table[:] = 1.0, 2.0


COMPILING = (
    "function",
    "compiled function of a module",
    "compiled function of a function",
    "module of a module",
    "getattr",
    "nested function",
    "import in the function",
    "default",
    "compiled by the user",
    "ufunc of the user",
)


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case in COMPILING else case for case in CASES]
)
def test_what_an_amplitude_reads_may_change(case):
    amplitude, double = CASES[case]
    evaluate = Elementwise(amplitude, "f")
    columns = [np.linspace(low, low + 1, 40) for low in (1.0, -2.0, 1.0, 1.0)]
    few = [column[:2] for column in columns]
    before, before_few = evaluate(*columns), evaluate(*few)
    assert before == pytest.approx(np.sqrt(columns[0]), rel=1e-14)
    double()
    assert evaluate(*columns) == pytest.approx(2 * before, rel=1e-14)
    assert evaluate(*few) == pytest.approx(2 * before_few, rel=1e-14)


def test_closures_may_change():
    def made():
        strength = 1.0

        def change(value):
            nonlocal strength
            strength = value

        return (lambda s, t, u, mx: strength * math.sqrt(s) if s > 0 else 0.0), change

    amplitude, change = made()
    model = bdm.BoostedDarkMatter(3.5, 8.5, 1.95, amplitude, amplitude)
    before = model.flux(350 * YEAR, 5, 1), model.sigma_xe(5, 1), model.event(1.0, rtol=1e-3)
    change(2.0)
    assert model.flux(350 * YEAR, 5, 1) == pytest.approx(2 * before[0], rel=1e-12)
    assert model.sigma_xe(5, 1) == pytest.approx(2 * before[1], rel=1e-12)
    assert model.event(1.0, rtol=1e-3) == pytest.approx(4 * before[2], rel=1e-9)


def test_a_function_that_stops_taking_arrays(cas_a):
    settings = {"scalar": False}

    def amplitude(s, t, u, mx):
        return math.sqrt(s) if settings["scalar"] else np.sqrt(s)

    model = bdm.BoostedDarkMatter(**{**cas_a, "amp2_xv": amplitude})
    before = model.flux(350 * YEAR, 5, 1)
    settings["scalar"] = True
    assert model.flux(350 * YEAR, 5, 1) == pytest.approx(before, rel=1e-12)


def test_replaced_and_overridden_methods_follow_too(cas_a):
    class Mine(bdm.BoostedDarkMatter):
        strength = 1e-36

        def dsigma_xv(self, Tx, mx, psi):
            return g * self.strength if Tx > 0 else 0.0

        def sigma_xe(self, Tx, mx):
            return g * self.strength if Tx > 0 else 0.0

    model = Mine(**cas_a)
    flux, events = model.flux(350 * YEAR, 5, 1), model.event(1.0, rtol=1e-3)
    double_global()
    assert model.flux(350 * YEAR, 5, 1) == pytest.approx(2 * flux, rel=1e-12)
    Mine.strength = 3e-36
    assert model.flux(350 * YEAR, 5, 1) == pytest.approx(6 * flux, rel=1e-12)
    model.strength = 1e-36
    assert model.event(1.0, rtol=1e-3) == pytest.approx(4 * events, rel=1e-9)
    Mine.dsigma_xv = lambda self, Tx, mx, psi: 1e-36
    assert model.flux(350 * YEAR, 5, 1) == pytest.approx(flux, rel=1e-12)
    model.dsigma_xv = uses_strength
    assert model.flux(350 * YEAR, 5, 1) == pytest.approx(2 * flux, rel=1e-12)
    double_global()
    assert model.flux(350 * YEAR, 5, 1) == pytest.approx(4 * flux, rel=1e-12)


def test_spectra_and_form_factors_follow_too():
    spectrum = numba.njit(lambda energy: g * 1e56 * energy * np.exp(-energy / 4))
    form_factor = numba.njit(lambda q: g * np.exp(-q))
    model = bdm.BoostedDarkMatter(3.5, 8.5, 1.95, on_arrays, on_arrays, spectrum=spectrum, form_factor=form_factor)
    before = model.flux(350 * YEAR, 5, 1), model.sigma_xe(5, 1)
    double_global()
    assert model.flux(350 * YEAR, 5, 1) == pytest.approx(4 * before[0], rel=1e-12)
    assert model.sigma_xe(5, 1) == pytest.approx(8 * before[1], rel=1e-12)


def uses_strength(Tx, mx, psi):
    return g * 1e-36 if Tx > 0 else 0.0


def test_conventions_and_targets_may_change(cas_a):
    model = bdm.BoostedDarkMatter(**cas_a)
    before = model.flux(350 * YEAR, 5, 1), model.sigma_xe(5, 1)
    model.conventions = bdm.PUBLISHED
    theirs = published.BoostedDarkMatter(**cas_a)
    assert (model.flux(350 * YEAR, 5, 1), model.sigma_xe(5, 1)) == (
        theirs.flux(350 * YEAR, 5, 1),
        theirs.sigma_xe(5, 1),
    )
    assert model.sigma_xe(5, 1) != before[1]


def test_a_replaced_density_is_refused(cas_a):
    model = bdm.BoostedDarkMatter(**cas_a)
    model.nx = lambda r, mx: 1.0
    with pytest.raises(PhysicsError, match="nx was replaced"):
        model.flux(350 * YEAR, 5, 1)


def test_snapshots_tell_what_differs():
    one = snapshot(uses_helper)
    assert one == snapshot(uses_helper)
    double_global()
    assert one != snapshot(uses_helper)
    for function in (uses_class, uses_import, lambda s: Unset.nothing(s)):
        with pytest.raises(Unseen):
            snapshot(function)
    assert all(a != b for a, b in itertools.combinations([snapshot(lambda x=x: x) for x in (1, 1.0, -0.0, 0.0)], 2))


class Unset:
    pass
