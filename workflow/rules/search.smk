# Needs separations, acceptance and background. Makes the scans, limits and single-source results.


rule stacking_scan:
    """Test statistic against flux for every spectral index of a stack, and the upper limits."""
    input:
        kernels=ancient(paths.warm_up),
        sources=paths.sources,
        seasons=paths.seasons,
        acceptance=paths.acceptance,
        separations=expand(paths.separations, season=seasons, allow_missing=True),
        background=expand(paths.background, season=seasons),
    output:
        scan=paths.scan,
        limits=paths.limits,
    params:
        weighting=lambda wildcards: cfg.catalogues[wildcards.catalogue].weightings[wildcards.weighting].model_dump(),
        gammas=lambda wildcards: cfg.catalogues[wildcards.catalogue].gammas,
        grid=cfg.scan.model_dump(),
    log:
        paths.log("stacking_scan/{method}/{catalogue}/{weighting}"),
    benchmark:
        paths.benchmark("stacking_scan/{method}/{catalogue}/{weighting}")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    conda:
        "../../environment.yml"
    message:
        "Stacking {wildcards.catalogue}, weights {wildcards.weighting}, {wildcards.method} conventions"
    script:
        "../scripts/stacking_scan.py"


rule single_sources:
    """Best fit of every source of a catalogue by itself."""
    input:
        kernels=ancient(paths.warm_up),
        events=expand(paths.events, season=seasons),
        sources=paths.sources,
    output:
        paths.single,
    log:
        paths.log("single_sources/{method}/{catalogue}"),
    benchmark:
        paths.benchmark("single_sources/{method}/{catalogue}")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    conda:
        "../../environment.yml"
    message:
        "Single sources of {wildcards.catalogue}, {wildcards.method} conventions"
    script:
        "../scripts/single_sources.py"
