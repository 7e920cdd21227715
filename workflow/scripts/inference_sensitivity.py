from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.search.inference import Request
    from nusky.stages import inference

    inference.declination_statements(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.output[0],
        declinations_deg=snakemake.params.declinations_deg,
        n_trials=snakemake.params.n_trials,
        request=Request(**snakemake.params.request),
    )
