# Needs events, seasons, effective area, smearing and sources, and the configuration's `inference` block. Makes the
# trials of the standard method in batches, the statements that follow from them, and their figures.

inferred = (
    [
        name
        for name in cfg.catalogues
        if name in (cfg.inference.catalogues or cfg.catalogues)
    ]
    if cfg.inference
    else []
)
inferred_singles = [name for name in inferred if name in singles]
with_declinations = bool(cfg.inference and cfg.inference.declinations_deg)
inference_tables = {
    catalogue: {
        "stacks": {
            weighting: {
                what: paths.inference(what).format(
                    catalogue=catalogue, weighting=weighting
                )
                for what in ("fits", "statements", "fluxes")
            }
            for weighting in cfg.inferred_weightings(catalogue)
        },
        "sources": {
            what: paths.source_inference(what).format(catalogue=catalogue)
            for what in ("fits", "limits", "hadronic")
            if catalogue in inferred_singles
        },
    }
    for catalogue in inferred
}
inference_files = [
    file
    for tables in inference_tables.values()
    for group in [*tables["stacks"].values(), tables["sources"]]
    for file in group.values()
]
sensitivity_files = [paths.sensitivity] if with_declinations else []
stack_trial_files = [
    file
    for catalogue in inferred
    for weighting in cfg.inferred_weightings(catalogue)
    for file in batches(paths.stack_trials, "trials")(
        {"catalogue": catalogue, "weighting": weighting}
    )
]
trial_files = stack_trial_files + [
    file
    for catalogue in inferred_singles
    for pattern, n_trials in (
        (paths.source_trials, "source_trials"),
        (paths.sky_trials, "sky_trials"),
    )
    for file in batches(pattern, n_trials)({"catalogue": catalogue})
]


rule inference_trials:
    """One batch of scrambled skies, fitted with a stack."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
    output:
        paths.stack_trials,
    log:
        paths.log("inference_trials/{catalogue}/{weighting}/{first}-{stop}"),
    benchmark:
        paths.benchmark("inference_trials/{catalogue}/{weighting}/{first}-{stop}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_trials"),
        runtime=minutes("inference_trials"),
    params:
        setup=inference_params,
        weighting=inference_weighting,
    message:
        "Trials {wildcards.first}-{wildcards.stop} of {wildcards.catalogue}, weights {wildcards.weighting}"
    script:
        "../scripts/inference_trials.py"


rule inference_stack:
    """Fit, p-value, sensitivity, discovery potentials and upper limit of a stack."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
        trials=batches(paths.stack_trials, "trials"),
    output:
        fits=paths.inference("fits"),
        statements=paths.inference("statements"),
        fluxes=paths.inference("fluxes"),
    log:
        paths.log("inference_stack/{catalogue}/{weighting}"),
    benchmark:
        paths.benchmark("inference_stack/{catalogue}/{weighting}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_stack"),
        runtime=minutes("inference_stack"),
    params:
        setup=inference_params,
        weighting=inference_weighting,
        request=inference_request,
    message:
        "Statements on {wildcards.catalogue}, weights {wildcards.weighting}"
    script:
        "../scripts/inference_stack.py"


rule inference_source_trials:
    """One batch of scrambled skies for every source of a catalogue by itself."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
    output:
        paths.source_trials,
    log:
        paths.log("inference_source_trials/{catalogue}/{first}-{stop}"),
    benchmark:
        paths.benchmark("inference_source_trials/{catalogue}/{first}-{stop}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_source_trials"),
        runtime=minutes("inference_source_trials"),
    params:
        setup=inference_params,
    message:
        "Trials {wildcards.first}-{wildcards.stop} of the single sources of {wildcards.catalogue}"
    script:
        "../scripts/inference_source_trials.py"


rule inference_sky_trials:
    """One batch of full scrambled skies, looked at by every source of a catalogue."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
    output:
        paths.sky_trials,
    log:
        paths.log("inference_sky_trials/{catalogue}/{first}-{stop}"),
    benchmark:
        paths.benchmark("inference_sky_trials/{catalogue}/{first}-{stop}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_sky_trials"),
        runtime=minutes("inference_sky_trials"),
    params:
        setup=inference_params,
    message:
        "Scrambled skies {wildcards.first}-{wildcards.stop} for the sources of {wildcards.catalogue}"
    script:
        "../scripts/inference_sky_trials.py"


rule inference_sources:
    """Local and post-trial p-values, upper limits and hadronic fractions of the sources of a catalogue."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
        trials=batches(paths.source_trials, "source_trials"),
        skies=batches(paths.sky_trials, "sky_trials"),
    output:
        fits=paths.source_inference("fits"),
        limits=paths.source_inference("limits"),
        hadronic=paths.source_inference("hadronic"),
    log:
        paths.log("inference_sources/{catalogue}"),
    benchmark:
        paths.benchmark("inference_sources/{catalogue}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_sources"),
        runtime=minutes("inference_sources"),
    params:
        setup=inference_params,
        request=inference_request,
    message:
        "Statements on the single sources of {wildcards.catalogue}"
    script:
        "../scripts/inference_sources.py"


rule inference_sensitivity:
    """Sensitivity and discovery potentials of point sources over declination."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
    output:
        paths.sensitivity,
    log:
        paths.log("inference_sensitivity"),
    benchmark:
        paths.benchmark("inference_sensitivity")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_sensitivity"),
        runtime=minutes("inference_sensitivity"),
    params:
        setup=inference_params,
        request=inference_request,
        declinations_deg=lambda wildcards: cfg.inference.declinations_deg,
        n_trials=lambda wildcards: cfg.inference.source_trials,
    message:
        "Sensitivity over declination"
    script:
        "../scripts/inference_sensitivity.py"


if inferred:

    rule figures_of_inference:
        """Background distributions of the stacks, p-values and limits of the sources, sensitivity over declination."""
        input:
            trials=stack_trial_files,
            tables=inference_files,
            sensitivity=sensitivity_files,
        output:
            background_ts=report(
                [
                    file
                    for catalogue in inferred
                    for weighting in cfg.inferred_weightings(catalogue)
                    for file in paths.figure(
                        paths.background_ts_figure.format(
                            catalogue=catalogue, weighting=weighting
                        ),
                        cfg.figures.formats,
                    )
                ],
                caption="../report/background_ts.rst",
            ),
            p_values=report(
                [
                    file
                    for catalogue in inferred_singles
                    for file in paths.figure(
                        paths.p_values_figure.format(catalogue=catalogue),
                        cfg.figures.formats,
                    )
                ],
                caption="../report/p_values.rst",
            ),
            source_limits=report(
                [
                    file
                    for catalogue in inferred_singles
                    for file in paths.figure(
                        paths.source_limits_figure.format(catalogue=catalogue),
                        cfg.figures.formats,
                    )
                ],
                caption="../report/source_limits.rst",
            ),
            sensitivity=report(
                (
                    paths.figure(paths.sensitivity_figure, cfg.figures.formats)
                    if with_declinations
                    else []
                ),
                caption="../report/sensitivity.rst",
            ),
        log:
            paths.log("figures/inference"),
        benchmark:
            paths.benchmark("figures/inference")
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=memory("figures_of_inference"),
            runtime=minutes("figures_of_inference"),
        params:
            figures=cfg.figures.model_dump(),
            tables=inference_tables,
            n_batches=-(-cfg.inference.trials // cfg.inference.trials_per_batch),
            release=cfg.release.name,
        message:
            "Drawing the inference"
        script:
            "../scripts/inference_figures.py"
