# Needs events, seasons, effective area, smearing and sources, and the configuration's `skymap` block. Makes the all-sky
# map of the standard method region by region, its background trials in batches, and what follows from them.

skymap_tables = {
    what: paths.skymap(what)
    for what in ("spots", "contours", "zooms", "hottest", "hottest_trials")
    if cfg.skymap
}
skymap_parts = []
skymap_figures = ("equatorial", "galactic", "hottest")

if cfg.skymap:
    if cfg.skymap.n_zooms:
        skymap_figures += ("zooms",)

    skymap_data = {
        "events": expand(paths.events, season=seasons),
        "seasons": paths.seasons,
        "effective_area": paths.effective_area,
        "smearing": paths.smearing,
    }
    # What decides the result of a region or a trial.
    skymap_setup = {
        "grid": {
            name: getattr(cfg.skymap, name)
            for name in ("nside", "nside_coarse", "refine_above", "nside_region")
        },
        "gamma": cfg.skymap.gamma,
        "seed": cfg.seed,
        "point_spread": cfg.skymap.point_spread,
        "point_spread_gamma": cfg.skymap.point_spread_gamma or cfg.skymap.gamma,
    }
    skymap_region_files = expand(
        paths.skymap_region, region=range(12 * cfg.skymap.nside_region**2)
    )
    skymap_calibration_files = batch_files(
        paths.skymap_calibration,
        cfg.skymap.calibration_trials,
        cfg.skymap.calibration_per_batch,
    )
    skymap_sky_files = batch_files(
        paths.skymap_skies, cfg.skymap.sky_trials, cfg.skymap.skies_per_batch
    )
    skymap_parts = skymap_region_files + skymap_calibration_files + skymap_sky_files

    rule skymap_region:
        """The likelihood of a point source at every pixel of a region of the sky."""
        input:
            **skymap_data,
            kernels=ancient(paths.warm_up),
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
            mem_mb=memory("skymap_region"),
            runtime=minutes("skymap_region"),
        params:
            setup=skymap_setup,
        message:
            "Sky map, region {wildcards.region}"
        script:
            "../scripts/skymap_region.py"

    rule skymap_calibration:
        """One batch of scrambled skies at fixed declinations, for local p-values."""
        input:
            **skymap_data,
            kernels=ancient(paths.warm_up),
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
            mem_mb=memory("skymap_calibration"),
            runtime=minutes("skymap_calibration"),
        params:
            # The grid of the map changes no trial at a fixed declination.
            setup=skymap_setup | {"grid": None},
            n_declinations=cfg.skymap.calibration_declinations,
        message:
            "Sky map, background trials {wildcards.first}-{wildcards.stop}"
        script:
            "../scripts/skymap_calibration.py"

    rule skymap_skies:
        """One batch of full scrambled skies, mapped like the data: their highest spots."""
        input:
            **skymap_data,
            kernels=ancient(paths.warm_up),
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
            mem_mb=memory("skymap_skies"),
            runtime=minutes("skymap_skies"),
        params:
            setup=skymap_setup,
        message:
            "Sky map, scrambled skies {wildcards.first}-{wildcards.stop}"
        script:
            "../scripts/skymap_skies.py"

    rule skymap:
        """The map as FITS, hot spots with contours, and the hottest spot of each hemisphere corrected for the scan."""
        input:
            **skymap_data,
            kernels=ancient(paths.warm_up),
            regions=skymap_region_files,
            calibrations=skymap_calibration_files,
            skies=skymap_sky_files,
        output:
            **skymap_tables,
            fits=paths.skymap_fits,
        log:
            paths.log("skymap"),
        benchmark:
            paths.benchmark("skymap")
        conda:
            "../../environment.yml"
        threads: 2
        resources:
            mem_mb=memory("skymap"),
            runtime=minutes("skymap"),
        params:
            setup=skymap_setup,
            shown={
                name: getattr(cfg.skymap, name)
                for name in ("n_spots", "n_zooms", "zoom_width_deg")
            },
        message:
            "Sky map: hot spots"
        script:
            "../scripts/skymap.py"

    rule figures_of_skymap:
        """The map in equatorial and Galactic coordinates, the surroundings of hot spots, and the scan's correction."""
        input:
            **skymap_tables,
            fits=paths.skymap_fits,
            sources=expand(paths.sources, catalogue=list(cfg.catalogues)),
        output:
            **{
                name: report(
                    paths.figure(
                        paths.skymap_figure.format(name=name), cfg.figures.formats
                    ),
                    caption=f"../report/skymap_{name}.rst",
                )
                for name in skymap_figures
            },
        log:
            paths.log("figures/skymap"),
        benchmark:
            paths.benchmark("figures/skymap")
        conda:
            "../../environment.yml"
        threads: 1
        resources:
            mem_mb=memory("figures_of_skymap"),
            runtime=minutes("figures_of_skymap"),
        params:
            figures=cfg.figures.model_dump(),
        message:
            "Drawing the sky map of the likelihood"
        script:
            "../scripts/skymap_figures.py"

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
            mem_mb=memory("sky_viewer"),
            runtime=minutes("sky_viewer"),
        params:
            run=cfg.run,
        message:
            "Writing {output}"
        script:
            "../scripts/sky_viewer.py"
