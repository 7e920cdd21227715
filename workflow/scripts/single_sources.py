from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import search

    outputs = dict(zip(snakemake.params.methods, snakemake.output, strict=True))
    search.single_sources(snakemake.input.events, snakemake.input.sources, outputs)
