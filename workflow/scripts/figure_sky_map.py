from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import figures

    options = config.Figures.model_validate(snakemake.params.figures)
    figures.sky_map(snakemake.input.events, snakemake.input.sources, snakemake.output, options)
