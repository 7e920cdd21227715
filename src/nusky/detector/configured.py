"""The spectra that a configuration, a command line or a caller asks for."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.detector.spectrum import KINDS, SourceSpectra, Spectrum, TabulatedSpectrum
from nusky.errors import CatalogueError, ConfigurationError, NuskyError, PhysicsError

_ENERGIES = ("cutoff", "break", "energy_min", "energy_max")
"""Keys of a text that are energies: they need a unit, and end in `_gev` in a configuration."""
_OF_MODEL = np.geomspace(1e2, 1e9, 1401)
"""Energies [GeV] at which the model of another program is tabulated."""


def spectrum_of(block: config.Spectrum, folder: Path = Path(".")) -> Spectrum:
    """The spectrum of a block that is the same for all sources, its index to be set by `Spectrum.at`.

    A file is looked for relative to `folder`.
    """
    return _made(block, block.parameters, block.file, folder)


def spectra_of(
    block: config.Spectrum, sources: pa.Table | None, folder: Path = Path(".")
) -> Spectrum | tuple[Spectrum, ...]:
    """The spectrum of a block, or those of all rows of a table "sources" where each has its own.

    Raises
    ------
    CatalogueError : a column is missing, or a source has no value in it
    ConfigurationError : the file of a source is missing or no spectrum
    """
    if not block.of_each:
        return spectrum_of(block, folder)
    columns = {column: _column(sources, column) for column in block.columns}
    made = []
    for row, name in enumerate(sources["name"].to_pylist()):
        own = {key: columns[at][row] if isinstance(at, str) else at for key, at in block.parameters.items()}
        missing = [key for key, value in own.items() if not np.isfinite(value)]
        if missing:
            key = missing[0]
            raise CatalogueError(
                f"source '{name}' has no {key}: column '{block.parameters[key]}' is empty there. Fill it in, or leave "
                "the source out of the list."
            )
        try:
            made.append(_made(block, own, block.file and block.file.replace("{name}", name), folder))
        except NuskyError as error:
            raise type(error)(f"source '{name}': {error}") from None
    return tuple(made)


def spectrum_of_text(text: str, folder: Path = Path(".")) -> Spectrum:
    """The spectrum in a text: `cutoff:gamma=2,cutoff=100TeV`, or the name of a file with a table.

    Before the colon stands the kind of a configuration's block `spectrum`, or the beginning of it; behind it are its
    keys, energies with a unit. `fit=cutoff` leaves that free in place of the index, from `fit_min` to `fit_max`;
    without `gamma` the index is free.

    Raises
    ------
    ConfigurationError : the text is no spectrum; the message repeats it and names the key.
    """

    def wrong(problem: str) -> ConfigurationError:
        return ConfigurationError(f"spectrum '{text}': {problem}")

    from nusky.catalogues.tablefile import FORMATS

    kind, _, rest = (part.strip() for part in text.partition(":"))
    content: dict[str, Any] = {}
    if kind.lower().removesuffix(".gz").endswith(tuple(FORMATS)):
        content |= {"shape": "table", "file": kind}
    else:
        shapes = [name for name in KINDS if kind and name.startswith(kind.lower())]
        if not shapes:
            raise wrong(
                f"it begins with none of {', '.join(KINDS)}, and is no name of a file ending in {', '.join(FORMATS)}."
            )
        content["shape"] = shapes[0]
    for part in rest.split(",") if rest else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key and equals and value):
            raise wrong(f"'{part.strip()}' is no KEY=VALUE, such as gamma=2 or cutoff=100TeV.")
        name = f"{key}_gev" if key in _ENERGIES else key
        if name in content:
            raise wrong(f"'{key}' stands there twice.")
        content[name] = _energy_gev(value, key, wrong) if key in _ENERGIES else value
    if (fit := f"{content.get('fit')}_gev") in config.FIT_RANGES:
        content["fit"] = fit
    if str(content.get("fit")).endswith("_gev"):
        for key in {"fit_min", "fit_max"} & content.keys():
            content[key] = _energy_gev(content[key], key, wrong)
    block = config.validated(config.Spectrum, content, f"spectrum '{text}'", "docs/spectra.md")
    for key, value in block.parameters.items():
        if isinstance(value, str):
            raise wrong(f"{key} = '{value}' is no number.")
    if "{name}" in (block.file or ""):
        raise wrong("a file for each source belongs into the `spectrum` of a catalogue in a configuration.")
    return spectrum_of(block, folder)


def _energy_gev(value: str, key: str, wrong: Any) -> float:
    from astropy import units as u

    try:
        energy = u.Quantity(value)
    except (TypeError, ValueError):
        raise wrong(f"{key} = '{value}' is no energy; give a number with a unit, such as 100TeV.") from None
    if energy.unit == u.dimensionless_unscaled:
        raise wrong(f"{key} = {value} has no unit; give one, such as {value}TeV or {value}GeV.")
    if not energy.unit.is_equivalent(u.GeV):
        raise wrong(f"{key} = {value} is no energy; give one in GeV, TeV or PeV.")
    return float(energy.to_value(u.GeV))


def spectrum_from(given: Any) -> Spectrum:
    """What a caller gives as a spectrum: one of nusky's, a text (`spectrum_of_text`), or another program's model.

    A model, gammapy's `SpectralModel` for one, is a function that takes energies as a quantity and gives dN/dE as one.
    It is tabulated from 100 GeV to 1 EeV, where it is above 0.

    Raises
    ------
    PhysicsError, ConfigurationError : it is none of these, or a model whose values are no flux.
    """
    if isinstance(given, Spectrum):
        return given
    if isinstance(given, str):
        return spectrum_of_text(given)
    if not callable(given):
        raise PhysicsError(
            f"spectrum = {given!r}: give one of nusky.detector.spectrum, a text such as 'cutoff:cutoff=100TeV', or a "
            "model that gives dN/dE at an energy."
        )
    from astropy import units as u

    label = type(given).__name__
    try:
        flux = given(_OF_MODEL * u.GeV).to_value("GeV-1 cm-2 s-1")
    except Exception as error:  # of whatever program the model is
        raise PhysicsError(f"{label}: it gives no dN/dE at energies from 100 GeV to 1 EeV ({error}).") from None
    there = np.flatnonzero(np.isfinite(flux) & (flux > 0))
    if len(there) < 2:
        raise PhysicsError(f"{label}: no flux above 0 from 100 GeV to 1 EeV.")
    inside = slice(there[0], there[-1] + 1)
    return TabulatedSpectrum.of(_OF_MODEL[inside], flux[inside], label)


def of_stack(spectra: Spectrum | tuple[Spectrum, ...], rows: np.ndarray | None = None, weights: Any = None) -> Spectrum:
    """The spectrum of a stack of the sources `rows`; where each has its own, their phi0 are as `weights`."""
    if isinstance(spectra, Spectrum):
        return spectra
    chosen = spectra if rows is None else [spectra[j] for j in rows]
    return SourceSpectra.of(chosen, np.ones(len(chosen)) if weights is None else weights)


def _made(block: config.Spectrum, values: dict[str, Any], file: str | None, folder: Path) -> Spectrum:
    from nusky.detector.spectrum_file import read_spectrum

    if file is not None:
        spectrum = read_spectrum(folder / file)
    else:
        # The value of a free index is set by whoever asks for one.
        free = {"gamma": 2.0} if block.fitted == "gamma" else {}
        spectrum = KINDS[block.shape](**values, **free, fit=block.fitted, fit_limits=_fit_limits(block))
    if block.energy_min_gev is None and block.energy_max_gev is None:
        return spectrum
    low, high = block.energy_min_gev or 0.0, block.energy_max_gev or np.inf
    with np.errstate(divide="ignore"):
        return spectrum.within((float(np.log10(low)), float(np.log10(high))))


def _fit_limits(block: config.Spectrum) -> tuple[float, float] | None:
    """Where the fitted parameter is looked for, of energies log10(E/GeV); None where the block does not say."""
    if block.fit_min is None and block.fit_max is None:
        return None
    low, high = block.fit_range
    return (float(np.log10(low)), float(np.log10(high))) if block.fit.endswith("_gev") else (low, high)


def _column(sources: pa.Table | None, column: str) -> np.ndarray:
    if sources is None or column not in sources.column_names:
        there = ", ".join(sources.column_names) if sources is not None else "none"
        raise CatalogueError(f"the catalogue has no column '{column}' for its spectra; it has {there}.")
    values = sources[column]
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise ConfigurationError(f"column '{column}' of the catalogue holds no numbers, so no parameter of a spectrum.")
    return values.to_numpy().astype(float)
