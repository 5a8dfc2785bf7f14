"""Everything the kernel reads and writes: what bodies are made of, what they are doing, what is asked of them.

Rows are environments. All arrays are float64 but where said; the numbers that a control step computes with are chosen
by the work rows (see :mod:`exogait.osim_env.engine.lanes`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Columns(NamedTuple):
    """Columns of ``q`` and ``u``, and counts."""

    n_coordinates: int
    n_muscles: int
    n_joints: int
    """Coordinates that muscles move: all but the pelvis."""
    n_drives: int
    """Actuators of the device."""
    pelvis_tilt: int
    pelvis_list: int
    pelvis_rotation: int
    pelvis_tx: int
    pelvis_ty: int
    pelvis_tz: int
    activation: int
    """First column of the activations in a packed state."""
    tendon: int
    """First column of the tendon forces."""
    strength: int
    """First column of the muscle strengths among the packed parameters."""
    push: int
    """First column of the push among the packed parameters."""
    gravity: int
    """First column of gravity among the packed parameters."""
    right_foot: int
    """Place of the right foot among the model's feet; the left one is the other."""
    pelvis_body: int
    """Number of the pelvis among the engine's bodies (ground is 0)."""


class Anatomy(NamedTuple):
    """What is the same for all bodies of one model."""

    joints: Indices
    """Columns of the joint coordinates, shape (n_joints,)."""
    joint_mirror: Indices
    """Joint of the other side, shape (n_joints,)."""
    joint_sign: Floats
    """-1 where mirroring changes the sign."""
    muscle_mirror: Indices
    """Muscle of the other side, shape (n_muscles,)."""
    limit_low: Floats
    """Anatomical limits of the joints, rad, shape (n_joints,)."""
    limit_high: Floats
    pose_weight: Floats
    """Weight of each joint in the pose term, mean 1."""
    legs: Indices
    """Engine's numbers of bodies that may not touch the ground."""
    max_force: Floats
    """Maximum isometric force of the healthy muscles, N."""
    volume_share: Floats
    """Share of each muscle in the muscle volume."""
    muscle_mass: Floats
    """kg, shape (n_muscles,)."""
    slow_ratio: Floats
    """Share of slow fibres."""
    fastest: Floats
    """Maximum contraction velocity, m/s."""
    width_scale: Floats
    """Scale of the active force-length curve."""
    groups: NDArray[np.int64]
    """Muscles of each strength group, right then left, padded with -1, shape (n_groups, 2, longest)."""
    load_columns: NDArray[np.int64]
    """Added masses at waist, shanks and feet among the packed parameters, padded with -1, shape (3, 2)."""
    device_parts: Floats
    """Mass of the device at the same places, kg, shape (3, 2)."""
    device_mass: float
    """Of the whole device, kg."""
    drive_columns: Indices
    """Place of the device's actuators among the model's, shape (n_drives,)."""
    drive_mirror: Indices
    """Drive of the other side."""
    drive_sign: Floats
    peak_positive: Floats
    """Peak torque in each direction, N m/kg, shape (n_drives,)."""
    peak_negative: Floats
    rate_limit: Floats
    """N m/kg a second, shape (n_drives,)."""
    channel_kind: Indices
    """What each channel of the device senses (:mod:`.device`), shape (n_channels,)."""
    channel_source: Indices
    """Coordinate column, actuator or body that it senses."""
    channel_axis: Indices
    channel_scale: Floats
    """Factor that brings a channel to order one."""


class Motion(NamedTuple):
    """The reference motion as coefficients in the model's order of coordinates."""

    coefficients: Floats
    """Shape (n_coordinates, 1 + 2 n_harmonics, order)."""
    frequency: Floats
    """Stride frequency as a polynomial of speed, lowest power first, Hz."""
    size: float
    """Legs over those of the body whose motion it is; others walk it at equal Froude numbers (Alexander 1989)."""
    slowest: float
    fastest: float
    start_activation: Floats
    """Activations to start with, over phase and speed, shape (n_phases, n_speeds, n_muscles)."""
    start_tendon: Floats
    """Normalized tendon forces to start with, same shape."""


class Draw(NamedTuple):
    """What new bodies are drawn from."""

    share: Floats
    """Cumulative share of each kind of body, shape (n_kinds,)."""
    loss: Floats
    """Loss of strength of each muscle with the most affected group at 0 %, shape (n_kinds, 2, n_muscles)."""
    low: Floats
    """Range of the strength of the most affected group, fraction, shape (n_kinds,)."""
    high: Floats
    side: Indices
    """0 right or both, 1 left, 2 either."""
    speed_edges: Floats
    """Edges of the speed bins, m/s, shape (n_bins + 1,)."""
    speed_share: Floats
    """Cumulative share of each speed bin, shape (n_bins,)."""


class Settings(NamedTuple):
    """Numbers of a world; see :class:`.config.ExcitationConfig`."""

    control_step: float
    integration_step: float
    implicitness: float
    speed_limit: float
    episode: float
    treadmill: float
    phase_rate: float
    min_excitation: float
    squash: float
    idle: float
    """Squashed command at and below which a muscle gets the least excitation; saves the logarithm of the many idle."""
    full: float
    """Squashed command at and above which it gets 1."""
    weakness: float
    reset_noise: float
    imitation_dead_zone: float
    pose_sigma: float
    early_termination: int
    early_height: float
    early_trunk: float
    push_force: float
    push_duration: float
    push_interval: float
    imposed_share: float
    stride_rates: tuple[float, float]
    slope_share: float
    slopes: tuple[float, float]
    load_share: float
    loads: tuple[float, float, float]
    """Largest load at the waist, on each shank and on each foot, kg."""
    task_interval: float
    auto_reset: int
    device_every: int
    sensor_noise: float
    sensor_bias: float
    missed_samples: float
    torque_delay: tuple[float, float]
    cuff_slip: tuple[float, float]


class Bodies(NamedTuple):
    """What the bodies are doing; all of it is needed to go on, and nothing else is."""

    state: Floats
    """q, u, activation, tendon force, actuator activation, shape (batch, n_state)."""
    parameters: Floats
    """Packed parameters of the engine, shape (batch, n_parameters)."""
    status: Indices
    """0 while the simulation is finite, shape (batch,)."""
    clock: Floats
    """Engine's time, s."""
    excitation: Floats
    """Excitations of the last control step, shape (batch, n_muscles)."""
    previous_excitation: Floats
    """Those of the step before."""
    rate_action: Floats
    """Last change of step rate, -1 to 1, shape (batch,)."""
    torque: Floats
    """Torques of all actuators, N m, shape (batch, n_actuators)."""
    q_reference: Floats
    u_reference: Floats
    fiber_length: Floats
    """Normalized, shape (batch, n_muscles)."""
    fiber_velocity: Floats
    """Over the maximum contraction velocity."""
    tendon_force: Floats
    """Over the strength of the muscle."""
    foot_load: Floats
    """Vertical force of the right and left foot, mean over the control step, body weights, shape (batch, 2)."""
    previous_foot_load: Floats
    power: Floats
    """Metabolic power without basal rate over the control step, credited and uncredited, W/kg, shape (batch, 2)."""
    height: Floats
    """Of the person, m, shape (batch,)."""
    body_mass: Floats
    """Mass with what is worn, kg, shape (batch,)."""
    person_mass: Floats
    phase: Floats
    speed: Floats
    pace: Floats
    mean_speed: Floats
    stride_rate: Floats
    """Stride rate asked for over the reference's at the same speed; 0 where the body chooses, shape (batch,)."""
    slope: Floats
    """Grade under the body, rise over run, shape (batch,)."""
    slope_ahead: Floats
    """Grade that it walks onto."""
    load: Floats
    """Carried at the waist, on each shank, on each foot, kg, shape (batch, 3)."""
    distance: Floats
    """Way that the commanded speeds ask for since the start, m."""
    next_task: Floats
    """Time of the next change of what is asked, s."""
    time: Floats
    next_push: Floats
    fallen: Indices
    worn: Floats
    powered: Floats
    command: Floats
    """Last command of the device, share of the peak torque, shape (batch, n_drives)."""
    previous_command: Floats
    drive_torque: Floats
    """Torque within the rate limit, before the delay, N m/kg, shape (batch, n_drives)."""
    pipeline: Floats
    """Torques on their way, shape (batch, delay + 1, n_drives), N m/kg."""
    history: Floats
    """Sensed signals, newest first, shape (batch, n_samples, n_channels)."""
    sensed_velocity: Floats
    """Velocity at the last sample of the body of each channel, m/s, shape (batch, n_channels, 3)."""
    random: NDArray[np.uint64]
    """State of each environment's own random numbers, shape (batch,)."""


class Faults(NamedTuple):
    """What is wrong with the devices, drawn at the start of every walk."""

    bias: Floats
    """Added to each channel, in its size, shape (batch, n_channels)."""
    late: Indices
    """Control steps that the torque is late beyond the device's own delay, shape (batch,)."""
    grip: Floats
    """Share of the torque that reaches the body, shape (batch,)."""


class Results(NamedTuple):
    """What a control step gives."""

    observation: NDArray[np.float32]
    """Shape (batch, n_observations), after resets."""
    final_observation: NDArray[np.float32]
    """The same before resets; filled only where an episode ended."""
    privileged: NDArray[np.float32]
    """What a critic may see besides, shape (batch, n_privileged), after resets (:data:`.observation.PRIVILEGED`)."""
    final_privileged: NDArray[np.float32]
    """The same before resets; filled only where an episode ended."""
    device_observation: NDArray[np.float32]
    final_device_observation: NDArray[np.float32]
    reward: Floats
    device_reward: Floats
    terms: Floats
    """Raw value of every reward term, shape (batch, n_terms)."""
    end: Floats
    """Time (s), forward speed and speed asked for (m/s) at the end of the control step, before resets, (batch, 3)."""
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    restarted: NDArray[np.bool_]
    """Where a new episode began in this control step."""
