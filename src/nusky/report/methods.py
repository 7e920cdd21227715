"""A paragraph for a paper on how a run was made, in LaTeX, and the BibTeX of what it cites."""

from collections.abc import Iterator, Mapping
from typing import Any

from nusky.printable import printable
from nusky.report.rows import PARAMETERS, own_parameters
from nusky.report.verdict import energy, limits, results

_ENTRIES = {
    "nusky": """@software{{nusky,
  title = {{nusky: searches for neutrino sources with public track events}},
  author = {{{{The nusky developers}}}},
  version = {{{version}}},
  note = {{revision {revision}}}
}}""",
    "icecube-3yr": """@article{IceCube:2016tpw,
  author = {{IceCube Collaboration}},
  title = {All-sky Search for Time-integrated Neutrino Emission from Astrophysical Sources with 7 yr of IceCube Data},
  journal = {Astrophys. J.}, volume = {835}, pages = {151}, year = {2017},
  eprint = {1609.04981}, archivePrefix = {arXiv}, doi = {10.3847/1538-4357/835/2/151}
}""",
    "icecube-10yr": """@misc{IceCube:2021xar,
  author = {{IceCube Collaboration}},
  title = {IceCube Data for Neutrino Point-Source Searches: Years 2008-2018},
  year = {2021}, eprint = {2101.09836}, archivePrefix = {arXiv}, doi = {10.7910/DVN/VKL316}
}""",
    "icecube-14yr": """@misc{IceTracksDR2,
  author = {{IceCube Collaboration}},
  title = {IceTracks-DR2: track events for point-source searches},
  eprint = {2605.19040}, archivePrefix = {arXiv}, doi = {10.7910/DVN/MMIIZA}
}""",
    "likelihood": """@article{Braun:2008bg,
  author = {Braun, J. and others},
  title = {Methods for point source analysis in high energy neutrino telescopes},
  journal = {Astropart. Phys.}, volume = {29}, pages = {299}, year = {2008},
  eprint = {0801.1604}, archivePrefix = {arXiv}, doi = {10.1016/j.astropartphys.2008.02.007}
}""",
    "time": """@article{Braun:2009wp,
  author = {Braun, J. and others},
  title = {Time-Dependent Point Source Search Methods in High Energy Neutrino Astronomy},
  journal = {Astropart. Phys.}, volume = {33}, pages = {175}, year = {2010},
  eprint = {0912.1572}, archivePrefix = {arXiv}
}""",
    "posttrial": """@book{WestfallYoung1993,
  author = {Westfall, P. H. and Young, S. S.},
  title = {Resampling-Based Multiple Testing}, publisher = {Wiley}, year = {1993}
}""",
}
_KEYS = {
    "icecube-3yr": "IceCube:2016tpw",
    "icecube-10yr": "IceCube:2021xar",
    "icecube-14yr": "IceTracksDR2",
    "likelihood": "Braun:2008bg",
    "time": "Braun:2009wp",
    "posttrial": "WestfallYoung1993",
    "nusky": "nusky",
}
_LETTERS = {c: rf"\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}", "γ": r"$\gamma$"}


def paragraph(summary: Mapping[str, Any]) -> str:
    """The paragraph, plain LaTeX: data, sources, likelihood, trials, limits, and what came out of it."""
    return " ".join(_sentences(summary))


def bibtex(summary: Mapping[str, Any]) -> str:
    """The entries that `paragraph` cites."""
    entries = [_ENTRIES[key] for key in _cited(summary) if key != "nusky"]
    own = {"version": summary["versions"].get("nusky", ""), "revision": summary.get("git_revision") or "unknown"}
    return "\n\n".join([*entries, _ENTRIES["nusky"].format(**own)])


def _cited(summary: Mapping[str, Any]) -> list[str]:
    text = paragraph(summary)
    return [key for key, label in _KEYS.items() if rf"\citep{{{label}}}" in text]


def _inferences(summary: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for catalogue, result in results(summary):
        if result.get("inference"):
            yield catalogue, result["inference"]


def _sentences(summary: Mapping[str, Any]) -> Iterator[str]:
    if not summary["catalogues"]:
        yield rf"Computed with nusky {_plain(summary['versions'].get('nusky', ''))} \citep{{nusky}}."
        return
    if summary["synthetic"]:
        yield r"\textbf{Generated events: no number of this paragraph is a measurement.}"
    release, cite = summary["release"], _KEYS.get(summary["release"])
    events = f"{summary['n_events']:,}".replace(",", r"\,")
    yield (
        f"We use the {events} track-like events of {len(summary['seasons'])} seasons "
        f"({_plain(', '.join(summary['seasons']))}; {summary['livetime_days']:.1f} days of livetime) of the public "
        f"release {_plain(release)}" + (rf" \citep{{{cite}}}." if cite else ".")
    )
    for name, catalogue in summary["catalogues"].items():
        lists = ", ".join(f"{part['n_sources']} from {_plain(part['label'])}" for part in catalogue.get("lists") or [])
        yield f"The catalogue {_plain(name)} holds {catalogue['n_sources']} sources" + (
            f" ({lists})." if lists else "."
        )
    how = sorted({found["analysis"] for _, found in _inferences(summary)})
    terms = f" with the terms `{_plain(how[0])}'" if how else " of directions and angular errors"
    yield (rf"The test statistic is that of an unbinned likelihood ratio \citep{{{_KEYS['likelihood']}}}{terms}.")
    for catalogue, found in _inferences(summary):
        yield from _windows(catalogue, found.get("time"))
        for weighting, stack in found["stacks"].items():
            fit = stack["fits"][0]
            gamma = f"was fixed at {_index(fit['gamma_fixed'])}" if fit["gamma_fixed"] else "was fitted"
            index = "the spectrum was as given" if fit["gamma_fixed"] == 0 else f"the spectral index {gamma}"
            own = "".join(f", {_plain(PARAMETERS[key])} was fitted" for key in own_parameters([fit]))
            how = own.removeprefix(", ") or index
            yield (
                f"For the stack of {_plain(catalogue)} with {_plain(weighting)} weights {how}; "
                f"{fit['n_trials']} scrambled skies give its p-value."
            )
        if found["sources"]:
            best = found["sources"]["best"]
            yield (
                f"Each source of {_plain(catalogue)} was tested by itself with {best['n_trials']} scrambled skies; "
                f"{best['n_sky_trials']} full skies correct the p-values for the number of sources "
                rf"\citep{{{_KEYS['posttrial']}}}."
            )
    yield from _of_map(summary.get("skymap"))
    found = {catalogue: inference.get("time") for catalogue, inference in _inferences(summary)}
    for limit in limits(summary):
        if limit.from_trials:
            shown = "" if limit.calibrated else " Its coverage is not shown."
            yield (
                f"Upper limits on {_plain(limit.catalogue)} ({_plain(limit.weighting)} weights) are at "
                rf"{100 * limit.confidence_level:g}\,\% confidence level from the {_plain(limit.method)} construction "
                "with injected signal, for one flavour of neutrinos plus antineutrinos: "
                rf"$E^2\,\mathrm{{d}}N/\mathrm{{d}}E < {_power(limit.e2dnde)}\,\mathrm{{GeV\,cm^{{-2}}\,s^{{-1}}}}$ at "
                rf"100\,TeV{_in_window(found.get(limit.catalogue))} for {_index(float(limit.gamma))}, the central "
                rf"90\,\% of the expected signal lying between {_energy(limit.energy_min_gev)} and "
                f"{_energy(limit.energy_max_gev)}.{shown}"
            )
    found = summary.get("corrected")
    if found and len(found["searches"]) > 1:
        yield (
            f"The run made {len(found['searches'])} searches, each of the same {found['n_skies']} scrambled skies; the "
            rf"share of skies with a local p-value as small in any of them is $p={_power(found['p_value'])}$ "
            rf"\citep{{{_KEYS['posttrial']}}}."
        )
    yield (
        rf"The analysis was made with nusky {_plain(summary['versions'].get('nusky', ''))} \citep{{nusky}}, seed "
        f"{summary['seed']}."
    )


def _windows(catalogue: str, time: Mapping[str, Any] | None) -> Iterator[str]:
    """What a likelihood with times adds; `time` is the block of the catalogue."""
    if not time:
        return
    name = _plain(catalogue)
    if time["profile"] == "flare":
        lengths = " to ".join(f"{v:g}" if isinstance(v, float) else "its own" for v in map(time.get, _LENGTHS))
        yield (
            f"In each source of {name} a flare of unknown time was sought, a box of {lengths} days of good runs, the "
            rf"test statistic paying for the number of short windows \citep{{{_KEYS['time']}}}."
        )
    else:
        yield (
            rf"The flux of the sources of {name} changes with time ({_plain(time['profile'].replace('-', ' '))}), as "
            rf"does the likelihood \citep{{{_KEYS['time']}}}."
        )
    if time["scramble"] == "times":
        yield (
            f"The scrambled skies of {name} permute the times of the events of a season, and right ascensions follow "
            "the rotation of the Earth."
        )


def _of_map(skymap: Mapping[str, Any] | None) -> Iterator[str]:
    """What was done for the map of the whole sky; `skymap` is the block of the summary."""
    hottest = (skymap or {}).get("hottest")
    if not hottest:
        return
    gamma = skymap.get("gamma")
    index = "the spectral index fitted" if gamma is None else f"{_index(gamma)} fixed"
    yield (
        f"The whole sky was searched with the terms `{_plain(skymap['analysis'])}' and {index}; "
        f"{hottest[0]['n_trials']} scrambled skies at each of a grid of declinations give local p-values, and "
        f"{hottest[0]['n_sky_trials']} full skies correct those of the hottest spots for the number of positions "
        rf"\citep{{{_KEYS['posttrial']}}}."
    )


_LENGTHS = ("shortest_days", "longest_days")


def _in_window(time: Mapping[str, Any] | None) -> str:
    return " in the window, or at the peak," if time else ""


def _energy(gev: float) -> str:
    return energy(gev).replace(" ", r"\,")


def _power(value: float) -> str:
    if 1e-3 <= abs(value) < 1e3:
        return f"{value:.3g}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return rf"{mantissa}\times10^{{{int(exponent)}}}"


def _index(gamma: float) -> str:
    return f"$\\gamma={gamma:g}$" if gamma else "the spectrum as given"  # 0 stands for one without an index


def _plain(text: str) -> str:
    return "".join(_LETTERS.get(letter, letter) for letter in printable(str(text)))
