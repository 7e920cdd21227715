from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import search

    search.acceptances(
        snakemake.input.effective_area,
        snakemake.input.seasons,
        snakemake.input.sources,
        snakemake.output[0],
        gammas=snakemake.params.gammas,
        spectrum=config.Spectrum.model_validate(snakemake.params.spectrum),
    )
