"""nusky: IceCube's public tracks against catalogues of gamma-ray sources, and boosted dark matter."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("nusky")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
