"""What a user gets who installs the wheel: every command, in an environment of its own, away from the checkout.

The dependencies of this environment serve in that one too, whose pip finds that they are all there.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import platformdirs
import pytest
from matplotlib.mathtext import MathTextParser
from typer.main import get_command

from nusky.cli.app import app
from nusky.files import read_json
from nusky.releases import registry
from nusky.releases.generator import generate_release
from nusky.revision import sources_sha256
from tests.docs.markdown import blocks

LIST = "Source,RA,Dec,S\nNGC 1068,40.67,-0.01,1.5\nTXS 0506+056,77.36,5.69,0.4\n"
RELEASE = "icecube-3yr"


class Installed:
    """The wheel in an environment that nothing of the checkout or of this user's settings reaches."""

    def __init__(self, wheel: Path, folder: Path):
        self.programs = folder / "env" / "bin"
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.site = folder / "env" / "lib" / python / "site-packages"
        # Compiled kernels are those of the same sources here, so that nothing is compiled twice.
        kernels = os.environ.get("NUSKY_CACHE") or platformdirs.user_cache_dir("nusky")
        outside = [part for part in os.environ["PATH"].split(os.pathsep) if ".venv" not in part]
        path = os.pathsep.join([str(self.programs), *outside])
        self.environment = {"PATH": path, "HOME": str(folder / "home"), "COLUMNS": "200", "NUSKY_CACHE": kernels}
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
        beside = folder / "dependencies"
        beside.mkdir()
        (folder / "home").mkdir()
        for entry in Path(sysconfig.get_path("purelib")).iterdir():
            if "nusky" not in entry.name:  # the package under test comes from the wheel alone
                (beside / entry.name).symlink_to(entry)
        (self.site / "dependencies.pth").write_text(f"{beside}\n")
        install = [sys.executable, "-m", "pip", "--python", str(self.programs / "python"), "install", "--no-index"]
        subprocess.run([*install, "--no-compile", f"{wheel}[workflow]"], check=True, capture_output=True)

    def sh(self, code: str, folder: Path, status: int = 0) -> subprocess.CompletedProcess:
        """What lines of a shell print in `folder`; they must end with `status`."""
        done = subprocess.run(
            ["sh", "-eu", "-c", code], cwd=folder, env=self.environment, capture_output=True, text=True, timeout=1800
        )
        assert done.returncode == status, f"{code}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
        return done


@pytest.fixture(scope="module")
def installed(repository, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=repository, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return Installed(wheel, folder)


def test_the_wheel_holds_the_whole_workflow(installed, tmp_path):
    (tmp_path / "mine.csv").write_text(LIST)
    installed.sh("nusky init mine.csv", tmp_path)
    done = installed.sh("nusky run mine.yaml --cores 1 -- --dry-run", tmp_path)
    planned = done.stdout + done.stderr
    assert f"{installed.site}/nusky/pipeline" in planned  # not the checkout's
    for rule in ("fetch_release", "build_catalogue", "stacking_scan", "inference_limits", "figures", "report"):
        assert rule in planned
    assert not (tmp_path / "results").exists()


def test_the_same_sources_have_the_same_digest_in_the_wheel(installed, tmp_path):
    code = "from nusky.revision import sources_sha256; print(sources_sha256())"
    assert installed.sh(f"python -c '{code}'", tmp_path).stdout.strip() == sources_sha256()


@pytest.fixture(scope="module")
def followed(installed, repository, tmp_path_factory):
    """A folder in which the README's lines from a list to a table were followed word for word; what they printed.

    What they would download, the three-year release, is generated beforehand, with few events.
    """
    folder = tmp_path_factory.mktemp("followed")
    release = registry.find(RELEASE)
    generate_release(folder / "data" / RELEASE, release, release.seasons, 5, 0.01, [])
    return folder, installed.sh(own_list(repository), folder).stdout


def own_list(repository):
    """The README's lines from a list to a table."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    (code,) = (block.code for block in blocks(text, "sh") if "nusky init" in block.code)
    return code


COMMANDS = [
    ("nusky version", "nusky 0.", ()),
    (f"nusky data fetch {RELEASE}", f"data/{RELEASE}", ()),
    (f"nusky data verify {RELEASE} || test $? = 3", "not the three-year release", ()),  # generated events are not
    ("nusky data list", f" data/{RELEASE}, ", ()),
    ("nusky catalogue validate blazars.csv --name Source --ra RA --dec Dec --weight flux", "blazars: 2 sources", ()),
    ("nusky catalogue show blazars.csv --name Source --ra RA --dec Dec", "TXS 0506+056", ()),
    ("nusky check blazars.yaml --finished", "blazars", ()),
    ("nusky run blazars.yaml", "nothing had to be done again", ()),
    ("nusky show results/blazars", "excess", ()),
    ("nusky table results/blazars --of stacks --csv", "uniform", ()),
    ("nusky methods results/blazars --bibtex", "@", ()),
    (
        f"nusky search 'NGC 1068' --release {RELEASE} --release-path data/{RELEASE} --trials 100 "
        "--out found.json --out found.ecsv --out found.png",
        "90 % upper limits",
        ("found.json", "found.ecsv", "found.png"),
    ),
    ("nusky bdm flux --t 350yr", "MeV", ()),
    ("nusky bdm events --t 350yr --targets 7e33", "events", ()),
    ("nusky bdm exclude --supernova 'Cas A' --detector super-k --masses 2 --output limits.csv", "", ("limits.csv",)),
    ("nusky bdm skymap sky.fits --nside 4", "sky.fits", ("sky.fits",)),
]
"""Lines after those of the README, what they print, files they write."""


def commands(group, before=()):
    """The names of all commands that do something."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*before, name))
        else:
            yield " ".join((*before, name))


def test_every_command_is_called_from_the_wheel(repository):
    called = [f"{line} " for line in [*own_list(repository).splitlines(), *(line for line, _, _ in COMMANDS)]]
    names = list(commands(get_command(app)))
    assert {"search", "run", "bdm exclude"} < set(names)
    assert not [name for name in names if not any(line.startswith(f"nusky {name} ") for line in called)]


@pytest.mark.slow
def test_the_readme_leads_from_a_list_to_a_report_and_a_table_of_a_paper(followed):
    folder, printed = followed
    lines = printed.splitlines()
    stages = [line for line in lines if line.startswith("[")]
    assert len(stages) == len(set(stages)) >= 15
    assert "report done" in stages[-1]
    report = folder / "results/blazars/report.html"
    assert f"Report: {report}" in lines
    assert '<a href="figures/sky_map.pdf">' in report.read_text()
    summary = read_json(folder / "results/blazars/summary.json")
    assert summary["synthetic"]
    assert summary["configuration"]["run"] == "blazars"
    assert r"\citep{nusky}" in printed
    head, units, *sources = rows_of_latex((folder / "sources.tex").read_text(encoding="utf-8"))
    assert head[0] == "Source"
    assert units[1] == "(deg)"
    assert {row[0]: (row[1], row[2]) for row in sources} == {
        "TXS 0506+056": ("$77.36$", "$5.69$"),
        "PKS 1424+240": ("$216.75$", "$23.80$"),
    }


@pytest.mark.slow
def test_every_command_works_from_the_wheel(installed, followed):
    folder, _ = followed
    for line, part, files in COMMANDS:
        assert part in installed.sh(line, folder).stdout, line
        assert all((folder / name).stat().st_size for name in files), line
    assert json.loads((folder / "found.json").read_text())["source"]["name"] == "NGC 1068"


def rows_of_latex(text):
    """The cells of the one tabular of a text that must be sound LaTeX."""
    text = re.sub(r"(?<!\\)%.*", "", text)
    opened = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if what == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    plain = re.sub(r"\\[{}$]", "", text)
    assert plain.count("{") == plain.count("}")
    for formula in re.findall(r"\$[^$]+\$", plain):
        MathTextParser("path").parse(formula)  # refuses what it does not know
    assert plain.count("$") % 2 == 0
    columns, body = re.search(r"\\begin\{tabular\}\{([lcr]+)\}(.*)\\end\{tabular\}", text, re.DOTALL).groups()
    lines = [line for line in body.replace(r"\hline", "").split(r"\\") if line.strip()]
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)&", line)] for line in lines]
    assert {len(row) for row in rows} == {len(columns)}
    return rows


@pytest.mark.slow
def test_a_failing_job_ends_the_command_with_its_reason(installed, tmp_path):
    (tmp_path / "empty").mkdir()
    content = "run: bad\nrelease: {name: icecube-3yr, local_path: empty}\ncatalogues: {wcda-hess: {}}\n"
    (tmp_path / "mine.yaml").write_text(content)
    done = installed.sh("nusky run mine.yaml -- --until fetch_release", tmp_path, status=1)
    (reason,) = {line for line in done.stderr.splitlines() if line.startswith("nusky: error: ")}
    assert "empty" in reason
