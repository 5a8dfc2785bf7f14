"""Every public object prints itself in at most 20 lines and as HTML in which nothing of a stranger's is markup."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from exogait import analysis, data, models, osim_env
from exogait.analysis.c3d.reader import C3DFile
from exogait.analysis.gait.cycle import trial_cycles
from exogait.analysis.lab.run import LabRun
from exogait.analysis.markers.map import read_marker_map
from exogait.analysis.report.comparison import Comparison as WalkComparison
from exogait.data.errors import InputError
from exogait.data.home import find
from exogait.data.settings import load_settings
from exogait.data.show import LINES, Card, Curve, Shown
from exogait.junction.open import Batch, Personal, ResultFolder, Study, Training, Walk
from exogait.osim_env import engine
from exogait.osim_env.engine.model import Model
from exogait.osim_env.engine.verify import Comparison, Verification
from exogait.osim_env.study.personalize import Personalization
from exogait.osim_env.study.plan import StudyConfig
from tests.kit.gait_trials import walking_trial

HOSTILE = "<script>alert('x')</script>\"&\n\x1b[31mred\x07" + "long " * 200
COMPILED = Path(models.__file__).parent / "gait2392_exo.npz"


def hostile_trial() -> data.GaitTrial:
    trial = walking_trial()
    quality = [{"topic": "a", "what": HOSTILE, "found": "", "verdict": "warn"}] * 3
    facts = {"subject": HOSTILE, "model": HOSTILE, "device": HOSTILE, "speed": 1.2, "quality": quality}
    table = pd.DataFrame({HOSTILE: np.full(5, np.nan)}, index=pd.Index(np.arange(5.0), name="time"))
    return trial.replace(
        name=HOSTILE, metadata={**trial.metadata, **facts}, extra={HOSTILE: table}, device_torques=table
    )


def recording() -> C3DFile:
    return C3DFile(
        path=HOSTILE, marker_names=(HOSTILE, "b"), positions=np.zeros((10, 2, 3)), residuals=np.zeros((10, 2)),
        output_names=(), outputs=np.zeros((10, 0, 3)), analog_names=(HOSTILE,) * 40, analog=np.zeros((10, 40)),
        analog_units=("V",) * 40, point_rate=100.0, analog_rate=1000.0, first_frame=1, events=(), platforms=(),
        parameters={}, units="mm", processor="Intel", warnings=(HOSTILE,) * 30,
    )  # fmt: skip


def reference() -> osim_env.ReferenceMotion:
    return dataclasses.replace(osim_env.load_reference(), name=HOSTILE, source=HOSTILE)


def policy() -> osim_env.Policy:
    settings = {"setup": {"deficit": HOSTILE}, "stages": [{"speeds": [HOSTILE, 1.0]}]}
    about = {"name": HOSTILE, "role": HOSTILE, "device": HOSTILE, "samples": 10, "settings": settings}
    layer = (np.zeros((3, 5)), np.zeros(3))
    return osim_env.Policy(np.zeros(5), np.ones(5), 10.0, (layer,), np.zeros(3), about)


def cycles() -> analysis.CycleStack:
    stack = trial_cycles(walking_trial(), "coordinates", ["knee_angle_r", "hip_flexion_r"], "r")
    return dataclasses.replace(stack, channels=(HOSTILE, "b"), units={HOSTILE: HOSTILE})


def training() -> osim_env.TrainConfig:
    return dataclasses.replace(load_settings(osim_env.TrainConfig, find("trainings", "healthy")), name=HOSTILE)


def frame() -> analysis.LabFrame:
    return analysis.LabFrame(np.eye(3), "+x", "+z", HOSTILE, HOSTILE, np.nan, (HOSTILE,) * 40)


def lab_trial() -> analysis.LabTrial:
    fields: dict[str, Any] = {field.name: () for field in dataclasses.fields(analysis.LabTrial)}
    fields |= {"path": HOSTILE, "frame": frame(), "rate": 100.0, "marker_names": (HOSTILE,) * 40, "load_rate": 0.0}
    fields |= {"positions": np.zeros((10, 40, 3)), "load_known": np.ones((10, 2), bool), "notes": (HOSTILE,) * 40}
    return analysis.LabTrial(**{**fields, "roles": {}, "loads": {}, "settings": {}, "events": None})  # pyright: ignore


def state() -> engine.State:
    fields: dict[str, Any] = {field.name: np.zeros((300, 40)) for field in dataclasses.fields(engine.State)}
    return engine.State(**{**fields, "record": None, "record_rows": None, "time": 0.0})


def arrays_of(cls: type[Any]) -> Any:
    """An instance whose fields are all large arrays."""
    return cls(**{field.name: np.zeros((300, 92)) for field in dataclasses.fields(cls)})


def norm_curve() -> data.NormCurve:
    text = dict.fromkeys(("key", "source", "condition", "unit", "licence", "citation", "obtained_by"), HOSTILE)
    percent = np.arange(101.0)
    return data.NormCurve(
        percent=percent, mean=np.sin(percent), sd=np.full(101, np.nan), population="adults", n_people=3, speed=np.nan,
        **text,
    )  # fmt: skip


TABLE = pd.DataFrame({HOSTILE: [1.0]})
MAKE: dict[str, Callable[[], Any]] = {
    "Dataset": lambda: dataclasses.replace(data.dataset("schreiber2019"), title=HOSTILE),
    "GaitEvent": lambda: data.GaitEvent(1.0, "r", "heel_strike", "plate"),
    "GaitTrial": hostile_trial,
    "NormCurve": norm_curve,
    "TrialAbout": lambda: hostile_trial().about,
    "QualityRow": lambda: data.QualityRow("a", "b", "c"),
    "AddedMass": lambda: models.load_device("hip_ankle").added_mass[0],
    "BhargavaOptions": models.BhargavaOptions,
    "Deficit": lambda: models.Deficit(HOSTILE, HOSTILE, "right", ((HOSTILE, 50.0),) * 40, source=HOSTILE),
    "Device": lambda: dataclasses.replace(
        models.load_device("hip_knee_ankle"), name=HOSTILE, description=HOSTILE, source=HOSTILE, sensed=(HOSTILE,) * 30
    ),
    "JointActuation": lambda: models.load_device("hip_ankle").actuation[0],
    "MetabolicRates": lambda: arrays_of(models.MetabolicRates),
    "MuscleParameters": lambda: models.MuscleParameters(
        names=(HOSTILE,) * 92,
        mass=np.ones(92),
        max_isometric_force=np.ones(92),
        optimal_fiber_length=np.ones(92),
        max_contraction_velocity=np.ones(92),
        slow_twitch_ratio=np.ones(92) * 0.5,
    ),
    "Subject": lambda: models.Subject(70.0, 1.7, (("thigh", (1.0, 1.0, 1.0)),), HOSTILE),
    "Tables": models.load_tables,
    "UmbergerOptions": models.UmbergerOptions,
    "C3DFile": recording,
    "CycleStack": cycles,
    "LabFrame": frame,
    "LabRequest": lambda: analysis.LabRequest(static=Path(HOSTILE), walk=Path("walk.c3d"), mass=70.0),
    "LabSettings": lambda: analysis.LabSettings(units=HOSTILE),
    "LabTrial": lab_trial,
    "EvaluationConfig": osim_env.EvaluationConfig,
    "Policy": policy,
    "ReferenceMotion": reference,
    "Replay": lambda: osim_env.Replay(f"<html>{HOSTILE}</html>"),
    "TrainConfig": training,
    "ExcitationConfig": osim_env.ExcitationConfig,
    "WorldConfig": osim_env.WorldConfig,
    "WorldSetup": lambda: osim_env.WorldSetup(device=HOSTILE, deficit=HOSTILE, subject=HOSTILE),
    "ContactForces": lambda: arrays_of(engine.ContactForces),
    "Kinematics": lambda: arrays_of(engine.Kinematics),
    "Model": lambda: dataclasses.replace(Model.load(COMPILED), name=HOSTILE, source=HOSTILE),
    "MuscleState": lambda: arrays_of(engine.MuscleState),
    "Parameters": lambda: arrays_of(engine.Parameters),
    "State": state,
    "Record": lambda: engine.Record(*[np.zeros((300, 92))] * len(engine.Record._fields)),
    # not listed by a package, but what its functions give
    "MarkerMap": lambda: dataclasses.replace(read_marker_map("plug_in_gait"), name=HOSTILE, source=HOSTILE),
    "LabRun": lambda: LabRun(
        trial=hostile_trial(), folder=Path(HOSTILE), report=Path(HOSTILE), metrics=TABLE, steps=()
    ),
    "Comparison": lambda: WalkComparison(page=Path(HOSTILE), table=Path("t"), figure=Path("f"), rows=TABLE),
    "Verification": lambda: Verification(HOSTILE, (Comparison(HOSTILE, 1.0, "m", 1.0, 0.1, 3, 1.0),) * 40),
    "StudyConfig": lambda: StudyConfig(name=HOSTILE),
    "Personalization": lambda: Personalization(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1.2),
    "Walk": lambda: Walk(Path(HOSTILE), hostile_trial()),
    "Batch": lambda: Batch(Path(HOSTILE), 3, 1),
    "Study": lambda: Study(Path(HOSTILE), {"name": HOSTILE, "bodies": [{"deficit": HOSTILE}] * 30}),
    "Personal": lambda: Personal(Path(HOSTILE), {"subject": HOSTILE, "deficit": HOSTILE}),
    "Training": lambda: Training(Path(HOSTILE), {"name": HOSTILE}),
    "ResultFolder": lambda: ResultFolder(Path(HOSTILE)),
    "Card": lambda: Card(HOSTILE, ((HOSTILE, HOSTILE),) * 50),
}
ONE_LINERS = {"GaitEvent", "QualityRow", "AddedMass", "JointActuation", "BhargavaOptions", "UmbergerOptions",
              "EvaluationConfig", "Record", "Card"}  # fmt: skip
"""Small things that stand in lists: one line each, no HTML of their own."""
NOT_CHEAP = {
    "Controller", "ExcitationWorld", "GaitVecEnv", "GaitWorld", "OsimGaitEnv", "OsimGaitVectorEnv", "OpenSimEngine",
    "RecruitmentEnv", "RecruitmentVecEnv", "RecruitmentVectorEnv", "Session", "Trainer",
}  # fmt: skip
"""Need a world, an export or OpenSim; their own tests make them."""


def test_no_public_class_is_forgotten() -> None:
    public = {
        name
        for package in (data, models, analysis, osim_env, engine)
        for name in package.__all__
        if inspect.isclass(found := getattr(importlib.import_module(package.__name__), name))
        and not issubclass(found, BaseException)
    }
    assert public <= set(MAKE) | NOT_CHEAP


@pytest.mark.parametrize("name", MAKE)
def test_it_shows_itself_in_few_lines_and_escaped(name: str) -> None:
    made = MAKE[name]()
    # A verification's str is the table that the command line prints, as long as it is.
    texts = {"Card": lambda: (made.text(),), "Verification": lambda: (repr(made),)}
    for text in texts.get(name, lambda: (repr(made), str(made)))():
        lines = text.splitlines()
        assert 0 < len(lines) <= LINES
        assert "cannot show itself" not in text
        if isinstance(made, Shown):
            assert all(line.isprintable() and len(line) <= 120 for line in lines), text
    if name in ONE_LINERS:
        return
    page = made.card().html() if isinstance(made, Shown) else made._repr_html_()
    assert made._repr_html_() == page
    assert "<script" not in page
    if name != "Replay":  # a page of its own in an escaped frame
        assert "\x1b" not in page
        ElementTree.fromstring(page)  # every tag closed, every quote in its place
        assert "src=" not in page and "href=" not in page and "url(" not in page


def test_a_trial_says_who_how_fast_and_how_good() -> None:
    trial = walking_trial()
    rows = [{"verdict": verdict} for verdict in ("pass", "pass", "warn", "info")]
    facts = dict(trial.replace(metadata={**trial.metadata, "quality": rows}).card().facts)
    assert facts["who"] == "nobody, 70.0 kg, lab" and facts["speed measured"] == "1.20 m/s"
    assert facts["quality"] == "2 pass, 1 warn"
    assert facts["events"].startswith("4 heel strike r, 4 toe off r") or "heel strike r" in facts["events"]
    assert [curve.title for curve in trial.card().curves] == ["knee flexion, deg", "vertical force, N"]
    assert trial._repr_html_().count("<svg") == 2


def test_gaps_break_a_curve_and_one_value_is_no_curve() -> None:
    values = np.array([0.0, 1.0, np.nan, 1.0, 0.0])
    assert Card("x", curves=(Curve("y", (("", values),)),)).html().count("M") == 2
    assert "<svg" not in Card("x", curves=(Curve("y", (("", np.full(5, np.nan)),)),)).html()
    assert "<svg" in Card("x", curves=(Curve("y", (("", np.ones(1)),)),)).html()


def test_what_is_half_built_does_not_end_the_session() -> None:
    half = object.__new__(models.Device)
    assert "cannot show itself" in repr(half) and "\n" not in repr(half)
    assert half._repr_html_().startswith("<pre>&lt;Device")


def test_an_error_stays_one_line() -> None:
    assert "\n" not in str(InputError("subject", models.load_device("hip_ankle"), "give a Subject"))
