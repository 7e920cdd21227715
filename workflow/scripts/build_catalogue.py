from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import catalogues

    catalogue = config.Catalogue(
        lists=snakemake.params.lists,
        crossmatch_radius_deg=snakemake.params.crossmatch_radius_deg,
        time=snakemake.params.time,
    )
    catalogues.build(catalogue, snakemake.wildcards.catalogue, snakemake.output.table, snakemake.output.report)
