from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import releases

    releases.ingest(
        snakemake.input[0],
        snakemake.params.seasons,
        events=dict(zip(snakemake.params.seasons, snakemake.output.events, strict=True)),
        seasons=snakemake.output.seasons,
        uptimes=snakemake.output.uptimes,
        effective_area=snakemake.output.effective_area,
        smearing=snakemake.output.smearing,
        angular_resolution=snakemake.output.angular_resolution,
        check_counts=snakemake.params.check_counts,
    )
