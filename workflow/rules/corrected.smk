# Needs the searches of the inference or the all-sky map. Makes standard/corrected.parquet: one p-value for the run.

searched = contents.having("searches", "stack", "sources")


rule corrected:
    """The p-value of the run, corrected for everything it looked at with the skies that all searches share."""
    input:
        searches=[
            contents.inference_tables[names["hypothesis"]]["searches"]
            for names in searched
        ],
        hottest=contents.skymap_tables.get("hottest", []),
        hottest_trials=contents.skymap_tables.get("hottest_trials", []),
    output:
        searches=paths.corrected,
        skies=paths.corrected_skies,
    log:
        paths.log("corrected"),
    benchmark:
        paths.benchmark("corrected")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("corrected"),
    params:
        hypotheses=[names["hypothesis"] for names in searched],
    message:
        "The p-value of the run"
    script:
        "../scripts/corrected.py"
