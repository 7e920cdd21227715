# Needs the results of all catalogues, weightings and methods. Makes summary.json and report.html.

shown = next(suffix for suffix in cfg.figures.formats if suffix != "pdf")
report_figures = {
    paths.figure("sky_map", [shown])[0]: ("Sky map", "sky_map"),
    **{
        paths.figure("{method}/ts_scan/{catalogue}/{weighting}", [shown])[0].format(**stack): (
            "Flux scan of {catalogue}, {weighting} weights, {method} conventions".format(**stack),
            "ts_scan",
        )
        for stack in stacks
    },
    **{
        paths.figure("{method}/limit_spectra/{catalogue}", [shown])[0].format(**stack): (
            "Upper limits for {catalogue}, {method} conventions".format(**stack),
            "limit_spectra",
        )
        for stack in stacks
    },
    **{
        paths.figure("{method}/ts_distribution/{catalogue}", [shown])[0].format(**single): (
            "Single sources of {catalogue}, {method} conventions".format(**single),
            "ts_distribution",
        )
        for single in singles
    },
}


rule summary:
    """Everything the run found, in one JSON file."""
    input:
        seasons=paths.seasons,
        reports=expand(paths.sources_report, catalogue=list(cfg.catalogues)),
        limits=[paths.limits.format(**stack) for stack in stacks],
        singles=[paths.single.format(**single) for single in singles],
    output:
        paths.summary,
    params:
        configuration=cfg.model_dump(mode="json", exclude={"figures"}),
        stacks=[tuple(stack.values()) for stack in stacks],
        singles=[tuple(single.values()) for single in singles],
    log:
        paths.log("summary"),
    benchmark:
        paths.benchmark("summary")
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    conda:
        "../../environment.yml"
    message:
        "Writing {output}"
    script:
        "../scripts/summary.py"


rule report:
    """One self-contained HTML page: findings, figures, tables, provenance."""
    input:
        summary=paths.summary,
        figures=list(report_figures),
        captions=[f"workflow/report/{caption}.rst" for caption in dict.fromkeys(c for _, c in report_figures.values())],
    output:
        paths.report,
    params:
        titles=[title for title, _ in report_figures.values()],
        captions=[f"workflow/report/{caption}.rst" for _, caption in report_figures.values()],
    log:
        paths.log("report"),
    benchmark:
        paths.benchmark("report")
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    conda:
        "../../environment.yml"
    message:
        "Writing {output}"
    script:
        "../scripts/report.py"
