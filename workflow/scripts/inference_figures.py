from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import inference_figures

    inference_figures.draw(
        tables=snakemake.params.tables,
        trials=snakemake.input.trials,
        n_batches=snakemake.params.n_batches,
        sensitivity=snakemake.input.sensitivity,
        outputs={name: snakemake.output[name] for name in inference_figures.KINDS},
        release=snakemake.params.release,
        options=config.Figures.model_validate(snakemake.params.figures),
    )
