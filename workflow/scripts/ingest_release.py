from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import releases

    tables = dict(snakemake.output.items())
    tables["events"] = dict(zip(snakemake.params.seasons, tables["events"], strict=True))
    releases.ingest(
        snakemake.input[0], snakemake.params.seasons, check_counts=snakemake.params.check_counts, **tables
    )
