from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import inference

    wildcards = snakemake.wildcards
    inference.stack_trials(
        inference.setup(snakemake.input, snakemake.params.setup),
        snakemake.input.sources,
        snakemake.output[0],
        weighting=config.Weighting.model_validate(snakemake.params.weighting),
        name=f"{wildcards.catalogue}/{wildcards.weighting}",
        trials=range(int(wildcards.first), int(wildcards.stop)),
    )
