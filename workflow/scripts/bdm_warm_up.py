from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import bdm

    bdm.warm_up(snakemake.output[0])
