# Needs result tables. Makes the figures: nothing here computes, so a figure option recomputes no result.


rule figure_sky_map:
    """Sky map of the events and the sources, Galactic coordinates."""
    input:
        events=expand(paths.events, season=seasons),
        sources=expand(paths.sources, catalogue=list(cfg.catalogues)),
    output:
        report(
            paths.figure(paths.sky_map_figure, cfg.figures.formats),
            caption="../report/sky_map.rst",
        ),
    log:
        paths.log("figures/sky_map"),
    benchmark:
        paths.benchmark("figures/sky_map")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("figure_sky_map"),
        runtime=minutes("figure_sky_map"),
    params:
        figures=cfg.figures.model_dump(),
    message:
        "Drawing the sky map"
    script:
        "../scripts/figure_sky_map.py"


rule figures_of_method:
    """Flux scans, upper-limit spectra and single-source distributions of all catalogues, in one job."""
    input:
        scans=[paths.scan.format(method="{method}", **stack) for stack in stacks],
        limits=[paths.limits.format(method="{method}", **stack) for stack in stacks],
        singles=[
            paths.single.format(method="{method}", catalogue=catalogue)
            for catalogue in singles
        ],
    output:
        scans=report(
            [
                file
                for stack in stacks
                for file in paths.figure(
                    paths.ts_scan_figure.format(method="{method}", **stack),
                    cfg.figures.formats,
                )
            ],
            caption="../report/ts_scan.rst",
        ),
        limits=report(
            [
                file
                for catalogue in cfg.catalogues
                for file in paths.figure(
                    paths.limits_figure.format(method="{method}", catalogue=catalogue),
                    cfg.figures.formats,
                )
            ],
            caption="../report/limit_spectra.rst",
        ),
        singles=report(
            [
                file
                for catalogue in singles
                for file in paths.figure(
                    paths.single_figure.format(method="{method}", catalogue=catalogue),
                    cfg.figures.formats,
                )
            ],
            caption="../report/ts_distribution.rst",
        ),
    log:
        paths.log("figures/{method}"),
    benchmark:
        paths.benchmark("figures/{method}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=memory("figures_of_method"),
        runtime=minutes("figures_of_method"),
    params:
        figures=cfg.figures.model_dump(),
        stacks=stacks,
        singles=singles,
    message:
        "Drawing the results of the {wildcards.method} conventions"
    script:
        "../scripts/figures_of_method.py"
