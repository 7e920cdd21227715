from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages.report import report

    figures = [
        {**about, "path": path, "caption": caption}
        for path, about, caption in zip(
            snakemake.input.figures, snakemake.params.figures, snakemake.input.captions, strict=True
        )
    ]
    report(snakemake.input.summary, figures, snakemake.output[0])
