"""Where the files that come with nusky are: beside the installed package, or at the root of a source tree."""

from pathlib import Path

from nusky.errors import NuskyError

SOURCE_LISTS = {
    "1lhaaso-wcda": "catalogues/1lhaaso_wcda.ecsv",
    "1lhaaso-km2a": "catalogues/1lhaaso_km2a.ecsv",
    "hess": "catalogues/hess.ecsv",
    "atnf": "catalogues/atnf.ecsv",
    "tdes": "catalogues/tdes.ecsv",
    "1lhaaso": "catalogues/1lhaaso.ecsv",
    "gamma-cat": "catalogues/gamma_cat.ecsv",
    "3hwc": "catalogues/3hwc.ecsv",
}
"""The built-in source lists. A name that several have is that of the first."""
ALSO_READ = {"hess": ("gamma-cat",)}
"""Lists that a list is completed from."""
SUPERNOVAE = "supernovae/historical.ecsv"

_PACKAGE = Path(__file__).resolve().parent
_ROOTS = (_PACKAGE / "resources", _PACKAGE.parents[1] / "resources")
_WORKFLOW_ROOTS = (_PACKAGE / "pipeline", _PACKAGE.parents[1])


def resource(name: str) -> Path:
    """Path of the file `name` (relative to ``resources/``) that comes with nusky."""
    return _found(name, _ROOTS, f"resources/{name}: this file")


def workflow_file(name: str) -> Path:
    """Path of a file of the workflow that comes with nusky, as it is called at the root of a source tree."""
    return _found(name, _WORKFLOW_ROOTS, f"{name}: this file of the workflow")


def _found(name: str, roots: tuple[Path, ...], what: str) -> Path:
    for root in roots:
        if (root / name).is_file():
            return root / name
    raise NuskyError(f"{what} should come with nusky but is missing. Install nusky again.")
