"""What columns of the tables of a run are called in the report."""

FLUX_UNIT = "GeV cm⁻² s⁻¹"
TITLES = {
    "name": "source",
    "origin": "list",
    "weighting": "weights",
    "n_sources": "sources",
    "ra_deg": "RA [deg]",
    "dec_deg": "Dec [deg]",
    "gamma": "γ",
    "test_statistic": "TS",
    "ts_max": "TS max",
    "p_local": "local p",
    "n_signal": "events",
    "n_signal_error": "error",
    "method": "construction",
    "confidence_level": "level",
    "e2dnde_gev_cm2_s": f"E² dN/dE [{FLUX_UNIT}]",
    "e2dnde_100tev_gev_cm2_s": f"E² dN/dE at 100 TeV [{FLUX_UNIT}]",
    "e2_fluence_100tev_gev_cm2": "E² F at 100 TeV [GeV cm⁻²]",
    "energy_min_gev": "from [GeV]",
    "energy_max_gev": "to [GeV]",
    "signal_energy_min68_gev": "68 % of the signal from [GeV]",
    "signal_energy_max68_gev": "to [GeV]",
    "limit_e2dnde_100tev_gev_cm2_s": f"limit, E² dN/dE at 100 TeV [{FLUX_UNIT}]",
    "limit_e2_fluence_100tev_gev_cm2": "limit, E² F at 100 TeV [GeV cm⁻²]",
    "limit_n_signal": "limit [events]",
    "start_mjd": "from MJD",
    "stop_mjd": "to MJD",
    "lag_days": "lag [d]",
    "duration_s": "duration [s]",
    "n_trials": "trials",
    "n_sky_trials": "skies",
}


def titled(keys: str, **own: str) -> dict[str, str]:
    """The columns `keys`, separated by blanks, with their titles: `own` ones, those of `TITLES`, or their names."""
    return {key: own.get(key) or TITLES.get(key) or key.replace("_", " ") for key in keys.split()}
