from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.search.inference import Request
    from nusky.stages import inference, recovery

    recovery.stack_recovery(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        snakemake.input.trials,
        {name: snakemake.output[name] for name in ("recovery", "coverage")},
        weighting=config.Weighting.model_validate(snakemake.params.weighting),
        name=f"{snakemake.wildcards.catalogue}/{snakemake.wildcards.weighting}",
        n_trials=snakemake.params.n_trials,
        request=Request(**snakemake.params.request),
    )
