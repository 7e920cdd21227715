# Needs the configuration's `bdm` block. Makes bdm/*.parquet, two HEALPix maps and the figures of boosted dark matter.

from nusky.config import DETECTORS
from nusky.stages import bdm_figures


rule bdm_warm_up:
    """Compile the kernels of boosted dark matter once: parallel jobs would race to write the same cache."""
    output:
        paths.bdm_warm_up,
    log:
        paths.log("bdm/warm_up"),
    benchmark:
        paths.benchmark("bdm/warm_up")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("bdm_warm_up"),
    message:
        "Compiling kernels of boosted dark matter"
    script:
        "../scripts/bdm_warm_up.py"


rule bdm_sky_map:
    """Sky map of boosted dark matter for a constant cross section, as a grid and as HEALPix maps."""
    input:
        kernels=ancient(paths.bdm_warm_up),
    output:
        grid=paths.bdm_sky_map,
        healpix=expand(paths.bdm_healpix, method=["published", "standard"]),
    log:
        paths.log("bdm/sky_map"),
    benchmark:
        paths.benchmark("bdm/sky_map")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("bdm_sky_map"),
    params:
        supernovae=lambda wildcards: origins.of_supernovae(),
        bdm=cfg.bdm.settings("n_l", "n_b", "nside"),
    message:
        "Sky map of boosted dark matter"
    script:
        "../scripts/bdm_sky_map.py"


rule bdm_cross_sections:
    """Cross sections of the particle model with neutrinos, electrons and a nucleus."""
    input:
        kernels=ancient(paths.bdm_warm_up),
    output:
        differential=paths.bdm_differential,
        targets=paths.bdm_targets,
    log:
        paths.log("bdm/cross_sections"),
    benchmark:
        paths.benchmark("bdm/cross_sections")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("bdm_cross_sections"),
    params:
        supernovae=lambda wildcards: origins.of_supernovae(),
        bdm=cfg.bdm.settings(
            "model", "n_angles", "sigma_tx_min_mev", "sigma_tx_max_mev", "n_sigma"
        ),
    message:
        "Cross sections of dark matter"
    script:
        "../scripts/bdm.py"


use rule bdm_cross_sections as bdm_light_curve with:
    """Flux of boosted dark matter from the whole sky until it ends."""
    output:
        paths.bdm_light_curve,
    log:
        paths.log("bdm/light_curve"),
    benchmark:
        paths.benchmark("bdm/light_curve")
    resources:
        **requested("bdm_light_curve"),
    params:
        bdm=cfg.bdm.settings("model", "n_times"),
    message:
        "Light curve of boosted dark matter"


use rule bdm_cross_sections as bdm_events with:
    """Events per electron over the mass of dark matter."""
    output:
        paths.bdm_events,
    log:
        paths.log("bdm/events"),
    benchmark:
        paths.benchmark("bdm/events")
    resources:
        **requested("bdm_events"),
    params:
        bdm=cfg.bdm.settings(
            "duration_yr",
            "tx_min_mev",
            "tx_max_mev",
            "model",
            "mx_min_mev",
            "mx_max_mev",
            "n_masses",
        ),
    message:
        "Events of boosted dark matter"


rule bdm_numbers:
    """One number for each result, published and standard, and the example with replaced cross sections."""
    input:
        kernels=ancient(paths.bdm_warm_up),
        sky_map=paths.bdm_sky_map,
    output:
        paths.bdm_numbers,
    log:
        paths.log("bdm/numbers"),
    benchmark:
        paths.benchmark("bdm/numbers")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("bdm_numbers"),
    params:
        supernovae=lambda wildcards: origins.of_supernovae(),
        bdm=cfg.bdm.settings(
            "duration_yr",
            "tx_min_mev",
            "tx_max_mev",
            "model",
            "override",
            "n_l",
            "n_b",
        ),
    message:
        "Numbers of boosted dark matter"
    script:
        "../scripts/bdm_numbers.py"


rule bdm_figures:
    """All figures of boosted dark matter, published and standard side by side."""
    input:
        **({"exclusion": paths.bdm_exclusion} if cfg.bdm.exclusion else {}),
        sky_map=paths.bdm_sky_map,
        differential=paths.bdm_differential,
        targets=paths.bdm_targets,
        light_curve=paths.bdm_light_curve,
        events=paths.bdm_events,
        numbers=paths.bdm_numbers,
    output:
        **{
            name: report(
                paths.figure(f"bdm/{name}", cfg.figures.formats),
                caption=f"../report/bdm_{name}.rst",
            )
            for name in bdm_figures.of_run(cfg.bdm)
        },
    log:
        paths.log("figures/bdm"),
    benchmark:
        paths.benchmark("figures/bdm")
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **requested("bdm_figures"),
    params:
        bdm=cfg.bdm.settings(
            "duration_yr", "tx_min_mev", "tx_max_mev", "model", "exclusion"
        ),
        figures=cfg.figures.model_dump(),
    message:
        "Drawing boosted dark matter"
    script:
        "../scripts/bdm_figures.py"


if cfg.bdm.exclusion:

    use rule bdm_cross_sections as bdm_exclusion with:
        """Limits of detectors on boosted dark matter over the mass."""
        input:
            kernels=ancient(paths.bdm_warm_up),
            detectors=[
                ancient(name)
                for name in cfg.bdm.exclusion.detectors
                if name not in DETECTORS
            ],
        output:
            paths.bdm_exclusion,
        log:
            paths.log("bdm/exclusion"),
        benchmark:
            paths.benchmark("bdm/exclusion")
        resources:
            **requested("bdm_exclusion"),
        params:
            detectors=lambda wildcards: origins.of_detectors(
                cfg.bdm.exclusion.detectors
            ),
            bdm=cfg.bdm.settings("model", "exclusion"),
        message:
            "Limits of detectors on boosted dark matter"
