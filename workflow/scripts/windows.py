from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import windows

    windows.windows(snakemake.input, snakemake.output, **dict(snakemake.params.items()))
