# Needs separations, acceptance and background. Makes the scans, limits and single-source results.


rule stacking_scan:
    """Test statistic against flux for every spectral index of a stack, and the upper limits; all methods at once."""
    input:
        kernels=ancient(paths.warm_up),
        sources=paths.sources,
        seasons=paths.seasons,
        acceptance=paths.acceptance,
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
        mem_mb=memory("stacking_scan"),
        runtime=minutes("stacking_scan"),
    params:
        methods=cfg.methods,
        weighting=lambda wildcards: cfg.catalogues[wildcards.catalogue]
        .weightings[wildcards.weighting]
        .model_dump(),
        gammas=lambda wildcards: cfg.catalogues[wildcards.catalogue].gammas,
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
        mem_mb=memory("single_sources"),
        runtime=minutes("single_sources"),
    params:
        methods=cfg.methods,
    message:
        "Single sources of {wildcards.catalogue}"
    script:
        "../scripts/single_sources.py"
