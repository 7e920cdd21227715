from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import skymap_figures

    skymap_figures.draw(
        fits=snakemake.input.fits,
        tables={name: snakemake.input[name] for name in skymap_figures.TABLES},
        sources=snakemake.input.sources,
        outputs={name: snakemake.output[name] for name in snakemake.output.keys()},
        options=config.Figures.model_validate(snakemake.params.figures),
    )
