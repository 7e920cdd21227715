"""Where the files that come with nusky are: beside the installed package, or at the root of a source tree."""

from pathlib import Path

from nusky.errors import NuskyError

SOURCE_LISTS = {
    "1lhaaso-wcda": "catalogues/1lhaaso_wcda.ecsv",
    "1lhaaso-km2a": "catalogues/1lhaaso_km2a.ecsv",
    "hess": "catalogues/hess.ecsv",
    "atnf": "catalogues/atnf.ecsv",
}
"""The built-in source lists."""
SUPERNOVAE = "supernovae/historical.ecsv"

_PACKAGE = Path(__file__).resolve().parent
_ROOTS = (_PACKAGE / "resources", _PACKAGE.parents[1] / "resources")
_WORKFLOW_ROOTS = (_PACKAGE / "pipeline", _PACKAGE.parents[1])


def resource(name: str) -> Path:
    """Path of the file `name` (relative to ``resources/``) that comes with nusky."""
    for root in _ROOTS:
        path = root / name
        if path.is_file():
            return path
    raise NuskyError(f"resources/{name}: this file should come with nusky but is missing. Install nusky again.")


def workflow_file(name: str) -> Path:
    """Path of a file of the workflow that comes with nusky, as it is called at the root of a source tree."""
    for root in _WORKFLOW_ROOTS:
        path = root / name
        if path.is_file():
            return path
    raise NuskyError(f"{name}: this file of the workflow should come with nusky but is missing. Install nusky again.")
