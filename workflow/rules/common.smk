# Functions of the rules' wildcards.


def batches(pattern, n_trials):
    """Input function: the files of the trials 0 ... `n_trials` - 1; only the last one may be a part of a batch."""

    def files(wildcards):
        step, total = cfg.inference.trials_per_batch, getattr(cfg.inference, n_trials)
        return [
            pattern.format(**wildcards, first=first, stop=min(first + step, total))
            for first in range(0, total, step)
        ]

    return files


def inference_params(wildcards):
    """What decides the result of a trial: no number of trials is among it."""
    catalogue = wildcards.get("catalogue")
    gammas = cfg.catalogues[catalogue].gammas if catalogue else [2.0, 3.0]
    return {"gammas": gammas, "gamma": cfg.inference.gamma, "seed": cfg.seed}


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
