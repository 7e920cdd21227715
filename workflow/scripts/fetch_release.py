from nusky.stages.runner import logged

with logged(snakemake):
    from pathlib import Path

    from nusky import config
    from nusky.stages import releases

    release = config.Release.model_validate(snakemake.params.release)
    releases.fetch(release, snakemake.params.seed, Path(snakemake.params.downloads), Path(snakemake.output[0]))
