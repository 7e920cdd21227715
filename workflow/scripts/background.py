from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import search

    seasons = snakemake.params.seasons
    search.backgrounds(
        dict(zip(seasons, snakemake.input.events, strict=True)), dict(zip(seasons, snakemake.output, strict=True))
    )
