from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import figures

    options = config.Figures.model_validate(snakemake.params.figures)
    figures.ts_scan(
        snakemake.input.scan, snakemake.input.limits, snakemake.output, options, **dict(snakemake.wildcards)
    )
