from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import inference

    inference.source_statements(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        snakemake.input.trials,
        snakemake.input.skies,
        snakemake.output[0],
    )
