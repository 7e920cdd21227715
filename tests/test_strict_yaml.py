"""Configurations that are broken or mean harm."""

import time

import pytest

from nusky import config, strict_yaml
from nusky.errors import ConfigurationError

MERGES = "a0: &a0 {k: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{f'*a{i - 1},' * 9}]}}\n" for i in range(1, 9))
ALIASES = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 9}]\n" for i in range(1, 9))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MERGES, "merge keys (<<) are not supported; write the keys out"),
        (ALIASES, "its references (*name) make more than 1000000 values"),
        ("run: &a [*a]\n", "its references (*name) make more than"),
        ("run: a\nseed: 1\nrun: b\n", "the key 'run' stands here twice; keep one"),
        ("scan: {n_steps: 5, n_steps: 6}\n", "the key 'n_steps' stands here twice"),
        ("run: !!python/object/apply:os.system [echo]\n", "could not determine a constructor for the tag"),
        ("run: !include secret\n", "could not determine a constructor for the tag"),
        ("run: 2024-99-99\n", "a value cannot be understood (month must be in 1..12)"),
        ("seed: " + "9" * 5000 + "\n", "a value cannot be understood (Exceeds the limit"),
        ("[" * 5000, "nested too deeply"),
        ("? [a]\n: b\n", "found unhashable key"),
        ("run: \x07\n", "special characters are not allowed"),
        ("run: a\n---\nrun: b\n", "expected a single document"),
    ],
)
def test_refused(tmp_path, text, message):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    start = time.process_time()
    with pytest.raises(ConfigurationError) as caught:
        config.load(path)
    assert time.process_time() - start < 10
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("run: a\n".encode("utf-16"), r"c\.yaml: is UTF-16 text\. Save it as UTF-8"),
        (b"run: a\nseed: \xe9\n", r"c\.yaml, line 2: byte 0xe9 is no UTF-8 text"),
        (b"#" * (config.MAX_FILE_BYTES + 1), "holds more than 1048576 bytes"),
    ],
)
def test_files_that_are_no_text(tmp_path, content, message):
    (tmp_path / "c.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        config.load(tmp_path / "c.yaml")


def test_long_lists_of_problems_are_cut():
    with pytest.raises(ConfigurationError) as caught:
        config.parse({"run": "x" * 10**6 + " ", **{f"k{i}": 1 for i in range(1000)}})
    assert "and 98" in str(caught.value)
    assert len(str(caught.value)) < 10_000


@pytest.mark.parametrize("gamma", [-2.0, -2, "-2.0"])
def test_a_minus_sign_before_an_index_is_explained_in_numbers_and_in_text(gamma):
    with pytest.raises(ConfigurationError, match="the flux falls as E\\^-gamma: leave the minus sign out"):
        config.parse({"run": "x", "catalogues": {"wcda-hess": {"gammas": [gamma]}}})


def test_anchors_and_a_byte_order_mark_are_welcome(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("\ufeffrun: x\ncatalogues:\n  wcda-hess: {gammas: &g [2.0, 2.5]}\n  km2a-hess: {gammas: *g}\n")
    assert config.load(path).catalogues["km2a-hess"].gammas == [2.0, 2.5]
    assert strict_yaml.load("- &a 1\n- *a\n", "x") == [1, 1]


@pytest.mark.parametrize("value", ["5:34", "-1:12", "12:30:45.5", "0123", "0x1F", "0b11", "1_000", "+0_7", "190:20:30"])
@pytest.mark.parametrize("form", ["ra_deg: {}", "[1, {}]", "{{a: {{b: {}}}}}", "{}: x"])
def test_numbers_that_yaml_would_take_otherwise_are_refused(value, form):
    with pytest.raises(ConfigurationError, match="is no plain decimal number"):
        strict_yaml.load(form.format(value), "c.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("-0.5", -0.5), ("083.6", 83.6), ("1.5e+3", 1500.0), (".5", 0.5), ("'5:34'", "5:34"), ("0", 0)],
)
def test_plain_numbers_and_text_are_what_they_look_like(text, value):
    assert strict_yaml.load(f"a: {text}", "c.yaml") == {"a": value}
