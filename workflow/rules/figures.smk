# Needs result tables. Makes the figures: nothing here computes, so a figure option recomputes no result.


rule figure_sky_map:
    """Sky map of the events and the sources, Galactic coordinates."""
    input:
        events=expand(paths.events, season=seasons),
        sources=expand(paths.sources, catalogue=list(cfg.catalogues)),
    output:
        report(paths.figure("sky_map", cfg.figures.formats), caption="../report/sky_map.rst"),
    params:
        figures=cfg.figures.model_dump(),
    log:
        paths.log("figures/sky_map"),
    benchmark:
        paths.benchmark("figures/sky_map")
    threads: 1
    resources:
        mem_mb=1500,
        runtime=10,
    conda:
        "../../environment.yml"
    message:
        "Drawing the sky map"
    script:
        "../scripts/figure_sky_map.py"


rule figure_ts_scan:
    """Test statistic against flux of one stack."""
    input:
        scan=paths.scan,
        limits=paths.limits,
    output:
        report(
            paths.figure("{method}/ts_scan/{catalogue}/{weighting}", cfg.figures.formats),
            caption="../report/ts_scan.rst",
        ),
    params:
        figures=cfg.figures.model_dump(),
    log:
        paths.log("figures/{method}/ts_scan/{catalogue}/{weighting}"),
    benchmark:
        paths.benchmark("figures/{method}/ts_scan/{catalogue}/{weighting}")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    conda:
        "../../environment.yml"
    message:
        "Drawing the scan of {wildcards.catalogue}, weights {wildcards.weighting}"
    script:
        "../scripts/figure_ts_scan.py"


rule figure_limit_spectra:
    """Upper-limit spectra of one catalogue, all weightings and indices."""
    input:
        lambda wildcards: expand(
            paths.limits, weighting=list(cfg.catalogues[wildcards.catalogue].weightings), **wildcards
        ),
    output:
        report(
            paths.figure("{method}/limit_spectra/{catalogue}", cfg.figures.formats),
            caption="../report/limit_spectra.rst",
        ),
    params:
        figures=cfg.figures.model_dump(),
        weightings=lambda wildcards: list(cfg.catalogues[wildcards.catalogue].weightings),
    log:
        paths.log("figures/{method}/limit_spectra/{catalogue}"),
    benchmark:
        paths.benchmark("figures/{method}/limit_spectra/{catalogue}")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    conda:
        "../../environment.yml"
    message:
        "Drawing the limits of {wildcards.catalogue}"
    script:
        "../scripts/figure_limit_spectra.py"


rule figure_ts_distribution:
    """Distribution of the single-source test statistics of one catalogue."""
    input:
        paths.single,
    output:
        report(
            paths.figure("{method}/ts_distribution/{catalogue}", cfg.figures.formats),
            caption="../report/ts_distribution.rst",
        ),
    params:
        figures=cfg.figures.model_dump(),
    log:
        paths.log("figures/{method}/ts_distribution/{catalogue}"),
    benchmark:
        paths.benchmark("figures/{method}/ts_distribution/{catalogue}")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    conda:
        "../../environment.yml"
    message:
        "Drawing the single sources of {wildcards.catalogue}"
    script:
        "../scripts/figure_ts_distribution.py"
