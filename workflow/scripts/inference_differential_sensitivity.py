from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.search.inference import Request
    from nusky.stages import differential, inference

    differential.declination_differential(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.output[0],
        declinations_deg=snakemake.params.declinations_deg,
        n_trials=snakemake.params.n_trials,
        log10_energy_edges=snakemake.params.edges,
        request=Request(**snakemake.params.request),
    )
