from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import sky_viewer

    sky_viewer.write(
        run=snakemake.params.run,
        fits=snakemake.input.fits,
        spots=snakemake.input.spots,
        contours=snakemake.input.contours,
        sources=snakemake.input.sources,
        output=snakemake.output[0],
    )
