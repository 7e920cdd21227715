# Functions of the rules' wildcards.


def batches(pattern, n_trials):
    """Input function: the files of the trials 0 ... `n_trials` - 1; only the last one may be a part of a batch."""

    def files(wildcards):
        step, total = cfg.inference.trials_per_batch, getattr(cfg.inference, n_trials)
        return batch_files(pattern, total, step, **wildcards)

    return files


def batch_files(pattern, total, step, **wildcards):
    """The files of the trials 0 ... `total` - 1 in batches of `step`."""
    return [
        pattern.format(**wildcards, first=first, stop=min(first + step, total))
        for first in range(0, total, step)
    ]


def source_limit_parts(what):
    """Input function: the files of all parts of the single sources."""

    def files(wildcards):
        parts = cfg.inference.source_jobs
        pattern = paths.source_limits_part(what)
        return [
            pattern.format(**wildcards, part=part, parts=parts) for part in range(parts)
        ]

    return files


def inference_params(wildcards):
    """What decides the result of a trial: no number of trials is among it."""
    catalogue = wildcards.get("catalogue")
    gammas = cfg.catalogues[catalogue].gammas if catalogue else [2.0, 3.0]
    block = cfg.inference
    return {
        "gammas": gammas,
        "gamma": block.gamma,
        "seed": cfg.seed,
        "point_spread": block.point_spread,
        "point_spread_gamma": block.point_spread_gamma or block.gamma,
    }


def inference_weighting(wildcards):
    return (
        cfg.catalogues[wildcards.catalogue].weightings[wildcards.weighting].model_dump()
    )


def inference_request(wildcards):
    return {
        "confidence_level": cfg.inference.confidence_level,
        "limit_method": cfg.inference.limit_method,
        "discovery_sigmas": cfg.inference.discovery_sigmas,
        "n_trials": cfg.inference.injected_trials,
    }


def inference_source_request(wildcards):
    return {
        **inference_request(wildcards),
        "limit_method": cfg.inference.source_limit_method,
        "discovery_sigmas": [],
        "n_trials": cfg.inference.source_injected_trials,
    }
