"""The compiled model: a frozen set of arrays, one group a physical idea.

Bodies are numbered parent before child with the ground as number 0; *mobilities* (degrees of freedom) are numbered
along that order, so a chain of joints is a contiguous, ascending run. The public order of coordinates stays that of
OpenSim's ``CoordinateSet``; ``Tree.mobility_of_coordinate`` is the bridge. A model is saved to one ``.npz`` that needs
neither ``pickle`` nor ``opensim`` to be read back. What each array must be stands beside it (:mod:`.groups`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import FileFormatError, UnknownNameError
from exogait.data.files import written_beside
from exogait.data.loading import parsed, read_archive
from exogait.data.show import Card, Shown, names

from .checks import CheckError, Names, Real, Rule, Truth, check_arrays, declared_rules
from .groups import (
    GROUPS,
    OPTIONAL,
    Actuators,
    Contacts,
    Couplers,
    Curves,
    Drives,
    Floats,
    Functions,
    Hills,
    Limits,
    Muscles,
    Paths,
    Springs,
    Surfaces,
    Tree,
    Wraps,
    empty_group,
)
from .lanes import WIDTHS, Backend
from .relations import check_relations

FORMAT = 1
"""Version of the ``.npz`` layout; a file of another version is refused."""


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
    gravity: int
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
    surface_frame: int
    wrap_before: int
    wrap_after: int
    wrap_rank: int
    wrap_length: int
    wrap_seen: int
    wrap_seen_at: int
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
    clock: int
    n_rows: int


def make_layout(model: Model) -> Layout:
    """Lay out the work array of a block of environments."""
    n_bodies, n_mobilities, n_muscles = len(model.tree.parent), model.n_coordinates, model.n_muscles
    n_spheres, n_feet, n_actuators = len(model.contacts.body), len(model.foot_names), model.n_actuators
    n_conditions, n_moving = len(model.paths.condition_mobility), len(model.paths.moving_mobility)
    longest_path = int(np.diff(model.paths.point_start, prepend=0).max(initial=0))
    most_segments = int(np.diff(model.paths.segment_start, prepend=0).max(initial=0))
    n_entries = len(model.paths.entry_mobility)
    n_surfaces, most_wraps = len(model.surfaces.body), int(np.bincount(model.wraps.muscle).max(initial=0))
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
        **dict.fromkeys(("push", "gravity"), 3),
        **dict.fromkeys(("mass", "mass_scale", "added_mass"), n_bodies),
        "inertia": 6 * n_bodies,
        "rotation": 9 * n_bodies,
        "wrench": 6 * n_bodies,
        "composite": 21 * n_bodies,
        "matrix": n_mobilities * n_mobilities,
        "condition": n_conditions,
        "moving": 6 * n_moving,
        "points": 3 * (longest_path + 2 * most_wraps),
        "directions": 5 * most_segments,
        "surface_frame": 12 * n_surfaces,
        **dict.fromkeys("wrap_before wrap_after wrap_rank wrap_length".split(), most_wraps),
        "wrap_seen": 2 * most_wraps,
        "wrap_seen_at": 6 * most_wraps,
        "arm": n_entries,
        "sphere_force": 3 * n_spheres,
        "sphere_point": 3 * n_spheres,
        "alive": 1,
        "clock": 1,
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
    coordinate_names: Annotated[tuple[str, ...], Names("mobilities", unique=True)]
    """Order of the columns of q and u: OpenSim's ``CoordinateSet``."""
    muscle_names: Annotated[tuple[str, ...], Names("muscles", unique=True)]
    actuator_names: Annotated[tuple[str, ...], Names("actuators")]
    """Coordinate actuators, in the order in which OpenSim reads their controls (after the muscles)."""
    body_names: Annotated[tuple[str, ...], Names("bodies-1", unique=True)]
    sphere_names: Annotated[tuple[str, ...], Names("spheres")]
    foot_names: Annotated[tuple[str, ...], Names("feet")]
    """Groups of contact spheres whose forces are summed: "r" and "l", or one a body where names tell no side."""
    coordinate_rotational: Annotated[NDArray[np.bool_], Truth("mobilities")]
    """True where a coordinate is an angle (rad), False where it is a length (m), shape (n_coordinates,)."""
    coordinate_range: Annotated[Floats, Real("mobilities", 2, infinite=True)]
    """Lowest and highest value, rad or m, shape (n_coordinates, 2)."""
    coordinate_default: Annotated[Floats, Real("mobilities")]
    coordinate_default_speed: Annotated[Floats, Real("mobilities")]
    actuator_coordinate: Annotated[tuple[str, ...], Names("actuators")]
    actuator_control_range: Annotated[Floats, Real("actuators", 2, infinite=True)]
    muscle_control_range: Annotated[Floats, Real("muscles", 2, infinite=True)]
    """Lowest and highest control that the file allows (nothing clips to it), shape (n, 2)."""
    pennation_angle_at_optimal: Annotated[Floats, Real("muscles", low=0.0, high=1.6)]
    max_contraction_velocity: Annotated[Floats, Real("muscles", above=0.0)]
    """Optimal fibre lengths a second, shape (n_muscles,)."""
    default_activation: Annotated[Floats, Real("muscles", low=0.0)]
    functions: Functions
    tree: Tree
    paths: Paths
    muscles: Muscles
    contacts: Contacts
    limits: Limits
    springs: Springs
    actuators: Actuators
    drives: Drives = field(default_factory=lambda: empty_group("drives"))
    couplers: Couplers = field(default_factory=lambda: empty_group("couplers"))
    hills: Hills = field(default_factory=lambda: empty_group("hills"))
    curves: Curves = field(default_factory=lambda: empty_group("curves"))
    surfaces: Surfaces = field(default_factory=lambda: empty_group("surfaces"))
    wraps: Wraps = field(default_factory=lambda: empty_group("wraps"))
    layout: Layout = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._protect()
        object.__setattr__(self, "layout", make_layout(self))

    def __setstate__(self, content: dict[str, Any]) -> None:
        """Make a copy as read-only as the model is; for writable arrays the kernels would be compiled anew."""
        vars(self).update(content)
        self._protect()

    def _protect(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name, None)
            for array in value if isinstance(value, tuple) else (value,):
                if isinstance(array, np.ndarray):
                    array.setflags(write=False)

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
            if one.name in OPTIONAL and not len(value[0]):
                continue
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
            if one.name in OPTIONAL and not len(value[0]):
                continue
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
            FileFormatError: The file is not a compiled model of this version, is too large, or an array is not what its
                declaration says.
        """
        problem, todo = "not a readable compiled model", "compile the .osim again"
        content = read_archive(path, problem, todo)
        form = content.pop("format", np.zeros(0))
        if form.shape != () or form.dtype.kind != "i" or int(form) != FORMAT:
            raise FileFormatError(path, f"not a compiled model of format {FORMAT}", todo)
        return parsed(path, problem, todo, lambda: cls._checked(content))

    @classmethod
    def _checked(cls, content: dict[str, NDArray[Any]]) -> Model:
        """Make a model of a file's arrays, each of which must be there and be what its declaration says."""
        rules = array_rules()
        for name in OPTIONAL:
            if not any(key.startswith(f"{name}.") for key in content):
                content |= {f"{name}.{key}": array for key, array in empty_group(name)._asdict().items()}
        if any(content[key].dtype.kind != "U" or content[key].shape != () for key in ("name", "source")):
            raise CheckError("its name or source is no text")
        if unknown := sorted(set(content) - {*rules, "name", "source"}):
            raise CheckError(f"it holds {unknown[0]!r}, which no model has")
        arrays: dict[str, Any] = {
            key: tuple(map(str, value.tolist())) if value.dtype.kind == "U" and value.ndim == 1 else value
            for key, value in content.items()
        }
        check_arrays(arrays, rules)
        values: dict[str, Any] = {name: arrays[name] for name in rules if "." not in name}
        for name, kind in GROUPS.items():
            values[name] = kind(*(arrays[f"{name}.{key}"] for key in kind._fields))
        values |= {key: str(content[key]) for key in ("name", "source")}
        model = cls(**values)
        check_relations(model)
        return model

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


@cache
def array_rules() -> dict[str, Rule]:
    """What each array of a model must be, by its name in a file (``"tree.parent"``)."""
    return declared_rules(Model, GROUPS)


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
        changes |= {name: empty_group(name) for name in ("hills", "wraps")}
        changes |= {"muscle_control_range": np.zeros((0, 2))}
        for name in ("pennation_angle_at_optimal", "max_contraction_velocity", "default_activation"):
            changes[name] = np.zeros(0)
    return replace(model, **changes)


def _emptied(model: Model, group: str) -> Any:
    return GROUPS[group](*(array[:0].copy() for array in getattr(model, group)))
