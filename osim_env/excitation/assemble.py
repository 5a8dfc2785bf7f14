"""From a model, a device and a population to the arrays of the kernel."""

from __future__ import annotations

import numpy as np

from exogait.data.names import SIDES, side_of
from exogait.models.anatomy import muscle_volume, slow_twitch_ratio
from exogait.models.deficit import muscle_groups
from exogait.models.device import Device
from exogait.models.energetics import MUSCLE_DENSITY
from exogait.models.tables import load_tables

from ..device.exoskeleton import HISTORY, SIZE, signal_channels
from ..device.mirror import ODD_COORDINATES, mirror_map, mirrored_name
from ..engine import Model, Parameters
from ..engine.curves import require_degroote_fregly
from ..engine.state import pack_parameters
from ..gait.population import BodySource
from ..gait.reference import ReferenceMotion
from ..gait.twin_physics import person_height
from . import device as exoskeleton
from .arrays import Anatomy, Bodies, Columns, Draw, Faults, Floats, Indices, Motion, Results
from .observation import STRENGTH_GROUPS
from .task import NEVER
from .terms import TERMS

LOADED = (("pelvis",), ("tibia_r", "tibia_l"), ("calcn_r", "calcn_l"))
"""Bodies that carry the loads at waist, shanks and feet."""
SAGITTAL = ("hip_flexion", "knee_angle", "ankle_angle")
_KINDS = {
    "value": exoskeleton.VALUE, "speed": exoskeleton.SPEED, "applied_torque": exoskeleton.TORQUE,
    "orientation": exoskeleton.ORIENTATION, "gyroscope": exoskeleton.GYROSCOPE,
    "accelerometer": exoskeleton.ACCELEROMETER,
}  # fmt: skip


def joint_names(model: Model) -> tuple[str, ...]:
    """Coordinates that muscles move."""
    return tuple(name for name in model.coordinate_names if not name.startswith("pelvis_"))


def make_columns(model: Model, device: Device | None) -> Columns:
    """Where everything stands in the packed arrays of the engine."""
    n, m, at = model.n_coordinates, model.n_muscles, model.layout
    pelvis = {name: model.index("coordinate", name) for name in model.coordinate_names if name.startswith("pelvis_")}
    return Columns(
        n_coordinates=n,
        n_muscles=m,
        n_joints=len(joint_names(model)),
        n_drives=0 if device is None else len(device.actuator_names),
        activation=2 * n,
        tendon=2 * n + m,
        strength=0,
        push=at.push - at.strength,
        gravity=at.gravity - at.strength,
        right_foot=model.index("foot", "r"),
        pelvis_body=1 + model.index("body", "pelvis"),
        **pelvis,
    )


def make_anatomy(model: Model, device: Device | None, pose_emphasis: float = 1.0) -> Anatomy:
    """What is the same for all bodies; muscles are those of a person of the model's mass and height."""
    require_degroote_fregly(model)
    joints = joint_names(model)
    columns = np.array([model.index("coordinate", name) for name in joints], np.int64)
    joint_mirror, joint_sign = mirror_map(joints, ODD_COORDINATES)
    muscle_mirror, _ = mirror_map(model.muscle_names)
    low, high = np.full(model.n_coordinates, -np.inf), np.full(model.n_coordinates, np.inf)
    coordinate = {int(mobility): k for k, mobility in enumerate(model.tree.mobility_of_coordinate)}
    limits = model.limits
    for mobility, lower, upper in zip(limits.mobility, limits.lower, limits.upper, strict=True):
        low[coordinate[int(mobility)]], high[coordinate[int(mobility)]] = lower, upper
    weight = np.array([pose_emphasis if name.startswith(SAGITTAL) else 1.0 for name in joints])
    force, length = np.asarray(model.max_isometric_force), np.asarray(model.optimal_fiber_length)
    volume = muscle_volume(
        model.muscle_names, body_mass=model.total_mass - (0.0 if device is None else device.mass),
        height=person_height(model), max_isometric_force=force, optimal_fiber_length=length,
    )  # fmt: skip
    drives = () if device is None else device.coordinates
    two_sided = {mirrored_name(name) for name in drives} == set(drives)
    drive_mirror, drive_sign = mirror_map(drives, ODD_COORDINATES) if two_sided else (np.arange(len(drives)), None)
    channels = () if device is None else signal_channels(device)
    legs = [1 + k for k, name in enumerate(model.body_names) if name.split("_")[0] in ("femur", "tibia", "torso")]
    worn = {} if device is None else {part.body: part.mass for part in device.added_mass}
    names, actuation = ((), ()) if device is None else (device.actuator_names, device.actuation)
    return Anatomy(
        joints=columns,
        joint_mirror=joint_mirror,
        joint_sign=joint_sign,
        muscle_mirror=muscle_mirror,
        limit_low=low[columns],
        limit_high=high[columns],
        pose_weight=weight / weight.mean(),
        legs=np.array(legs, np.int64),
        max_force=force.astype(np.float64),
        volume_share=volume / volume.sum(),
        muscle_mass=MUSCLE_DENSITY * volume,
        slow_ratio=slow_twitch_ratio(model.muscle_names),
        fastest=length * np.asarray(model.max_contraction_velocity),
        width_scale=np.array(model.muscles.width_scale, float),
        groups=_groups(model),
        load_columns=_load_columns(model),
        device_parts=np.array([[*(worn.get(body, 0.0) for body in bodies), 0.0][:2] for bodies in LOADED]),
        device_mass=0.0 if device is None else float(device.mass),
        drive_columns=np.array([model.actuator_names.index(name) for name in names], np.int64),
        drive_mirror=np.asarray(drive_mirror, np.int64),
        drive_sign=np.ones(len(drives)) if drive_sign is None else drive_sign,
        peak_positive=np.array([joint.peak_positive for joint in actuation]),
        peak_negative=np.array([joint.peak_negative for joint in actuation]),
        rate_limit=np.array([joint.rate_limit for joint in actuation]),
        **_channels(model, device, channels),
    )


def _groups(model: Model) -> Indices:
    """Muscles of each strength group, right then left, padded with -1."""
    known, names = muscle_groups(), list(model.muscle_names)
    found = [
        [[names.index(m) for m in known[group] if side_of(m) == side and m in names] for side in SIDES]
        for group in STRENGTH_GROUPS
    ]
    longest = max(len(members) for sides in found for members in sides)
    table = np.full((len(found), 2, longest), -1, np.int64)
    for g, sides in enumerate(found):
        for s, members in enumerate(sides):
            table[g, s, : len(members)] = members
    return table


def _load_columns(model: Model) -> Indices:
    """Added masses among the packed parameters at waist, shanks and feet, shape (3, 2)."""
    first = model.layout.added_mass - model.layout.strength
    table = np.full((len(LOADED), 2), -1, np.int64)
    for place, bodies in enumerate(LOADED):
        for k, body in enumerate(bodies):
            table[place, k] = first + 1 + model.index("body", body)
    return table


def _channels(model: Model, device: Device | None, channels: tuple[str, ...]) -> dict[str, np.ndarray]:
    kind, source, axis, scale = [], [], [], []
    for channel in channels:
        name, what, *rest = channel.split(".")
        kind.append(_KINDS[what])
        scale.append(1.0 / SIZE[what])
        axis.append({"tilt": 0, "list": 1}.get(rest[0], "xyz".find(rest[0])) if rest else 0)
        if what in ("value", "speed"):
            source.append(model.index("coordinate", name))
        elif what == "applied_torque":
            assert device is not None
            source.append(device.actuator_names.index(name))
        else:
            source.append(1 + model.index("body", name))
    return {
        "channel_kind": np.array(kind, np.int64),
        "channel_source": np.array(source, np.int64),
        "channel_axis": np.array(axis, np.int64),
        "channel_scale": np.array(scale, float),
    }


def make_faults(n: int, n_channels: int) -> Faults:
    """Devices with which nothing is wrong."""
    return Faults(bias=np.zeros((n, n_channels)), late=np.zeros(n, np.int64), grip=np.ones(n))


def make_bodies(
    model: Model, columns: Columns, device: Device | None, n: int, tick: float, most_late: int = 0
) -> Bodies:
    """Room for ``n`` bodies at rest, their random numbers not begun; torques may be ``most_late`` steps later."""
    m, d = model.n_muscles, columns.n_drives
    channels = 0 if device is None else len(signal_channels(device))
    delay = 0 if device is None else round(device.delay / tick)
    packed, _, _ = pack_parameters(model, n, Parameters(muscle_strength=np.ones((n, m)), push=np.zeros((n, 3))))
    own_mass = model.total_mass - (0.0 if device is None else device.mass)
    return Bodies(
        state=np.zeros((n, columns.tendon + m + model.n_actuators)),
        parameters=np.ascontiguousarray(packed),
        status=np.zeros(n, np.int64),
        clock=np.zeros(n),
        excitation=np.zeros((n, m)),
        previous_excitation=np.zeros((n, m)),
        rate_action=np.zeros(n),
        torque=np.zeros((n, model.n_actuators)),
        q_reference=np.zeros((n, model.n_coordinates)),
        u_reference=np.zeros((n, model.n_coordinates)),
        fiber_length=np.zeros((n, m)),
        fiber_velocity=np.zeros((n, m)),
        tendon_force=np.zeros((n, m)),
        foot_load=np.zeros((n, 2)),
        previous_foot_load=np.zeros((n, 2)),
        power=np.zeros((n, 2)),
        height=np.full(n, person_height(model)),
        body_mass=np.full(n, model.total_mass),
        person_mass=np.full(n, own_mass),
        phase=np.zeros(n),
        speed=np.ones(n),
        pace=np.ones(n),
        mean_speed=np.ones(n),
        stride_rate=np.zeros(n),
        slope=np.zeros(n),
        slope_ahead=np.zeros(n),
        load=np.zeros((n, len(LOADED))),
        distance=np.zeros(n),
        next_task=np.full(n, NEVER),
        time=np.zeros(n),
        next_push=np.zeros(n),
        fallen=np.zeros(n, np.int64),
        worn=np.full(n, 0.0 if device is None else 1.0),
        powered=np.ones(n),
        command=np.zeros((n, d)),
        previous_command=np.zeros((n, d)),
        drive_torque=np.zeros((n, d)),
        pipeline=np.zeros((n, delay + most_late + 1, d)),
        history=np.zeros((n, HISTORY, channels)),
        sensed_velocity=np.zeros((n, channels, 3)),
        random=np.zeros(n, np.uint64),
    )


def make_results(n: int, n_observations: int, n_privileged: int, bodies: Bodies) -> Results:
    """Room for what a control step gives."""
    sensed = bodies.history.shape[1] * bodies.history.shape[2]
    return Results(
        observation=np.zeros((n, n_observations), np.float32),
        final_observation=np.zeros((n, n_observations), np.float32),
        privileged=np.zeros((n, n_privileged), np.float32),
        final_privileged=np.zeros((n, n_privileged), np.float32),
        device_observation=np.zeros((n, sensed), np.float32),
        final_device_observation=np.zeros((n, sensed), np.float32),
        reward=np.zeros(n),
        device_reward=np.zeros(n),
        terms=np.zeros((n, len(TERMS))),
        end=np.zeros((n, 3)),
        terminated=np.zeros(n, np.bool_),
        truncated=np.zeros(n, np.bool_),
        restarted=np.zeros(n, np.bool_),
    )


def make_draw(source: BodySource | None, n_muscles: int, speeds: tuple[float, float], bins: int) -> Draw:
    """What new bodies are drawn from; without a source bodies stay as they are."""
    kinds = () if source is None else source.kinds
    sides = {"right": 0, "both": 0, "left": 1, "either": 2}
    return Draw(
        share=np.zeros(0) if source is None else np.cumsum(source.share),
        loss=np.zeros((0, 2, n_muscles)) if source is None else np.ascontiguousarray(source.loss),
        low=np.array([kind.strength[0] / 100.0 for kind in kinds]),
        high=np.array([kind.strength[1] / 100.0 for kind in kinds]),
        side=np.array([sides[kind.side] for kind in kinds], np.int64),
        speed_edges=np.linspace(*speeds, bins + 1),
        speed_share=np.cumsum(np.full(bins, 1.0 / bins)),
    )


def make_motion(reference: ReferenceMotion, model: Model, activation: Floats, tendon: Floats) -> Motion:
    """The reference in the model's order of coordinates, with activations to start with."""
    order = [reference.coordinate_names.index(name) for name in model.coordinate_names]
    return Motion(
        coefficients=np.ascontiguousarray(reference.coordinates[order], dtype=np.float64),
        frequency=np.array(reference.stride_frequency, float),
        size=person_height(model) / load_tables().constants["generic_height"],
        slowest=float(reference.speed_range[0]),
        fastest=float(reference.speed_range[1]),
        # In one order, whatever they came in: the kernel is compiled for it.
        start_activation=np.ascontiguousarray(activation),
        start_tendon=np.ascontiguousarray(tendon),
    )
