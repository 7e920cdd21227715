import pytest

from nusky.suggestions import did_you_mean

KNOWN = ["flux", "Flux_error", "ra_deg", "extension_deg"]


@pytest.mark.parametrize(
    ("name", "meant"), [("flx", "flux"), ("FLUX_ERR", "Flux_error"), ("extention_deg", "extension_deg"), ("dec", None)]
)
def test_the_known_name_most_like_it_is_asked_for(name, meant):
    assert did_you_mean(name, KNOWN) == (f" Did you mean '{meant}'?" if meant else "")


def test_likeness_is_a_matter_of_the_cutoff():
    assert did_you_mean("fluence", KNOWN, cutoff=0.9) == ""
    assert did_you_mean("fluence", KNOWN, cutoff=0.5) == " Did you mean 'flux'?"
