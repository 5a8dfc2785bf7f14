"""exogait: from motion capture to a personalised exoskeleton controller.

The command line, one short function a command, and the lazy facade for notebooks::

    import exogait as eg

    model = eg.models.build(device="hip_ankle")
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from exogait.data.errors import ExogaitError
from exogait.junction.outcomes import summarise_walk
from exogait.junction.person import prepare_personalization

from . import lab_labels, new

__all__ = ["main"]

OPTIMUM_WALK = 6.0
"""Length of the walk of which `optimum` takes one stride, s."""


app = SubcommandApp()
model_app = SubcommandApp()
app.command(model_app, name="model", help="Build, show and plot the OpenSim model.")
lab_app = SubcommandApp()
app.command(lab_app, name="lab", help="From C3D files to joint angles, moments, symmetry and a report.")
new.register(app)


@model_app.command(name="build")
def model_build(
    *,
    out: Path,
    device: str | None = None,
    deficit: str | None = None,
    strength: float | None = None,
    side: Literal["left", "right", "both"] | None = None,
    subject: Path | None = None,
    muscles: Literal["degroote_fregly", "thelen"] = "degroote_fregly",
    contact: bool = True,
) -> None:
    """Build the model with a device and a deficit, and write it as an .osim file.

    Args:
        out: The .osim file to write.
        device: Name or YAML file of an exoskeleton (see `exogait model list`).
        deficit: Name or YAML file of a muscle deficit (see `exogait model list`).
        strength: Strength of the weak muscles, percent of the healthy one; replaces the deficit file's value.
        side: Side of the weakness; replaces the deficit file's value.
        subject: YAML file with mass, height and segment factors.
        muscles: Muscle model: rigid-tendon DeGroote-Fregly 2016, or the published Thelen 2003.
        contact: Foot contact spheres and floor.
    """
    from exogait import models

    if deficit is None and (strength is not None or side is not None):
        raise ExogaitError("--strength and --side change a deficit; name one with --deficit")
    weakness = None if deficit is None else models.load_deficit(deficit, strength=strength, side=side)
    body = None if subject is None else models.load_subject(subject)
    model = models.build(device=device, deficit=weakness, subject=body, muscles=muscles, contact=contact)
    models.write(model, out)
    print(models.summary(model))
    print(f"wrote {out}")


@model_app.command(name="show")
def model_show(model: Positional[Path | None] = None) -> None:
    """Print what a model holds: bodies, coordinates, muscles, contact, actuators.

    Args:
        model: An .osim file; the suite's own model without one.
    """
    from exogait import models

    print(models.summary(models.read(models.model_path() if model is None else model)))


@model_app.command(name="list")
def model_list() -> None:
    """List the devices, deficits and subjects at hand, and whose they are."""
    from exogait.models.catalogue import describe_files

    print(describe_files())


@app.command
def verify(
    model: Positional[Path | None] = None,
    *,
    states: int = 200,
    seed: int = 0,
    convert_muscles: bool = False,
) -> None:
    """Measure how far the compiled engine is from OpenSim, quantity by quantity.

    Args:
        model: An .osim file; the suite's own model without one.
        states: Number of random states.
        seed: Seed of the random states.
        convert_muscles: First let OpenSim replace other muscle models by rigid-tendon DeGroote-Fregly 2016.
    """
    from exogait import models
    from exogait.osim_env.engine.verify import verify as run_verify

    path = models.model_path() if model is None else model
    result = run_verify(path, n_states=states, seed=seed, convert_muscles=convert_muscles)
    print(result)
    if not result.passed:
        raise SystemExit(1)


@app.command
def train(
    config: Positional[str],
    *,
    out: Path,
    resume: bool = False,
    agent: Literal["policy", "zero", "random", "reference"] = "policy",
    seed: int | None = None,
    minutes: float | None = None,
    threads: int | None = None,
) -> None:
    """Train a muscle policy, an exoskeleton policy, or both; resumable at any time.

    Args:
        config: Name of a configuration of the suite (healthy, ...) or a YAML file.
        out: Folder of the run.
        resume: Go on from the folder's checkpoint.
        agent: Instead of training, walk 5 s with zero or random actions or on the reference motion, as a check.
        seed: Replaces the configuration's seed.
        minutes: Stop, with a checkpoint, after this many minutes.
        threads: Processor threads for simulation and learning; all without.
    """
    from exogait.osim_env.learning.run import check_agent, train_from_file

    if agent != "policy":
        print(check_agent(config, agent))
        return
    train_from_file(config, out, resume=resume, seed=seed, minutes=minutes, threads=threads)


@app.command
def study(
    config: Positional[str],
    *,
    out: Path,
    device: str | None = None,
    policies: str | None = None,
    backend: Literal["local", "ray"] = "local",
    workers: int | None = None,
    address: str | None = None,
    seeds: int | None = None,
    export: Path | None = None,
) -> None:
    """Train, fine-tune and compare over bodies, device conditions and seeds; what is done already is not done again.

    Args:
        config: Name of a study of the suite (hip_ankle, ...) or a YAML file.
        out: Folder of the study; a stopped study goes on from it.
        device: Name or YAML file of a device instead of the study's.
        policies: Only walk, with the policies of this folder, or with those the suite ships under this name.
        backend: Processes of this machine, or a Ray cluster (needs the extra `ray`).
        workers: Tasks at a time on this machine; one a processor without.
        address: Address of the Ray cluster; a local one without.
        seeds: Only the first so many seeds.
        export: Copy the policies of all finished fine-tunes into this folder.
    """
    import dataclasses

    from exogait.analysis.report.study import write_study_report
    from exogait.data.settings import load_settings
    from exogait.osim_env.study.backends import make_backend
    from exogait.osim_env.study.files import export_policies, policy_folder
    from exogait.osim_env.study.plan import (
        StudyConfig,
        find_study,
    )
    from exogait.osim_env.study.run import (
        run_study,
    )

    settings = load_settings(StudyConfig, find_study(config))
    if seeds is not None:
        settings = dataclasses.replace(settings, seeds=settings.seeds[:seeds])
    if device is not None:
        settings = dataclasses.replace(settings, device=device)
    run_study(
        settings, out, summarise_walk, backend=make_backend(backend, workers, address),
        policies=None if policies is None else policy_folder(policies), report=print,
    )  # fmt: skip
    if export is not None:
        print(f"wrote {len(export_policies(settings, out, export))} policies to {export}")
    print(f"open {write_study_report(out)}")


@app.command
def optimum(
    policies: Positional[str],
    *,
    out: Path,
    body: str = "healthy",
    strength: float | None = None,
    side: Literal["left", "right", "both"] | None = None,
    speed: float = 1.25,
    device: str = "hip_ankle",
    condition: Literal["none", "unpowered"] = "none",
    seed: int = 1,
    mesh_interval: float = 0.02,
    table: Path | None = None,
) -> None:
    """Least-effort device torques on the motion of an unassisted walk (OpenSim MocoInverse), minutes a body.

    Args:
        policies: Folder of a study's policies, the name of one that the suite ships, or a single human policy.
        out: Folder for the walk, the OpenSim files, curves.csv and solution.csv.
        body: `healthy` or the name of a muscle deficit.
        strength: Strength of the weak muscles, percent of the healthy one; replaces the deficit file's value. Where the
            study's bodies searched for a gait of their own, not below the strength that they searched with.
        side: Side of the weakness; replaces the deficit file's value.
        speed: Commanded walking speed, m/s.
        device: Name or YAML file of the exoskeleton.
        condition: Walk without the device, which then weighs nothing in the problem either, or with its mass on.
        seed: Seed of the policies of a study, and of the start.
        mesh_interval: Distance of the mesh points, s.
        table: Table to put the curves into; moco_inverse.csv in the folder if not given.
    """
    import dataclasses

    from exogait import models
    from exogait.analysis.opensim_tools import moco_inverse, moco_table
    from exogait.models.deficit import FULL_STRENGTH
    from exogait.osim_env.gait.setup import WorldSetup
    from exogait.osim_env.learning.simulation import simulate
    from exogait.osim_env.study.files import human_of, strategies_of

    if body == "healthy" and (strength is not None or side is not None):
        raise ExogaitError("--strength and --side change a deficit; name one with --body")
    weakness = None if body == "healthy" else models.load_deficit(body, strength=strength, side=side)
    worn = models.load_device(device)
    human = human_of(policies, body, seed)
    found = strategies_of(policies, body)
    on_both = weakness is not None and weakness.side == "both"  # nobody searched for that
    strategy = None if found is None or on_both else found.of(condition, weakness)
    setup = WorldSetup(deficit=None if weakness is None else body, strength=strength, side=side)
    with _clock(OPTIMUM_WALK, "walk") as advance:
        trial = simulate(
            human,
            speed=speed,
            seconds=OPTIMUM_WALK,
            setup=setup,
            condition=condition,
            strategy=strategy,
            seed=seed,
            progress=advance,
        )
    trial = trial.replace(name=body)
    subject = human.metadata["settings"]["setup"].get("subject")
    strides = moco_table.settled_strides(trial)
    out.mkdir(parents=True, exist_ok=True)
    trial.write_parquet(out / "walk")
    built = worn if condition == "unpowered" else dataclasses.replace(worn, added_mass=())
    model = models.write(models.build(device=built, subject=subject), out / "model.osim")
    print(f"{trial.name}: walked {trial.about.speed_commanded:g} m/s; solving {strides['r'].start:.2f} to "
          f"{strides['l'].stop:.2f} s")  # fmt: skip
    result = moco_inverse.solve_moco_inverse(
        trial, model, start=strides["r"].start, stop=strides["l"].stop, folder=out / "opensim",
        strength=None if weakness is None else weakness.strength, mesh_interval=mesh_interval,
    )  # fmt: skip
    result.tables().to_csv(out / "solution.csv", float_format="%.6g")
    print(result.summary())
    if not result.success:
        raise ExogaitError(f"{trial.name}: MocoInverse did not converge ({result.status}); nothing went into the table")
    curves = moco_table.torque_curves(result.device_torques, strides, trial.subject_mass)
    curves.to_csv(out / "curves.csv", float_format="%.6g")
    target = table or out / "moco_inverse.csv"
    moco_table.write_optimum(
        target, curves, body=body, side="right" if weakness is None else weakness.side,
        strength=FULL_STRENGTH if weakness is None else weakness.weakest,
        note=f"OpenSim {moco_inverse.opensim_version()}; {device}, walk {condition} at {speed:g} m/s of "
        f"{trial.metadata['policy']}, seed {seed}; {result.summary()}",
    )  # fmt: skip
    print(moco_table.torque_summary(curves).round(3).to_string())
    print(f"wrote {target}")


@app.command
def personalize(
    *,
    lab: Path,
    out: Path,
    device: str | None = None,
    deficit: str | None = None,
    strength: float | None = None,
    side: Literal["left", "right", "both"] | None = None,
    policies: str = "steady",
    samples: float = 3e5,
    seconds: float = 20.0,
    starts: int = 4,
    seed: int = 0,
    bodies: int | None = None,
    workers: int = 2,
) -> None:
    """From a person's gait analysis to a device controller tuned to them, beside a generic one and none.

    Args:
        lab: Folder of `lab run`.
        out: Folder for policies, controller, tables and report; a stopped run goes on from it.
        device: Name or YAML file of the exoskeleton; that of the policies if not given.
        deficit: Name or YAML file of a muscle deficit; `estimated` takes what the walk's kinetics suggest, which may
            well be another group than the weak one; full strength if not given.
        strength: Strength of the weak muscles, percent of the healthy one; replaces the deficit file's value.
        side: Side of the weakness; replaces the deficit file's value.
        policies: Generalists to start from: a folder, or a name under which the suite ships policies.
        samples: Control steps in which the human learns; the personalised device has as many after that.
        seconds: Length of each walk that is compared, s.
        starts: Walks per device and condition.
        seed: Of everything random.
        bodies: Bodies in the training batch; as the generalists' if not given.
        workers: Fine-tunes at a time, one process each.
    """
    from exogait.analysis.report.personalize import write_personalize_report
    from exogait.osim_env.study.personalize import personalize as run_personalize

    if deficit is None and (strength is not None or side is not None):
        raise ExogaitError("--strength and --side change a deficit; name one with --deficit")
    if deficit == "estimated" and (strength is not None or side is not None):
        raise ExogaitError("--strength and --side are part of the estimate; leave them out, or name a deficit")
    out.mkdir(parents=True, exist_ok=True)
    settings = prepare_personalization(
        lab, out, device=device, deficit=deficit, strength=strength, side=side, policies=policies, samples=samples,
        seconds=seconds, starts=starts, seed=seed, n_envs=bodies,
    )  # fmt: skip
    run_personalize(settings, out, summarise_walk, workers=workers, report=print)
    print(f"open {write_personalize_report(out)}")


@app.command
def report(folder: Positional[Path]) -> None:
    """Write the report of a study: figures with their data as CSV, signs, baselines and failures.

    Args:
        folder: Folder of the study.
    """
    from exogait.analysis.report.study import write_study_report

    print(f"open {write_study_report(folder)}")


@app.command
def controller(
    policy: Positional[str],
    *,
    out: Path,
    device: str | None = None,
    delay_added_by: Literal["hardware", "loop"] = "hardware",
) -> None:
    """Write an exoskeleton policy as ONNX with a contract that a device's own computer can follow at 100 Hz.

    Args:
        policy: Name of a device policy of the suite or path of one.
        out: Folder for controller.onnx, controller.json and the policy.
        device: Name or YAML file of the device; the policy's own if not given.
        delay_added_by: Whether the torque delay of the device file is the hardware's own or to be added by the loop.
    """
    from exogait.models.device import load_device
    from exogait.osim_env.controller.export import export_controller
    from exogait.osim_env.learning.policy import load_policy

    brain = load_policy(policy)
    name = device or brain.metadata.get("device")
    if name is None:
        raise ExogaitError(f"policy {policy!r} drives no device; name a device policy")
    for path in export_controller(brain, load_device(name), out, delay_added_by=delay_added_by).values():
        print(f"wrote {path}")


@app.command
def reference(
    manifest: Positional[Path | None] = None,
    *,
    out: Path,
    order: int = 2,
    slowest: float = 0.6,
    fastest: float = 1.8,
    workers: int = 2,
) -> None:
    """Fit a reference motion, as a function of walking speed, to measured walks.

    Args:
        manifest: CSV as for `lab batch`; without one, the walks of Schreiber & Moissenet 2019 (CC BY 4.0), as far as
            EXOGAIT_DATA has them: this is how the suite's own reference was made.
        out: The .json file to write.
        order: Order of the polynomials in speed (0 for one person at one speed).
        slowest: Slowest speed the reference may be asked for, m/s.
        fastest: Fastest speed it may be asked for, m/s.
        workers: Processes.
    """
    from exogait.analysis.lab.measured_walks import analyse_walks, published_walks, walks_of_manifest
    from exogait.osim_env.gait.reference_fit import GENERIC_LEG_LENGTH, fit_reference, strides_of_trial

    walks, source = published_walks() if manifest is None else walks_of_manifest(manifest)
    strides = []
    for trial, leg_length in analyse_walks(walks, workers=workers):
        found = strides_of_trial(trial, leg_length=leg_length)
        print(f"{trial.name:30s} {len(found)} strides at {trial.about.walked_speed:.2f} m/s, leg {leg_length:.3f} m")
        strides += found
    fitted = fit_reference(
        strides, order=order, speed_range=(slowest, fastest), n_harmonics=6,
        leg_length=GENERIC_LEG_LENGTH, source=source, name=out.stem,
    )  # fmt: skip
    fitted.save(out)
    print(f"wrote {out}: {len(strides)} strides, {len(fitted.coordinate_names)} coordinates")


@app.command
def simulate(
    policy: Positional[str],
    *,
    out: Path,
    speed: float = 1.25,
    seconds: float = 10.0,
    engine: Literal["twin", "opensim"] = "twin",
    device: str | None = None,
    device_policy: str | None = None,
    deficit: str | None = None,
    strength: float | None = None,
    side: Literal["left", "right", "both"] | None = None,
    subject: Path | None = None,
    settle: float = 2.0,
    seed: int = 0,
    other_model: bool = False,
) -> None:
    """Let a policy walk, and analyse the walk as `lab run` does a measured one.

    Args:
        policy: Name of a policy of the suite or path of one; `reference-feedback` for none.
        out: Folder for the report, the tables and the OpenSim files (states, controls, forces, model).
        speed: Commanded walking speed, m/s.
        seconds: Length of the walk, s.
        engine: The compiled engine, or OpenSim itself.
        device: Name or YAML file of an exoskeleton; the policy's own if not given.
        device_policy: Policy that drives the device; without one it is worn and gives no torque.
        deficit: Name or YAML file of a muscle deficit.
        strength: Strength of the weak muscles, percent of the healthy one; replaces the deficit file's value.
        side: Side of the weakness; replaces the deficit file's value.
        subject: YAML file with mass, height and segment factors.
        settle: Time after the start whose strides do not count, s; none in walks of less than twice that.
        seed: Seed of the random start.
        other_model: Accept a body of the same names whose numbers differ from those the policy was trained on.
    """
    from exogait.analysis.lab.simulated import write_simulation
    from exogait.osim_env.gait.setup import WorldSetup
    from exogait.osim_env.learning.simulation import place_model, policy_settings, simulate
    from exogait.osim_env.viewing.opensim_files import write_controls, write_states

    if deficit is None and (strength is not None or side is not None):
        raise ExogaitError("--strength and --side change a deficit; name one with --deficit")
    asked = WorldSetup(engine=engine, device=device, deficit=deficit, strength=strength, side=side,
                       subject=None if subject is None else str(subject))  # fmt: skip
    setup = policy_settings(policy, asked)[2]
    with _clock(seconds, "simulate") as advance:
        trial = simulate(
            policy, speed=speed, seconds=seconds, setup=asked, device_policy=device_policy, seed=seed,
            settle=settle if seconds >= 2 * settle else 0.0, other_model=other_model, progress=advance,
        )  # fmt: skip
    model = place_model(setup, out / "opensim")
    write_states(trial, model, out / "opensim" / f"{trial.name}_states.sto")
    write_controls(trial, model, out / "opensim" / f"{trial.name}_controls.sto")
    print(write_simulation(trial, model, out).summary())


@app.command
def replay(
    folder: Positional[Path],
    *,
    out: Path | None = None,
    model: Path | None = None,
    geometry: Path | None = None,
    rate: float = 50.0,
) -> None:
    """Write a walk as one HTML page: skeleton, muscles coloured by activation, ground reactions, device torques.

    Args:
        folder: Folder of `simulate` or `lab run`.
        out: The .html file; `replay.html` in the folder if not given.
        model: Model of the walk (.osim); that of the folder if not given.
        geometry: Folder of bone surfaces (.vtp), such as OpenSim's Geometry; EXOGAIT_GEOMETRY if not given.
        rate: Frames a second.
    """
    from exogait.osim_env.viewing.replay_page import replay as make_replay

    path = make_replay(folder, model, geometry=geometry, rate=rate).save(out or folder / "replay.html")
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


@app.command
def video(
    folder: Positional[Path],
    film: Positional[Path],
    *,
    model: Path | None = None,
    speed: float = 1.0,
) -> None:
    """Write a walk as a film, seen from the right.

    Args:
        folder: Folder of `simulate` or `lab run`.
        film: File that ends in .mp4 or .gif.
        model: Model of the walk (.osim); that of the folder if not given.
        speed: 0.5 plays at half speed.
    """
    from exogait.osim_env.viewing.replay_page import load_scene
    from exogait.osim_env.viewing.video import write_video

    path = write_video(load_scene(folder, model), film, speed=speed)
    print(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB)")


@app.command
def compare(simulation: Positional[Path], lab: Positional[Path], *, out: Path | None = None) -> None:
    """Compare a simulated walk with a measured one: angles, moments, forces, symmetry, metabolic rate.

    Args:
        simulation: Folder of `simulate`.
        lab: Folder of `lab run`.
        out: Folder for compare.html, compare.csv and compare.png; the simulation's if not given.
    """
    from exogait.analysis.report.comparison import compare_folders

    print(compare_folders(simulation, lab, out=out).summary())


@app.command
def doctor() -> None:
    """Check the installation: Python, packages, OpenSim, compiler cache, data folder."""
    from importlib import metadata

    failures = 0

    def line(ok: bool, what: str, detail: str) -> None:
        nonlocal failures
        failures += not ok
        print(f"{'ok     ' if ok else 'PROBLEM'}  {what:20s} {detail}")

    version = sys.version_info
    line((3, 11) <= version < (3, 14), "Python", f"{version.major}.{version.minor}.{version.micro}")
    for package in ("numpy", "scipy", "pandas", "numba", "opensim", "c3d", "gymnasium", "stable-baselines3", "torch"):
        try:
            line(True, package, metadata.version(package))
        except metadata.PackageNotFoundError:
            line(False, package, f"not installed; pip install {package}")
    try:
        from exogait import models

        model = models.read(models.model_path())
        state = model.initSystem()
        line(True, "OpenSim model", f"{models.model_path().name}: {state.getNQ()} coordinates")
    except (ExogaitError, ImportError, RuntimeError) as error:
        line(False, "OpenSim model", str(error).splitlines()[0])
    try:
        import numba

        numba.njit(lambda x: x + 1)(1)
        line(True, "compiler", f"numba on {numba.get_num_threads()} threads")
    except Exception as error:  # whatever a broken LLVM raises is the finding here
        line(False, "compiler", str(error).splitlines()[0])
    folder = os.environ.get("EXOGAIT_DATA")
    line(
        folder is None or Path(folder).is_dir(),
        "EXOGAIT_DATA",
        "not set (optional: a folder of laboratory data)" if folder is None else folder,
    )
    if failures:
        raise SystemExit(1)


@lab_app.command(name="run")
def lab_run(
    *,
    static: Path,
    trial: Path,
    mass: float,
    out: Path,
    height: float | None = None,
    marker_map: str | None = None,
    muscles: bool = False,
    name: str | None = None,
    subject: str | None = None,
    units: str | None = None,
    forward: str | None = None,
    up: str | None = None,
    max_gap: float = 0.1,
    marker_cutoff: float = 6.0,
    force_cutoff: float = 20.0,
    force_threshold: float = 20.0,
    belt_speed: float | None = None,
    overrides: Path | None = None,
    base_model: Path | None = None,
) -> None:
    """Analyse one walk: scaled model, joint angles, moments, powers, events, symmetry, report.

    Args:
        static: Static trial, C3D or TRC.
        trial: Walking trial, C3D or TRC.
        mass: Body mass, kg.
        out: Folder for the report, the tables and the OpenSim files.
        height: Body height, m.
        marker_map: Marker set: a name or a YAML file; the best fitting known one if not given.
        muscles: Also static optimization on one stride a leg, metabolic rate and reserves.
        name: Name of the trial; the file's if not given.
        subject: Name of the person; the static file's if not given.
        units: Unit of length in the C3D files, where they do not say (mm, cm, m).
        forward: Laboratory axis that points forward (+x, -y, ...); found from the walk if not given.
        up: Laboratory axis that points up; found from the body if not given.
        max_gap: Longest marker gap to bridge, s.
        marker_cutoff: Low-pass of the markers, Hz.
        force_cutoff: Low-pass of the force plates, Hz.
        force_threshold: Vertical force that makes a contact, N.
        belt_speed: Treadmill speed, m/s; 0 for overground; detected if not given.
        overrides: CSV of manual events and plate assignments (columns what, side, time, plate).
        base_model: Model to scale; the suite's own if not given.
    """
    from exogait.analysis.lab.run import STEPS, run_trial
    from exogait.analysis.lab.settings import LabSettings

    settings = LabSettings(
        units=units, forward=forward, up=up, max_gap=max_gap, marker_cutoff=marker_cutoff, force_cutoff=force_cutoff,
        force_threshold=force_threshold, belt_speed=belt_speed, overrides=overrides,
    )  # fmt: skip
    with _progress(len(STEPS) - (not muscles), "lab run") as step:
        run = run_trial(
            static, trial, mass, out=out, height=height, marker_map=marker_map, settings=settings,
            base_model=base_model, name=name, subject=subject, muscles=muscles, progress=step,
        )  # fmt: skip
    print(run.trial.metadata["frame"])
    print(run.summary())


@lab_app.command(name="batch")
def lab_batch(manifest: Positional[Path], *, out: Path, muscles: bool = False, workers: int = 2) -> None:
    """Analyse every walk of a CSV manifest; one that fails never stops the rest.

    Args:
        manifest: CSV with the columns static, trial, mass and, if wanted, subject, name, height, marker_map, condition,
            belt_speed.
        out: Folder; each walk gets one inside it, beside the group's tables and an index page.
        muscles: Also static optimization.
        workers: Walks at a time.
    """
    from exogait.analysis.lab.batch import run_batch
    from exogait.analysis.lab.manifest import read_manifest

    rows = read_manifest(manifest)
    with _progress(len(rows), "lab batch") as step:
        result = run_batch(rows, out=out, muscles=muscles, workers=workers, progress=step)
    print(f"{len(rows) - len(result.failures)} of {len(rows)} walks came through; open {result.index}")
    if len(result.failures):
        print(result.failures.to_string(index=False))
        raise SystemExit(1)


@lab_app.command(name="compare")
def lab_compare(first: Positional[Path], second: Positional[Path], *, out: Path) -> None:
    """Compare two analysed trials, for example simulation and measurement: curves, r, RMSE, numbers.

    Args:
        first: Folder of the reference (what `lab run` or a simulation wrote, or its `trial` folder).
        second: Folder of the trial that is compared with it.
        out: The .html file to write.
    """
    from exogait.analysis.report.comparison import compare_folders

    print(f"wrote {compare_folders(second, first, out=out).page}")


lab_labels.register(lab_app)


@lab_app.command(name="fuzz")
def lab_fuzz(
    seeds: Positional[Path],
    *,
    files: int = 20_000,
    seconds: float | None = None,
    seed: int = 0,
    keep: Path | None = None,
) -> None:
    """Damage files at random and read them: every one must load or give one clear line.

    Args:
        seeds: Folder of files to start from (.c3d, .trc, .sto, .mot, .csv).
        files: Number of damaged files.
        seconds: Longest time to spend.
        seed: Seed of the damage.
        keep: Folder for files that break a reader.
    """
    from exogait.analysis.made_up.fuzz import fuzz

    found = sorted(path for path in seeds.rglob("*") if path.suffix.lower() in (".c3d", ".trc", ".sto", ".mot", ".csv"))
    report = fuzz(found, files, seconds, seed, keep=keep)
    print(report.describe())
    for finding in report.findings:
        print(f"{finding.problem:8s} {finding.seed} #{finding.number}: {finding.detail}")
    if report.findings:
        raise SystemExit(1)


@contextlib.contextmanager
def _progress(total: int, label: str) -> Iterator[Callable[[str], None]]:
    """A progress bar whose argument is the step that begins."""
    from tqdm.auto import tqdm

    begun = 0
    with tqdm(total=total, desc=label, unit="step", leave=False, file=sys.stderr, disable=None) as bar:

        def step(name: str) -> None:
            nonlocal begun
            bar.set_postfix_str(name)
            bar.update(1 if begun else 0)
            begun += 1

        yield step


@contextlib.contextmanager
def _clock(seconds: float, label: str) -> Iterator[Callable[[float], None]]:
    """A progress bar over simulated time."""
    from tqdm.auto import tqdm

    with tqdm(total=round(seconds, 2), desc=label, unit="s", leave=False, file=sys.stderr, disable=None) as bar:

        def advance(time: float) -> None:
            bar.update(round(time - bar.n, 2))

        yield advance


@app.command
def demo(
    out: Annotated[Path, arg(help="Folder for everything the demonstration writes.")] = Path("out"),
    *,
    policies: str = "steady",
) -> None:
    """From nothing to a personalised device: model, gait analysis, a short fine-tune, a walk with the device.

    Args:
        out: Folder for everything the demonstration writes.
        policies: Generalists to start from: a folder, or a name under which the suite ships policies.
    """
    import json
    import shutil

    from exogait import models

    out.mkdir(parents=True, exist_ok=True)
    model = models.build(device="hip_ankle")
    models.write(model, out / "gait2392_exo.osim")
    text = models.summary(model)
    (out / "model.txt").write_text(text + "\n")
    picture, table = models.plot_moment_arms(model, out)
    print(f"{text}\nwrote {picture}\nwrote {table}")

    from exogait.analysis.made_up.demo import real_walk, run_lab_demo
    from exogait.analysis.report.demo import write_demo_page
    from exogait.analysis.report.personalize import read_headline
    from exogait.osim_env.learning.patient import SECONDS, demo_patient, walk_of

    patient = None if real_walk() else demo_patient()
    if patient is None:
        print("\nFrom C3D to joint moments")
        run = run_lab_demo(out / "lab")
    else:
        print(f"\nA patient walks through a gait laboratory: SYNTHETIC, {patient.words}")
        with _clock(SECONDS, "patient") as advance:
            walked = walk_of(patient, out / "patient", progress=advance)
        print("\nFrom C3D to joint moments")
        run = run_lab_demo(out / "lab", simulated=walked, subject=out / "patient" / f"{patient.size.name}.yaml")
    print(run.summary())

    print("\nA device for this person: short fine-tunes of a generic and a personalised one")
    device = out / "device"
    shutil.rmtree(device, ignore_errors=True)
    weak = patient is not None and patient.deficit is not None
    strength, side = (patient.strength, patient.side) if patient is not None and weak else (None, None)
    personalize(
        lab=out / "lab", out=device, deficit=patient.deficit if patient is not None else None, strength=strength,
        side=side, policies=policies, samples=DEMO_SAMPLES, seconds=10.0, starts=2,
    )  # fmt: skip
    person = json.loads((device / "person.json").read_text(encoding="utf-8"))
    tuned = device / "personalised"
    simulate(
        str(tuned / "human"), out=out / "walk", speed=round(person["speed"], 3), seconds=6.0,
        device_policy=str(tuned / "device"), deficit=None if patient is None else patient.deficit, strength=strength,
        side=side,
    )  # fmt: skip
    replay(out / "walk")
    page = write_demo_page(
        out, summary=text, moment_arms=picture, headline=read_headline(device), parts=DEMO_PARTS,
        who=None if patient is None else patient.words,
    )  # fmt: skip
    print(f"\nopen {page}")


DEMO_SAMPLES = 3e4
"""Control steps of the demonstration's fine-tunes: enough to see how it is done."""
DEMO_PARTS = (
    ("The person's gait analysis", "Angles, moments, powers, ground reaction, symmetry, data quality.",
     "lab/report.html"),
    ("With the personalised device, in three dimensions", "Muscles coloured by activation, device torques; play it.",
     "walk/replay.html"),
    ("Report of that walk", "The same analysis as of the laboratory's, beside norms.", "walk/report.html"),
    ("The controller", "ONNX, with a contract that a device's own computer can follow.", "device/controller/"),
    ("OpenSim folder", "Scaled model, motion, forces and set-ups for the OpenSim GUI.", "lab/opensim/"),
    ("The model with a hip and ankle device", "Opens in the OpenSim GUI.", "gait2392_exo.osim"),
)  # fmt: skip
"""Title, one sentence and place of what the demonstration makes, beside the device's report."""


def main() -> None:
    """Run the command line; every foreseen error is one line on stderr and exit code 2."""
    try:
        app.cli(prog="exogait", description="From motion capture to a personalised exoskeleton controller.")
    except ExogaitError as error:
        print(f"exogait: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("exogait: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except Exception as error:
        if os.environ.get("EXOGAIT_DEBUG"):
            raise
        print(
            f"exogait: unexpected {type(error).__name__}: {error}; this is a bug: EXOGAIT_DEBUG=1 shows the traceback",
            file=sys.stderr,
        )
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
