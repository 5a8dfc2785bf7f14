"""Storage files: round trips through OpenSim itself, header rules, clear errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exogait.data import DataQualityWarning, FileFormatError, UnitsError, UnknownNameError
from exogait.data.storage import read_mot, read_sto, to_degrees, to_radians, write_mot, write_sto
from exogait.data.trial import GaitTrial
from exogait.models import build
from exogait.models.opensim_api import import_opensim


def random_table(rows: int = 101, columns: int = 3, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-12, 12, (rows, columns))
    names = pd.Index([f"c{number}" for number in range(columns)])
    return pd.DataFrame(values, index=pd.Index(np.arange(rows) / 100.0, name="time"), columns=names)


def test_round_trip_is_bit_exact(tmp_path):
    table = random_table()
    write_mot(table, tmp_path / "a.mot", name="Coordinates", in_degrees=True)
    back = read_mot(tmp_path / "a.mot")
    assert np.array_equal(back.to_numpy(), table.to_numpy())
    assert np.array_equal(back.index, table.index)
    assert back.attrs["name"] == "Coordinates" and back.attrs["in_degrees"] is True


@pytest.mark.parametrize("degrees", [True, False])
def test_opensim_reads_our_file_bit_exactly(tmp_path, degrees):
    osim = import_opensim()
    table, path = random_table(), str(tmp_path / "a.mot")
    write_sto(table, path, name="Coordinates", in_degrees=degrees)
    theirs = osim.TimeSeriesTable(path)
    got = np.array([[theirs.getRowAtIndex(r)[c] for c in range(3)] for r in range(theirs.getNumRows())])
    assert np.array_equal(got, table.to_numpy())
    assert list(theirs.getIndependentColumn()) == list(table.index)
    old = osim.Storage(path)
    assert old.isInDegrees() is degrees and old.getName() == "Coordinates" and old.getSize() == len(table)
    column = osim.ArrayDouble()
    old.getDataColumn("c1", column)
    assert [column.get(k) for k in range(column.getSize())] == table["c1"].tolist()


def test_we_read_opensims_files_bit_exactly(tmp_path):
    osim = import_opensim()
    table, path = random_table(seed=3), str(tmp_path / "a.sto")
    write_sto(table, path, in_degrees=False)
    theirs = osim.TimeSeriesTable(path)
    osim.STOFileAdapter.write(theirs, str(tmp_path / "b.sto"))
    back = read_sto(tmp_path / "b.sto", in_degrees=False)
    again = osim.TimeSeriesTable(str(tmp_path / "b.sto"))
    got = np.array([[again.getRowAtIndex(r)[c] for c in range(3)] for r in range(again.getNumRows())])
    assert np.array_equal(back.to_numpy(), got)


def test_header_rules_agree_with_opensim(tmp_path):
    osim = import_opensim()
    headers = {
        "key_yes.mot": "x\nversion=1\nnRows=2\nnColumns=2\ninDegrees=yes\nendheader",
        "key_no.mot": "x\nversion=1\nnRows=2\nnColumns=2\ninDegrees=no\nendheader",
        "simm.mot": "name x\ndatacolumns 2\ndatarows 2\nrange 0 1\nendheader",
        "words.sto": "x\nnRows=2\nnColumns=2\nAngles are in degrees.\nendheader",
    }
    for name, header in headers.items():
        path = tmp_path / name
        path.write_text(header + "\ntime\ta\n0\t1\n1\t2\n")
        assert read_sto(path).attrs["in_degrees"] == osim.Storage(str(path)).isInDegrees(), name


def test_a_version_header_without_the_key_is_an_error_not_a_guess(tmp_path):
    path = tmp_path / "a.mot"
    path.write_text("x\nversion=1\nnRows=1\nnColumns=2\nendheader\ntime\ta\n0\t1\n")
    with pytest.raises(UnitsError, match="units unknown"):
        read_sto(path)
    assert read_sto(path, in_degrees=False).attrs["in_degrees"] is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no 'endheader'"),
        ("x\nnRows=1\n", "no 'endheader'"),
        ("x\ninDegrees=no\nendheader\n", "ends after its header"),
        ("x\ninDegrees=no\nendheader\ntime\ta\n0\n", ":5: 1 values where 2 columns"),
        ("x\ninDegrees=no\nendheader\ntime\ta\n0\tdog\n", ":5: 'dog' is no number"),
        ("x\ninDegrees=no\nendheader\nt\ta\n0\t1\n", "no column 'time'"),
        ("x\nnRows=many\ninDegrees=no\nendheader\ntime\ta\n0\t1\n", "nRows=many"),
    ],
)
def test_broken_files_get_one_line(tmp_path, text, message):
    path = tmp_path / "a.sto"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=message) as caught:
        read_sto(path)
    assert "\n" not in str(caught.value)


def test_fewer_rows_than_promised_warns(tmp_path):
    path = tmp_path / "a.sto"
    path.write_text("x\nnRows=9\ninDegrees=no\nendheader\ntime\ta\n0\t1\n")
    with pytest.warns(DataQualityWarning, match="promises 9 rows, the table holds 1"):
        assert len(read_sto(path)) == 1


def test_windows_nan_is_read(tmp_path):
    path = tmp_path / "a.sto"
    path.write_text("x\ninDegrees=no\nendheader\ntime\ta\n0\t-1.#IND\n1\t2\n")
    assert np.isnan(read_sto(path)["a"].iloc[0])


def test_missing_values_are_refused_unless_asked_for(tmp_path):
    table = random_table(3, 2)
    table.iloc[1, 1] = np.nan
    with pytest.raises(ValueError, match=r"c1 is nan at t = 0\.0100 s"):
        write_sto(table, tmp_path / "a.sto", in_degrees=False)
    write_sto(table, tmp_path / "a.sto", in_degrees=False, allow_nan=True)
    assert np.isnan(read_sto(tmp_path / "a.sto").iloc[1, 1])
    osim = import_opensim()
    assert np.isnan(osim.TimeSeriesTable(str(tmp_path / "a.sto")).getRowAtIndex(1)[1])


def test_units_must_be_known_and_named_columns_only_convert(tmp_path):
    table = random_table(3, 2)
    with pytest.raises(UnitsError):
        write_sto(table, tmp_path / "a.sto")
    with pytest.raises(UnitsError):
        to_degrees(table, ["c0"])
    table.attrs["in_degrees"] = False
    turned = to_degrees(table, ["c0"])
    assert np.allclose(turned["c0"], np.rad2deg(table["c0"]), rtol=1e-15) and turned["c1"].equals(table["c1"])
    assert turned.attrs["in_degrees"] and to_degrees(turned, ["c0"]).equals(turned)
    assert np.allclose(to_radians(turned, ["c0"]), table, rtol=1e-15)
    with pytest.raises(UnknownNameError, match="did you mean c0"):
        to_degrees(table, ["c00"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="abtime=0123456789.-+e\t\n #", max_size=200))
def test_any_text_loads_or_gives_a_clear_error(tmp_path, text):
    path = tmp_path / "a.sto"
    path.write_text("x\ninDegrees=no\nendheader\ntime\t" + text)
    try:
        read_sto(path)
    except (FileFormatError, UnitsError) as error:
        assert "\n" not in str(error)


def test_every_storage_file_at_hand_loads(real_data):
    files = [*real_data.rglob("*.sto"), *real_data.rglob("*.mot")]
    assert len(files) > 50
    import warnings

    for path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataQualityWarning)
            assert len(read_sto(path, in_degrees=False))


def motion() -> pd.DataFrame:
    """Coordinates of a walk's kind, rad and m."""
    names = ["pelvis_tilt", "pelvis_tx", "hip_flexion_r", "knee_angle_l", "knee_angle_r_beta", "lumbar_bending"]
    values = np.random.default_rng(7).uniform(-1.0, 1.0, (20, len(names)))
    return pd.DataFrame(values, index=pd.Index(np.arange(20) / 100.0, name="time"), columns=pd.Index(names))


def test_a_trials_coordinates_become_a_motion_in_degrees(tmp_path):
    trial, turning = GaitTrial(name="w", coordinates=motion()), [c for c in motion().columns if c != "pelvis_tx"]
    coordinates = trial.require("coordinates")
    write_mot(coordinates, tmp_path / "ik.mot", name="Coordinates")
    assert "inDegrees=yes" in (tmp_path / "ik.mot").read_text().splitlines()
    back = read_mot(tmp_path / "ik.mot")
    assert back.attrs["in_degrees"] is True and np.array_equal(back["pelvis_tx"], coordinates["pelvis_tx"])
    assert np.array_equal(back[turning], np.rad2deg(coordinates[turning]))
    np.testing.assert_allclose(to_radians(back, turning), coordinates, rtol=1e-15, atol=0)
    # What is read is in degrees and stays as it is; the trial's own table was not touched.
    write_mot(back, tmp_path / "again.mot")
    assert read_mot(tmp_path / "again.mot").equals(back) and coordinates.attrs["in_degrees"] is False
    assert np.array_equal(coordinates, motion())
    write_sto(coordinates, tmp_path / "states.sto")
    exact = read_sto(tmp_path / "states.sto")
    assert np.array_equal(exact, coordinates) and exact.attrs["in_degrees"] is False


def test_opensim_reads_the_motion_as_the_radians_it_was(tmp_path):
    osim = import_opensim()
    names = ["pelvis_tilt", "pelvis_tx", "pelvis_ty", "hip_flexion_r", "ankle_angle_l"]
    table = motion().iloc[:, :5].set_axis(names, axis=1)
    write_mot(table, tmp_path / "ik.mot", in_degrees=False)
    write_sto(table, tmp_path / "states.sto", in_degrees=False)
    model = build()
    model.initSystem()
    for file in ("ik.mot", "states.sto"):
        processor = osim.TableProcessor(str(tmp_path / file))
        processor.append(osim.TabOpConvertDegreesToRadians())
        theirs = processor.process(model)
        assert list(theirs.getColumnLabels()) == names
        got = np.array([[theirs.getRowAtIndex(r)[c] for c in range(5)] for r in range(theirs.getNumRows())])
        np.testing.assert_allclose(got, table, rtol=1e-15, atol=0)
    assert osim.Storage(str(tmp_path / "ik.mot")).isInDegrees()
    assert not osim.Storage(str(tmp_path / "states.sto")).isInDegrees()


def test_a_motion_is_hard_to_get_wrong(tmp_path):
    path, table = tmp_path / "a.mot", motion()
    with pytest.raises(UnitsError, match="pass in_degrees"):
        write_mot(table, path)
    muscles = pd.DataFrame(table.rename(columns={"hip_flexion_r": "soleus_r"}), columns=["soleus_r"])
    muscles.attrs["in_degrees"] = False
    with pytest.raises(UnitsError, match="column soleus_r: its name does not tell"):
        write_mot(muscles, path)
    write_mot(muscles, path, rotational=())
    assert read_mot(path).equals(muscles) and read_mot(path).attrs["in_degrees"] is False
    write_mot(muscles, path, rotational=["soleus_r", "not_here"])
    assert np.array_equal(read_mot(path), np.rad2deg(muscles))
    moments = table.copy()
    moments.attrs = {"in_degrees": False, "units": "N m"}
    write_mot(moments, path)
    assert np.array_equal(read_mot(path), moments) and read_mot(path).attrs["in_degrees"] is False
    reactions = pd.DataFrame({"1_ground_force_vx": table["pelvis_tx"]})
    write_mot(reactions, path, in_degrees=False)
    assert np.array_equal(read_mot(path), reactions)
    degrees = table.copy()
    degrees.attrs["in_degrees"] = True
    with pytest.raises(UnitsError, match="attrs say degrees, in_degrees says radians"):
        write_sto(degrees, path, in_degrees=False)
    with pytest.raises(UnitsError, match="a trial holds radians"):
        GaitTrial(name="w", coordinates=degrees)
