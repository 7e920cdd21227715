from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import inference

    inference.sky_trials(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        snakemake.output[0],
        trials=range(int(snakemake.wildcards.first), int(snakemake.wildcards.stop)),
    )
