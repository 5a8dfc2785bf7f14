"""One control step of the excitation world, compiled: command, physics, senses, rewards, ends, new beginnings."""

from __future__ import annotations

import numpy as np

from exogait.data.constants import GRAVITY

from ..engine.integration import run_blocks
from ..engine.lanes import entry, get, inline, jit, store, width
from . import device as exoskeleton
from .motion import alike, evaluate, stride_frequency
from .observation import observe, see_more
from .power import umberger
from .random import normal, uniform
from .senses import FOR_EVER, INSTEAD, NEXT, feel
from .task import draw_load, draw_task, set_slope, walk_onto_slope
from .terms import judge

FALL_HEIGHT = 0.7
"""Pelvis height below this share of the reference counts as a fall."""
LEG_CONTACT_HEIGHT = 0.06
"""A knee, hip or trunk lower than this touches the ground with something that is no foot, m."""
NOT_FINITE = 1
"""Status of a body that holds no number somewhere, as the engine's own (:mod:`exogait.osim_env.engine.state`)."""
SPEED_MEMORY = 1.0
"""Time constant of the running mean of forward speed, s."""
BELT_REACH = 0.15
"""Ground lost or gained on a treadmill beyond which a body aims no harder to win it back, m."""


@inline
def softplus(z):
    """``log(1 + exp(z))`` without overflow."""
    return z + np.log1p(np.exp(-z)) if z > 0.0 else np.log1p(np.exp(z))


@inline
def most_late(s):
    """Control steps by which torques may be late beyond the device's own delay."""
    return int(s.torque_delay[1] / s.control_step + 0.5)


@jit
def command(a, c, b, faults, s, motion, draw, gravity, i, action, device_action, decides):
    """Before the physics: what is asked, excitations, step rate, the device's torque, pushes."""
    if b.time[i] >= b.next_task[i]:
        draw_task(b, s, draw, i)
    walk_onto_slope(c, b, gravity, s.control_step, i)
    far = b.phase[i] >= 0.5
    for m in range(c.n_muscles):
        b.previous_excitation[i, m] = b.excitation[i, m]
    for m in range(c.n_muscles):
        z = s.squash * action[i, a.muscle_mirror[m] if far else m]
        if z <= s.idle:
            b.excitation[i, m] = s.min_excitation
        elif z >= s.full:
            b.excitation[i, m] = 1.0
        else:
            b.excitation[i, m] = min(max(softplus(z) / s.squash, s.min_excitation), 1.0)
    b.rate_action[i] = min(max(action[i, c.n_muscles], -1.0), 1.0)
    free = 1.0 + s.phase_rate * b.rate_action[i]
    rate = stride_frequency(motion, b.pace[i]) * (b.stride_rate[i] if b.stride_rate[i] > 0.0 else free)
    b.phase[i] = (b.phase[i] + rate * s.control_step) % 1.0
    if c.n_drives > 0:
        if decides:
            for d in range(c.n_drives):
                b.previous_command[i, d] = b.command[i, d]
                b.command[i, d] = min(max(device_action[i, d], -1.0), 1.0)
        exoskeleton.tick(a, c, b, faults, most_late(s), i, s.control_step)
    for f in range(2):
        b.previous_foot_load[i, f] = b.foot_load[i, f]
    if s.push_interval > 0.0:
        if b.time[i] >= b.next_push[i]:
            angle = 2.0 * np.pi * uniform(b.random, i)
            b.parameters[i, c.push] = s.push_force * np.cos(angle)
            b.parameters[i, c.push + 2] = s.push_force * np.sin(angle)
            b.next_push[i] = b.time[i] + s.push_interval
        elif b.time[i] >= b.next_push[i] - s.push_interval + s.push_duration:
            b.parameters[i, c.push] = 0.0
            b.parameters[i, c.push + 2] = 0.0


@jit
def read_body(a, c, b, w, at, lane, i):
    """Copy what senses and rewards need of one lane: fibres and foot loads."""
    for m in range(c.n_muscles):
        b.fiber_length[i, m] = get(w, at.fiber_length + m, lane)
        b.fiber_velocity[i, m] = get(w, at.fiber_velocity + m, lane)
        b.tendon_force[i, m] = get(w, at.tendon_force + m, lane) / (a.max_force[m] * b.parameters[i, c.strength + m])
    weight = GRAVITY * b.body_mass[i]
    b.foot_load[i, 0] = get(w, at.mean_foot_force + 3 * c.right_foot + 1, lane) / weight
    b.foot_load[i, 1] = get(w, at.mean_foot_force + 3 * (1 - c.right_foot) + 1, lane) / weight


@jit
def move_on(c, b, s, motion, i):
    """After the physics: time, running means, the treadmill, the reference."""
    q, forward = b.state[i], b.state[i, c.n_coordinates + c.pelvis_tx]
    b.time[i] += s.control_step
    b.distance[i] += b.speed[i] * s.control_step
    b.mean_speed[i] += s.control_step / SPEED_MEMORY * (forward - b.mean_speed[i])
    if s.treadmill > 0.0:
        lost = min(max(b.distance[i] - q[c.pelvis_tx], -BELT_REACH), BELT_REACH)
        b.pace[i] = min(max(b.speed[i] + s.treadmill * lost, motion.slowest), motion.fastest)
    evaluate(motion, c, b.phase[i], b.pace[i], b.q_reference[i], b.u_reference[i])
    b.q_reference[i, c.pelvis_tx] = q[c.pelvis_tx]


@jit
def ended(a, c, b, s, w, at, lane, i):
    """Falls and ends; returns whether the episode terminated and whether it was cut."""
    height, nominal = b.state[i, c.pelvis_ty], b.q_reference[i, c.pelvis_ty]
    fallen = height < FALL_HEIGHT * nominal or b.status[i] != 0
    for body in a.legs:
        fallen = fallen or get(w, at.position + 3 * body + 1, lane) < LEG_CONTACT_HEIGHT
    b.fallen[i] = 1 if fallen else 0
    terminated = fallen
    if s.early_termination != 0:
        trunk = max(abs(b.state[i, c.pelvis_tilt]), abs(b.state[i, c.pelvis_list]))
        terminated = terminated or height < s.early_height * nominal or trunk > s.early_trunk
    return terminated, (not terminated) and b.time[i] >= s.episode - 1e-9


@jit
def draw_body(a, c, b, s, draw, gravity, i):
    """Draw strengths, a load, and what is asked: of the last walk nothing stays, and each begins on level ground."""
    b.time[i], b.stride_rate[i], b.slope_ahead[i] = 0.0, 0.0, 0.0
    if draw.share.shape[0] > 0:
        chance, kind = uniform(b.random, i), 0
        while kind < draw.share.shape[0] - 1 and chance >= draw.share[kind]:
            kind += 1
        side = draw.side[kind]
        if side == 2:
            side = 1 if uniform(b.random, i) < 0.5 else 0
        level = draw.low[kind] + uniform(b.random, i) * (draw.high[kind] - draw.low[kind])
        for m in range(c.n_muscles):
            b.parameters[i, c.strength + m] = 1.0 - s.weakness * (1.0 - level) * draw.loss[kind, side, m]
    draw_load(a, c, b, s, i)
    draw_task(b, s, draw, i)
    set_slope(c, b, gravity, i, 0.0)


@jit
def place(a, c, b, faults, s, motion, i):
    """Put a body on the reference motion at its phase and speed, at rest in every other respect."""
    n = c.n_coordinates
    b.pace[i] = b.speed[i]
    b.mean_speed[i] = b.speed[i]
    evaluate(motion, c, b.phase[i], b.speed[i], b.q_reference[i], b.u_reference[i])
    for k in range(n):
        b.state[i, k], b.state[i, n + k] = b.q_reference[i, k], b.u_reference[i, k]
    for k in a.joints:
        b.state[i, k] += s.reset_noise * normal(b.random, i)
        b.state[i, n + k] += 5.0 * s.reset_noise * normal(b.random, i)
    b.state[i, c.pelvis_tx] = 0.0
    b.q_reference[i, c.pelvis_tx] = 0.0
    # Muscles start as if the gait had been going on: nearest phase, between the two nearest speeds.
    n_phases, n_speeds = motion.start_activation.shape[0], motion.start_activation.shape[1]
    p = int(np.floor(b.phase[i] * n_phases + 0.5)) % n_phases
    x = (alike(motion, b.speed[i]) - motion.slowest) / (motion.fastest - motion.slowest) * (n_speeds - 1)
    low = min(max(int(np.floor(x)), 0), n_speeds - 2)
    share = min(max(x - low, 0.0), 1.0)
    for m in range(c.n_muscles):
        start = motion.start_activation
        value = (1.0 - share) * start[p, low, m] + share * start[p, low + 1, m]
        b.state[i, c.activation + m] = value
        b.excitation[i, m] = value
        b.previous_excitation[i, m] = value
        start = motion.start_tendon
        b.state[i, c.tendon + m] = (1.0 - share) * start[p, low, m] + share * start[p, low + 1, m]
    for k in range(c.tendon + c.n_muscles, b.state.shape[1]):
        b.state[i, k] = 0.0
    b.status[i], b.fallen[i] = 0, 0
    b.clock[i], b.time[i], b.distance[i], b.rate_action[i] = 0.0, 0.0, 0.0, 0.0
    b.power[i, 0], b.power[i, 1] = 0.0, 0.0
    b.parameters[i, c.push] = 0.0
    b.parameters[i, c.push + 2] = 0.0
    b.next_push[i] = (0.5 + 0.5 * uniform(b.random, i)) * s.push_interval
    for d in range(c.n_drives):
        b.command[i, d], b.previous_command[i, d], b.drive_torque[i, d] = 0.0, 0.0, 0.0
        for k in range(b.pipeline.shape[1]):
            b.pipeline[i, k, d] = 0.0
    for k in range(b.torque.shape[1]):
        b.torque[i, k] = 0.0
    if c.n_drives > 0:
        exoskeleton.draw_faults(b, faults, s, i)


@jit
def describe(model, at, w, batch, task, a, c, b, faults, s, block, chosen, anew):
    """Senses of the chosen environments of a block in the state that they are in, without advancing them.

    With ``anew`` a walk begins there: what is sensed now has been sensed for ever.
    """
    first, batch_size = block * width(w), b.status.shape[0]
    run_blocks(model, at, w, batch, task, block, block + 1)
    for lane in range(min(width(w), batch_size - first)):
        i = first + lane
        if chosen[i]:
            last_right, last_left = b.foot_load[i, 0], b.foot_load[i, 1]
            read_body(a, c, b, w, at, lane, i)
            # There is no mean over a control step here: what the feet carry now stands for it.
            weight = GRAVITY * b.body_mass[i]
            b.foot_load[i, 0] = get(w, at.foot_force + 3 * c.right_foot + 1, lane) / weight
            b.foot_load[i, 1] = get(w, at.foot_force + 3 * (1 - c.right_foot) + 1, lane) / weight
            b.previous_foot_load[i, 0] = b.foot_load[i, 0] if anew else last_right
            b.previous_foot_load[i, 1] = b.foot_load[i, 1] if anew else last_left
            if c.n_drives > 0 and anew:
                dt = s.control_step * s.device_every
                exoskeleton.sense(a, c, b, faults, s, w, at, lane, i, dt, True)


@inline
def all_finite(row):
    """Whether every number of a row is one."""
    for k in range(row.shape[0]):
        if not np.isfinite(row[k]):
            return False
    return True


@inline
def write_observations(a, c, b, felt, i, observation, privileged, device_observation):
    """Fill the observations of environment ``i``."""
    observe(a, c, felt, i, observation[i])
    see_more(a, c, b, i, privileged[i])
    k = 0
    for sample in range(b.history.shape[1]):
        for channel in range(b.history.shape[2]):
            device_observation[i, k] = b.history[i, sample, channel]
            k += 1


@jit
def begin(
    model, at, w, batch, task, a, c, b, felt, past, faults, s, motion, draw, gravity, results, chosen, anew, redraw,
    start, stop,
):  # fmt: skip
    """Observe the chosen environments of some blocks where they are.

    With ``anew`` they are put on the reference first, and ``redraw`` draws phase, speed and body before that.
    """
    for block in range(start, stop):
        first, any_chosen = block * width(w), False
        for i in range(first, min(first + width(w), b.status.shape[0])):
            if chosen[i]:
                any_chosen = True
                if redraw:
                    b.phase[i] = uniform(b.random, i)
                    draw_body(a, c, b, s, draw, gravity, i)
                if anew:
                    place(a, c, b, faults, s, motion, i)
        if any_chosen:
            describe(model, at, w, batch, task, a, c, b, faults, s, block, chosen, anew)
            for i in range(first, min(first + width(w), b.status.shape[0])):
                if chosen[i]:
                    feel(c, b, felt, past, i, FOR_EVER if anew else INSTEAD)
                    write_observations(
                        a, c, b, felt, i, results.observation, results.privileged, results.device_observation
                    )


@jit
def control_step(
    model, at, w, batch, task, look, a, c, b, felt, past, faults, s, motion, draw, gravity, weights, action,
    device_action, decides, results, start, stop,
):  # fmt: skip
    """Advance blocks ``start`` to ``stop`` by one control step; where an episode ends, begin another."""
    batch_size = b.status.shape[0]
    for block in range(start, stop):
        first = block * width(w)
        last = min(first + width(w), batch_size)
        for i in range(first, last):
            command(a, c, b, faults, s, motion, draw, gravity, i, action, device_action, decides)
        run_blocks(model, at, w, batch, task, block, block + 1)
        credited, uncredited = umberger(w, at, a)
        # The rows of the wrenches are free after the description.
        store(w, at.wrench, credited)
        store(w, at.wrench + 1, uncredited)
        any_done = False
        for i in range(first, last):
            lane = i - first
            b.power[i, 0] = get(w, at.wrench, lane) / b.person_mass[i]
            b.power[i, 1] = get(w, at.wrench + 1, lane) / b.person_mass[i]
            read_body(a, c, b, w, at, lane, i)
            move_on(c, b, s, motion, i)
            results.end[i, 0], results.end[i, 1] = b.time[i], b.state[i, c.n_coordinates + c.pelvis_tx]
            results.end[i, 2] = b.speed[i]
            if c.n_drives > 0 and decides:
                exoskeleton.sense(a, c, b, faults, s, w, at, lane, i, s.control_step * s.device_every, False)
            feel(c, b, felt, past, i, NEXT)
            write_observations(a, c, b, felt, i, results.observation, results.privileged, results.device_observation)
            # A body that cannot be seen cannot be commanded: its episode ends here, and no other's with it.
            if b.status[i] == 0 and not (
                all_finite(results.observation[i])
                and all_finite(results.privileged[i])
                and all_finite(results.device_observation[i])
            ):
                b.status[i] = NOT_FINITE
            terminated, truncated = ended(a, c, b, s, w, at, lane, i)
            results.terminated[i], results.truncated[i], results.restarted[i] = terminated, truncated, False
            reward, device_reward = judge(a, c, b, s, i, weights, results.terms[i])
            if not np.isfinite(reward):
                reward = 0.0
            if not np.isfinite(device_reward):
                device_reward = 0.0
            results.reward[i], results.device_reward[i] = reward, device_reward
            if terminated or truncated:
                any_done = True
                for k in range(results.observation.shape[1]):
                    value = results.observation[i, k]
                    results.final_observation[i, k] = value if np.isfinite(value) else np.float32(0.0)
                for k in range(results.privileged.shape[1]):
                    value = results.privileged[i, k]
                    results.final_privileged[i, k] = value if np.isfinite(value) else np.float32(0.0)
                for k in range(results.device_observation.shape[1]):
                    value = results.device_observation[i, k]
                    results.final_device_observation[i, k] = value if np.isfinite(value) else np.float32(0.0)
        if any_done and s.auto_reset != 0:
            for i in range(first, last):
                if results.terminated[i] or results.truncated[i]:
                    b.phase[i] = uniform(b.random, i)
                    draw_body(a, c, b, s, draw, gravity, i)
                    place(a, c, b, faults, s, motion, i)
                    results.restarted[i] = True
            describe(model, at, w, batch, look, a, c, b, faults, s, block, results.restarted, True)
            for i in range(first, last):
                if results.restarted[i]:
                    feel(c, b, felt, past, i, FOR_EVER)
                    write_observations(
                        a, c, b, felt, i, results.observation, results.privileged, results.device_observation
                    )


@entry
def walk(
    model, at, w, batch, task, look, a, c, b, felt, past, faults, s, motion, draw, gravity, weights, action,
    device_action, decides, results, chosen, anew, redraw, begins, start, stop,
):  # fmt: skip
    """Advance blocks ``start`` to ``stop`` by one control step, or with ``begins`` observe the chosen bodies anew.

    Both are one entry, because most of its machine code, the engine's step, is the same: it is compiled once.

    Args:
        model: The groups of arrays of a compiled model.
        at: Layout of the work rows.
        w: Work rows of one block; they choose the numbers (see :mod:`exogait.osim_env.engine.lanes`).
        batch: Arrays of the engine's batch; its state, parameters, excitations and torques are those of ``b``.
        task: The engine's steps of one control step, and a description of the end.
        look: A description of the present state alone.
        a: Anatomy.
        c: Columns.
        b: Bodies.
        felt: Bodies as they feel themselves: ``b``, or arrays of their own where senses are late.
        past: What was felt in the last control steps (:func:`.senses.feel`).
        faults: What is wrong with the devices.
        s: Settings.
        motion: Reference motion.
        draw: What new bodies are drawn from.
        gravity: Of level ground, m/s2, shape (3,).
        weights: Weight of every reward term.
        action: Shape (batch, n_muscles + 1): before the squash, then the change of step rate.
        device_action: Shape (batch, n_drives), in [-1, 1].
        decides: Whether the device decides in this control step.
        results: What the step gives.
        chosen: Bodies to observe, shape (batch,); not looked at in a control step, nor are the next two.
        anew: Whether they are put on the reference first.
        redraw: Whether phase, speed and body are drawn before that.
        begins: Whether this is no control step.
        start: First block.
        stop: Block after the last.
    """
    if begins:
        begin(
            model, at, w, batch, look, a, c, b, felt, past, faults, s, motion, draw, gravity, results, chosen, anew,
            redraw, start, stop,
        )  # fmt: skip
    else:
        control_step(
            model, at, w, batch, task, look, a, c, b, felt, past, faults, s, motion, draw, gravity, weights, action,
            device_action, decides, results, start, stop,
        )  # fmt: skip
