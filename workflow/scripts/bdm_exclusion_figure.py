from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import bdm_figures

    options = config.Figures.model_validate(snakemake.params.figures)
    bdm_figures.draw_exclusion(snakemake.input[0], snakemake.output, snakemake.params.bdm, options)
