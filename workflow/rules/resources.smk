# What a job asks a cluster for, by rule: megabytes and minutes, measured (docs/cluster.md) and then at least doubled.
# Both grow with the number of events; minutes in thousands of trials where `trials_of_job` knows the rule. A job that
# failed asks for twice as much on its second attempt, three times on its third.

# rule: (MB, MB per million events, minutes, minutes per million events)
REQUESTS = {
    "fetch_release": (1000, 500, 120, 0),
    "ingest_release": (1000, 1000, 10, 10),
    "warm_up": (1000, 0, 20, 0),
    "build_catalogue": (1000, 0, 10, 0),
    "separations": (1000, 1000, 10, 10),
    "acceptance": (1000, 0, 10, 0),
    "background": (1000, 500, 10, 5),
    "stacking_scan": (1000, 1000, 10, 20),
    "single_sources": (1000, 1000, 10, 20),
    "inference_trials": (1000, 2000, 10, 100),
    "inference_stack": (1000, 2000, 10, 600),
    "inference_source_trials": (1000, 2000, 10, 200),
    "inference_sky_trials": (1000, 2000, 10, 200),
    "inference_sources": (1000, 2000, 10, 50),
    "inference_source_limits": (1000, 2000, 20, 1000),
    "inference_limits": (1000, 2000, 10, 2000),
    "inference_differential": (1000, 2000, 10, 1500),
    "inference_recovery": (1000, 2000, 10, 1500),
    "inference_source_recovery": (1000, 2000, 10, 200),
    "inference_sensitivity": (1000, 2000, 10, 20),
    "inference_differential_sensitivity": (1000, 2000, 10, 60),
    "figure_sky_map": (1000, 500, 10, 5),
    "figures_of_method": (1500, 0, 20, 0),
    "figures_of_inference": (1500, 0, 20, 0),
    "skymap_region": (1000, 2500, 10, 10),
    "skymap_calibration": (1000, 2000, 10, 100),
    "skymap_skies": (1000, 3500, 10, 30),
    "skymap": (1500, 3500, 20, 20),
    "figures_of_skymap": (2000, 0, 20, 0),
    "sky_viewer": (1000, 0, 10, 0),
    "bdm_warm_up": (1000, 0, 20, 0),
    "bdm_sky_map": (2000, 0, 10, 0),
    "bdm_cross_sections": (1000, 0, 10, 0),
    "bdm_light_curve": (1000, 0, 10, 0),
    "bdm_events": (1000, 0, 30, 0),
    "bdm_exclusion": (1000, 0, 60, 0),
    "bdm_exclusion_figure": (1000, 0, 10, 0),
    "bdm_numbers": (1000, 0, 10, 0),
    "bdm_figures": (1500, 0, 10, 0),
    "summary": (500, 0, 10, 0),
    "report": (500, 0, 10, 0),
}

# A season without a published number of events is taken to be like the others.
million_events = (
    sum(
        season.n_events or 130_000
        for season in registry.find(cfg.release.name).select(cfg.release.seasons)
    )
    * max(1.0, cfg.release.generator.event_fraction)
    / 1e6
    if cfg.catalogues
    else 0.0
)
trials_of_job = (
    {
        "inference_trials": cfg.inference.trials_per_batch,
        "inference_source_trials": cfg.inference.trials_per_batch,
        "inference_sky_trials": cfg.inference.trials_per_batch,
        "inference_stack": cfg.inference.injected_trials,
        "inference_source_limits": cfg.inference.source_injected_trials,
        "inference_limits": cfg.inference.source_injected_trials,
        "inference_differential": cfg.inference.injected_trials,
        "inference_recovery": cfg.inference.injected_trials
        + cfg.inference.recovery_trials,
        "inference_source_recovery": cfg.inference.source_injected_trials
        + cfg.inference.recovery_trials,
        "inference_sensitivity": cfg.inference.source_trials,
        "inference_differential_sensitivity": cfg.inference.source_trials,
    }
    if cfg.inference
    else {}
)
if cfg.skymap:
    # A trial of the calibration looks at every declination, a sky costs as much as thousands of sources.
    trials_of_job["skymap_calibration"] = (
        cfg.skymap.calibration_per_batch * cfg.skymap.calibration_declinations
    )
    trials_of_job["skymap_skies"] = 50 * cfg.skymap.skies_per_batch


def memory(rule):
    """Megabytes for a job of `rule`, as a function of the attempt."""
    fixed, growing, _, _ = REQUESTS[rule]
    return lambda wildcards, attempt: attempt * round(fixed + growing * million_events)


def minutes(rule):
    """Minutes for a job of `rule`, as a function of the attempt."""
    _, _, fixed, growing = REQUESTS[rule]
    thousands = max(1.0, trials_of_job.get(rule, 0) / 1000)
    return lambda wildcards, attempt: attempt * round(
        fixed + growing * million_events * thousands
    )
