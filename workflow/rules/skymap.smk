# Needs events, seasons, effective area, smearing and sources, and the configuration's `skymap` block. Makes the all-sky
# map of the standard method region by region, its background trials in batches, and what follows from them.

# What decides the result of a region or a trial.
skymap_setup = {
    "grid": {
        name: getattr(cfg.skymap, name)
        for name in ("nside", "nside_coarse", "refine_above", "nside_region")
    },
    "gamma": cfg.skymap.gamma,
    "spectrum": spectrum_of(None),
    "seed": cfg.seed,
}


rule skymap_region:
    """The likelihood of a point source at every pixel of a region of the sky."""
    input:
        **likelihood_data,
    output:
        paths.skymap_region,
    log:
        paths.log("skymap_region/{region}"),
    benchmark:
        paths.benchmark("skymap_region/{region}")
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        **requested("skymap_region"),
    params:
        setup=skymap_setup,
    message:
        "Sky map, region {wildcards.region}"
    script:
        "../scripts/skymap_region.py"


rule skymap_calibration:
    """One batch of scrambled skies at fixed declinations, for local p-values."""
    input:
        **likelihood_data,
    output:
        paths.skymap_calibration,
    log:
        paths.log("skymap_calibration/{first}-{stop}"),
    benchmark:
        paths.benchmark("skymap_calibration/{first}-{stop}")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("skymap_calibration"),
    params:
        # The grid of the map changes no trial at a fixed declination.
        setup=skymap_setup | {"grid": None},
        spacing_deg=cfg.skymap.calibration_spacing_deg,
    message:
        "Sky map, background trials {wildcards.first}-{wildcards.stop}"
    script:
        "../scripts/skymap_calibration.py"


rule skymap_skies:
    """One batch of full scrambled skies, mapped like the data: their highest spots."""
    input:
        **likelihood_data,
    output:
        paths.skymap_skies,
    log:
        paths.log("skymap_skies/{first}-{stop}"),
    benchmark:
        paths.benchmark("skymap_skies/{first}-{stop}")
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        **requested("skymap_skies"),
    params:
        setup=skymap_setup,
    message:
        "Sky map, scrambled skies {wildcards.first}-{wildcards.stop}"
    script:
        "../scripts/skymap_skies.py"


rule skymap:
    """The map as FITS, hot spots with contours, and the hottest spot of each hemisphere corrected for the scan."""
    input:
        **likelihood_data,
        **contents.skymap_parts,
    output:
        **contents.skymap_tables,
        fits=paths.skymap_fits,
    log:
        paths.log("skymap"),
    benchmark:
        paths.benchmark("skymap")
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        **requested("skymap"),
    params:
        setup=skymap_setup,
        shown={
            name: getattr(cfg.skymap, name)
            for name in ("n_spots", "n_zooms", "zoom_width_deg", "tail_p_values")
        },
    message:
        "Sky map: hot spots"
    script:
        "../scripts/skymap.py"


rule sky_viewer:
    """The map as one interactive HTML page, with hot spots and the sources of the catalogues."""
    input:
        fits=paths.skymap_fits,
        spots=paths.skymap("spots"),
        contours=paths.skymap("contours"),
        sources=expand(paths.sources, catalogue=list(cfg.catalogues)),
    output:
        paths.sky_viewer,
    log:
        paths.log("sky_viewer"),
    benchmark:
        paths.benchmark("sky_viewer")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("sky_viewer"),
    params:
        run=cfg.run,
    message:
        "Writing {output}"
    script:
        "../scripts/sky_viewer.py"
