# Needs events, seasons, effective area and sources. Makes separations, acceptance and background, computed once and
# reused by every weighting, index and method; then the scans, limits and single-source results.


rule warm_up:
    """Compile the numba kernels once: parallel jobs would race to write the same cache."""
    output:
        paths.warm_up,
    log:
        paths.log("warm_up"),
    benchmark:
        paths.benchmark("warm_up")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("warm_up"),
    message:
        "Compiling kernels"
    script:
        "../scripts/warm_up.py"


rule separations:
    """Pairs of events and sources near enough to carry signal, with their spatial signal density."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        sources=paths.sources,
    output:
        expand(paths.separations, season=seasons, allow_missing=True),
    log:
        paths.log("separations/{catalogue}"),
    benchmark:
        paths.benchmark("separations/{catalogue}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("separations"),
    message:
        "Separations of {wildcards.catalogue}"
    script:
        "../scripts/separations.py"


rule acceptance:
    """Acceptance of every source for every season and spectral index."""
    input:
        effective_area=paths.effective_area,
        seasons=paths.seasons,
        sources=paths.sources,
        spectra=lambda wildcards: spectrum_files(wildcards.catalogue),
    output:
        paths.acceptance,
    log:
        paths.log("acceptance/{catalogue}"),
    benchmark:
        paths.benchmark("acceptance/{catalogue}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("acceptance"),
    params:
        gammas=of_catalogue("gammas"),
        spectrum=lambda wildcards: spectrum_of(wildcards.catalogue),
    message:
        "Acceptance of {wildcards.catalogue}"
    script:
        "../scripts/acceptance.py"


rule background:
    """Background density at every event, from the declination bands of the data."""
    input:
        events=expand(paths.events, season=seasons),
    output:
        expand(paths.background, season=seasons),
    log:
        paths.log("background"),
    benchmark:
        paths.benchmark("background")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("background"),
    params:
        seasons=seasons,
    message:
        "Background densities"
    script:
        "../scripts/background.py"


rule stacking_scan:
    """Test statistic against flux for every spectral index of a stack, and the upper limits; all methods at once."""
    input:
        kernels=ancient(paths.warm_up),
        sources=paths.sources,
        seasons=paths.seasons,
        effective_area=paths.effective_area,
        acceptance=paths.acceptance,
        spectra=lambda wildcards: spectrum_files(wildcards.catalogue),
        separations=expand(paths.separations, season=seasons, allow_missing=True),
        background=expand(paths.background, season=seasons),
    output:
        scan=expand(paths.scan, method=cfg.methods, allow_missing=True),
        limits=expand(paths.limits, method=cfg.methods, allow_missing=True),
    log:
        paths.log("stacking_scan/{catalogue}/{weighting}"),
    benchmark:
        paths.benchmark("stacking_scan/{catalogue}/{weighting}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("stacking_scan"),
    params:
        methods=cfg.methods,
        weighting=lambda wildcards: weighting_of(**wildcards),
        gammas=of_catalogue("gammas"),
        spectrum=lambda wildcards: spectrum_of(wildcards.catalogue),
        grid=cfg.scan.model_dump(),
    message:
        "Stacking {wildcards.catalogue}, weights {wildcards.weighting}"
    script:
        "../scripts/stacking_scan.py"


rule single_sources:
    """Best fit of every source of a catalogue by itself; all methods at once."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        sources=paths.sources,
    output:
        expand(paths.single, method=cfg.methods, allow_missing=True),
    log:
        paths.log("single_sources/{catalogue}"),
    benchmark:
        paths.benchmark("single_sources/{catalogue}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("single_sources"),
    params:
        methods=cfg.methods,
    message:
        "Single sources of {wildcards.catalogue}"
    script:
        "../scripts/single_sources.py"
