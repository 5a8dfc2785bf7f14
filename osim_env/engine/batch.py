"""The engine's batched functions: plain numpy arrays in, plain numpy arrays out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .constraints.arms import coupled_moment_arms
from .curves import equilibrium_tendon_force
from .groups import GROUPS, Floats
from .integration import ACCELERATE, DESCRIBE, RESIDUAL, Batch, Task, run_blocks
from .lanes import JIT_DISABLED, Backend
from .model import Model, only
from .observation import describe_rows, full_moment_arms, record_rows, state_rows
from .results import ContactForces, Kinematics, MuscleState, summarize_feet
from .state import Integrator, Parameters, State, pack_parameters
from .threads import over_blocks

IMPLICITNESS = 0.7
"""Weight of the end of the step in the default integrator: 1 damps most, 1/2 is second order.

At 0.7 the error is less than half of that at 1, and starts 50 mm deep in the floor still settle at 1 ms.
"""


_HALVINGS = 52
"""Of the interval of a fibre's length: to the last bit of a metre."""


def groups(model: Model) -> tuple[Any, ...]:
    """Return the model's arrays in the order that the kernels unpack."""
    return tuple(getattr(model, name) for name in GROUPS)


def _run(
    model: Model,
    batch: int,
    state: Floats,
    task: Task,
    params: Parameters | None,
    *,
    actuator: Floats,
    excitation: Floats | None = None,
    rates: Floats | None = None,
    time: Floats | None = None,
    status: Any = None,
    result: Floats | None = None,
    result_rows: Any = None,
    backend: Backend = "float64",
) -> None:
    """Call the kernel on all threads."""
    parameters, location, push_on = pack_parameters(model, batch, params)
    arrays, at = groups(model), model.layout
    data = Batch(
        parameters=parameters,
        added_mass_location=location,
        state=state,
        state_rows=state_rows(model),
        excitation=np.zeros((1, model.n_muscles)) if excitation is None else excitation,
        actuator=actuator,
        rates=np.zeros((1, model.n_coordinates)) if rates is None else rates,
        time=np.zeros(batch) if time is None else time,
        status=np.zeros(batch, dtype=np.int64) if status is None else status,
        result=np.zeros((batch, 0)) if result is None else result,
        result_rows=np.zeros(0, dtype=np.int64) if result_rows is None else result_rows,
    )
    task = task._replace(push_on=push_on)
    _announce()
    over_blocks(
        batch, at.n_rows, lambda rows, start, stop: run_blocks(arrays, at, rows, data, task, start, stop), backend
    )


def pack_state(model: Model, q: Any, u: Any, activation: Any, tendon: Any, actuator: Any = 0.0) -> Floats:
    """Lay a state out as the kernel reads it."""
    n, m = model.n_coordinates, model.n_muscles
    packed = np.empty((len(q), 2 * n + 2 * m + model.n_actuators))
    packed[:, :n], packed[:, n : 2 * n] = q, u
    packed[:, 2 * n : 2 * n + m], packed[:, 2 * n + m : 2 * n + 2 * m] = activation, tendon
    packed[:, 2 * n + 2 * m :] = actuator
    return packed


def as_rows(name: str, value: ArrayLike, width: int, batch: int | None = None) -> Floats:
    """Check a (B, width) argument; a single row may come without its batch axis.

    Raises:
        ValueError: Wrong shape.
    """
    array = np.ascontiguousarray(np.atleast_2d(np.asarray(value, dtype=float)))
    if array.ndim != 2 or array.shape[1] != width or (batch is not None and array.shape[0] not in (1, batch)):
        rows = "B" if batch is None else f"1 or {batch}"
        raise ValueError(f"{name} has shape {np.shape(value)}, expected ({rows}, {width})")
    return array


def accelerations(
    model: Model,
    q: ArrayLike,
    u: ArrayLike,
    activation: ArrayLike,
    torque: ArrayLike | None = None,
    params: Parameters | None = None,
    *,
    tendon_force: ArrayLike | None = None,
    time: ArrayLike = 0.0,
    backend: Backend = "float64",
) -> Floats:
    """Accelerations of a batch, as OpenSim's ``realizeAcceleration`` gives them.

    The solution of M(q) udot = all forces, those of constraints included. Nothing is moved: a locked, prescribed or
    coupled coordinate is taken where it is given, and only its acceleration is that of its constraint.

    Args:
        model: The compiled model.
        q: Coordinates, shape (B, n_coordinates), rad or m.
        u: Speeds, shape (B, n_coordinates), rad/s or m/s.
        activation: Muscle activations, shape (B, n_muscles).
        torque: Actuator torques or forces, shape (B, n_actuators), N m or N; zero by default.
        params: What differs between the environments.
        tendon_force: Normalized tendon force of compliant muscles, shape (B, n_muscles).
        time: Time that prescribed coordinates are at, s, shape (B,) or one for all.
        backend: Numbers that the kernels compute with (see :mod:`.lanes`); what comes back is float64.

    Returns:
        Accelerations, shape (B, n_coordinates), rad/s2 or m/s2.

    Raises:
        ValueError: An array has the wrong shape.
    """
    q = as_rows("q", q, model.n_coordinates)
    batch = len(q)
    u = as_rows("u", u, model.n_coordinates, batch)
    activation = as_rows("activation", activation, model.n_muscles, batch)
    torque = as_rows("torque", np.zeros(model.n_actuators) if torque is None else torque, model.n_actuators, batch)
    tendon = np.zeros(model.n_muscles) if tendon_force is None else tendon_force
    tendon = as_rows("tendon_force", tendon, model.n_muscles, batch)
    result = np.empty((batch, model.n_coordinates))
    _run(
        model,
        batch,
        pack_state(model, q, u, activation, tendon),
        Task(0, 0.0, 1.0, 0, np.inf, ACCELERATE, 1, 1),
        params,
        actuator=torque,
        backend=backend,
        time=np.array(np.broadcast_to(time, batch), dtype=float),
        result=result,
        result_rows=(model.layout.force + model.tree.mobility_of_coordinate).astype(np.int64),
    )
    return result


def step(
    model: Model,
    state: State,
    controls: ArrayLike,
    duration: float,
    dt: float = 0.001,
    params: Parameters | None = None,
    integrator: Integrator = "implicit",
    *,
    record: bool = False,
    speed_limit: float = 1000.0,
    backend: Backend = "float64",
) -> State:
    """Advance a batch with constant controls, in place, on all cores.

    Args:
        model: The compiled model.
        state: The batch; changed in place.
        controls: Muscle excitations, then actuator controls (as fractions of optimal force), shape
            (B, n_muscles + n_actuators). Nothing is clipped, as in OpenSim; ``Parameters.torque_limit`` limits torques.
        duration: Time to advance, s; rounded to a whole number of steps.
        dt: Step of the integrator, s.
        params: What differs between the environments.
        integrator: ``implicit`` (linearly implicit Euler) or ``rk4`` (needs about 0.1 ms with feet on the floor).
        record: Fill ``state.record``.
        speed_limit: Speed at which an environment counts as run away, rad/s or m/s.
        backend: Numbers that the kernels compute with; the state itself is kept as float64.

    Returns:
        The same state. ``state.status`` tells which environments stopped, and why.

    Raises:
        ValueError: An array has the wrong shape, or the duration is not at least one step.
    """
    batch = state.batch
    controls = as_rows("controls", controls, model.n_controls, batch)
    n_steps = round(duration / dt)
    if n_steps < 1 or abs(n_steps * dt - duration) > 1e-6 * dt * n_steps:
        raise ValueError(f"duration {duration} s is not a whole, positive number of steps of {dt} s")
    if integrator not in ("implicit", "rk4"):
        raise ValueError(f"unknown integrator {integrator!r}; known: implicit, rk4")
    n, m = model.n_coordinates, model.n_muscles
    packed = pack_state(model, state.q, state.u, state.activation, state.tendon_force, state.actuator_activation)
    method = 0 if integrator == "implicit" else 1
    _run(
        model,
        batch,
        packed,
        Task(n_steps, float(dt), IMPLICITNESS, method, float(speed_limit), DESCRIBE if record else 0, 0, 1),
        params,
        excitation=np.ascontiguousarray(controls[:, :m]),
        actuator=np.ascontiguousarray(controls[:, m:]),
        backend=backend,
        time=state.time,
        status=state.status,
        result=state.record_rows if record else None,
        result_rows=record_rows(model).index() if record else None,
    )
    state.q[:], state.u[:] = packed[:, :n], packed[:, n : 2 * n]
    state.activation[:], state.tendon_force[:] = packed[:, 2 * n : 2 * n + m], packed[:, 2 * n + m : 2 * n + 2 * m]
    state.actuator_activation[:] = packed[:, 2 * n + 2 * m :]
    return state


def _observe(
    model: Model,
    q: ArrayLike,
    u: ArrayLike,
    activation: ArrayLike,
    params: Parameters | None,
    tendon_force: ArrayLike | None,
    backend: Backend = "float64",
) -> dict[str, Floats]:
    """Evaluate everything that needs no accelerations."""
    q = as_rows("q", q, model.n_coordinates)
    batch = len(q)
    u = as_rows("u", u, model.n_coordinates, batch)
    activation = as_rows("activation", activation, model.n_muscles, batch)
    tendon = np.zeros(model.n_muscles) if tendon_force is None else tendon_force
    tendon = as_rows("tendon_force", tendon, model.n_muscles, batch)
    rows = describe_rows(model)
    result = np.empty((batch, rows.count))
    _run(
        model,
        batch,
        pack_state(model, q, u, activation, tendon),
        Task(0, 0.0, 1.0, 0, np.inf, DESCRIBE, 1, 1),
        params,
        actuator=np.zeros((1, model.n_actuators)),
        backend=backend,
        result=result,
        result_rows=rows.index(),
    )
    return rows.views(result)


def muscle_state(
    model: Model,
    q: ArrayLike,
    u: ArrayLike,
    activation: ArrayLike,
    params: Parameters | None = None,
    *,
    tendon_force: ArrayLike | None = None,
    backend: Backend = "float64",
) -> MuscleState:
    """Lengths, speeds, forces and moment arms of all muscles.

    Args:
        model: The compiled model.
        q: Coordinates, shape (B, n_coordinates), rad or m.
        u: Speeds, shape (B, n_coordinates), rad/s or m/s.
        activation: Activations, shape (B, n_muscles).
        params: What differs between the environments.
        tendon_force: Normalized tendon force of compliant muscles, shape (B, n_muscles).
        backend: Numbers that the kernels compute with.

    Returns:
        The state of the muscles; ``moment_arms`` has shape (B, n_muscles, n_coordinates), and about a coordinate that
        others are coupled to it is that of all of them together.
    """
    out = _observe(model, q, u, activation, params, tendon_force, backend)
    return MuscleState(
        muscle_tendon_length=out["path_length"],
        lengthening_speed=out["path_speed"],
        normalized_fiber_length=out["fiber_length"],
        normalized_fiber_velocity=out["fiber_velocity"],
        fiber_velocity=out["fiber_velocity"] * model.muscles.max_speed,
        active_fiber_force=out["active_force"],
        passive_fiber_force=out["passive_force"],
        tendon_force=out["tendon_force"],
        tendon_force_rate=np.where(model.muscles.compliant == 1, out["tendon_rate"], 0.0),
        moment_arms=coupled_moment_arms(
            model, as_rows("q", q, model.n_coordinates), full_moment_arms(model, out["arm"])
        ),
    )


def initial_tendon_force(model: Model, q: ArrayLike, u: ArrayLike, activation: ArrayLike) -> Floats:
    """State of compliant muscles that starts them in equilibrium.

    A DeGroote-Fregly tendon keeps its length (all speed is the fibre's); a Millard or Thelen fibre is at rest, as in
    OpenSim's equilibrium of a model that stands still.

    Args:
        model: The compiled model.
        q: Coordinates, shape (B, n_coordinates), rad or m.
        u: Speeds, shape (B, n_coordinates), rad/s or m/s.
        activation: Activations, shape (B, n_muscles).

    Returns:
        For ``State.tendon_force``: shape (B, n_muscles); zero where the tendon is rigid.
    """
    out = _observe(model, q, u, activation, None, None)
    rows = np.broadcast_to(as_rows("activation", activation, model.n_muscles), out["path_length"].shape)
    state = equilibrium_tendon_force(model, out["path_length"], out["path_speed"], rows)
    elastic = model.hills.muscle[model.muscles.compliant[model.hills.muscle] == 1]
    if not len(elastic):
        return state
    # A fibre lengthens where it is too short for its tendon, and its velocity falls on the way.
    low, high = np.zeros((len(state), len(elastic))), np.maximum(out["path_length"][:, elastic], 1e-3)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        state[:, elastic] = middle
        lengthens = _observe(model, q, u, rows, None, state)["tendon_rate"][:, elastic] > 0.0
        low, high = np.where(lengthens, middle, low), np.where(lengthens, high, middle)
    shortest = np.zeros(model.n_muscles)
    shortest[model.hills.muscle] = model.hills.min_length
    state[:, elastic] = np.maximum(0.5 * (low + high), shortest[elastic])
    return state


def contact_forces(
    model: Model, q: ArrayLike, u: ArrayLike, params: Parameters | None = None, backend: Backend = "float64"
) -> ContactForces:
    """Contact force and its point for every sphere, and the sum for every foot.

    Args:
        model: The compiled model.
        q: Coordinates, shape (B, n_coordinates), rad or m.
        u: Speeds, shape (B, n_coordinates), rad/s or m/s.
        params: What differs between the environments.
        backend: Numbers that the kernels compute with.
    """
    out = _observe(model, q, u, np.zeros(model.n_muscles), params, None, backend)
    return summarize_feet(model, out["sphere_force"], out["sphere_point"])


def kinematics(
    model: Model, q: ArrayLike, u: ArrayLike, params: Parameters | None = None, backend: Backend = "float64"
) -> Kinematics:
    """Poses and velocities of all bodies and mass centres.

    Args:
        model: The compiled model.
        q: Coordinates, shape (B, n_coordinates), rad or m.
        u: Speeds, shape (B, n_coordinates), rad/s or m/s.
        params: What differs between the environments (an added mass moves the mass centre).
        backend: Numbers that the kernels compute with.
    """
    out = _observe(model, q, u, np.zeros(model.n_muscles), params, None, backend)
    centre = np.einsum("bnij,nj->bni", out["rotation"], model.tree.mass_centre[1:])
    return Kinematics(
        position=out["position"],
        rotation=out["rotation"],
        velocity=out["velocity"],
        angular_velocity=out["angular_velocity"],
        mass_centre=out["position"] + centre,
        mass_centre_velocity=np.asarray(out["velocity"] + np.cross(out["angular_velocity"], centre), dtype=float),
        whole_body_centre=out["whole_body_centre"],
        whole_body_velocity=out["whole_body_velocity"],
    )


def inverse_dynamics(
    model: Model,
    q: ArrayLike,
    u: ArrayLike,
    udot: ArrayLike,
    params: Parameters | None = None,
    *,
    backend: Backend = "float64",
) -> Floats:
    """Generalized forces that produce the accelerations of the tree under gravity: M(q) udot + bias(q, u).

    No muscle, contact, limit, spring or actuator takes part; these are the net joint moments of gait analysis when the
    ground reactions are taken off.

    Args:
        model: The compiled model.
        q: Coordinates, shape (B, n_coordinates), rad or m.
        u: Speeds, shape (B, n_coordinates), rad/s or m/s.
        udot: Accelerations, shape (B, n_coordinates), rad/s2 or m/s2.
        params: What differs between the environments.
        backend: Numbers that the kernels compute with.

    Returns:
        Generalized forces, shape (B, n_coordinates), N m or N.
    """
    q = as_rows("q", q, model.n_coordinates)
    batch = len(q)
    u = as_rows("u", u, model.n_coordinates, batch)
    udot = as_rows("udot", udot, model.n_coordinates, batch)
    bare = only(model, ())
    result = np.empty((batch, model.n_coordinates))
    _run(
        bare,
        batch,
        pack_state(bare, q, u, 0.0, 0.0),
        Task(0, 0.0, 1.0, 0, np.inf, RESIDUAL, 1, 1),
        params if params is None else Parameters(**{name: getattr(params, name) for name in _MASS_PARAMETERS}),
        actuator=np.zeros((1, 0)),
        backend=backend,
        rates=np.ascontiguousarray(udot[:, np.argsort(model.tree.mobility_of_coordinate)]),
        result=result,
        result_rows=(bare.layout.force + model.tree.mobility_of_coordinate).astype(np.int64),
    )
    return result


_MASS_PARAMETERS = ("gravity", "mass_scale", "added_mass", "added_mass_location")
_announced = False


def _announce() -> None:
    """Tell a user who waits for the first compilation what is going on."""
    global _announced
    if _announced or JIT_DISABLED:
        return
    _announced = True
    cache = Path(run_blocks.stats.cache_path)
    if not any(cache.glob("integration.run_blocks*.nbi")):
        print("exogait: compiling kernels, once (less than a minute; then cached on disk)", file=sys.stderr)
