# Needs the configuration's `catalogues` block. Makes sources/<catalogue>.parquet and its report.


rule build_catalogue:
    """Join the source lists of a catalogue into one checked table."""
    input:
        lambda wildcards: [
            ancient(item.file)
            for item in cfg.catalogues[wildcards.catalogue].lists
            if item.file
        ],
    output:
        table=paths.sources,
        report=paths.sources_report,
    log:
        paths.log("build_catalogue/{catalogue}"),
    benchmark:
        paths.benchmark("build_catalogue/{catalogue}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("build_catalogue"),
    params:
        lists=lambda wildcards: [
            item.model_dump(mode="json")
            for item in cfg.catalogues[wildcards.catalogue].lists
        ],
        content=lambda wildcards: origins.of_lists(cfg.catalogues[wildcards.catalogue]),
        crossmatch_radius_deg=of_catalogue("crossmatch_radius_deg"),
        # Columns of times are read in their own units.
        time=lambda wildcards: time_of_lists(wildcards.catalogue),
    message:
        "Building catalogue {wildcards.catalogue}"
    script:
        "../scripts/build_catalogue.py"
