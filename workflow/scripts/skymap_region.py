from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import skymap

    skymap.region(
        skymap.setup(snakemake.input, snakemake.params.setup),
        snakemake.output[0],
        number=int(snakemake.wildcards.region),
    )
