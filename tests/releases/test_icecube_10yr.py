import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.errors import ReleaseError
from nusky.releases import icecube_10yr
from nusky.releases.registry import ICECUBE_10YR
from nusky.releases.schemas import EVENT_COLUMNS
from nusky.releases.text import read_numbers
from tests import release_files as files


def read(root, *seasons, check_counts=True):
    return icecube_10yr.read(root, ICECUBE_10YR, seasons or (files.season(),), check_counts)


@pytest.fixture
def root(tmp_path):
    return files.write_ten_year(tmp_path)


@pytest.fixture
def events(root):
    return root / "events" / "IC40_exp.csv"


class TestTables:
    def test_events_keep_order_and_numbers(self, root):
        table = read(root).events["IC40"]
        assert table.column_names == list(EVENT_COLUMNS.values())
        assert table["mjd"].to_pylist() == [54562.37911273, 54562.38662244, 54562.39]
        assert table["dec_deg"].to_pylist() == [16.76, -13.371, -89.044]
        assert table["zenith_deg"].to_pylist() == [106.712, 76.646, 1.009]

    def test_livetime_is_the_sum_of_runs_and_span_runs_from_first_to_last(self, root):
        (row,) = read(root).seasons.to_pylist()
        assert row["livetime_s"] == pytest.approx(1.25 * 86400, abs=1e-4)
        assert row["span_s"] == pytest.approx(1.30 * 86400, abs=1e-4)
        assert (row["n_events"], row["response"], row["livetime_origin"]) == (3, "IC40", "uptimes")

    def test_seasons_that_share_a_response_get_one_effective_area(self, tmp_path):
        names = ("IC86_II", "IC86_V", "IC40")
        files.write_ten_year(tmp_path, names)
        release = read(tmp_path, *map(files.season, names))
        assert release.effective_area["response"].to_pylist() == ["IC86_II"] * 4 + ["IC40"] * 4
        assert release.effective_area["aeff_cm2"].to_pylist() == [0, 1500, 12.5, 2500] * 2
        assert release.uptimes["season"].to_pylist() == ["IC86_II"] * 2 + ["IC86_V"] * 2 + ["IC40"] * 2
        assert list(release.events) == list(names)

    def test_empty_cells_of_the_smearing_are_left_out(self, root):
        smearing = read(root).smearing
        assert smearing["fraction"].to_pylist() == [0.75, 0.25]
        assert smearing["ang_err_max_deg"].to_pylist() == [0.2, 0.5]
        (root / "irfs" / "IC40_smearing.csv").unlink()
        assert read(root).smearing == smearing.slice(0, 0)

    @pytest.mark.parametrize("folder", ["", "inner", "a/icecube_10year_ps"])
    def test_root_is_found_below_the_archive(self, tmp_path, folder):
        files.write_ten_year(tmp_path / folder)
        assert icecube_10yr.find_root(tmp_path) == tmp_path / folder

    def test_another_folder_is_refused(self, tmp_path):
        (tmp_path / "events").mkdir()
        with pytest.raises(ReleaseError, match="not the ten-year release: no folder in it holds"):
            icecube_10yr.find_root(tmp_path)

    def test_files_needed(self, root):
        seasons = [files.season("IC40"), files.season("IC86_II"), files.season("IC86_III")]
        assert icecube_10yr.required_files(root, ICECUBE_10YR, seasons) == [
            *(f"{part}/{name}_exp.csv" for name in ("IC40", "IC86_II", "IC86_III") for part in ("events", "uptime")),
            *("irfs/IC40_effectiveArea.csv", "irfs/IC86_II_effectiveArea.csv"),
            *("irfs/IC40_smearing.csv", "irfs/IC86_II_smearing.csv"),
        ]


class TestText:
    """The reader of the text tables, on an events file."""

    @pytest.mark.parametrize(("old", "new"), [("\n", "\r\n"), ("#  ", "\ufeff#  "), ("1.009\n", "1.009\n\n  \n\n")])
    def test_harmless_variants(self, root, events, old, new):
        before = read(root).events["IC40"]
        events.write_bytes(events.read_text().replace(old, new).encode())
        assert read(root).events["IC40"] == before

    @pytest.mark.parametrize("text", ["abc", "nan", "-inf", "1e400", "1_0", "0x10", "1,5", "١"])
    def test_what_is_no_finite_number_is_named_with_line_and_column(self, root, events, text):
        events.write_text(events.read_text().replace("75.024", text), encoding="utf-8")
        with pytest.raises(ReleaseError) as caught:
            read(root)
        assert f"{events}, line 3, column RA[deg]: {text!r} is not a finite number" in str(caught.value)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("76.646", "", r"line 3: column Zenith\[deg\] is empty: 7 values are expected, found 6"),
            ("76.646", "76.646 1.0", "line 3: 7 values are expected, found 8"),
            ("-13.371", "\n-13.371", r"line 3: column Dec\[deg\] is empty: 7 values are expected, found 4"),
            ("   54562.39000000", "\n   54562.39000000", r"line 4: column MJD\[days\] is empty: .* found 0"),
            ("1.009\n", "1.0", "line 4: the last line does not end, so the file looks truncated"),
            ("AngErr[deg]", "", r"line 1: column AngErr\[deg\] is missing. Expected the header '# MJD"),
            ("RA[deg]      Dec[deg]", "Dec[deg] RA[deg]", "line 1: the columns are others"),
            ("#", "", "line 1: the columns are others"),
        ],
    )
    def test_damaged_lines(self, root, events, old, new, message):
        events.write_text(events.read_text().replace(old, new))
        with pytest.raises(ReleaseError, match=message) as caught:
            read(root)
        assert str(events) in str(caught.value)

    @pytest.mark.parametrize("end", [b"\n", b"\r\n"])
    @pytest.mark.parametrize("old", ["106.712\n", "76.646\n"])
    def test_rows_behind_a_lone_carriage_return_are_not_lost(self, root, events, old, end):
        text = events.read_text().replace(old, old.replace("\n", "\r")) + "\n"
        events.write_bytes(text.encode().replace(b"\n", end))
        with pytest.raises(ReleaseError, match=r"line \d: holds the control character 0x0d, so it is no plain text"):
            read(root)

    @pytest.mark.parametrize("control", ["\x00", "\x0b", "\x0c", "\x1c", "\x1e"])
    def test_control_characters_are_refused(self, root, events, control):
        events.write_text(events.read_text().replace(" 76.646", control + "76.646"))
        with pytest.raises(ReleaseError, match=rf"line 3: holds the control character 0x{ord(control):02x}"):
            read(root)

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
    def test_wide_encodings_are_refused(self, root, events, encoding):
        events.write_bytes(events.read_text().encode(encoding))
        with pytest.raises(ReleaseError, match=r"line 1: column MJD\[days\] is missing"):
            read(root)

    def test_empty_binary_and_missing_files(self, root, events):
        events.write_bytes(b"")
        with pytest.raises(ReleaseError, match="line 1: column MJD"):
            read(root)
        events.write_bytes(files.EVENT_HEADER.encode() + b"\xff\x00\x81\n")
        with pytest.raises(ReleaseError, match="line 2: holds the control character 0x00"):
            read(root)
        events.unlink()
        with pytest.raises(ReleaseError, match=r"IC40_exp\.csv: cannot be read"):
            read(root)

    def test_table_without_rows(self, root, events):
        events.write_text(files.EVENT_HEADER)
        assert read(root, check_counts=False).events["IC40"].num_rows == 0

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.floats(50000, 60000),
                st.floats(-1, 9),
                st.floats(0, 180, exclude_min=True),
                st.floats(0, 360),
                st.floats(-90, 90),
                st.floats(0, 360),
                st.floats(0, 180),
            ),
            max_size=20,
        )
    )
    def test_any_valid_events_are_read_back_exactly(self, tmp_path_factory, rows):
        lines = "".join("   ".join(map(repr, row)) + "\n" for row in rows)
        root = files.write_ten_year(tmp_path_factory.mktemp("r"), events=lines)
        table = read(root, check_counts=False).events["IC40"]
        assert [tuple(row.values()) for row in table.to_pylist()] == rows


class TestContent:
    """Numbers that are numbers but cannot be right."""

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("75.024", "400.0", "line 3, column ra_deg: 400 is outside the allowed range, 0 to 360"),
            ("-13.371", "-90.5", "line 3, column dec_deg: -90.5 is outside the allowed range, -90 to 90"),
            ("0.62", "0.00", "line 3, column ang_err_deg: 0 is outside the allowed range, above 0, up to 180"),
            ("106.712", "181.0", "line 2, column zenith_deg: 181 is outside"),
            ("54562.37911273", "2454562.8", "line 2, column mjd: 2454562.8 is outside"),
        ],
    )
    def test_events_out_of_range(self, root, events, old, new, message):
        events.write_text(events.read_text().replace(old, new))
        with pytest.raises(ReleaseError, match=message) as caught:
            read(root)
        assert str(events) in str(caught.value)

    def test_the_first_bad_line_is_named_and_all_are_counted(self, root, events):
        events.write_text(events.read_text().replace("0.48", "0.00").replace("0.20", "-1.0"))
        with pytest.raises(ReleaseError, match=r"line 2, column ang_err_deg: 0 .* \(2 bad row\(s\) in all\)"):
            read(root)

    def test_wrong_number_of_events(self, root):
        season = files.season(n_events=4)
        with pytest.raises(ReleaseError, match=r"IC40 has 3 events, the release has 4\..*release.check_counts: false"):
            read(root, season)
        assert read(root, season, check_counts=False).seasons["n_events"].to_pylist() == [3]

    def test_run_of_negative_length(self, root):
        path = root / "uptime" / "IC40_exp.csv"
        path.write_text(path.read_text().replace("54563.30000000", "54562.20000000"))
        with pytest.raises(ReleaseError, match=r"line 3, column stop_mjd: 54562\.2 is not above start_mjd = 54562\.3"):
            read(root)

    def test_lost_runs_are_noticed(self, root):
        path = root / "uptime" / "IC40_exp.csv"
        path.write_text("\n".join(path.read_text().split("\n")[:2]) + "\n")
        with pytest.raises(ReleaseError, match=r"sum to 21600.00 s, in release icecube-10yr to 108000.00 s"):
            read(root)
        assert read(root, check_counts=False).seasons["livetime_s"].to_pylist() == pytest.approx([21600])
        path.write_text(files.UPTIME_HEADER)
        with pytest.raises(ReleaseError, match="lists no good run"):
            read(root, check_counts=False)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("1500.00", "-1.0", "line 3, column aeff_cm2: -1 is outside"),
            ("2.20 2.40   0.00", "2.40 2.20   0.00", "line 5, column log10_energy_max_gev: 2.2 is not above"),
            (" 2.00 2.20   0.00  90.00   12.50\n", "", "3 rows do not form one complete grid"),
            ("2.20 2.40   0.00", "2.00 2.20   0.00", "4 rows do not form one complete grid"),
        ],
    )
    def test_effective_area(self, root, old, new, message):
        path = root / "irfs" / "IC40_effectiveArea.csv"
        path.write_text(path.read_text().replace(old, new))
        with pytest.raises(ReleaseError, match=message) as caught:
            read(root)
        assert str(path) in str(caught.value)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("0.25\n", "1.25\n", "line 4, column fraction: 1.25 is outside the allowed range, 0 to 1"),
            ("0.2 0.5", "0.5 0.2", "line 4, column ang_err_max_deg: 0.2 is below ang_err_min_deg = 0.5"),
        ],
    )
    def test_smearing_lines_are_those_of_the_file(self, root, old, new, message):
        path = root / "irfs" / "IC40_smearing.csv"
        path.write_text(files.SMEARING_HEADER + files.SMEARING.replace(old, new))
        with pytest.raises(ReleaseError, match=message):
            read(root)


@pytest.fixture(scope="module")
def real(validation_data):
    return icecube_10yr.find_root(validation_data / "icecube_10year_ps")


def test_real_seasons(real):
    seasons = ICECUBE_10YR.select(["IC40", "IC79", "IC86_I"])
    release = icecube_10yr.read(real, ICECUBE_10YR, seasons, check_counts=True)
    for row, season in zip(release.seasons.to_pylist(), seasons, strict=True):
        assert row["n_events"] == release.events[season.name].num_rows == season.n_events
        assert row["livetime_s"] == pytest.approx(season.livetime_s, abs=0.01)
        assert row["span_s"] == pytest.approx(season.span_s, abs=0.01)
    oracle = np.loadtxt(real / "events" / "IC79_exp.csv")
    np.testing.assert_array_equal(np.column_stack(release.events["IC79"].to_pandas().to_numpy().T), oracle)
    assert release.effective_area.num_rows == 3 * 40 * 50


def test_all_real_uptimes_give_the_published_livetimes(real):
    for season in ICECUBE_10YR.seasons:
        runs = read_numbers(real / "uptime" / f"{season.name}_exp.csv", icecube_10yr.UPTIME_COLUMNS)
        assert 86400 * (runs["stop_mjd"] - runs["start_mjd"]).sum() == pytest.approx(season.livetime_s, abs=0.01)
