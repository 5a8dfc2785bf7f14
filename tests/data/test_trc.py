"""Marker files: round trips through OpenSim, odd and broken files."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from exogait.data import DataQualityWarning, ExogaitError, FileFormatError, UnitsError
from exogait.data.trc import marker_array, marker_labels, marker_table, read_trc, write_trc
from exogait.models.opensim_api import import_opensim


@pytest.fixture
def table():
    rng = np.random.default_rng(1)
    positions = rng.standard_normal((20, 4, 3))
    positions[3:6, 2] = np.nan
    return marker_table(np.arange(20) / 100, ["RASI", "LASI", "V.Sacral", "R_Heel"], positions, name="walk")


def test_round_trip_is_bit_exact(tmp_path, table):
    write_trc(table, tmp_path / "a.trc")
    back = read_trc(tmp_path / "a.trc")
    assert np.array_equal(back.to_numpy(), table.to_numpy(), equal_nan=True)
    assert marker_labels(back) == marker_labels(table) and back.attrs["rate"] == pytest.approx(100)


def test_opensim_reads_our_file_bit_exactly(tmp_path, table):
    osim = import_opensim()
    write_trc(table, tmp_path / "a.trc")
    theirs = osim.TimeSeriesTableVec3(str(tmp_path / "a.trc"))
    assert list(theirs.getColumnLabels()) == marker_labels(table)
    got = np.array([[theirs.getRowAtIndex(r)[c].to_numpy() for c in range(4)] for r in range(20)])
    assert np.array_equal(got, marker_array(table), equal_nan=True)
    assert theirs.getTableMetaDataString("Units") == "m"


def test_millimetres_differ_by_rounding_only(tmp_path, table):
    write_trc(table, tmp_path / "a.trc", units="mm")
    back = read_trc(tmp_path / "a.trc")
    assert back.attrs["file_units"] == "mm"
    assert np.nanmax(np.abs(back.to_numpy() - table.to_numpy())) < 1e-15


@pytest.mark.parametrize(
    ("line", "new", "error", "message"),
    [
        (0, "hello", FileFormatError, "PathFileType"),
        (2, "100\t100\t20\t4\tfurlong\t100\t1\t20", UnitsError, "'furlong' is unknown"),
        (2, "100\t100\t20\t4\t100\t1\t20", FileFormatError, "8 header names and 7 values"),
        (2, "100\t100\t20\t4000000000\tm\t100\t1\t20", FileFormatError, "promises 4000000000 markers"),
        (3, "Time\tRASI", FileFormatError, "no 'Frame#"),
        (8, "3\t0.02\tdog", FileFormatError, ":9: could not convert"),
        (-1, "20\t0.19\t0.1", FileFormatError, "last row is cut off"),
    ],
)
def test_broken_files_get_one_line(tmp_path, table, line, new, error, message):
    path = tmp_path / "a.trc"
    write_trc(table, path)
    lines = path.read_text().splitlines()
    lines[line] = new
    path.write_text("\n".join(lines))
    with pytest.raises(error, match=message) as caught:
        read_trc(path)
    assert "\n" not in str(caught.value)


def test_writing_needs_metres(tmp_path, table):
    table.attrs.pop("units")
    with pytest.raises(UnitsError):
        write_trc(table, tmp_path / "a.trc")


def test_marker_table_checks_shapes():
    with pytest.raises(ValueError, match="shape"):
        marker_table([0.0], ["A"], np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match="differ"):
        marker_table([0.0], ["A", "A"], np.zeros((1, 2, 3)))


def test_edge_files_load_or_give_one_line(real_data):
    files = sorted((real_data / "edge_trc").glob("*.trc"))
    assert len(files) == 8
    refused = {}
    for path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataQualityWarning)
            try:
                read_trc(path)
            except ExogaitError as error:
                refused[path.name] = str(error)
                assert "\n" not in str(error)
    assert set(refused) == {"Empty.trc", "Truncated.trc"}


def test_unnamed_markers_are_said(real_data):
    with pytest.warns(DataQualityWarning, match="33 of 66 markers have no name"):
        table = read_trc(real_data / "edge_trc" / "Gait.trc")
    assert len(marker_labels(table)) == 66


def test_opensim_reads_a_file_whose_last_marker_is_missing(tmp_path):
    from exogait.models.opensim_api import import_opensim

    positions = np.arange(18.0).reshape(3, 2, 3)
    positions[1, 1] = np.nan
    write_trc(marker_table([0.0, 0.01, 0.02], ["A", "B"], positions), tmp_path / "gap.trc")
    table = import_opensim().TimeSeriesTableVec3(str(tmp_path / "gap.trc"))
    assert table.getNumRows() == 3
    assert np.isnan(table.getRowAtIndex(1)[1][0]) and table.getRowAtIndex(2)[1][2] == 17.0
    again = read_trc(tmp_path / "gap.trc")
    np.testing.assert_array_equal(again.to_numpy(), positions.reshape(3, -1))


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e999"])
def test_a_header_number_that_is_not_finite_is_refused(tmp_path, table, value):
    """Found by fuzzing: the number of frames read as infinity."""
    path = tmp_path / "a.trc"
    write_trc(table, path)
    lines = path.read_text().splitlines()
    numbers = lines[2].split("\t")
    numbers[lines[1].split("\t").index("NumFrames")] = value
    lines[2] = "\t".join(numbers)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(FileFormatError, match="NumFrames"):
        read_trc(path)
