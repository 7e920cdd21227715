from nusky.stages.runner import logged

with logged(snakemake):
    from nusky import config
    from nusky.stages import figures

    figures.results(
        method=snakemake.wildcards.method,
        stacks=snakemake.params.stacks,
        singles=snakemake.params.singles,
        scan_paths=snakemake.input.scans,
        limits_paths=snakemake.input.limits,
        single_paths=snakemake.input.singles,
        scan_outputs=snakemake.output.scans,
        limits_outputs=snakemake.output.limits,
        single_outputs=snakemake.output.singles,
        options=config.Figures.model_validate(snakemake.params.figures),
    )
