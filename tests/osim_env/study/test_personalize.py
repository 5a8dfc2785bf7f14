"""From a gait analysis to a tuned device: own body, own gait, two arms that differ in nothing but the device."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from exogait.analysis.lab.measured_walks import leg_length
from exogait.analysis.lab.run import LabRun, run_trial
from exogait.analysis.made_up.demo import run_lab_demo
from exogait.analysis.made_up.recording import SimulatedRecording, record_walk
from exogait.analysis.outcomes import deficit as deficit_estimate
from exogait.analysis.outcomes.headline import between_arms, read_headline, read_personalized
from exogait.analysis.outcomes.tables import read_outcomes
from exogait.analysis.report.demo import demo_page, write_demo_page
from exogait.analysis.report.kit import Figure, Table
from exogait.analysis.report.personalize import LABEL, effort_words, personalize_page
from exogait.data.errors import ExogaitError, FileFormatError, InputError
from exogait.data.settings import load_settings
from exogait.data.trial import GaitTrial
from exogait.junction import personalize as junction
from exogait.junction.personalize import PersonalizeRequest, prepare_personalization
from exogait.models.subject import Subject, load_subject
from exogait.osim_env.controller.loop import Controller
from exogait.osim_env.gait.population import CONDITIONS
from exogait.osim_env.gait.reference import DEFAULT_REFERENCE, load_reference
from exogait.osim_env.gait.setup import WorldSetup, make_world
from exogait.osim_env.learning.config import Stage, TrainConfig
from exogait.osim_env.learning.evaluation import evaluation_world
from exogait.osim_env.learning.learner import LearnerConfig
from exogait.osim_env.learning.patient import SOUND, WEAK, Patient, demo_patient, walk_of
from exogait.osim_env.learning.policy import POLICY_FOLDER, load_policy
from exogait.osim_env.learning.run import find_config
from exogait.osim_env.learning.simulation import policy_settings
from exogait.osim_env.learning.trainer import Trainer
from exogait.osim_env.study.personalize import (
    ARMS,
    PACE_MARGIN,
    SPEED_MARGIN,
    Personalization,
    arm_config,
    find_generalists,
    own_reference,
)
from tests.analysis.outcomes.test_deficit_estimate import walk
from tests.kit.browser import look_at

Array = NDArray[np.float64]

SAMPLES, BODIES, SECONDS, STARTS = 2400, 12, 3.0, 2


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> LabRun:
    """The lab demonstration, always of the synthetic person."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("EXOGAIT_DATA", raising=False)
        return run_lab_demo(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def small() -> TrainConfig:
    """A small training with a device, as generalists are trained."""
    config = load_settings(TrainConfig, find_config("assistance"))
    return dataclasses.replace(
        config, n_envs=3, n_steps=5, start_human=None, device=LearnerConfig(layers=(8, 8), initial_std=0.5)
    )


@pytest.fixture(scope="module")
def generalists(small: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite's healthy walker, and a device policy of random numbers."""
    folder = tmp_path_factory.mktemp("policies")
    load_policy("healthy").save(folder / "generalist_1_human")
    Trainer(small, folder / "run").policy("device").save(folder / "generalist_1_device")
    return folder


@pytest.fixture(scope="module")
def done(lab: LabRun, generalists: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("personal")
    personalize(lab.folder, out, generalists)
    return out


def personalize(lab: Path, out: Path, policies: Path, **changes: object) -> None:
    settings = {
        "samples": SAMPLES, "seconds": SECONDS, "starts": STARTS, "bodies": BODIES, "workers": 1,
        "deficit": "estimated", **changes,
    }  # fmt: skip
    junction.personalize(PersonalizeRequest(lab=lab, out=out, policies=str(policies), **settings))  # type: ignore[arg-type]


def test_both_arms_start_alike_and_only_one_device_learns(done: Path, generalists: Path) -> None:
    start = {role: load_policy(generalists / f"generalist_1_{role}") for role in ("human", "device")}
    result = {arm: json.loads((done / arm / "result.json").read_text()) for arm in ARMS}
    assert result["personalised"]["samples"] == 2 * result["generic"]["samples"] >= 2 * SAMPLES
    assert result["generic"]["inputs"] == result["personalised"]["inputs"]
    configs = {arm: json.loads((done / arm / "config.json").read_text()) for arm in ARMS}
    differing = {key for key in configs["generic"] if configs["generic"][key] != configs["personalised"][key]}
    assert differing == {"name", "stages"}
    humans = [load_policy(done / arm / "human").layers for arm in ARMS]
    for first, second in zip(*humans, strict=True):  # the arms part after the human has learned
        np.testing.assert_array_equal(first[0], second[0])
    moved = {}
    for arm in ARMS:
        for role, policy in start.items():
            tuned = load_policy(done / arm / role)
            moved[arm, role] = float(np.abs(tuned.layers[1][0] - policy.layers[1][0]).max())
            if (arm, role) == ("generic", "device"):
                np.testing.assert_array_equal(tuned.mean, policy.mean)
                np.testing.assert_allclose(tuned.scale, policy.scale, rtol=1e-6)
    assert moved["generic", "device"] == 0.0
    assert min(moved[key] for key in moved if key != ("generic", "device")) > 1e-5


def test_walks_are_paired_and_on_the_persons_body(done: Path, lab: LabRun) -> None:
    walks, _ = read_outcomes(done)
    found = sorted(zip(walks["variant"], walks["condition"], walks["start"], strict=True))
    assert found == sorted(itertools.product(ARMS, CONDITIONS, range(STARTS)))
    speed = lab.trial.about.walked_speed
    assert walks["speed_commanded"].to_numpy() == pytest.approx(speed)
    policies = {arm: load_policy(done / arm / "human") for arm in ARMS}
    assert policies["generic"].metadata["model_hash"] == policies["personalised"].metadata["model_hash"]
    setup = dataclasses.replace(
        arm_config(settings_of(done), "generic").setup, population=None
    )  # fmt: skip
    world = make_world(setup, load_settings(TrainConfig, find_config("assistance")).world, n_envs=1)
    assert world.person_mass[0] == pytest.approx(lab.trial.subject_mass, abs=1e-6)
    # The body has the lengths of the laboratory's scaled model.
    scaled = lab.folder / "opensim" / lab.trial.metadata["model"]
    own = json.loads((done / "person.json").read_text())
    assert own["leg_length"] == pytest.approx(leg_length(scaled))
    model = world.physics.model
    femur, tibia = (model.index("body", name) for name in ("femur_r", "tibia_r"))
    position = world.physics.bodies().position[0]
    talus = position[model.index("body", "talus_r")]
    # At the knee of a walking body the tibia slides on the femur by a few millimetres.
    length = np.linalg.norm(position[femur] - position[tibia]) + np.linalg.norm(position[tibia] - talus)
    assert length == pytest.approx(leg_length(scaled), abs=0.015)


def settings_of(done: Path) -> Personalization:
    config = json.loads((done / "generic" / "config.json").read_text())
    return Personalization(
        human=config["start_human"], device_policy=config["start_device"], subject=config["setup"]["subject"],
        reference=config["setup"]["reference"], speed=json.loads((done / "person.json").read_text())["speed"],
    )  # fmt: skip


def test_the_report_and_every_row_of_its_tables_say_that_the_person_is_synthetic(done: Path) -> None:
    page, tables = personalize_page(read_personalized(done))
    assert page.mark is not None and page.mark.word == LABEL == "SYNTHETIC"
    assert "nobody was measured" in str(page.mark.words)
    rows = [row for section in page.shown for table in section.find(Table) for row in table.cells]
    assert len(rows) + len(page.text.splitlines()) > 60
    assert page.text.count("SYNTHETIC") == 1  # the banner and watermark of the page, not every line
    linked = [link.href for section in page.shown for figure in section.find(Figure) for link in figure.links]
    assert all((done / link).is_file() for link in linked) and {f"{name}.csv" for name in tables} >= set(linked)
    for name in ("deficit_estimate", "deficit_quantities", "outcomes", "paired_changes"):
        table = pd.read_csv(done / f"{name}.csv")
        assert len(table) and table["person"].str.startswith("SYNTHETIC").all(), name
    # The walk of the demonstration has too few strides on plates for an interval, and the page says that.
    estimate, who = page.section("estimate"), page.section("who")
    assert any("too few strides" in cell for cell in estimate.tables[0].column("verdict"))
    assert "no evidence of one" in who.text
    html = (done / "personalize_report.html").read_text()
    assert all(f'id="{section.id}"' in html for section in page.shown)


@pytest.mark.parametrize("width", [390, 1400])
def test_the_report_fits_a_phone_and_a_screen(done: Path, width: int) -> None:
    seen = look_at(done / "personalize_report.html", width=width)
    assert seen.scroll_width <= seen.client_width == width and not seen.wide and not seen.console


def test_the_controller_is_the_personalised_device(done: Path) -> None:
    controller = Controller.load(done / "controller", network="numpy")
    policy = load_policy(done / "personalised" / "device")
    observation = np.asarray(controller.contract.example.observation)
    np.testing.assert_allclose(policy.act(observation[None])[0], controller.contract.example.action, atol=1e-6)
    assert controller.contract.device == "hip_ankle"


def test_what_is_done_is_not_done_again_nor_mixed(done: Path, lab: LabRun, generalists: Path, tmp_path: Path) -> None:
    again = Path(shutil.copytree(done, tmp_path / "again"))
    before = {arm: (again / arm / "human.safetensors").stat().st_mtime_ns for arm in ARMS}
    (again / "personalize_report.html").unlink()
    personalize(lab.folder, again, generalists)
    assert {arm: (again / arm / "human.safetensors").stat().st_mtime_ns for arm in ARMS} == before
    assert (again / "personalize_report.html").is_file()
    with pytest.raises(InputError, match="other settings"):
        personalize(lab.folder, again, generalists, deficit="plantarflexors", strength=40.0, side="left")


def test_walks_of_an_earlier_version_walk_again_and_nothing_learns(
    done: Path, lab: LabRun, generalists: Path, tmp_path: Path
) -> None:
    again = Path(shutil.copytree(done, tmp_path / "again"))
    before = {arm: (again / arm / "human.safetensors").stat().st_mtime_ns for arm in ARMS}
    for arm in ARMS:
        path = again / arm / "result.json"
        result = json.loads(path.read_text())
        del result["accountings"]
        path.write_text(json.dumps(result))
        walks = pd.read_parquet(again / arm / "walks.parquet")
        old = [c for c in walks.columns if "_uncredited_" not in c and "_opensim_" not in c]
        walks[old].to_parquet(again / arm / "walks.parquet")
    personalize(lab.folder, again, generalists)
    assert {arm: (again / arm / "human.safetensors").stat().st_mtime_ns for arm in ARMS} == before
    pd.testing.assert_frame_equal(pd.read_parquet(again / "walks.parquet"), pd.read_parquet(done / "walks.parquet"))
    assert read_headline(again).rate["between"].counted


def test_a_deficit_reaches_the_body(lab: LabRun, generalists: Path, tmp_path: Path) -> None:
    request = PersonalizeRequest(
        lab.folder, tmp_path, deficit="plantarflexors", strength=40.0, side="left", policies=str(generalists),
        samples=SAMPLES, bodies=3,
    )  # fmt: skip
    settings = prepare_personalization(request)
    assert (settings.weakest, settings.side, settings.body) == (40.0, "left", "plantarflexors")
    config = arm_config(settings, "generic")
    world = make_world(config.setup, config.world, n_envs=3)
    names = world.physics.model.muscle_names
    assert world.strength[:, names.index("soleus_l")] == pytest.approx(0.4)
    assert world.strength[:, names.index("soleus_r")] == pytest.approx(1.0)
    assert world.speed == pytest.approx(lab.trial.about.walked_speed, abs=SPEED_MARGIN + 1e-4)
    person = load_subject(tmp_path / "synthetic.yaml")
    assert person.mass == lab.trial.subject_mass and person.height == lab.trial.metadata["subject_height"]
    with pytest.raises(ExogaitError, match="--deficit"):
        personalize(lab.folder, tmp_path, generalists, deficit=None, strength=40.0)
    with pytest.raises(ExogaitError, match="part of the estimate"):
        personalize(lab.folder, tmp_path, generalists, strength=40.0)
    with pytest.raises(InputError, match="device"):
        arm_config(dataclasses.replace(settings, device="ankle"), "generic")


def test_an_estimate_reaches_the_body_only_where_it_is_asked_for(
    lab: LabRun, generalists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = deficit_estimate.estimate_deficit(walk({"ankle_angle_l": 0.5, "knee_angle_r": 0.7}))
    assert len(found.weak) == 2
    monkeypatch.setattr(deficit_estimate, "estimate_deficit", lambda trial: found)
    for asked in ("estimated", None):
        request = PersonalizeRequest(lab.folder, tmp_path, deficit=asked, policies=str(generalists))
        settings = prepare_personalization(request)
        person = json.loads((tmp_path / "person.json").read_text())
        assert (settings.deficit is not None) is (asked is not None)
        assert settings.weakest == (pytest.approx(50.0, abs=3.0) if asked else 100.0)
        if asked:  # a deficit has one side; what is on the other is not simulated, and that is said
            assert settings.side == "left" and "quadriceps" in person["notes"][0]
            assert person["deficit_from"] == "estimated from this walk"


def test_own_reference_is_the_own_gait(lab: LabRun) -> None:
    trial, healthy = lab.trial, load_reference(DEFAULT_REFERENCE)
    own = own_reference(trial, leg_length=0.8, name="own")
    low, high = own.motion.speed_range
    # On a treadmill a body wins back ground by walking faster than the belt for a while.
    assert (low, high) == pytest.approx((own_speed(trial) - PACE_MARGIN, own_speed(trial) + PACE_MARGIN), abs=1e-4)
    assert not own.symmetric
    # Angles over the first whole right stride, against the file the laboratory road wrote.
    assert trial.coordinates is not None
    strikes = trial.event_times("r", "heel_strike")
    phase = np.linspace(0.0, 1.0, 21)[:-1]
    q, _ = own.motion.evaluate(phase, np.full(len(phase), trial.about.walked_speed))
    time = trial.coordinates.index.to_numpy(float)
    for name in ("hip_flexion_r", "knee_angle_r", "knee_angle_l", "ankle_angle_l"):
        values = np.interp(strikes[1] + phase * (strikes[2] - strikes[1]), time, trial.coordinates[name])
        difference = np.degrees(q[:, own.motion.coordinate_names.index(name)] - values)
        assert np.sqrt(np.mean(difference**2)) < 3.0, name
    # What is fed forward is what the policies were trained with, not the net moments of the walk: those hold the
    # corrections already that a policy makes on top.
    generic = own_reference(trial, leg_length=0.8258, name="own")
    at, speed = np.array([0.1, 0.5]), np.full(2, own_speed(trial))
    np.testing.assert_allclose(generic.motion.net_moments(at, speed), healthy.net_moments(at, speed), atol=1e-9)
    without = own_reference(trial.replace(generalized_forces=None), leg_length=0.8, name="own")
    np.testing.assert_array_equal(without.motion.coordinates, own.motion.coordinates)
    np.testing.assert_array_equal(without.motion.moments, own.motion.moments)
    with pytest.raises(InputError, match="speed"):
        own_reference(trial.replace(metadata={**trial.metadata, "speed_measured": None}), leg_length=0.8, name="own")
    with pytest.raises(InputError, match="stride"):
        own_reference(trial.replace(events=()), leg_length=0.8, name="own")


def own_speed(trial: GaitTrial) -> float:
    return float(trial.about.walked_speed or np.nan)


def test_the_headline_is_what_the_tables_say(done: Path, tmp_path: Path) -> None:
    found = read_headline(done)
    walks, curves = read_outcomes(done)
    rows = [row for row in walks.to_dict("records") if row["condition"] == "powered"]
    for arm in ARMS:
        fell = [bool(row["fell"]) for row in rows if row["variant"] == arm]
        assert found.falls[arm] == (sum(fell), STARTS)
    across = between_arms(walks, curves)
    assert set(across["reference"]) <= {"none"}
    rates = [row for row in across.to_dict("records") if row["quantity"] == "umberger2010_gross"]
    between = rates[0]["mean_pct"] if rates else np.nan
    assert found.rate["between"].mean_pct == pytest.approx(between, nan_ok=True)
    assert found.samples >= SAMPLES and found.full_samples == Personalization.samples
    effort = effort_words(found)
    assert "full fine-tune" in effort and f"{found.samples:,}" in effort
    (tmp_path / "arms.png").write_bytes(b"")
    (tmp_path / "device").symlink_to(done)
    parts = [("Report", "Text.", "lab/report.html")]
    path = write_demo_page(
        tmp_path, summary="model", moment_arms=tmp_path / "arms.png", who=WEAK.words, parts=parts
    )  # fmt: skip
    links = re.findall(r'<a href="([^"#][^"]*)"', path.read_text())
    assert links[0] == "device/personalize_report.html" and "lab/report.html" in links
    # The links of the figure of another page lead to that page's files.
    assert all((tmp_path / link).is_file() for link in links if link.endswith((".csv", "report.html"))
               and link.startswith("device/"))  # fmt: skip
    page = demo_page(read_personalized(done), summary="model", moment_arms=b"", parts=parts, who=WEAK.words)
    assert page.mark is not None and page.mark.word == "SYNTHETIC"
    text = page.section("device").text
    assert "plantarflexors at 50 % strength, right" in text and effort in text
    for arm, words in (("personalised", "tuned"), ("generic", "generic")):
        fell, walks = found.falls[arm]
        assert f"{fell} of {walks} with the {words}" in text
    for width in (390, 1400):
        seen = look_at(path, width=width)
        assert seen.scroll_width <= seen.client_width == width and not seen.wide and not seen.console


# -- a simulated patient in the laboratory ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRecording:
    """A few steps of the simulated patient over force plates."""
    folder = tmp_path_factory.mktemp("patient")
    walk = walk_of(SOUND, folder, seconds=5.0)
    return record_walk(walk, folder / "lab", subject=folder / "patient_1.yaml", plates=4)


@pytest.fixture(scope="module")
def patient(recorded: SimulatedRecording, tmp_path_factory: pytest.TempPathFactory) -> LabRun:
    """The ordinary lab road on its files."""
    return run_trial(
        recorded.static, recorded.walk, recorded.mass, height=recorded.height, subject="patient_1",
        out=tmp_path_factory.mktemp("patient_lab"),
    )  # fmt: skip


def test_the_laboratory_finds_what_the_simulation_knows(recorded: SimulatedRecording, patient: LabRun) -> None:
    trial, truth = patient.trial, recorded.truth
    assert trial.metadata["synthetic"] is True and trial.metadata["model"].startswith("patient_1")
    assert all(strike["accepted"] for strike in trial.metadata["plate_strikes"])
    found, known = trial.require("coordinates"), truth.require("coordinates")
    moments, forces = trial.require("generalized_forces"), truth.require("generalized_forces")
    for name in ("hip_flexion_r", "knee_angle_r", "ankle_angle_r", "hip_flexion_l", "knee_angle_l", "ankle_angle_l"):
        angle = np.degrees(found[name] - np.interp(found.index, known.index, known[name]))
        assert np.sqrt(np.mean(angle**2)) < 2.5, name  # skin slides by 2 mm
        moment = (moments[name] - np.interp(moments.index, forces.index, forces[name])) / trial.subject_mass
        assert np.sqrt(np.nanmean(moment**2)) < 0.2, name
        assert np.isfinite(moment).mean() > 0.4, name
    assert own_speed(trial) == pytest.approx(SOUND.speed, rel=0.06)


def test_the_simulated_patient_walks_its_own_gait_on_its_scaled_model(patient: LabRun, tmp_path: Path) -> None:
    trial = patient.trial
    scaled = patient.folder / "opensim" / str(trial.metadata["model"])
    subject = Subject.from_scaled_model(scaled, mass=trial.subject_mass, height=trial.metadata["subject_height"])
    own = own_reference(trial, leg_length=leg_length(scaled), name="own")
    own.motion.save(tmp_path / "reference.json")
    asked = WorldSetup(
        subject=str(subject.to_yaml(tmp_path / "patient.yaml")), reference=str(tmp_path / "reference.json")
    )
    policy, config, setup = policy_settings("healthy", asked)
    assert policy is not None
    config = dataclasses.replace(config, treadmill=0.4)
    world = evaluation_world(setup, config, n_envs=4, seconds=4.0, seed=0)
    world.reset(np.arange(4), phase=np.arange(4) / 4, speed=np.full(4, own_speed(trial)))
    for _ in range(200):
        world.step(policy.act(world.human_observation()))
        assert not world.fallen.any()
    way = world.q[:, world.column["pelvis_tx"]]
    assert way == pytest.approx(4.0 * own_speed(trial), rel=0.12)


def test_the_patient_is_weak_where_the_suite_can_move_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = (POLICY_FOLDER / f"{WEAK.policy}.json").is_file()
    assert demo_patient() is (WEAK if there else SOUND)
    assert SOUND.words == "1.70 m, 66 kg, full strength"
    with pytest.raises(ExogaitError, match="no such policy"):
        walk_of(Patient(str(tmp_path / "nobody")), tmp_path)


def test_generalists_are_found_by_name(generalists: Path, tmp_path: Path) -> None:
    human, device = find_generalists(str(generalists))
    assert (human.name, device.name) == ("generalist_1_human", "generalist_1_device")
    for role in ("human", "device"):
        for suffix in (".json", ".safetensors"):
            shutil.copyfile(generalists / f"generalist_1_{role}{suffix}", tmp_path / f"{role}{suffix}")
    assert find_generalists(str(tmp_path))[0].name == "human"
    (tmp_path / "device.json").unlink()
    with pytest.raises(FileFormatError, match="no pair"):
        find_generalists(str(tmp_path))
    with pytest.raises(InputError, match="policies"):
        find_generalists("no_such_folder")


def test_a_device_that_never_learns_acts_without_noise(
    small: TrainConfig, generalists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = load_policy(generalists / "generalist_1_device")
    config = dataclasses.replace(
        small, stages=(Stage(1e4),), learn="human", start_device=str(generalists / "generalist_1_device"),
        share_legs=False, device=dataclasses.replace(small.device, layers=(16, 16)),
    )  # fmt: skip
    for frozen, settings in ((True, config), (False, dataclasses.replace(config, learn="both"))):
        trainer = Trainer(settings, tmp_path / str(frozen))
        before = {key: value.copy() for key, value in trainer.device.arrays().items()}  # type: ignore[union-attr]
        seen: list[float] = []
        step = trainer.world.step

        def watched(
            human: Array, device: Array, trainer: Trainer = trainer, seen: list[float] = seen, step: Any = step
        ) -> Any:
            on = trainer.powered
            expected = start.act(trainer.world.device_observation()[on])
            seen.append(float(np.abs(device[on] - expected).max()))
            return step(human, device)

        monkeypatch.setattr(trainer.world, "step", watched)
        trainer.update()
        assert (max(seen) < 1e-5) is frozen, seen
        after = trainer.device.arrays()  # type: ignore[union-attr]
        same = all(np.array_equal(before[key], after[key]) for key in before if key.startswith(("policy", "stat")))
        assert same is frozen
