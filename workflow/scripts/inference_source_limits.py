from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.search.inference import Request
    from nusky.stages import inference, source_limits

    source_limits.part_limits(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        snakemake.input.trials,
        {name: snakemake.output[name] for name in source_limits.KINDS},
        catalogue=snakemake.wildcards.catalogue,
        part=int(snakemake.wildcards.part),
        n_parts=int(snakemake.wildcards.parts),
        request=Request(**snakemake.params.request),
    )
