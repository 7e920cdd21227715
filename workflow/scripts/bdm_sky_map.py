from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import bdm

    block = config.BoostedDarkMatter.model_validate(snakemake.params.bdm)
    healpix = dict(zip(("published", "standard"), snakemake.output.healpix, strict=True))
    bdm.sky_map(block, snakemake.output.grid, healpix)
