# Needs the results of all catalogues, weightings and methods. Makes summary.json and report.html.

shown = next(suffix for suffix in cfg.figures.formats if suffix != "pdf")


rule summary:
    """Everything the run found, in one JSON file."""
    input:
        reports=expand(paths.sources_report, catalogue=list(cfg.catalogues)),
        tables=list(contents.tables()),
    output:
        paths.summary,
    log:
        paths.log("summary"),
    benchmark:
        paths.benchmark("summary")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("summary"),
    params:
        configuration=cfg.model_dump(mode="json", exclude={"figures"}),
    message:
        "Writing {output}"
    script:
        "../scripts/summary.py"


rule report:
    """One self-contained HTML page: findings, figures, tables, provenance."""
    input:
        summary=paths.summary,
        figures=[paths.figure(figure.stem, [shown])[0] for figure in all_figures],
        captions=[
            workflow.source_path(f"../report/{figure.caption}.rst")
            for figure in all_figures
        ],
    output:
        paths.report,
    log:
        paths.log("report"),
    benchmark:
        paths.benchmark("report")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("report"),
    params:
        figures=[
            {
                "title": figure.title,
                "published": figure.names.get("method") == "published",
                "bdm": figure.kind.startswith("bdm_"),
                "kind": figure.kind,
                "catalogue": figure.names.get("catalogue"),
                "pdf": (
                    f"figures/{figure.stem}.pdf"
                    if "pdf" in cfg.figures.formats
                    else None
                ),
            }
            for figure in all_figures
        ],
    message:
        "Writing {output}"
    script:
        "../scripts/report.py"
