from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import search

    search.stacking_scan(
        sources=snakemake.input.sources,
        seasons=snakemake.input.seasons,
        acceptance_table=snakemake.input.acceptance,
        separation_tables=snakemake.input.separations,
        background_tables=snakemake.input.background,
        scan_output=snakemake.output.scan,
        limits_output=snakemake.output.limits,
        method=snakemake.wildcards.method,
        weighting=config.Weighting.model_validate(snakemake.params.weighting),
        gammas=snakemake.params.gammas,
        grid=config.Scan.model_validate(snakemake.params.grid),
    )
