# Needs the results of all catalogues, weightings and methods. Makes summary.json and report.html.

shown = next(suffix for suffix in cfg.figures.formats if suffix != "pdf")
report_figures = (
    [("sky_map", "Sky map", paths.sky_map_figure)] if cfg.catalogues else []
)
for method in cfg.methods:
    report_figures += [
        (
            "ts_scan",
            "Flux scan of {catalogue}, {weighting} weights, {method} conventions".format(
                method=method, **stack
            ),
            paths.ts_scan_figure.format(method=method, **stack),
        )
        for stack in stacks
    ]
    report_figures += [
        (
            "limit_spectra",
            f"Upper limits for {catalogue}, {method} conventions",
            paths.limits_figure.format(method=method, catalogue=catalogue),
        )
        for catalogue in cfg.catalogues
    ]
    report_figures += [
        (
            "ts_distribution",
            f"Single sources of {catalogue}, {method} conventions",
            paths.single_figure.format(method=method, catalogue=catalogue),
        )
        for catalogue in singles
    ]
for catalogue in inferred:
    report_figures += [
        (
            "background_ts",
            f"Test statistic of scrambled skies, {catalogue}, {weighting} weights",
            paths.background_ts_figure.format(catalogue=catalogue, weighting=weighting),
        )
        for weighting in cfg.inferred_weightings(catalogue)
    ]
for catalogue in inferred_singles:
    report_figures += [
        (
            "p_values",
            f"Local p-values of the sources of {catalogue}",
            paths.p_values_figure.format(catalogue=catalogue),
        ),
        (
            "source_limits",
            f"Upper limits of the sources of {catalogue}",
            paths.source_limits_figure.format(catalogue=catalogue),
        ),
    ]
for stack in inferred_stacks:
    where = "{catalogue}, {weighting} weights".format(**stack)
    report_figures += [
        (kind, f"{title}, {where}", getattr(paths, f"{kind}_figure").format(**stack))
        for kind, title in (
            ("differential", "Sensitivity and limit by energy"),
            ("recovery", "Injection and recovery"),
            ("coverage", "Coverage of the upper limits"),
        )
        if inference_figures.get(kind)
    ]
report_figures += [
    (
        kind,
        f"{title}, one source of {catalogue}",
        getattr(paths, f"source_{kind}_figure").format(catalogue=catalogue),
    )
    for catalogue in (inferred_singles if with_recovery else [])
    for kind, title in (
        ("recovery", "Injection and recovery"),
        ("coverage", "Coverage of the upper limits"),
    )
]
if with_declinations:
    report_figures.append(
        ("sensitivity", "Sensitivity over declination", paths.sensitivity_figure)
    )
if inference_figures["differential_sensitivity"]:
    report_figures.append(
        (
            "differential_sensitivity",
            "Sensitivity over declination by energy",
            paths.differential_sensitivity_figure,
        )
    )
if cfg.skymap:
    report_figures += [
        (f"skymap_{name}", title, paths.skymap_figure.format(name=name))
        for name, title in (
            ("equatorial", "All-sky map, equatorial coordinates"),
            ("galactic", "All-sky map, Galactic coordinates"),
            ("zooms", "Hot spots"),
            ("hottest", "Hottest spots of scrambled skies"),
        )
        if name in skymap_figures
    ]
if cfg.bdm:
    report_figures += [
        (f"bdm_{name}", f"Boosted dark matter: {title}", f"bdm/{name}")
        for name, title in (
            ("sky_map", "the sky"),
            ("differential_cross_section", "scattering on neutrinos"),
            ("target_cross_sections", "scattering in a detector"),
            ("light_curve", "light curve"),
            ("events", "events"),
        )
    ]
if cfg.bdm and cfg.bdm.exclusion:
    report_figures.append(
        ("bdm_exclusion", "Boosted dark matter: limits", "bdm/exclusion")
    )
report_captions = [
    f"{workflow.basedir}/workflow/report/{caption}.rst"
    for caption, _, _ in report_figures
]
all_tables = []
if cfg.catalogues:
    all_tables += [paths.seasons, paths.uptimes, paths.effective_area, paths.smearing]
    all_tables += expand([paths.events, paths.background], season=seasons)
    all_tables += expand(
        [paths.sources, paths.acceptance], catalogue=list(cfg.catalogues)
    )
    all_tables += expand(
        paths.separations, catalogue=list(cfg.catalogues), season=seasons
    )
    all_tables += expand(paths.single, method=cfg.methods, catalogue=singles)
    all_tables += [
        pattern.format(method=method, **stack)
        for pattern in (paths.scan, paths.limits)
        for method in cfg.methods
        for stack in stacks
    ]
if cfg.bdm:
    all_tables += [
        paths.bdm_sky_map,
        paths.bdm_differential,
        paths.bdm_targets,
        paths.bdm_light_curve,
        paths.bdm_events,
        paths.bdm_numbers,
    ]
if cfg.bdm and cfg.bdm.exclusion:
    all_tables.append(paths.bdm_exclusion)
all_tables += trial_files + limit_part_files + inference_files + sensitivity_files
all_tables += skymap_parts + list(skymap_tables.values())


rule summary:
    """Everything the run found, in one JSON file."""
    input:
        seasons=paths.seasons if cfg.catalogues else [],
        reports=expand(paths.sources_report, catalogue=list(cfg.catalogues)),
        limits=[
            paths.limits.format(method=method, **stack)
            for method in cfg.methods
            for stack in stacks
        ],
        singles=[
            paths.single.format(method=method, catalogue=name)
            for method in cfg.methods
            for name in singles
        ],
        inference=inference_files,
        bdm=paths.bdm_numbers if cfg.bdm else [],
        spots=skymap_tables.get("spots", []),
        hottest=skymap_tables.get("hottest", []),
        tables=all_tables,
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
        mem_mb=memory("summary"),
        runtime=minutes("summary"),
    params:
        configuration=cfg.model_dump(mode="json", exclude={"figures"}),
        stacks=[(method, *stack.values()) for method in cfg.methods for stack in stacks],
        singles=[(method, name) for method in cfg.methods for name in singles],
        inference=inference_tables,
    message:
        "Writing {output}"
    script:
        "../scripts/summary.py"


rule report:
    """One self-contained HTML page: findings, figures, tables, provenance."""
    input:
        summary=paths.summary,
        figures=[paths.figure(name, [shown])[0] for _, _, name in report_figures],
        captions=report_captions,
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
        mem_mb=memory("report"),
        runtime=minutes("report"),
    params:
        titles=[title for _, title, _ in report_figures],
    message:
        "Writing {output}"
    script:
        "../scripts/report.py"
