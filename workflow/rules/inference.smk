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
inferred_singles = [
    name for name in inferred if name in singles and cfg.inference.single_sources
]
with_declinations = bool(cfg.inference and cfg.inference.declinations_deg)
with_energies = bool(cfg.inference and cfg.inference.differential_log10_energy_gev)
with_recovery = bool(cfg.inference and cfg.inference.recovery_trials)
recovery_kinds = ["recovery", "coverage"] if with_recovery else []
stack_kinds = ["fits", "statements", "fluxes"]
stack_kinds += (["differential"] if with_energies else []) + recovery_kinds
inference_tables = {
    catalogue: {
        "stacks": {
            weighting: {
                what: paths.inference(what).format(
                    catalogue=catalogue, weighting=weighting
                )
                for what in stack_kinds
            }
            for weighting in cfg.inferred_weightings(catalogue)
        },
        "sources": {
            what: paths.source_inference(what).format(catalogue=catalogue)
            for what in ["fits", "limits", "hadronic", *recovery_kinds]
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
if with_declinations and with_energies:
    sensitivity_files.append(paths.differential_sensitivity)
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
inferred_stacks = [
    {"catalogue": catalogue, "weighting": weighting}
    for catalogue in inferred
    for weighting in cfg.inferred_weightings(catalogue)
]
inference_figures = {
    "sensitivity": [paths.sensitivity_figure] if with_declinations else [],
    "differential": (
        [paths.differential_figure.format(**stack) for stack in inferred_stacks]
        if with_energies
        else []
    ),
    "differential_sensitivity": (
        [paths.differential_sensitivity_figure]
        if with_declinations and with_energies
        else []
    ),
    **{
        kind: [pattern.format(**stack) for stack in inferred_stacks]
        for kind, pattern in (
            ("recovery", paths.recovery_figure),
            ("coverage", paths.coverage_figure),
        )
        if with_recovery
    },
    **{
        f"source_{kind}": [
            pattern.format(catalogue=catalogue) for catalogue in inferred_singles
        ]
        for kind, pattern in (
            ("recovery", paths.source_recovery_figure),
            ("coverage", paths.source_coverage_figure),
        )
        if with_recovery
    },
}
limit_part_files = [
    file
    for catalogue in inferred_singles
    for what in ("limits", "hadronic")
    for file in source_limit_parts(what)({"catalogue": catalogue})
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
    """Local and post-trial p-values of the sources of a catalogue."""
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
        paths.source_inference("fits"),
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
    message:
        "p-values of the single sources of {wildcards.catalogue}"
    script:
        "../scripts/inference_sources.py"


rule inference_source_limits:
    """Upper limits and hadronic fractions of every n-th source of a catalogue."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
        trials=batches(paths.source_trials, "source_trials"),
    output:
        limits=paths.source_limits_part("limits"),
        hadronic=paths.source_limits_part("hadronic"),
    log:
        paths.log("inference_source_limits/{catalogue}/{part}-of-{parts}"),
    benchmark:
        paths.benchmark("inference_source_limits/{catalogue}/{part}-of-{parts}")
    wildcard_constraints:
        part=r"\d+",
        parts=r"\d+",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_source_limits"),
        runtime=minutes("inference_source_limits"),
    params:
        setup=inference_params,
        request=inference_source_request,
    message:
        "Limits of the single sources of {wildcards.catalogue}, part {wildcards.part} of {wildcards.parts}"
    script:
        "../scripts/inference_source_limits.py"


rule inference_limits:
    """Upper limits and hadronic fractions of all sources of a catalogue, and of its stack."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
        limits=source_limit_parts("limits"),
        hadronic=source_limit_parts("hadronic"),
    output:
        limits=paths.source_inference("limits"),
        hadronic=paths.source_inference("hadronic"),
    log:
        paths.log("inference_limits/{catalogue}"),
    benchmark:
        paths.benchmark("inference_limits/{catalogue}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_limits"),
        runtime=minutes("inference_limits"),
    params:
        setup=inference_params,
        request=inference_source_request,
    message:
        "Limits of the single sources of {wildcards.catalogue}"
    script:
        "../scripts/inference_limits.py"


rule inference_differential:
    """Sensitivity and upper limit of a stack by energy."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
        trials=batches(paths.stack_trials, "trials"),
    output:
        paths.inference("differential"),
    log:
        paths.log("inference_differential/{catalogue}/{weighting}"),
    benchmark:
        paths.benchmark("inference_differential/{catalogue}/{weighting}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_differential"),
        runtime=minutes("inference_differential"),
    params:
        setup=inference_params,
        weighting=inference_weighting,
        request=inference_request,
        edges=lambda wildcards: cfg.inference.differential_log10_energy_gev,
    message:
        "Differential limits on {wildcards.catalogue}, weights {wildcards.weighting}"
    script:
        "../scripts/inference_differential.py"


rule inference_recovery:
    """Injection and recovery with a stack, and the coverage of its limits."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
        trials=batches(paths.stack_trials, "trials"),
    output:
        recovery=paths.inference("recovery"),
        coverage=paths.inference("coverage"),
    log:
        paths.log("inference_recovery/{catalogue}/{weighting}"),
    benchmark:
        paths.benchmark("inference_recovery/{catalogue}/{weighting}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_recovery"),
        runtime=minutes("inference_recovery"),
    params:
        setup=inference_params,
        weighting=inference_weighting,
        request=inference_request,
        n_trials=lambda wildcards: cfg.inference.recovery_trials,
    message:
        "Injection and recovery, {wildcards.catalogue}, weights {wildcards.weighting}"
    script:
        "../scripts/inference_recovery.py"


rule inference_source_recovery:
    """Injection and recovery with one source of a catalogue, and the coverage of its limits."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        sources=paths.sources,
        trials=batches(paths.source_trials, "source_trials"),
    output:
        recovery=paths.source_inference("recovery"),
        coverage=paths.source_inference("coverage"),
    log:
        paths.log("inference_source_recovery/{catalogue}"),
    benchmark:
        paths.benchmark("inference_source_recovery/{catalogue}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_source_recovery"),
        runtime=minutes("inference_source_recovery"),
    params:
        setup=inference_params,
        request=inference_source_request,
        n_trials=lambda wildcards: cfg.inference.recovery_trials,
    message:
        "Injection and recovery, one source of {wildcards.catalogue}"
    script:
        "../scripts/inference_source_recovery.py"


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


rule inference_differential_sensitivity:
    """Sensitivity of point sources over declination by energy."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
    output:
        paths.differential_sensitivity,
    log:
        paths.log("inference_differential_sensitivity"),
    benchmark:
        paths.benchmark("inference_differential_sensitivity")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("inference_differential_sensitivity"),
        runtime=minutes("inference_differential_sensitivity"),
    params:
        setup=inference_params,
        request=inference_request,
        declinations_deg=lambda wildcards: cfg.inference.declinations_deg,
        n_trials=lambda wildcards: cfg.inference.source_trials,
        edges=lambda wildcards: cfg.inference.differential_log10_energy_gev,
    message:
        "Differential sensitivity over declination"
    script:
        "../scripts/inference_differential_sensitivity.py"


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
                [
                    file
                    for figure in inference_figures["sensitivity"]
                    for file in paths.figure(figure, cfg.figures.formats)
                ],
                caption="../report/sensitivity.rst",
            ),
            differential=report(
                [
                    file
                    for figure in inference_figures["differential"]
                    for file in paths.figure(figure, cfg.figures.formats)
                ],
                caption="../report/differential.rst",
            ),
            differential_sensitivity=report(
                [
                    file
                    for figure in inference_figures["differential_sensitivity"]
                    for file in paths.figure(figure, cfg.figures.formats)
                ],
                caption="../report/differential_sensitivity.rst",
            ),
            recovery=report(
                [
                    file
                    for figure in inference_figures.get("recovery", [])
                    for file in paths.figure(figure, cfg.figures.formats)
                ],
                caption="../report/recovery.rst",
            ),
            coverage=report(
                [
                    file
                    for figure in inference_figures.get("coverage", [])
                    for file in paths.figure(figure, cfg.figures.formats)
                ],
                caption="../report/coverage.rst",
            ),
            source_recovery=report(
                [
                    file
                    for figure in inference_figures.get("source_recovery", [])
                    for file in paths.figure(figure, cfg.figures.formats)
                ],
                caption="../report/recovery.rst",
            ),
            source_coverage=report(
                [
                    file
                    for figure in inference_figures.get("source_coverage", [])
                    for file in paths.figure(figure, cfg.figures.formats)
                ],
                caption="../report/coverage.rst",
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
