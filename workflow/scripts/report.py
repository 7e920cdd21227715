from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages.report import report

    figures = [
        {"path": path, "title": title, "caption": caption}
        for path, title, caption in zip(
            snakemake.input.figures, snakemake.params.titles, snakemake.input.captions, strict=True
        )
    ]
    report(snakemake.input.summary, figures, snakemake.output[0])
