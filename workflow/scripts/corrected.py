from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages.corrected import corrected

    corrected(snakemake.input, snakemake.output, hypotheses=snakemake.params.hypotheses)
