from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.search.inference import Request
    from nusky.stages import inference, source_limits

    source_limits.collect_limits(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        {name: snakemake.input[name] for name in source_limits.KINDS},
        {name: snakemake.output[name] for name in source_limits.KINDS},
        catalogue=snakemake.wildcards.catalogue,
        request=Request(**snakemake.params.request),
    )
