# Needs events, seasons, effective area, smearing and sources, and the configuration's `inference` block. Makes the
# trials of the standard method in batches, and the statements that follow from them. A hypothesis is
# stack/<catalogue>/<weighting>, sources/<catalogue> (each by itself), declinations or durations. Of a long list, batches
# of its sources are hypotheses of their own, sources/<catalogue>/<part>-of-<parts>: the rules of sources/<catalogue> put
# together what the same rules make for the batches.

tested_data = {
    **likelihood_data,
    "sources": tested_sources,
    "spectra": lambda wildcards: spectrum_files(catalogue_of(wildcards)),
    "light_curves": lambda wildcards: light_curve_files(catalogue_of(wildcards)),
}


rule inference_fits:
    """Fits and p-values of a stack."""
    input:
        **tested_data,
        trials=trials_of("trials"),
        skies=trials_of("skies"),
    output:
        fits=only_of("stack", "fits"),
        searches=only_of("stack", "searches"),
    log:
        paths.log("inference_fits/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_fits/{hypothesis}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("inference_fits"),
    params:
        setup=inference_setup,
        hypothesis=inference_hypothesis,
    message:
        "p-values of {wildcards.hypothesis}"
    script:
        "../scripts/inference.py"


use rule inference_fits as inference_flares with:
    """The strongest flares of the sources of a catalogue at times that are not known."""
    input:
        **tested_data,
        flares=parts_of("flares"),
        windows=parts_of("windows"),
        weights=parts_of("weights"),
    output:
        flares=paths.inference("flares"),
        windows=paths.inference("windows"),
        weights=paths.inference("weights"),
    log:
        paths.log("inference_flares/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_flares/{hypothesis}")
    resources:
        **requested("inference_flares"),
    message:
        "Flares of {wildcards.hypothesis}"


use rule inference_fits as inference_source_ranks with:
    """Fits of a batch of the sources of a catalogue, and their local p-values in the skies in common."""
    output:
        fits=only_of("batch", "fits"),
        ranks=only_of("batch", "ranks"),
    log:
        paths.log("inference_source_ranks/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_source_ranks/{hypothesis}")
    resources:
        **requested("inference_source_ranks"),
    message:
        "Fits of {wildcards.hypothesis}"


use rule inference_fits as inference_source_fits with:
    """Fits and p-values of the sources of a catalogue, and the binomial test of all of them."""
    input:
        **tested_data,
        trials=trials_of("trials"),
        skies=trials_of("skies"),
        fits=parts_of("fits"),
        ranks=parts_of("ranks"),
    output:
        fits=only_of("sources", "fits"),
        searches=only_of("sources", "searches"),
        population=only_of("sources", "population"),
    log:
        paths.log("inference_source_fits/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_source_fits/{hypothesis}")
    resources:
        **requested("inference_source_fits"),
    params:
        population_p_max=cfg.inference.population_p_max,
    message:
        "p-values of {wildcards.hypothesis}"


use rule inference_fits as inference_trials with:
    """One batch of scrambled skies, fitted with a hypothesis: skies of its own, or full ones in common."""
    input:
        **tested_data,
    output:
        paths.trials,
    log:
        paths.log("inference_trials/{hypothesis}/{skies}/{first}-{stop}"),
    benchmark:
        paths.benchmark("inference_trials/{hypothesis}/{skies}/{first}-{stop}")
    resources:
        **requested("inference_trials"),
    params:
        skies=lambda wildcards: wildcards.skies,
        first=lambda wildcards: wildcards.first,
        stop=lambda wildcards: wildcards.stop,
    message:
        "{wildcards.skies} {wildcards.first}-{wildcards.stop} of {wildcards.hypothesis}"


use rule inference_fits as inference_stack_sources with:
    """What each source adds to a stack, and what is left without it."""
    input:
        **tested_data,
    output:
        paths.inference("sources"),
    log:
        paths.log("inference_stack_sources/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_stack_sources/{hypothesis}")
    resources:
        **requested("inference_stack_sources"),
    params:
        n_sources=cfg.inference.leave_one_out_sources,
        n_trials=cfg.inference.leave_one_out_trials,
    message:
        "Sources of {wildcards.hypothesis}"


use rule inference_fits as inference_statements with:
    """Sensitivity, discovery potentials and upper limit of a stack."""
    input:
        **tested_data,
        trials=trials_of("trials"),
    output:
        paths.inference("statements"),
        fluxes=paths.inference("fluxes"),
    log:
        paths.log("inference_statements/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_statements/{hypothesis}")
    resources:
        **requested("inference_statements"),
    params:
        request=inference_request,
    message:
        "Statements on {wildcards.hypothesis}"


use rule inference_statements as inference_sensitivity with:
    """Sensitivity and discovery potentials of point sources over declination or duration."""
    output:
        paths.inference("sensitivity"),
    log:
        paths.log("inference_sensitivity/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_sensitivity/{hypothesis}")
    resources:
        **requested("inference_sensitivity"),


use rule inference_statements as inference_limits_part with:
    """Upper limits and hadronic fractions of every n-th source of a catalogue."""
    output:
        limits=paths.limits_part("limits"),
        hadronic=paths.limits_part("hadronic"),
    log:
        paths.log("inference_limits_part/{hypothesis}/{part}-of-{parts}"),
    benchmark:
        paths.benchmark("inference_limits_part/{hypothesis}/{part}-of-{parts}")
    resources:
        **requested("inference_limits_part"),
    params:
        request=inference_request,
        part=lambda wildcards: wildcards.part,
        parts=lambda wildcards: wildcards.parts,
    message:
        "Limits of {wildcards.hypothesis}, part {wildcards.part} of {wildcards.parts}"


use rule inference_statements as inference_limits with:
    """Upper limits and hadronic fractions of all sources of a catalogue, and of its stack."""
    input:
        **tested_data,
        limits=limits_parts("limits"),
        hadronic=limits_parts("hadronic"),
    output:
        limits=paths.inference("limits"),
        hadronic=paths.inference("hadronic"),
        gamma_rays=paths.inference("gamma_rays"),
    log:
        paths.log("inference_limits/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_limits/{hypothesis}")
    resources:
        **requested("inference_limits"),


use rule inference_statements as inference_differential with:
    """Sensitivity by energy, and the upper limit of a stack."""
    output:
        paths.inference("differential"),
    log:
        paths.log("inference_differential/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_differential/{hypothesis}")
    resources:
        **requested("inference_differential"),
    params:
        request=inference_request,
        log10_energy_edges=cfg.inference.differential_log10_energy_gev,
    message:
        "Statements by energy on {wildcards.hypothesis}"


use rule inference_statements as inference_recovery with:
    """Injection and recovery with a stack or one source of a catalogue, and the coverage of its limits."""
    input:
        **tested_data,
        trials=lambda wildcards: contents.trials(wildcards.hypothesis),
    output:
        recovery=paths.inference("recovery"),
        coverage=paths.inference("coverage"),
    log:
        paths.log("inference_recovery/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_recovery/{hypothesis}")
    resources:
        **requested("inference_recovery"),
    params:
        request=inference_request,
        n_trials=cfg.inference.recovery_trials,
    message:
        "Injection and recovery, {wildcards.hypothesis}"


use rule inference_fits as inference_profiles with:
    """Likelihood over flux and index of a stack, or of every source of a catalogue, for other programs."""
    input:
        **tested_data,
        profiles=parts_of("profiles"),
    output:
        paths.inference("profiles"),
    log:
        paths.log("inference_profiles/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_profiles/{hypothesis}")
    resources:
        **requested("inference_profiles"),
    message:
        "Likelihood profiles of {wildcards.hypothesis}"


use rule inference_statements as inference_systematics with:
    """How far the limits of a stack, or of the sources of a catalogue, move with the detector and the background."""
    input:
        **tested_data,
        trials=trials_of("trials"),
        systematics=parts_of("systematics"),
    output:
        paths.inference("systematics"),
    log:
        paths.log("inference_systematics/{hypothesis}"),
    benchmark:
        paths.benchmark("inference_systematics/{hypothesis}")
    resources:
        **requested("inference_systematics"),
    params:
        request=inference_request,
        sizes=lambda wildcards: cfg.inference.systematics.sizes,
    message:
        "Systematic errors of {wildcards.hypothesis}"


rule windows:
    """When the sources of a catalogue shine, and what of that the seasons saw."""
    input:
        events=likelihood_data["events"],
        seasons=paths.seasons,
        uptimes=paths.uptimes,
        sources=paths.sources,
        light_curves=lambda wildcards: light_curve_files(wildcards.catalogue),
    output:
        paths.windows,
    log:
        paths.log("windows/{catalogue}"),
    benchmark:
        paths.benchmark("windows/{catalogue}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("windows"),
    params:
        time=lambda wildcards: cfg.catalogues[wildcards.catalogue].time.model_dump(),
    message:
        "Windows of {wildcards.catalogue}"
    script:
        "../scripts/windows.py"
