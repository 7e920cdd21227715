# What rules share: the tables of the release, functions of the rules' wildcards, and what jobs ask a cluster for.

# The likelihood of the inference and of the all-sky map is made of these.
likelihood_data = {
    "kernels": ancient(paths.warm_up),
    "events": expand(paths.events, season=contents.seasons if cfg.catalogues else []),
    "seasons": paths.seasons,
    "effective_area": paths.effective_area,
    "smearing": paths.smearing,
    "angular_resolution": paths.angular_resolution,
    # Where any source changes with time, the times of events are permuted in the skies that all searches look at.
    "uptimes": (
        paths.uptimes
        if any(map(cfg.windowed, cfg.catalogues))
        or (cfg.inference and cfg.inference.durations)
        else []
    ),
}


def requested(rule):
    """The resources of `rule`: megabytes and minutes (docs/cluster.md)."""
    return nusky.stages.estimate.request(contents, rule)


def of_catalogue(key):
    """Params function: a key of the catalogue's block."""
    return lambda wildcards: getattr(cfg.catalogues[wildcards.catalogue], key)


def time_of_lists(catalogue):
    """The block `time` of a catalogue whose lists have columns that it names, else None: it decides no table."""
    time = cfg.catalogues[catalogue].time
    return time.model_dump() if time and time.columns else None


def weighting_of(catalogue, weighting):
    return cfg.catalogues[catalogue].weightings[weighting].model_dump()


def tested_sources(wildcards):
    """Input function: the sources of a hypothesis."""
    catalogue = catalogue_of(wildcards)
    return paths.sources.format(catalogue=catalogue) if catalogue else []


def spectrum_of(catalogue):
    """The configuration's spectrum of a catalogue, or of the run."""
    return cfg.spectrum_of(catalogue).model_dump(exclude_none=True)


def spectrum_files(catalogue):
    """The files with tabulated spectra of a catalogue, or of the run."""
    return cfg.spectrum_of(catalogue).files


def light_curve_files(catalogue):
    """The files with light curves of a catalogue's sources."""
    return (
        cfg.catalogues[catalogue].time.files
        if catalogue and cfg.windowed(catalogue)
        else []
    )


def catalogue_of(wildcards):
    """The catalogue of a hypothesis; None where it has none."""
    return (wildcards.hypothesis.split("/") + [None])[1]


def inference_setup(wildcards):
    """What decides the result of a trial: no number of trials is among it."""
    catalogue, block = catalogue_of(wildcards), cfg.inference
    return {
        "gammas": cfg.catalogues[catalogue].gammas if catalogue else [2.0, 3.0],
        "spectrum": spectrum_of(catalogue),
        "gamma": block.gamma,
        "hadronic_relation": block.hadronic_relation,
        "seed": cfg.seed,
    }


def inference_hypothesis(wildcards):
    kind, *rest = wildcards.hypothesis.split("/")
    about = {"name": wildcards.hypothesis}
    if kind == "stack":
        about["weighting"] = weighting_of(*rest)
    if rest and cfg.windowed(rest[0]):
        about["time"] = cfg.catalogues[rest[0]].time.model_dump()
    if kind == "declinations":
        about["declinations_deg"] = cfg.inference.declinations_deg
    if kind == "durations":
        about["durations"] = cfg.inference.durations.model_dump()
    return about


def inference_request(wildcards):
    block = cfg.inference
    alone = wildcards.hypothesis.startswith("sources/")
    return {
        "confidence_level": block.confidence_level,
        "limit_method": block.source_limit_method if alone else block.limit_method,
        "discovery_sigmas": [] if alone else block.discovery_sigmas,
        "n_trials": block.source_injected_trials if alone else block.injected_trials,
    }


def trials_of(skies):
    """Input function: all trials that a job on a hypothesis reads; none where it puts batches of sources together."""
    return lambda wildcards: (
        []
        if contents.parts(wildcards.hypothesis)
        else contents.trials(wildcards.hypothesis, skies)
    )


def parts_of(what):
    """Input function: a table of the batches of sources that are put together, where there are some."""
    return lambda wildcards: contents.part_tables(wildcards.hypothesis, what)


def limits_parts(what):
    """Input function: the files of all parts of the single sources."""
    return lambda wildcards: contents.limits_parts(what, wildcards.hypothesis)


def only_of(kind, what):
    """A table of the hypotheses of one kind, where those of others have more or fewer."""
    names = {
        "stack": r"stack/[^/]+/[^/]+",
        "sources": r"sources/[^/]+",
        "batch": r"sources/[^/]+/\d+-of-\d+",
    }
    return paths.inference(what).replace(
        "{hypothesis}", f"{{hypothesis,{names[kind]}}}"
    )
