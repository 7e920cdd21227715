from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import inference

    inference.source_trials(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        snakemake.output[0],
        catalogue=snakemake.wildcards.catalogue,
        trials=range(int(snakemake.wildcards.first), int(snakemake.wildcards.stop)),
    )
