from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.search.inference import Request
    from nusky.stages import inference

    inference.stack_statements(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        snakemake.input.trials,
        {name: snakemake.output[name] for name in ("fits", "statements", "fluxes")},
        weighting=config.Weighting.model_validate(snakemake.params.weighting),
        name=f"{snakemake.wildcards.catalogue}/{snakemake.wildcards.weighting}",
        request=Request(**snakemake.params.request),
    )
