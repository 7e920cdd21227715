from nusky.stages.runner import logged

with logged(snakemake):
    from nusky.stages import skymap

    skymap.calibration_trials(
        skymap.setup(snakemake.input, snakemake.params.setup),
        snakemake.output[0],
        spacing_deg=snakemake.params.spacing_deg,
        trials=range(int(snakemake.wildcards.first), int(snakemake.wildcards.stop)),
    )
