from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import bdm_figures

    options = config.Figures.model_validate(snakemake.params.figures)
    bdm_figures.draw(snakemake.params.bdm, dict(snakemake.input.items()), snakemake.output, options)
