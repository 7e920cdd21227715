from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages.summary import summarise

    names = snakemake.params.configuration["catalogues"]
    summarise(
        configuration=snakemake.params.configuration,
        seasons=snakemake.input.seasons or None,
        catalogue_reports=dict(zip(names, snakemake.input.reports, strict=True)),
        limits=dict(zip(snakemake.params.stacks, snakemake.input.limits, strict=True)),
        singles=dict(zip(snakemake.params.singles, snakemake.input.singles, strict=True)),
        output=snakemake.output[0],
        inference=snakemake.params.inference,
        bdm=snakemake.input.bdm or None,
        skymap={"spots": snakemake.input.spots, "hottest": snakemake.input.hottest} if snakemake.input.spots else None,
        tables=snakemake.input.tables,
    )
