from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import bdm

    run = getattr(bdm, snakemake.rule.removeprefix("bdm_"))
    run(config.BoostedDarkMatter.model_validate(snakemake.params.bdm), *snakemake.output)
