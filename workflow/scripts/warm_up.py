from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages.warm_up import warm_up

    warm_up(snakemake.output[0])
