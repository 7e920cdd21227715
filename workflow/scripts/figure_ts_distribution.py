from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import figures

    options = config.Figures.model_validate(snakemake.params.figures)
    figures.ts_distribution(snakemake.input[0], snakemake.output, options, **dict(snakemake.wildcards))
