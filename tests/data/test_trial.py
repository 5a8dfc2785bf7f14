"""GaitTrial: lossless files, checks at the edge, one grid."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from exogait.data import GaitEvent, GaitTrial, InputError, UnknownNameError
from exogait.data.trc import marker_table
from exogait.data.trial import GROUND_REACTION_COLUMNS, flags_at, interpolate_table


def make_table(columns, rate=100.0, n=51, seed=0):
    rng = np.random.default_rng(seed)
    index = pd.Index(np.arange(n) / rate, name="time")
    return pd.DataFrame(rng.standard_normal((n, len(columns))), index=index, columns=pd.Index(list(columns)))


@pytest.fixture
def trial():
    forces = make_table(["knee_angle_r", "pelvis_ty"], seed=2)
    forces.iloc[:5] = np.nan
    emg = make_table(["soleus_r"], rate=1000.0, n=501)
    emg.attrs["units"] = "V"
    extra = make_table(["jr"], seed=9)
    extra.attrs["units"] = {"jr": "N"}
    loaded = make_table(["r", "l"], rate=1000.0, n=501, seed=3) > 0
    return GaitTrial(
        name="walk",
        coordinates=make_table(["knee_angle_r", "pelvis_ty"]),
        speeds=make_table(["knee_angle_r", "pelvis_ty"], seed=1),
        generalized_forces=forces,
        ground_reactions=make_table(GROUND_REACTION_COLUMNS, rate=1000.0, n=501),
        markers=marker_table(
            np.arange(51) / 100, ["RASI"], np.random.default_rng(4).standard_normal((51, 1, 3)), name="m"
        ),
        muscles={"activation": make_table(["soleus_r"]), "fiber_velocity": make_table(["soleus_r"], seed=5)},
        muscle_parameters=pd.DataFrame({"max_isometric_force": [3549.1], "mass": [0.1 + 0.2]}, index=["soleus_r"]),
        emg=emg,
        device_torques=make_table(["exo_ankle_r"]),
        extra={"joint_reaction": extra},
        masks={"loaded": loaded},
        events=(GaitEvent(0.4, "l", "toe_off"), GaitEvent(0.1, "r", "heel_strike", "plate")),
        metadata={"subject_mass": 72.6, "subject": "S1", "frames": np.int64(3)},
    )


@pytest.mark.parametrize("form", ["parquet", "opensim"])
def test_files_lose_nothing(tmp_path, trial, form):
    getattr(trial, f"write_{form}")(tmp_path / "t")
    back = getattr(GaitTrial, f"read_{form}")(tmp_path / "t")
    assert [address for address, _ in back.tables()] == [address for address, _ in trial.tables()]
    for (address, ours), (_, theirs) in zip(trial.tables(), back.tables(), strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True, obj=address)
        assert theirs.attrs == ours.attrs, address
    pd.testing.assert_frame_equal(back.muscle_parameters, trial.muscle_parameters, check_exact=True)
    assert back.events == trial.events and back.metadata == trial.metadata and back.name == trial.name


def test_units(trial):
    assert trial.unit_of("coordinates", "pelvis_ty") == "m"
    assert trial.unit_of("generalized_forces", "pelvis_ty") == "N"
    assert trial.unit_of("generalized_forces", "knee_angle_r") == "N m"
    assert trial.unit_of("muscles/fiber_velocity", "soleus_r") == "m/s"
    assert trial.unit_of("extra/joint_reaction", "jr") == "N"
    assert trial.unit_of("emg", "soleus_r") == "V"
    units = [trial.unit_of("ground_reactions", f"ground_{name}") for name in ("force_r_vy", "force_r_px", "torque_r_y")]
    assert units == ["N", "m", "N m"]


def test_events_are_sorted_and_checked(trial):
    assert [event.time for event in trial.events] == [0.1, 0.4]
    assert trial.event_times("r", "heel_strike").tolist() == [0.1]
    with pytest.raises(InputError, match="event side"):
        GaitEvent(0.0, "left", "toe_off")  # type: ignore[arg-type]


def test_wrong_names_are_told(trial):
    with pytest.raises(UnknownNameError, match="did you mean activation"):
        trial.replace(muscles={"activations": trial.muscles["activation"]})
    with pytest.raises(UnknownNameError, match="ground_force_r_vx"):
        trial.replace(ground_reactions=trial.ground_reactions.rename(columns={"ground_force_r_vx": "ground_force_r_v"}))
    with pytest.raises(InputError, match="holds: coordinates"):
        trial.require("joint_powers")
    with pytest.raises(InputError, match="subject_mass"):
        _ = trial.replace(metadata={}).subject_mass
    with pytest.raises(ValueError, match="time"):
        trial.replace(coordinates=trial.coordinates.iloc[::-1])


def test_it_is_frozen(trial):
    with pytest.raises(dataclasses.FrozenInstanceError):
        trial.name = "other"


def test_resample_and_crop(trial):
    grid = np.linspace(0.0, 0.5, 26)
    on_grid = trial.resample(grid)
    assert all(len(table) == 26 for _, table in on_grid.tables())
    expected = np.interp(grid, trial.coordinates.index, trial.coordinates["knee_angle_r"])
    assert np.allclose(on_grid.coordinates["knee_angle_r"], expected, atol=1e-14)
    part = trial.crop(0.2, 0.45)
    assert part.time_range == (0.2, 0.45) and [event.time for event in part.events] == [0.4]


def test_a_resampled_mask_vouches_for_nothing_between_known_and_unknown():
    """A number halfway between a known and an unknown sample is made of both."""
    known = pd.DataFrame({"r": [True, True, False, True]}, index=pd.Index([0.0, 0.1, 0.2, 0.3], name="time"))
    at = [-0.01, 0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.31]
    assert flags_at(known, at)["r"].tolist() == [False, True, True, True, False, False, False, True, False]
    inside = interpolate_table(known, at[1:-1])
    assert inside["r"].tolist() == flags_at(known, at[1:-1])["r"].tolist()
    assert not flags_at(known.iloc[:0], at)["r"].any()


def test_gaps_stay_gaps_and_do_not_spread():
    table = pd.DataFrame({"a": [0.0, 1.0, np.nan, 3.0, 4.0]}, index=pd.Index(np.arange(5.0), name="time"))
    values = interpolate_table(table, [0.5, 1.0, 1.5, 3.0, 3.5])["a"].to_numpy()
    assert np.array_equal(values, [0.5, 1.0, np.nan, 3.0, 3.5], equal_nan=True)
    with pytest.raises(InputError, match="inside 0"):
        interpolate_table(table, [5.0])


def test_it_needs_neither_opensim_nor_torch():
    code = "import exogait.data.trial, sys; assert not {'opensim', 'torch', 'numba'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_labelled_data_set_holds_every_table_with_its_units(trial):
    pytest.importorskip("xarray")
    data = trial.to_xarray()
    for address, table in trial.tables():
        name = address.replace("/", "_")
        assert np.array_equal(data[name], table.to_numpy(), equal_nan=table.to_numpy().dtype.kind == "f")
        assert np.allclose(data[f"{name}_time"], table.index) and data[f"{name}_time"].attrs["units"] == "s"
        units = [trial.unit_of(address, str(column)) for column in table.columns]
        assert data[f"{name}_unit"].values.tolist() == units
    events = zip(data["event_time"].values, data["event_side"].values, data["event_kind"].values, strict=True)
    assert list(events) == [(event.time, event.side, event.kind) for event in trial.events]
    assert data.attrs["title"] == trial.name
