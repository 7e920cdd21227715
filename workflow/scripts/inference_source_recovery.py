from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.search.inference import Request
    from nusky.stages import inference, recovery

    recovery.source_recovery(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        snakemake.input.trials,
        {name: snakemake.output[name] for name in ("recovery", "coverage")},
        catalogue=snakemake.wildcards.catalogue,
        n_trials=snakemake.params.n_trials,
        request=Request(**snakemake.params.request),
    )
