from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import search

    search.single_sources(
        snakemake.input.events, snakemake.input.sources, snakemake.output[0], method=snakemake.wildcards.method
    )
