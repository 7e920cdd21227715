from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import bdm

    block = config.BoostedDarkMatter.model_validate(snakemake.params.bdm)
    bdm.cross_sections(block, snakemake.output.differential, snakemake.output.targets)
