from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import skymap

    skymap.skies(
        skymap.setup(snakemake.input, snakemake.params.setup),
        snakemake.output[0],
        trials=range(int(snakemake.wildcards.first), int(snakemake.wildcards.stop)),
    )
