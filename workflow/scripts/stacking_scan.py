from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import search

    methods = snakemake.params.methods
    search.stacking_scans(
        sources=snakemake.input.sources,
        seasons=snakemake.input.seasons,
        effective_areas=snakemake.input.effective_area,
        acceptance_table=snakemake.input.acceptance,
        separation_tables=snakemake.input.separations,
        background_tables=snakemake.input.background,
        scan_outputs=dict(zip(methods, snakemake.output.scan, strict=True)),
        limits_outputs=dict(zip(methods, snakemake.output.limits, strict=True)),
        weighting=config.Weighting.model_validate(snakemake.params.weighting),
        gammas=snakemake.params.gammas,
        spectrum=config.Spectrum.model_validate(snakemake.params.spectrum),
        grid=config.Scan.model_validate(snakemake.params.grid),
    )
