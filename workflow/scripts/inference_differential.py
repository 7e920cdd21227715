from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.search.inference import Request
    from nusky.stages import differential, inference

    differential.stack_differential(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        snakemake.input.trials,
        snakemake.output[0],
        weighting=config.Weighting.model_validate(snakemake.params.weighting),
        name=f"{snakemake.wildcards.catalogue}/{snakemake.wildcards.weighting}",
        log10_energy_edges=snakemake.params.edges,
        request=Request(**snakemake.params.request),
    )
