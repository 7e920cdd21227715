"""`nusky table`: the sources, stacks or hot spots of a run as a table for a paper."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from nusky.cli import console
from nusky.conventions import FLUENCE, IN_WINDOW, PARAMETERS

Listed = Literal["sources", "stacks", "spots"]


_DEFAULT = {
    "sources": (
        "name", "ra_deg", "dec_deg", "n_signal", "gamma", *PARAMETERS, "p_local", "p_post",
        "limit_e2dnde_1tev_gev_cm2_s", "limit_e2dnde_100tev_gev_cm2_s", FLUENCE, "energy_min_gev", "energy_max_gev",
    ),
    "stacks": (
        "catalogue", "weighting", "n_sources", "n_signal", "gamma", *PARAMETERS, "test_statistic", "p_local",
        "limit_gamma", "limit_e2dnde_1tev_gev_cm2_s", "limit_e2dnde_100tev_gev_cm2_s", FLUENCE,
        "energy_min_gev", "energy_max_gev",
    ),
    "spots": ("number", "ra_deg", "dec_deg", "n_signal", "gamma", "test_statistic", "p_local"),
}  # fmt: skip
_UPPER, _FLUX = r"$(E^2\mathrm{d}N/\mathrm{d}E)^\mathrm{up}$", r"GeV cm$^{-2}$ s$^{-1}$"
_HEADS = {
    "name": ("Source", ""),
    "origin": ("List", ""),
    "catalogue": ("Catalogue", ""),
    "weighting": ("Weights", ""),
    "number": ("No.", ""),
    "n_sources": ("Sources", ""),
    "ra_deg": ("R.A.", r"deg"),
    "dec_deg": ("Decl.", r"deg"),
    "n_signal": (r"$\hat{n}_s$", ""),
    "gamma": (r"$\hat{\gamma}$", ""),
    "cutoff_gev": (r"$\hat{E}_\mathrm{c}$", "GeV"),
    "break_gev": (r"$\hat{E}_\mathrm{b}$", "GeV"),
    "gamma_above": (r"$\hat{\gamma}_\mathrm{above}$", ""),
    "curvature": ("Curvature", ""),
    "test_statistic": ("TS", ""),
    "p_local": (r"$p_\mathrm{local}$", ""),
    "p_post": (r"$p_\mathrm{post}$", ""),
    "n_trials": (r"$N_\mathrm{trials}$", ""),
    "limit_gamma": (r"$\gamma_\mathrm{lim}$", ""),
    "limit_level": ("Level", ""),
    "limit_method": ("Construction", ""),
    "limit_n_signal": (r"$n_s^\mathrm{up}$", ""),
    "limit_e2dnde_1tev_gev_cm2_s": (rf"{_UPPER}, 1 TeV", _FLUX),
    "limit_e2dnde_100tev_gev_cm2_s": (rf"{_UPPER}, 100 TeV", _FLUX),
    FLUENCE: (r"$(E^2F)^\mathrm{up}$, 100 TeV", r"GeV cm$^{-2}$"),
    "signal_energy_min68_gev": (r"$E_{68}^\mathrm{low}$", "GeV"),
    "signal_energy_max68_gev": (r"$E_{68}^\mathrm{high}$", "GeV"),
    "energy_min_gev": (r"$E_\mathrm{min}$", "GeV"),
    "energy_max_gev": (r"$E_\mathrm{max}$", "GeV"),
}
"""Head and unit of a column in LaTeX."""
_SPECIAL = {c: rf"\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "<": "$<$",
    ">": "$>$",
    "–": "--",
    **{
        letter: rf"$\{name}$"
        for letters, names in (
            ("αβγδεζηθικλμνξπρ", "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho"),
            ("στυφχψως", "sigma tau upsilon phi chi psi omega varsigma"),
            ("ΓΔΘΛΞΠΣΥΦΨΩ", "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"),
        )
        for letter, name in zip(letters, names.split(), strict=True)
    },
}


def table(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run, such as results/demo.")],
    of: Annotated[Listed, typer.Option(help="What to list; spots are those of the all-sky map.")] = "sources",
    catalogue: Annotated[
        str | None, typer.Option(help="Catalogue of sources or stacks; of sources needed where the run has several.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Columns, separated by commas; `all` for every one.")] = None,
    rows: Annotated[int | None, typer.Option(min=1, metavar="N", help="The first N rows; if left out, all.")] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Write LaTeX: a tabular with its caption.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV, numbers in full.")] = False,
    ecsv: Annotated[bool, typer.Option("--ecsv", help="Write ECSV: numbers in full, with units.")] = False,
) -> None:
    """Print the results of a run as a table for a paper: positions, fits, p-values, limits and their energies.

    \b
    Examples:
      nusky table results/demo
      nusky table results/demo --of stacks --latex > stacks.tex
      nusky table results/demo --of stacks --columns catalogue,weighting,test_statistic --csv
    """
    from nusky.printable import printable
    from nusky.report.numbers import cell_of
    from nusky.results import open_run

    if latex + csv + ecsv > 1:
        raise typer.BadParameter("choose one of --latex, --csv and --ecsv.")
    if of == "spots" and catalogue is not None:
        raise typer.BadParameter("hot spots belong to no catalogue; leave it out.", param_hint="--catalogue")
    opened = open_run(run)
    if of == "sources":
        found = opened.source_table(_catalogue(opened.catalogues, catalogue, run))
    else:
        found = opened.stack_table(catalogue) if of == "stacks" else opened.hot_spots()
    chosen = _chosen(columns, found.data, of)
    shown = [{key: cell_of(row, key) for key in chosen} for row in found.data.slice(0, rows).to_pylist()]
    limits = _about_limits(found.data.slice(0, rows), chosen)
    if csv:
        console.as_csv(found.data.select(chosen).slice(0, rows))
    elif ecsv:
        made = found.to_table()[chosen][:rows]
        for name in made.colnames:  # a terminal may be what reads it
            if made[name].dtype.kind in "UO":
                made[name] = [printable(t) if isinstance(t, str) else t for t in made[name]]
        made.meta |= {"limits": limits} if limits else {}
        made.write(sys.stdout, format="ascii.ecsv")
    elif latex:
        console.say(_latex(shown, chosen, found.title, limits, found.synthetic))
    else:
        console.heading(found.title)
        if found.synthetic:
            console.say("generated events are behind it: no number is a measurement")
        if limits:
            console.say(limits)
        if left_out := console.grid(shown):
            console.say(f"further columns (--columns shows them): {', '.join(left_out)}")


def _catalogue(known: Sequence[str], given: str | None, run: Path) -> str:
    from nusky.errors import NuskyError

    if not known:
        raise NuskyError(f"{run}: this run has no catalogue, so there are no sources to list.")
    if given is None and len(known) > 1:
        raise NuskyError(f"{run}: this run has the catalogues {', '.join(known)}; choose with --catalogue.")
    return given if given is not None else known[0]


def _chosen(columns: str | None, data: Any, of: Listed) -> list[str]:
    present = data.column_names
    if columns == "all":
        return list(present)
    if columns is None:
        steady = FLUENCE in present and all(value is None or value != value for value in data[FLUENCE].to_pylist())
        return [name for name in _DEFAULT[of] if name in present and not (steady and name == FLUENCE)]
    wanted = [name.strip() for name in columns.split(",")]
    if missing := [name for name in wanted if name not in present]:
        shown = ", ".join(missing).strip() or "without a name"
        raise typer.BadParameter(f"no column {shown}; there is {', '.join(present)}.", param_hint="--columns")
    if twice := [name for name in dict.fromkeys(wanted) if wanted.count(name) > 1]:
        raise typer.BadParameter(f"{', '.join(twice)} stands there twice; keep one.", param_hint="--columns")
    return wanted


def _about_limits(data: Any, columns: Sequence[str]) -> str:
    """What the limits in `columns` of the table `data` are: level, construction, index, energies; empty without any."""
    from nusky.report.numbers import AS_GIVEN, index_cell

    if not any(name.startswith("limit_e2dnde") or name == "limit_n_signal" for name in columns):
        return ""

    def different(name: str) -> list[Any]:
        found = data[name].to_pylist() if name in data.column_names else []
        return list(dict.fromkeys(value for value in found if value not in (None, "") and value == value))

    levels = " or ".join(f"{100 * level:g} %" for level in different("limit_level"))
    if not levels:
        return ""
    indices = [index_cell(gamma) for gamma in different("limit_gamma")]
    spectra = " or ".join("the spectrum as given" if g == AS_GIVEN else f"γ = {g:g}" for g in indices)
    energies = {"energy_min_gev", "energy_max_gev"} <= set(columns)
    methods = " or ".join(different("limit_method"))
    in_window = f"; fluxes are those {IN_WINDOW}, F their integral over time" if different(FLUENCE) else ""
    return (
        f"Upper limits at {levels} confidence level ({methods}), one flavour of neutrinos plus antineutrinos"
        f"{f', for {spectra}' if spectra else ''}{in_window}"
        f"{'; the energies hold the central 90 % of the expected signal' if energies else ''}."
    )


def _latex(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str, limits: str, synthetic: bool) -> str:
    r"""A tabular; cells of numbers hold three digits, p-values those that their trials tell, dots what is missing."""
    numeric = [all(not isinstance(row[name], str) for row in rows) for name in columns]
    about = f" {_text(limits)}" if limits else ""
    note = " Synthetic events: not a measurement." if synthetic else ""
    lines = [
        "% Needs no package. Columns: " + ", ".join(columns),
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_text(title[0].upper() + title[1:])}.{about}{note}}}",
        rf"\begin{{tabular}}{{{''.join('r' if number else 'l' for number in numeric)}}}",
        r"\hline\hline",
        " & ".join(_HEADS.get(name, (_text(name), ""))[0] for name in columns) + r" \\",
        " & ".join(f"({unit})" if (unit := _HEADS.get(name, ("", ""))[1]) else "" for name in columns) + r" \\",
        r"\hline",
        *(" & ".join(_cell(row[name]) for name in columns) + r" \\" for row in rows),
        r"\hline",
        r"\end{tabular}",
        r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines)


def _cell(value: Any) -> str:
    import math

    from nusky.probability import written
    from nusky.report.numbers import Probability

    if isinstance(value, Probability):
        return f"${written(float(value), value.n_trials, _power)}$"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return r"\ldots"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    if value != 0 and not 1e-3 <= abs(value) < 1e3:
        mantissa, exponent = f"{value:.2e}".split("e")
        return rf"${mantissa}\times10^{{{int(exponent)}}}$"
    return f"${value:.3f}$" if abs(value) < 1 else f"${value:.2f}$"


def _power(value: float) -> str:
    mantissa, _, exponent = f"{value:.4g}".partition("e")
    return rf"{mantissa}\times10^{{{int(exponent)}}}" if exponent else mantissa


def _text(text: str) -> str:
    from nusky.printable import printable

    return "".join(_SPECIAL.get(letter, letter) for letter in printable(text))
