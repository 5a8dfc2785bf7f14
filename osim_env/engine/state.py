"""What changes from environment to environment: the state, the parameters, and the record of a control step."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exogait.data.show import Shown

from .model import Floats, Model
from .observation import record_rows

Integrator = Literal["implicit", "rk4"]

DEFAULT = 0.5
"""OpenSim's default of tendon force (of elastic tendons, normalized) and of an actuator's activation."""
RUNNING, NOT_FINITE, RUNAWAY = 0, 1, 2
"""Status of a body: it goes on, a value is not finite, a speed passed the limit."""


class Record(NamedTuple):
    """What a learning loop wants to see of the last control step; every array has the environment as first axis.

    Values named ``mean_`` are averages over the substeps of the last :func:`step`; the others belong to its end.
    """

    body_position: Floats
    """Origins of the bodies in ground, m, shape (B, n_bodies, 3)."""
    body_rotation: Floats
    """Rotation matrices body to ground, shape (B, n_bodies, 3, 3)."""
    body_velocity: Floats
    """Velocity of the body origins in ground, m/s, shape (B, n_bodies, 3)."""
    body_angular_velocity: Floats
    """In ground axes, rad/s, shape (B, n_bodies, 3)."""
    mass_centre: Floats
    """Whole-body mass centre in ground, m, shape (B, 3)."""
    mass_centre_velocity: Floats
    """m/s, shape (B, 3)."""
    muscle_tendon_length: Floats
    """m, shape (B, n_muscles)."""
    lengthening_speed: Floats
    """m/s, positive while lengthening, shape (B, n_muscles)."""
    normalized_fiber_length: Floats
    normalized_fiber_velocity: Floats
    """In maximum contraction velocities, positive while lengthening."""
    active_fiber_force: Floats
    """Along the fibre, N."""
    tendon_force: Floats
    """N."""
    sphere_force: Floats
    """Force on the body at each sphere, ground axes, N, shape (B, n_spheres, 3)."""
    foot_force: Floats
    """Sum over each foot's spheres, N, shape (B, n_feet, 3)."""
    foot_moment: Floats
    """Moment of these forces about the ground origin, N m, shape (B, n_feet, 3)."""
    actuator_torque: Floats
    """N m or N, shape (B, n_actuators)."""
    mean_activation: Floats
    mean_active_fiber_force: Floats
    mean_fiber_force: Floats
    """Active and passive, along the fibre, N."""
    mean_normalized_fiber_length: Floats
    mean_normalized_fiber_velocity: Floats
    mean_active_fiber_power: Floats
    """Mean of -(active fibre force) x (fibre velocity), W: positive while the contractile element shortens."""
    mean_positive_active_fiber_power: Floats
    """Mean of the positive part of the same, W."""
    mean_foot_force: Floats
    mean_foot_moment: Floats
    mean_actuator_torque: Floats
    mean_actuator_power: Floats
    """Mean of torque x coordinate speed, W."""

    def __repr__(self) -> str:
        return f"Record of {len(self[0])} environments: {len(self)} arrays, {', '.join(self._fields[:6])}, ..."


def make_record(model: Model, batch: int) -> tuple[Record, Floats]:
    """Allocate the record of a batch, all zeros: the named views, and the flat array that the kernel fills."""
    rows = record_rows(model)
    flat = np.zeros((batch, rows.count))
    views = rows.views(flat)
    return Record(*(views[name] for name in Record._fields)), flat


@dataclass
class State(Shown):
    """A batch of simulations: one row an environment, changed in place by :func:`exogait.osim_env.engine.step`."""

    q: Floats
    """Coordinates, shape (B, n_coordinates), rad or m."""
    u: Floats
    """Speeds, shape (B, n_coordinates), rad/s or m/s."""
    activation: Floats
    """Muscle activations, shape (B, n_muscles)."""
    actuator_activation: Floats
    """Activations of ActivationCoordinateActuators (unused columns stay 0), shape (B, n_actuators)."""
    tendon_force: Floats
    """State of compliant muscles: normalized tendon force, or the fibre length (m) of Millard and Thelen muscles.

    Unused columns stay 0. Shape (B, n_muscles).
    """
    time: Floats
    """Simulated time, s, shape (B,)."""
    status: NDArray[np.int64]
    """0 while running; 1 not finite, 2 runaway: the environment then stands still. Shape (B,)."""
    record: Record
    """Quantities of the last recorded step."""
    record_rows: Floats = field(repr=False)
    """The flat array behind the record."""

    @classmethod
    def create(cls, model: Model, batch: int, *, q: ArrayLike | None = None, u: ArrayLike | None = None) -> State:
        """Start a batch from the model's defaults.

        Args:
            model: The model.
            batch: Number of environments B.
            q: Coordinates, shape (n_coordinates,) or (B, n_coordinates), rad or m; the file's defaults by default.
            u: Speeds, same shape, rad/s or m/s; the file's defaults by default.
        """

        def rows(value: ArrayLike | None, default: Floats) -> Floats:
            return np.array(np.broadcast_to(default if value is None else value, (batch, len(default))), dtype=float)

        record, flat = make_record(model, batch)
        return cls(
            q=rows(q, model.coordinate_default),
            u=rows(u, model.coordinate_default_speed),
            activation=rows(None, model.default_activation),
            actuator_activation=np.tile(np.where(model.actuators.time_constant > 0.0, DEFAULT, 0.0), (batch, 1)),
            tendon_force=np.tile(_default_tendon(model), (batch, 1)),
            time=np.zeros(batch),
            status=np.zeros(batch, dtype=np.int64),
            record=record,
            record_rows=flat,
        )

    @property
    def batch(self) -> int:
        """Number of environments."""
        return len(self.q)

    def copy(self) -> State:
        """Return an independent copy, record included."""
        build, (arrays, flat, places) = self.__reduce__()
        return build({name: array.copy() for name, array in arrays.items()}, flat.copy(), places)

    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any], Floats, Places]]:
        """What pickle and ``copy.deepcopy`` keep: the record as its flat array, whose views are laid out anew."""
        start = self.record_rows.ctypes.data
        places = tuple(((view.ctypes.data - start) // 8 if view.size else 0, view.shape) for view in self.record)
        names = [one.name for one in fields(self) if not one.name.startswith("record")]
        return _state_of, ({name: getattr(self, name) for name in names}, self.record_rows, places)


def _default_tendon(model: Model) -> Floats:
    """What the file (or OpenSim) starts compliant muscles with."""
    default = np.where(model.muscles.compliant == 1, DEFAULT, 0.0)
    elastic = model.muscles.compliant[model.hills.muscle] == 1
    default[model.hills.muscle] = np.where(elastic, model.hills.default_length, 0.0)
    return default


Places = tuple[tuple[int, tuple[int, ...]], ...]
"""First column in the flat array, and shape, of every array of a record."""


def _state_of(arrays: dict[str, Any], flat: Floats, places: Places) -> State:
    """A state whose record looks into its flat array."""
    views = [flat[:, column : column + int(np.prod(shape[1:]))].reshape(shape) for column, shape in places]
    return State(**arrays, record=Record(*views), record_rows=flat)


@dataclass
class Parameters(Shown):
    """What may differ between the environments of one batch. ``None`` leaves the model as its file has it.

    Each array has one row an environment, or a single row for all of them.
    """

    muscle_strength: ArrayLike | None = None
    """Factor of maximum isometric force, shape (B, n_muscles)."""
    mass_scale: ArrayLike | None = None
    """Factor of a body's mass and inertia alike, shape (B, n_bodies)."""
    added_mass: ArrayLike | None = None
    """Point mass on each body, kg, shape (B, n_bodies)."""
    added_mass_location: ArrayLike | None = None
    """Where it sits in the body's frame, m, shape (n_bodies, 3) for all environments; the mass centre by default."""
    torque_limit: ArrayLike | None = None
    """Largest magnitude of each actuator's torque, N m or N, shape (B, n_actuators); no limit by default."""
    push: ArrayLike | None = None
    """External force in ground axes at the mass centre of ``push_body``, N, shape (B, 3)."""
    push_body: str | None = None
    """Body that is pushed; the first of the model by default."""
    gravity: ArrayLike | None = None
    """Acceleration of gravity in ground axes, m/s2, shape (B, 3); the model's own by default. Tilted, it is a slope."""
    coordinate_force: ArrayLike | None = None
    """Generalized force added to each coordinate, N m or N, shape (B, n_coordinates)."""
    guide_stiffness: ArrayLike | None = None
    """Spring of each coordinate towards ``guide_target``, N m/rad or N/m, shape (B, n_coordinates)."""
    guide_damping: ArrayLike | None = None
    """Damper of each coordinate towards ``guide_speed``, N m s/rad or N s/m, shape (B, n_coordinates)."""
    guide_target: ArrayLike | None = None
    """rad or m, shape (B, n_coordinates)."""
    guide_speed: ArrayLike | None = None
    """rad/s or m/s, shape (B, n_coordinates)."""


def pack_parameters(model: Model, batch: int, parameters: Parameters | None) -> tuple[Floats, Floats, int]:
    """Check the parameters of a batch and lay them out as the kernel reads them.

    Returns:
        The packed rows (one for all environments, or one each), the places of added masses, and the pushed body.

    Raises:
        ValueError: An array has neither one row nor one for each environment, or the wrong number of columns.
    """
    p = parameters or Parameters()
    n, bodies = model.n_coordinates, model.n_bodies
    # In the order of the layout, strength to added_mass.
    columns: tuple[tuple[str, int, Floats | float], ...] = (
        ("muscle_strength", model.n_muscles, 1.0),
        ("torque_limit", model.n_actuators, np.inf),
        ("coordinate_force", n, 0.0),
        ("guide_stiffness", n, 0.0),
        ("guide_damping", n, 0.0),
        ("guide_target", n, 0.0),
        ("guide_speed", n, 0.0),
        ("push", 3, 0.0),
        ("gravity", 3, model.gravity),
        ("mass_scale", bodies, 1.0),
        ("added_mass", bodies, 0.0),
    )
    coordinate = np.argsort(model.tree.mobility_of_coordinate)
    parts: list[tuple[int, Floats | float]] = []
    n_rows = 1
    for name, width, default in columns:
        value = getattr(p, name)
        ground = width == bodies and name in ("mass_scale", "added_mass")
        if value is None:
            parts.append((width + ground, default))
            continue
        array = np.atleast_2d(np.asarray(value, dtype=float))
        if array.shape[1] != width or array.shape[0] not in (1, batch):
            raise ValueError(f"Parameters.{name} has shape {array.shape}, expected (1 or {batch}, {width})")
        if name.startswith(("coordinate", "guide")):
            array = array[:, coordinate]
        if ground:
            array = np.hstack([np.full((len(array), 1), default), array])
        n_rows = max(n_rows, len(array))
        parts.append((width + ground, array))
    packed = np.empty((n_rows, sum(width for width, _ in parts)))
    column = 0
    for width, value in parts:
        packed[:, column : column + width] = value
        column += width
    location = model.tree.mass_centre.copy()
    if p.added_mass_location is not None:
        given = np.asarray(p.added_mass_location, dtype=float)
        if given.shape != (bodies, 3):
            raise ValueError(f"Parameters.added_mass_location has shape {given.shape}, expected ({bodies}, 3)")
        location[1:] = given
    return packed, location, 1 if p.push_body is None else 1 + model.index("body", p.push_body)
