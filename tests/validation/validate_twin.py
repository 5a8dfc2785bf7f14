"""Validation of the compiled engine: parity, motion, energy, speed, memory, determinism, compile time.

``python -m tests.validation twin`` runs everything (some minutes) and rewrites its section of docs/validation.md. The
models of part 2 are read from the folder that EXOGAIT_DATA names; without it that part says so.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from exogait import models
from exogait.osim_env import engine
from exogait.osim_env.engine.compiler import convert, open_model
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.verify import Comparison, compare, compare_accelerations, deepest, sample_states
from tests.kit.models_for_tests import compliant, joint_zoo, perturbed
from tests.validation import twin_speed
from tests.validation.sections import markdown_table, write_section

STATES = 1000
ARM_STATES = 50
RK4_STEP_S = 0.00005
OPENSIM_ACCURACY = 1e-9
SMALL_JOINTS = ("mtp", "subtalar")


def log(text: str) -> None:
    """Say what is going on."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def parity_table(rows: list[Comparison]) -> str:
    """Lay comparisons out as Markdown."""
    return markdown_table(
        ["quantity", "largest absolute", "unit", "largest relative", "limit", "states", "result"],
        [
            [
                r.quantity,
                f"{r.absolute:.1e}",
                r.unit,
                f"{r.relative:.1e}",
                f"{r.tolerance:.0e}" + (" m" if r.quantity == "moment arms" else ""),
                r.n_states,
                "met" if r.passed else "**MISSED**",
            ]
            for r in rows
        ],
    )


def parity(path: Path, n_states: int, *, seed: int = 0, everything: bool = True) -> list[Comparison]:
    """Compare both engines on one model."""
    log(f"parity on {path.name}, {n_states} states")
    oracle = OpenSimEngine(path)
    states = sample_states(oracle.model, n_states, seed)
    if everything:
        return compare(oracle, states, moment_arm_states=ARM_STATES)
    return compare_accelerations(oracle, states)


def balanced(model: engine.Model, pose: dict[str, float], speed: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates and speeds of a pose whose height makes the vertical contact force equal to body weight."""
    q, u = model.coordinate_default.copy(), np.zeros(model.n_coordinates)
    for name, value in pose.items():
        q[model.index("coordinate", name)] = np.radians(value)
    if speed:
        u = with_planted_foot(model, q, speed)
    height = model.index("coordinate", "pelvis_ty")
    weight = model.total_mass * np.linalg.norm(model.gravity)
    low = q[height] + deepest(model, q[None])[0] - 0.06
    high = low + 0.1
    for _ in range(60):
        q[height] = 0.5 * (low + high)
        vertical = engine.contact_forces(model, q, u).foot_force[0, :, 1].sum()
        low, high = (q[height], high) if vertical > weight else (low, q[height])
    return q, u


def with_planted_foot(model: engine.Model, q: np.ndarray, speed: float) -> np.ndarray:
    """Speeds of a body that moves forward over a right foot at rest."""
    u = np.zeros(model.n_coordinates)
    u[model.index("coordinate", "pelvis_tx")] = speed
    leg = [k for k, name in enumerate(model.coordinate_names) if name.endswith("_r")]
    foot = [model.index("body", name) for name in ("calcn_r", "toes_r")]

    def foot_velocity(speeds: np.ndarray) -> np.ndarray:
        motion = engine.kinematics(model, np.tile(q, (len(speeds), 1)), speeds)
        return np.hstack([motion.velocity[:, foot].reshape(len(speeds), -1),
                          0.1 * motion.angular_velocity[:, foot].reshape(len(speeds), -1)])  # fmt: skip

    jacobian = foot_velocity(np.eye(model.n_coordinates))[leg].T
    u[leg] = -np.linalg.lstsq(jacobian, foot_velocity(u[None])[0], rcond=1e-6)[0]
    return u


MID_STRIDE = {
    "pelvis_tilt": -3.0,
    "hip_flexion_r": 22.0,
    "knee_angle_r": -12.0,
    "ankle_angle_r": 2.0,
    "hip_flexion_l": -12.0,
    "knee_angle_l": -25.0,
    "ankle_angle_l": 5.0,
    "lumbar_extension": -3.0,
}


def motion() -> str:
    """Open-loop motion against OpenSim's error-controlled integrator, and energy."""
    path = models.model_path()
    oracle = OpenSimEngine(path, accuracy=OPENSIM_ACCURACY)
    model = oracle.model
    rng = np.random.default_rng(5)
    lines, limits = [], {0.3: 1e-5, 1.0: 1e-3}
    names = np.array(model.coordinate_names)
    small = np.array([name.startswith(SMALL_JOINTS) for name in names])
    leg = np.array([name.startswith(("hip", "knee", "ankle")) for name in names])
    for label, pose, speed in (("standing", {}, 0.0), ("mid-stride", MID_STRIDE, 1.2)):
        log(f"motion from {label}")
        q, u = balanced(model, pose, speed)
        controls = np.zeros(model.n_controls)
        controls[: model.n_muscles] = rng.uniform(0.01, 0.3, model.n_muscles)
        reference, ours, fast = (engine.State.create(model, 1, q=q, u=u) for _ in range(3))
        for state in (reference, ours, fast):
            state.activation[:] = (
                rng.uniform(0.01, 0.3, model.n_muscles) if state is reference else reference.activation
            )
        begin = time.perf_counter()
        now = 0.0
        for until in (0.2, 0.3, 1.0):
            oracle.step(reference, controls, until - now)
            engine.step(model, ours, controls, until - now, RK4_STEP_S, integrator="rk4")
            difference = np.abs(ours.q - reference.q)[0]
            if until == 0.2:
                engine.step(model, fast, controls, until, 0.001)
                off = np.abs(fast.q - reference.q)[0]
                for group, which, limit in (("hip, knee, ankle", leg, 1e-2), ("toes and subtalar", small, 5e-2)):
                    worst = names[which][off[which].argmax()]
                    lines.append(
                        [label, f"implicit 1 ms, {group}", "0.2 s", f"{off[which].max():.1e}", worst, f"{limit:.0e}",
                         verdict(off[which].max() <= limit)]
                    )  # fmt: skip
            else:
                lines.append(
                    [label, f"RK4 {RK4_STEP_S * 1e3:g} ms, all", f"{until:g} s", f"{difference.max():.1e}",
                     names[difference.argmax()], f"{limits[until]:.0e}", verdict(difference.max() <= limits[until])]
                )  # fmt: skip
            now = until
            log(f"  {label} {until} s: largest difference {difference.max():.1e} ({time.perf_counter() - begin:.0f} s)")
    drift = energy_drift()
    table = markdown_table(
        ["start", "method", "after", "largest difference, rad or m", "where", "limit", "result"], lines
    )
    return (
        f"Constant excitations up to 0.3, activations starting elsewhere below 0.3; height balanced to body weight; "
        f"OpenSim's default integrator at accuracy {OPENSIM_ACCURACY:g}.\n\n{table}\n\n"
        f"Energy of the pelvis-fixed model without muscles, limits and contact, RK4 {RK4_STEP_S * 1e3:g} ms, 1 s: "
        f"drift {drift:.1e} of the largest kinetic energy (limit 1e-6): {verdict(drift < 1e-6)}."
    )


def verdict(met: bool) -> str:
    """Return the word of a table."""
    return "met" if met else "**MISSED**"


def pelvis_fixed(path: Path) -> engine.Model:
    """The skeleton hanging from a fixed pelvis, with gravity alone."""
    from exogait.models.opensim_api import import_opensim

    osim = import_opensim()
    model = open_model(models.model_path())
    model.updForceSet().clearAndDestroy()
    joints = model.updJointSet()
    pelvis = model.getBodySet().get("pelvis")
    for i in range(joints.getSize()):
        if joints.get(i).getChildFrame().findBaseFrame().getName() == "pelvis":
            joints.remove(i)
            break
    model.addJoint(osim.WeldJoint("fixed", model.getGround(), pelvis))
    model.finalizeConnections()
    model.printToXML(str(path))
    return engine.compile_osim(path)


def energy_drift() -> float:
    """Largest change of total energy over 1 s, over the largest kinetic energy."""
    with tempfile.TemporaryDirectory() as folder:
        model = pelvis_fixed(Path(folder) / "pelvis_fixed.osim")
    q = model.coordinate_default.copy()
    q[[model.index("coordinate", "hip_flexion_r"), model.index("coordinate", "knee_angle_l")]] = np.radians([60, -70])
    state = engine.State.create(model, 1, q=q)
    totals, kinetic = [], []
    for _ in range(51):
        motion = engine.kinematics(model, state.q, state.u)
        mass, tree = model.body_mass, model.tree
        turn = motion.rotation[0]
        xx, yy, zz, xy, xz, yz = tree.inertia[1:].T
        inertia = np.stack([np.stack([xx, xy, xz], -1), np.stack([xy, yy, yz], -1), np.stack([xz, yz, zz], -1)], -2)
        local = np.einsum("bji,bj->bi", turn, motion.angular_velocity[0])
        rotation = 0.5 * np.einsum("bi,bij,bj->", local, inertia, local)
        translation = 0.5 * (mass * (motion.mass_centre_velocity[0] ** 2).sum(axis=1)).sum()
        potential = -(mass * (motion.mass_centre[0] @ model.gravity)).sum()
        kinetic.append(rotation + translation)
        totals.append(rotation + translation + potential)
        engine.step(model, state, np.zeros(model.n_controls), 0.02, RK4_STEP_S, integrator="rk4", speed_limit=1e4)
    if state.status[0]:
        return float("inf")
    return float(np.ptp(totals) / max(kinetic))


def main() -> None:
    """Run the study and write its section."""
    begin = time.time()
    # The motion comes first: OpenSim keeps the activation time constants of the first muscle a process evaluates.
    parts = ["### Motion against OpenSim\n\n" + motion()]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exo = models.model_path()
        tables = [("The suite's model", parity(exo, STATES))]
        tables.append(("Perturbed copy", parity(perturbed(exo, folder / "perturbed.osim"), STATES)))
        tables.append(("Compliant tendons in all muscles", parity(compliant(exo, folder / "compliant.osim"), STATES)))
        tables.append(("Every joint and function kind", parity(joint_zoo(folder / "joint_zoo.osim"), STATES)))
        data = Path(os.environ.get("EXOGAIT_DATA", "nowhere")) / "opensim_models"
        for source in ("gait2354/gait2354_simbody.osim", "gait10dof18musc/gait10dof18musc.osim"):
            if (data / source).is_file():
                converted = convert(data / source, folder / f"{Path(source).stem}_converted.osim")
                tables.append((f"{Path(source).name}, muscles converted", parity(converted, STATES)))
            else:
                tables.append((f"{source}: EXOGAIT_DATA does not hold it, not run", []))
    for title, rows in tables:
        missed = [row.quantity for row in rows if not row.passed]
        log(f"{title}: {'missed ' + ', '.join(missed) if missed else 'all met'}")
    parity_text = "\n\n".join(f"#### {title}\n\n{parity_table(rows) if rows else ''}" for title, rows in tables)
    parts.insert(
        0,
        "### Parity with OpenSim\n\nRandom states, seed 0: joint angles over the coordinate ranges, pelvis list within "
        "80 degrees, speeds to 10 rad/s, activations 0.01 to 1, random actuator torques; half in flight, half with the "
        'deepest sphere 0 to 30 mm in the floor. "Accelerations" are relative to the state\'s largest, "each '
        'coordinate" '
        "to max(1, its own size). Where muscle lengths leave the range of an elastic tendon OpenSim's explicit "
        "equation has no bounded speed; such values are left out of the rows that say so.\n\n" + parity_text,
    )
    parts += twin_speed.study(log)
    header = (
        "## The compiled engine\n\n`python -m tests.validation twin` · "
        f"{time.strftime('%Y-%m-%d')} · Python {sys.version.split()[0]}, {platform.machine()}, "
        f"{(time.time() - begin) / 60:.0f} min. Limits are those set before the work began; a missed one says so."
    )
    write_section("validation.md", "twin", header + "\n\n" + "\n\n".join(parts))
    log("wrote docs/validation.md")


if __name__ == "__main__":
    main()
