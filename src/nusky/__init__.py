"""nusky: IceCube's public tracks against catalogues of gamma-ray sources, and boosted dark matter."""

from importlib import import_module
from typing import Any

__all__ = ["Search", "__version__"]  # noqa: F822: made by __getattr__


def __getattr__(name: str) -> Any:
    """What takes long to import is imported when it is asked for."""
    if name == "Search":
        found: Any = import_module("nusky.results.search").Search
    elif name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("nusky")
        except PackageNotFoundError:  # a source tree that was never installed
            found = "0+unknown"
    else:
        raise AttributeError(f"module 'nusky' has no attribute '{name}'")
    globals()[name] = found
    return found
