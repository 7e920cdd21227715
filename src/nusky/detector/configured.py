"""The spectra that a configuration asks for."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.detector.spectrum import KINDS, SourceSpectra, Spectrum
from nusky.errors import CatalogueError, ConfigurationError, NuskyError


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
        # An index of its own is not fitted; else its value is set by whoever asks for one.
        fixed = {"fit": ""} if "gamma" in values else {"gamma": 2.0}
        spectrum = KINDS[block.shape](**values, **fixed)
    if block.energy_min_gev is None and block.energy_max_gev is None:
        return spectrum
    low, high = block.energy_min_gev or 0.0, block.energy_max_gev or np.inf
    with np.errstate(divide="ignore"):
        return spectrum.within((float(np.log10(low)), float(np.log10(high))))


def _column(sources: pa.Table | None, column: str) -> np.ndarray:
    if sources is None or column not in sources.column_names:
        there = ", ".join(sources.column_names) if sources is not None else "none"
        raise CatalogueError(f"the catalogue has no column '{column}' for its spectra; it has {there}.")
    values = sources[column]
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise ConfigurationError(f"column '{column}' of the catalogue holds no numbers, so no parameter of a spectrum.")
    return values.to_numpy().astype(float)
