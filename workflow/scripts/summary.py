from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages.summary import summarise

    summarise(snakemake.params.configuration, snakemake.output[0])
