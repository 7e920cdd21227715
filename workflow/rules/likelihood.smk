# Needs events, seasons, effective area and sources. Makes separations, acceptance and background: computed once,
# reused by every weighting, index and method.


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
        mem_mb=memory("warm_up"),
        runtime=minutes("warm_up"),
    message:
        "Compiling kernels"
    script:
        "../scripts/warm_up.py"


rule separations:
    """Pairs of events and sources near enough to carry signal, with their spatial signal density."""
    input:
        kernels=ancient(paths.warm_up),
        events=paths.events,
        sources=paths.sources,
    output:
        paths.separations,
    log:
        paths.log("separations/{catalogue}/{season}"),
    benchmark:
        paths.benchmark("separations/{catalogue}/{season}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("separations"),
        runtime=minutes("separations"),
    message:
        "Separations of {wildcards.catalogue} in {wildcards.season}"
    script:
        "../scripts/separations.py"


rule acceptance:
    """Acceptance of every source for every season and spectral index."""
    input:
        effective_area=paths.effective_area,
        seasons=paths.seasons,
        sources=paths.sources,
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
        mem_mb=memory("acceptance"),
        runtime=minutes("acceptance"),
    params:
        gammas=lambda wildcards: cfg.catalogues[wildcards.catalogue].gammas,
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
        mem_mb=memory("background"),
        runtime=minutes("background"),
    params:
        seasons=seasons,
    message:
        "Background densities"
    script:
        "../scripts/background.py"
