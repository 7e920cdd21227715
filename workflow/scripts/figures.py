from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import figures

    options = config.Figures.model_validate(snakemake.params.options)
    figures.write(snakemake.params.figures, dict(snakemake.output.items()), options)
