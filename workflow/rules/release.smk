# Needs the configuration's `release` block. Makes release.json, events/*, seasons, uptimes, effective area, smearing.


rule fetch_release:
    """Find the release on this machine, download it, or generate it where the configuration allows that."""
    output:
        paths.release,
    log:
        paths.log("fetch_release"),
    benchmark:
        paths.benchmark("fetch_release")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("fetch_release"),
    params:
        release=cfg.release.model_dump(mode="json"),
        content=lambda wildcards: origins.of_release(cfg.release),
        seed=cfg.seed,
        downloads=DOWNLOADS,
    message:
        "Fetching {params.release[name]}"
    script:
        "../scripts/fetch_release.py"


rule ingest_release:
    """Turn the release's files into checked Parquet tables."""
    input:
        paths.release,
    output:
        events=expand(paths.events, season=seasons),
        seasons=paths.seasons,
        uptimes=paths.uptimes,
        effective_area=paths.effective_area,
        smearing=paths.smearing,
        angular_resolution=paths.angular_resolution,
    log:
        paths.log("ingest_release"),
    benchmark:
        paths.benchmark("ingest_release")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("ingest_release"),
    params:
        seasons=seasons,
        check_counts=cfg.release.check_counts,
    message:
        "Reading the events of {params.seasons}"
    script:
        "../scripts/ingest_release.py"
