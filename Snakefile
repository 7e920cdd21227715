# The search for neutrinos from gamma-ray sources, from download to upper limits, and boosted dark matter.
#
#   snakemake --cores 32                                     the ten-year analysis (config/config.yaml)
#   snakemake --cores 2 --configfile config/demo.yaml        the demo
#
# Every file-name pattern is in nusky.paths, every configuration key in nusky.config.
import os

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version, update_config

import nusky.config
import nusky.stages.estimate
from nusky.errors import NuskyError
from nusky.paths import DOWNLOADS
from nusky.revision import VARIABLE, revision
from nusky.stages import origins
from nusky.stages.contents import Contents
from nusky.stages.figures import KINDS, of_run
from nusky.stages.hangup import end_on_hangup

min_version("9.0")

if not config:

    configfile: "config/config.yaml"


end_on_hangup()

# One revision for all jobs, even if the sources change while they run.
os.environ.setdefault(VARIABLE, revision())

# The interpreters of jobs take no module from the folder they work in, whatever lies there; and they do not look through
# everything that is installed for plugins of pydantic, of which there are none that nusky knows.
os.environ.update(PYTHONSAFEPATH="1", PYDANTIC_DISABLE_PLUGINS="__all__")

# Snakemake has read the files already, but it takes the last of equal keys without a word, and numbers in base 60. Here
# they are read as `nusky check` reads them, and judged by the same model; `--config` stands above them as usual.
try:
    content = {}
    for file in workflow.configfiles:
        update_config(content, nusky.config.read(file))
    update_config(content, workflow.config_settings.config)
    cfg = nusky.config.parse(content)
    contents = Contents(cfg)
    seasons, _ = contents.seasons, contents.batches
except NuskyError as error:
    raise WorkflowError(str(error)) from None

paths = contents.paths
all_figures = of_run(contents)


wildcard_constraints:
    season="|".join(seasons),
    catalogue="|".join(cfg.catalogues) or "none",
    method="published|standard",
    weighting=r"[A-Za-z0-9][A-Za-z0-9_-]*",
    first=r"\d+",
    stop=r"\d+",
    region=r"\d+",
    hypothesis=r"stack/[^/]+/[^/]+|sources/[^/]+(/\d+-of-\d+)?|declinations|durations",
    skies="trials|skies",
    part=r"\d+",
    parts=r"\d+",


localrules:
    all,


rule all:
    input:
        paths.summary,
        paths.report,
        paths.sky_viewer if cfg.skymap else [],


include: "workflow/rules/common.smk"


if cfg.catalogues:

    include: "workflow/rules/release.smk"
    include: "workflow/rules/catalogues.smk"
    include: "workflow/rules/search.smk"
    include: "workflow/rules/figures.smk"


if cfg.inference:

    include: "workflow/rules/inference.smk"


if cfg.skymap:

    include: "workflow/rules/skymap.smk"


if contents.corrected:

    include: "workflow/rules/corrected.smk"


if cfg.bdm:

    include: "workflow/rules/bdm.smk"


include: "workflow/rules/summary.smk"
