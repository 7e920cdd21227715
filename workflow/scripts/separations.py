from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import search

    search.separations(snakemake.input.events, snakemake.input.sources, snakemake.output)
