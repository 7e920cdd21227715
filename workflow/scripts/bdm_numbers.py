from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import bdm

    block = config.BoostedDarkMatter.model_validate(snakemake.params.bdm)
    bdm.numbers(block, snakemake.input.sky_map, snakemake.output[0])
