from nusky.stages.runner import logged

STAGES = {
    "inference_trials": "inference.trials",
    "inference_fits": "inference.fits",
    "inference_flares": "flares.flares",
    "inference_source_fits": "inference.source_fits",
    "inference_source_ranks": "inference.source_ranks",
    "inference_stack_sources": "stack_sources.stack_sources",
    "inference_statements": "inference.statements",
    "inference_sensitivity": "inference.statements",
    "inference_limits_part": "source_limits.part",
    "inference_limits": "source_limits.whole",
    "inference_differential": "differential.differential",
    "inference_recovery": "recovery.recovery",
    "inference_profiles": "profiles.profiles",
    "inference_systematics": "systematics.systematics",
}

with logged(snakemake):
    from importlib import import_module

    module, stage = STAGES[snakemake.rule].split(".")
    run = getattr(import_module(f"nusky.stages.{module}"), stage)
    run(snakemake.input, snakemake.output, **dict(snakemake.params.items()))
