from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import skymap

    skymap.results(
        skymap.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.regions,
        snakemake.input.calibrations,
        snakemake.input.skies,
        {name: snakemake.output[name] for name in skymap.OUTPUTS},
        **snakemake.params.shown,
    )
