from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import bdm

    bdm.exclusion(config.BoostedDarkMatter.model_validate(snakemake.params.bdm), snakemake.output[0])
