from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import figures

    options = config.Figures.model_validate(snakemake.params.figures)
    limits = dict(zip(snakemake.params.weightings, snakemake.input, strict=True))
    figures.limit_spectra(limits, snakemake.output, options, **dict(snakemake.wildcards))
