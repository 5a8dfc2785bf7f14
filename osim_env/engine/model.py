"""The compiled model: a frozen set of arrays, one group a physical idea.

Bodies are numbered parent before child with the ground as number 0; *mobilities* (degrees of freedom) are numbered
along
that order, so a chain of joints is a contiguous, ascending run. The public order of coordinates stays that of OpenSim's
``CoordinateSet``; ``Tree.mobility_of_coordinate`` is the bridge. A model is saved to one ``.npz`` that needs neither
``pickle`` nor ``opensim`` to be read back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError, UnknownNameError
from exogait.data.files import written_beside
from exogait.data.show import Card, Shown, names

from .lanes import WIDTHS, Backend

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FORMAT = 1
"""Version of the ``.npz`` layout; a file of another version is refused."""


class Functions(NamedTuple):
    """Functions of one coordinate, all as pieces of cubics, or as a polynomial of any degree.

    A piece holds ``y + b s + c s^2 + d s^3`` with ``s = x - x0`` from ``knot`` on. Constants and lines are one piece,
    a spline has two more than intervals: OpenSim extrapolates it with its end slopes.
    """

    mobility: Integers
    """Mobility that is the argument, -1 for none, shape (n_functions,)."""
    polynomial: Integers
    """1 where ``y`` holds plain polynomial coefficients, highest power first, shape (n_functions,)."""
    start: Integers
    """First piece of each function, shape (n_functions + 1,)."""
    knot: Floats
    x0: Floats
    y: Floats
    b: Floats
    c: Floats
    d: Floats


class Tree(NamedTuple):
    """Bodies and joints. Row 0 is the ground."""

    parent: Integers
    """Number of the parent body, shape (n_bodies,)."""
    mobility_start: Integers
    """First mobility of each body's joint, shape (n_bodies + 1,)."""
    mobility_of_coordinate: Integers
    """Mobility of each coordinate in public order, shape (n_coordinates,)."""
    body_of_mobility: Integers
    free: Integers
    """1 where the joint is a FreeJoint, whose speeds are not the rates of its coordinates, shape (n_bodies,)."""
    constant_rotation: Integers
    """1 where a rotation axis without coordinate has a constant, non-zero angle, shape (n_bodies,)."""
    axis: Floats
    """Unit axes, three rotations then three translations a body, in the joint's parent frame, shape (6 n_bodies, 3)."""
    axis_code: Integers
    """+-1, +-2, +-3 for an axis along +-x, +-y, +-z; 0 for any other, shape (6 n_bodies,)."""
    axis_function: Integers
    """Function of each axis, -1 where it is zero, shape (6 n_bodies,)."""
    parent_rotated: Integers
    child_rotated: Integers
    """1 where the joint frame is turned against the body frame, shape (n_bodies,)."""
    parent_rotation: Floats
    """Rotation of the joint's parent frame F in the parent body, row by row, shape (n_bodies, 9)."""
    parent_position: Floats
    """Origin of F in the parent body, m, shape (n_bodies, 3)."""
    child_rotation: Floats
    """Rotation of the body in the joint's child frame M, row by row, shape (n_bodies, 9)."""
    child_position: Floats
    """Origin of M in the body, m, shape (n_bodies, 3)."""
    mass: Floats
    """kg, shape (n_bodies,)."""
    mass_centre: Floats
    """In the body frame, m, shape (n_bodies, 3)."""
    inertia: Floats
    """About the mass centre, body axes: xx yy zz xy xz yz, kg m2, shape (n_bodies, 6)."""
    gravity: Floats
    """Acceleration of gravity in ground, m/s2, shape (3,)."""
    row_start: Integers
    row_column: Integers
    """Columns left of the diagonal that fill in when the mass matrix is factored from the last mobility up."""


class Paths(NamedTuple):
    """Muscle paths: points, the straight segments between them, and the joints that each segment crosses."""

    point_start: Integers
    """First point of each muscle, shape (n_muscles + 1,)."""
    point_body: Integers
    point_location: Floats
    """Location in its body, m, shape (n_points, 3)."""
    point_moving: Integers
    """Number of the moving point, -1 for a fixed one, shape (n_points,)."""
    moving_function: Integers
    """Function of each component, shape (n_moving, 3)."""
    moving_mobility: Integers
    moving_range: Floats
    """Coordinate range to which the location (not its derivative) is clamped, shape (n_moving, 2)."""
    condition_mobility: Integers
    condition_range: Floats
    """A conditional point is on the path while its coordinate is in this range, shape (n_conditions, 2)."""
    segment_start: Integers
    """First segment of each muscle, shape (n_muscles + 1,)."""
    segment_from: Integers
    segment_to: Integers
    """End points, counted within the muscle, shape (n_segments,)."""
    segment_kind: Integers
    """0 between two bodies, 1 within one body (constant length), 2 within one body with a moving end."""
    segment_length: Floats
    """Length of kind 1, m."""
    segment_test_start: Integers
    test_condition: Integers
    test_wanted: Integers
    """Conditions that must hold (1) or fail (0) for a segment to be on the path."""
    fixed_length: Floats
    """Summed length of the unconditional segments of kind 1, m, shape (n_muscles,)."""
    joint_start: Integers
    """First crossed joint of each muscle, shape (n_muscles + 1,)."""
    joint_body: Integers
    """Child body of the crossed joint."""
    joint_entry: Integers
    """First moment-arm entry of the crossed joint."""
    crossing_start: Integers
    """First crossing segment of each crossed joint."""
    crossing_segment: Integers
    crossing_sign: Floats
    """+1 where the segment's far end moves with the joint, -1 where its near end does."""
    entry_start: Integers
    """First moment-arm entry of each muscle, shape (n_muscles + 1,)."""
    entry_mobility: Integers
    slide_start: Integers
    """First sliding term of each muscle: work of a moving point relative to its body."""
    slide_segment: Integers
    slide_point: Integers
    slide_sign: Floats
    slide_entry: Integers
    """Moment-arm entry it adds to, or -1 where it adds to the speed alone (both ends on one body)."""


class Muscles(NamedTuple):
    """Parameters of DeGrooteFregly2016Muscle, one row a muscle."""

    max_isometric_force: Floats
    optimal_fiber_length: Floats
    tendon_slack_length: Floats
    fiber_width: Floats
    """Optimal fibre length times the sine of the pennation angle there, m."""
    max_speed: Floats
    """Maximum contraction velocity, m/s."""
    fiber_damping: Floats
    passive_rate: Floats
    passive_offset: Floats
    passive_gain: Floats
    """Passive force gain (exp(rate (l - 1)) - offset); the gain is 0 where the file ignores the passive force."""
    width_scale: Floats
    activation_time: Floats
    deactivation_time: Floats
    smoothing: Floats
    tendon_stiffness: Floats
    """Exponent kT of the tendon curve."""
    compliant: Integers
    """1 where the tendon is compliant (normalized tendon force is a state)."""


class Contacts(NamedTuple):
    """SmoothSphereHalfSpaceForce elements against half spaces that are fixed in the ground."""

    body: Integers
    foot: Integers
    centre: Floats
    radius: Floats
    normal: Floats
    """Unit normal of the plane, pointing INTO the half space, in ground, shape (n_spheres, 3)."""
    origin: Floats
    """Point of the plane in ground, m, shape (n_spheres, 3)."""
    hertz: Floats
    """Factor 4/3 k sqrt(r k) of the Hertz force, with k = 1/2 stiffness^(2/3), N/m^1.5."""
    dissipation: Floats
    static_friction: Floats
    dynamic_friction: Floats
    viscous_friction: Floats
    transition_velocity: Floats
    constant_force: Floats
    hertz_smoothing: Floats
    hunt_crossley_smoothing: Floats


class Limits(NamedTuple):
    """CoordinateLimitForce elements, already in SI units."""

    mobility: Integers
    upper: Floats
    lower: Floats
    upper_stiffness: Floats
    lower_stiffness: Floats
    damping: Floats
    transition: Floats


class Springs(NamedTuple):
    """SpringGeneralizedForce elements."""

    mobility: Integers
    stiffness: Floats
    rest_length: Floats
    viscosity: Floats


class Actuators(NamedTuple):
    """CoordinateActuator and ActivationCoordinateActuator elements."""

    mobility: Integers
    optimal_force: Floats
    time_constant: Floats
    """Activation time constant, s; 0 for a CoordinateActuator, which has no activation."""


GROUPS: dict[str, Any] = {
    "functions": Functions,
    "tree": Tree,
    "paths": Paths,
    "muscles": Muscles,
    "contacts": Contacts,
    "limits": Limits,
    "springs": Springs,
    "actuators": Actuators,
}


class Layout(NamedTuple):
    """Where each quantity of one block of environments starts, in rows of the block's work array.

    The parameters stand together, from ``strength`` to ``added_mass``, and so do the means over a step, from
    ``mean_activation`` to ``mean_torque_power``.
    """

    n_bodies: int
    n_mobilities: int
    n_muscles: int
    n_spheres: int
    n_feet: int
    n_actuators: int
    q: int
    u: int
    qdot: int
    acceleration: int
    q_start: int
    u_start: int
    q_sum: int
    u_sum: int
    activation: int
    activation_rate: int
    activation_start: int
    activation_sum: int
    tendon_state: int
    tendon_rate: int
    tendon_decay: int
    tendon_start: int
    tendon_sum: int
    excitation: int
    actuator_control: int
    actuator_state: int
    torque: int
    strength: int
    torque_limit: int
    coordinate_force: int
    guide_stiffness: int
    guide_damping: int
    guide_target: int
    guide_speed: int
    push: int
    mass_scale: int
    added_mass: int
    mass: int
    moment: int
    inertia: int
    rotation: int
    position: int
    angular_velocity: int
    velocity: int
    angular_bias: int
    bias: int
    axis_value: int
    turning_axis: int
    axis_angular: int
    axis_linear: int
    wrench: int
    composite: int
    matrix: int
    force: int
    condition: int
    moving: int
    points: int
    directions: int
    path_length: int
    path_speed: int
    arm: int
    fiber_length: int
    fiber_velocity: int
    active_force: int
    passive_force: int
    tendon_force: int
    fiber_force: int
    stretch_damping: int
    sphere_force: int
    sphere_point: int
    foot_force: int
    foot_moment: int
    mean_activation: int
    mean_active_force: int
    mean_fiber_force: int
    mean_fiber_length: int
    mean_fiber_velocity: int
    mean_active_power: int
    mean_positive_power: int
    mean_foot_force: int
    mean_foot_moment: int
    mean_torque: int
    mean_torque_power: int
    alive: int
    n_rows: int


def make_layout(model: Model) -> Layout:
    """Lay out the work array of a block of environments."""
    n_bodies, n_mobilities, n_muscles = len(model.tree.parent), model.n_coordinates, model.n_muscles
    n_spheres, n_feet, n_actuators = len(model.contacts.body), len(model.foot_names), model.n_actuators
    n_conditions, n_moving = len(model.paths.condition_mobility), len(model.paths.moving_mobility)
    longest_path = int(np.diff(model.paths.point_start, prepend=0).max(initial=0))
    most_segments = int(np.diff(model.paths.segment_start, prepend=0).max(initial=0))
    n_entries = len(model.paths.entry_mobility)
    per_mobility = (
        "q u qdot acceleration q_start u_start q_sum u_sum coordinate_force guide_stiffness guide_damping guide_target "
        "guide_speed force"
    )
    per_muscle = (
        "activation activation_rate activation_start activation_sum tendon_state tendon_rate tendon_decay "
        "tendon_start tendon_sum excitation strength path_length path_speed fiber_length fiber_velocity "
        "active_force passive_force tendon_force fiber_force stretch_damping mean_activation mean_active_force "
        "mean_fiber_force mean_fiber_length "
        "mean_fiber_velocity mean_active_power mean_positive_power"
    )
    rows = dict.fromkeys(per_mobility.split(), n_mobilities) | dict.fromkeys(per_muscle.split(), n_muscles)
    rows |= dict.fromkeys(
        "actuator_control actuator_state torque torque_limit mean_torque mean_torque_power".split(), n_actuators
    )
    rows |= dict.fromkeys("moment position angular_velocity velocity angular_bias bias".split(), 3 * n_bodies)
    rows |= dict.fromkeys("axis_angular axis_linear".split(), 3 * n_mobilities)
    rows |= dict.fromkeys("foot_force foot_moment mean_foot_force mean_foot_moment".split(), 3 * n_feet)
    rows |= {
        "axis_value": 30 * n_bodies,
        "turning_axis": 18,
        "push": 3,
        "mass": n_bodies,
        "mass_scale": n_bodies,
        "added_mass": n_bodies,
        "inertia": 6 * n_bodies,
        "rotation": 9 * n_bodies,
        "wrench": 6 * n_bodies,
        "composite": 21 * n_bodies,
        "matrix": n_mobilities * n_mobilities,
        "condition": n_conditions,
        "moving": 6 * n_moving,
        "points": 3 * longest_path,
        "directions": 5 * most_segments,
        "arm": n_entries,
        "sphere_force": 3 * n_spheres,
        "sphere_point": 3 * n_spheres,
        "alive": 1,
    }
    counts = {
        "n_bodies": n_bodies,
        "n_mobilities": n_mobilities,
        "n_muscles": n_muscles,
        "n_spheres": n_spheres,
        "n_feet": n_feet,
        "n_actuators": n_actuators,
    }
    starts, total = {}, 0
    for name in Layout._fields:
        if name in rows:
            starts[name] = total
            total += rows[name]
    return Layout(**counts, **starts, n_rows=total)


@dataclass(frozen=True)
class Model(Shown):
    """A musculoskeletal model as arrays, ready for the batched functions of this package.

    Built by :func:`exogait.osim_env.engine.compile_osim` or read back with :meth:`load`; never changed afterwards.
    """

    name: str
    source: str
    """File it was compiled from, and the SHA-256 of that file's bytes."""
    coordinate_names: tuple[str, ...]
    """Order of the columns of q and u: OpenSim's ``CoordinateSet``."""
    muscle_names: tuple[str, ...]
    actuator_names: tuple[str, ...]
    """Coordinate actuators, in the order in which OpenSim reads their controls (after the muscles)."""
    body_names: tuple[str, ...]
    sphere_names: tuple[str, ...]
    foot_names: tuple[str, ...]
    """Groups of contact spheres whose forces are summed: "r" and "l", or one a body where names tell no side."""
    coordinate_rotational: NDArray[np.bool_]
    """True where a coordinate is an angle (rad), False where it is a length (m), shape (n_coordinates,)."""
    coordinate_range: Floats
    """Lowest and highest value, rad or m, shape (n_coordinates, 2)."""
    coordinate_default: Floats
    coordinate_default_speed: Floats
    actuator_coordinate: tuple[str, ...]
    actuator_control_range: Floats
    muscle_control_range: Floats
    """Lowest and highest control that the file allows (nothing clips to it), shape (n, 2)."""
    pennation_angle_at_optimal: Floats
    max_contraction_velocity: Floats
    """Optimal fibre lengths a second, shape (n_muscles,)."""
    default_activation: Floats
    functions: Functions
    tree: Tree
    paths: Paths
    muscles: Muscles
    contacts: Contacts
    limits: Limits
    springs: Springs
    actuators: Actuators
    layout: Layout = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name, None)
            for array in value if isinstance(value, tuple) else (value,):
                if isinstance(array, np.ndarray):
                    array.setflags(write=False)
        object.__setattr__(self, "layout", make_layout(self))

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates, and of speeds."""
        return len(self.coordinate_names)

    @property
    def n_muscles(self) -> int:
        """Number of muscles."""
        return len(self.muscle_names)

    @property
    def n_actuators(self) -> int:
        """Number of coordinate actuators."""
        return len(self.actuator_names)

    @property
    def n_controls(self) -> int:
        """Muscles and actuators together: the columns of ``controls``."""
        return self.n_muscles + self.n_actuators

    @property
    def n_bodies(self) -> int:
        """Number of bodies without the ground."""
        return len(self.body_names)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over what moves: every name and number but the model's own name, its source and its start values.

        Numbers count in single precision and below 1e-12 as zero, so that the last bits of another machine or another
        release of OpenSim do not make another model.
        """
        digest = hashlib.sha256()
        for one in fields(self):
            if one.name in ("name", "source", "layout", "coordinate_default", "coordinate_default_speed"):
                continue
            value = getattr(self, one.name)
            parts = value._asdict() if one.name in GROUPS else {"": value}
            for key, part in parts.items():
                if isinstance(part, tuple):
                    content = "\n".join(part).encode()
                else:
                    single = np.asarray(part, np.float64)
                    single = np.where(np.abs(single) < 1e-12, 0.0, single).astype("<f4")
                    content = str(single.shape).encode() + single.tobytes()
                digest.update(f"{one.name}.{key}:{len(content)}:".encode() + content)
        return digest.hexdigest()

    @property
    def gravity(self) -> Floats:
        """Acceleration of gravity in ground, m/s2, shape (3,)."""
        return self.tree.gravity

    @property
    def body_mass(self) -> Floats:
        """Mass of each body of ``body_names``, kg, shape (n_bodies,)."""
        return self.tree.mass[1:]

    @cached_property
    def total_mass(self) -> float:
        """Mass of all bodies, kg."""
        return float(self.tree.mass.sum())

    @property
    def max_isometric_force(self) -> Floats:
        """N, shape (n_muscles,)."""
        return self.muscles.max_isometric_force

    @property
    def optimal_fiber_length(self) -> Floats:
        """Metres, shape (n_muscles,)."""
        return self.muscles.optimal_fiber_length

    @property
    def tendon_slack_length(self) -> Floats:
        """Metres, shape (n_muscles,)."""
        return self.muscles.tendon_slack_length

    def index(self, kind: str, name: str) -> int:
        """Column of a coordinate, muscle, actuator, body, sphere or foot.

        Args:
            kind: "coordinate", "muscle", "actuator", "body", "sphere" or "foot".
            name: Its OpenSim name.

        Raises:
            UnknownNameError: The model has none of that name; the message suggests the nearest.
        """
        names = getattr(self, f"{kind}_names")
        if name not in names:
            raise UnknownNameError(kind, name, names, self.name)
        return names.index(name)

    def save(self, path: str | Path) -> Path:
        """Write the model to one ``.npz`` file.

        Args:
            path: File to write; the suffix ``.npz`` is added where it is missing.
        """
        path = Path(path)
        path = path if path.suffix == ".npz" else path.with_name(path.name + ".npz")
        content: dict[str, Any] = {"format": np.array(FORMAT)}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in GROUPS:
                content |= {f"{one.name}.{key}": array for key, array in value._asdict().items()}
            elif one.name != "layout":
                content[one.name] = np.asarray(value, dtype=str if isinstance(value, (str, tuple)) else None)
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_beside(path) as beside:
            np.savez_compressed(beside, **content)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Model:
        """Read a model that :meth:`save` wrote. Needs no ``opensim``.

        Raises:
            FileFormatError: The file is not a compiled model of this version.
        """
        try:
            with np.load(path, allow_pickle=False) as archive:
                content = {key: archive[key] for key in archive.files}
        except (OSError, ValueError) as error:
            raise FileFormatError(
                path, f"not a readable compiled model ({error})", "compile the .osim again"
            ) from error
        if "format" not in content or int(content["format"]) != FORMAT:
            raise FileFormatError(path, f"not a compiled model of format {FORMAT}", "compile the .osim again")
        values: dict[str, Any] = {}
        for one in fields(cls):
            if one.name in GROUPS:
                kind = GROUPS[one.name]
                values[one.name] = kind(*(content[f"{one.name}.{key}"] for key in kind._fields))
            elif one.name != "layout":
                value = content[one.name]
                text = value.dtype.kind == "U"
                values[one.name] = str(value) if text and value.ndim == 0 else tuple(value.tolist()) if text else value
                if one.name.endswith("_names") or one.name == "actuator_coordinate":
                    values[one.name] = tuple(map(str, value.tolist()))
        return cls(**values)

    def card(self) -> Card:
        """What it holds, by name and number."""
        facts = (
            ("compiled from", self.source),
            ("coordinates", f"{self.n_coordinates}: {names(self.coordinate_names)}"),
            ("bodies", f"{self.n_bodies}: {names(self.body_names)}"),
            ("muscles", f"{self.n_muscles}: {names(self.muscle_names)}"),
            ("actuators", f"{self.n_actuators}: {names(self.actuator_names)}"),
            ("contact spheres", f"{len(self.sphere_names)}: {names(self.sphere_names)}"),
        )
        return Card(f"Model {self.name}", facts)


def n_blocks(batch: int, backend: Backend = "float64") -> int:
    """Blocks, each as many environments as a register of the back end holds, that hold a batch."""
    return -(-batch // WIDTHS[backend])


def only(model: Model, kinds: Iterable[str]) -> Model:
    """Copy of a model in which of muscles, contacts, limits, springs and actuators only the named kinds act."""
    kinds = set(kinds)
    changes: dict[str, Any] = {}
    if "contacts" not in kinds:
        changes |= {"contacts": _emptied(model, "contacts"), "sphere_names": (), "foot_names": ()}
    if "actuators" not in kinds:
        changes |= {"actuators": _emptied(model, "actuators"), "actuator_names": (), "actuator_coordinate": ()}
        changes["actuator_control_range"] = np.zeros((0, 2))
    changes |= {name: _emptied(model, name) for name in ("limits", "springs") if name not in kinds}
    if "muscles" not in kinds:
        starts = {k: np.zeros(1, dtype=np.int64) for k in model.paths._fields if k.endswith("_start")}
        paths = _emptied(model, "paths")._replace(**starts)
        changes |= {"muscles": _emptied(model, "muscles"), "paths": paths, "muscle_names": ()}
        changes |= {"muscle_control_range": np.zeros((0, 2))}
        for name in ("pennation_angle_at_optimal", "max_contraction_velocity", "default_activation"):
            changes[name] = np.zeros(0)
    return replace(model, **changes)


def _emptied(model: Model, group: str) -> Any:
    return GROUPS[group](*(array[:0].copy() for array in getattr(model, group)))
