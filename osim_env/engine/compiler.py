"""From an ``.osim`` file to arrays, through the OpenSim API: the only way into the compiled engine.

Nothing is read from the XML, so what OpenSim defaults, upgrades or composes is what the engine gets. A component
that the
engine cannot reproduce exactly is never skipped or approximated: the compiler collects all of them and refuses the
model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from exogait.data.errors import FileFormatError, UnsupportedModelError
from exogait.models.opensim_api import import_opensim

from .constraints.fill import factor_rows
from .constraints.reading import read_couplers, read_drives
from .floor import reading as floor_reading
from .floor.reading import ContactTable
from .function_table import FunctionTable
from .groups import Actuators, Contacts, Couplers, Drives, Floats, Limits, Muscles, Springs, Tree
from .hill.reading import KINDS, HillTable
from .model import Model
from .muscles import passive_coefficients, tendon_exponent
from .path_tables import PathTables
from .wraps.reading import WrapTable, pose, read_points, vector

if TYPE_CHECKING:
    import opensim

_JOINTS = (
    "FreeJoint",
    "BallJoint",
    "PinJoint",
    "PlanarJoint",
    "WeldJoint",
    "SliderJoint",
    "UniversalJoint",
    "GimbalJoint",
    "CustomJoint",
)
_FORCES = (
    "DeGrooteFregly2016Muscle",
    *KINDS,
    *floor_reading.KINDS,
    "CoordinateLimitForce",
    "SpringGeneralizedForce",
    "CoordinateActuator",
    "ActivationCoordinateActuator",
)
_UNIT_AXES = np.eye(3)


def compile_osim(path: str | Path, convert_muscles: bool = False, *, converted: str | Path | None = None) -> Model:
    """Compile an OpenSim model to arrays whose accelerations equal OpenSim's to rounding error.

    Args:
        path: The ``.osim`` file.
        convert_muscles: First replace Thelen and Millard muscles by DeGroote-Fregly muscles with rigid tendon, with
            OpenSim's own ``DeGrooteFregly2016Muscle.replaceMuscles``, and write the converted model.
        converted: Where to write it; ``<name>_degroote_fregly.osim`` beside the original by default.

    Returns:
        The compiled model.

    Raises:
        FileFormatError: OpenSim cannot read the file.
        UnsupportedModelError: The model holds components that cannot be reproduced; the message lists every one.
    """
    path = Path(path)
    if convert_muscles:
        path = convert(path, converted)
    return Compiler(open_model(path), path).model()


def open_model(path: str | Path) -> opensim.Model:
    """Read an ``.osim`` file and connect it.

    Raises:
        FileFormatError: There is no such file, or OpenSim cannot read it.
    """
    osim = import_opensim()
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(path, "no such file", "give the path of an .osim file")
    try:
        model = osim.Model(str(path))
        model.finalizeConnections()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "unknown error"
        raise FileFormatError(path, f"OpenSim cannot read it ({reason})") from error
    return model


def convert(path: str | Path, target: str | Path | None = None) -> Path:
    """Replace Thelen and Millard muscles by rigid-tendon DeGroote-Fregly muscles and write the model.

    Args:
        path: The ``.osim`` file.
        target: Where to write; ``<name>_degroote_fregly.osim`` beside the original by default.

    Returns:
        The file written.

    Raises:
        FileFormatError: The model has other muscles, or the file cannot be written.
    """
    osim = import_opensim()
    path = Path(path)
    target = Path(target) if target is not None else path.with_name(f"{path.stem}_degroote_fregly.osim")
    model = open_model(path)
    try:
        osim.DeGrooteFregly2016Muscle.replaceMuscles(model)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise FileFormatError(path, f"OpenSim cannot convert its muscles ({reason})") from error
    muscles = model.getMuscles()
    for i in range(muscles.getSize()):
        muscles.get(i).set_ignore_tendon_compliance(True)
    model.finalizeConnections()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        written = model.printToXML(str(target))
    except (OSError, RuntimeError) as error:
        raise FileFormatError(target, f"cannot be written ({error})", "give another path with converted=") from error
    if not written or not target.is_file():
        raise FileFormatError(target, "cannot be written", "give another path with converted=")
    return target


def _transform(frame: Any) -> tuple[Floats, Floats]:
    """Rotation matrix and origin of a frame in its base body."""
    return pose(frame.findTransformInBaseFrame())


def _axis_code(axis: Floats) -> int:
    for k in range(3):
        if abs(axis[k]) == 1.0:
            return int((k + 1) * np.sign(axis[k]))
    return 0


class Compiler:
    """Reads one finalized model; :meth:`model` returns the arrays or raises with everything that stands in the way."""

    def __init__(self, model: opensim.Model, path: Path) -> None:
        self.osim = import_opensim()
        self.opensim_model = model
        self.path = path
        self.problems: list[tuple[str, str, str]] = []
        self.functions = FunctionTable(self.osim)
        self.unreachable = False

    def model(self) -> Model:
        """Compile.

        Raises:
            UnsupportedModelError: Something cannot be reproduced.
        """
        m = self.opensim_model
        self.components = list(m.getComponentsList())
        self._check_components()
        self._order_bodies()
        tree = self._tree()
        if self.unreachable:
            self._raise_problems()
        paths, muscles, extra = self._muscles()
        contacts, spheres, feet = self._contacts()
        limits, springs, actuators, actuator_extra = self._coordinate_forces()
        coordinates = m.getCoordinateSet()
        each = [coordinates.get(i) for i in range(coordinates.getSize())]
        drives, couplers = self._constraints(each, tree)
        self._raise_problems()
        rows = factor_rows(tree["parent"], tree["mobility_start"], paths, couplers)
        tree["row_start"], tree["row_column"] = rows
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return Model(
            name=m.getName(),
            source=f"{self.path.name} sha256:{digest}",
            coordinate_names=tuple(c.getName() for c in each),
            body_names=tuple(self.body_names[1:]),
            sphere_names=tuple(spheres),
            foot_names=tuple(feet),
            coordinate_rotational=np.array([c.getMotionType() == self.osim.Coordinate.Rotational for c in each]),
            coordinate_range=np.array([[c.getRangeMin(), c.getRangeMax()] for c in each]).reshape(-1, 2),
            coordinate_default=np.array([c.getDefaultValue() for c in each], dtype=float),
            coordinate_default_speed=np.array([c.getDefaultSpeedValue() for c in each], dtype=float),
            functions=self.functions.arrays(),
            tree=Tree(**tree),
            paths=paths,
            muscles=muscles,
            contacts=contacts,
            limits=limits,
            springs=springs,
            actuators=actuators,
            drives=drives,
            couplers=couplers,
            **extra,
            **actuator_extra,
        )

    # ------------------------------------------------------------------------------------------------ what is refused
    def _refuse(self, component: Any, todo: str) -> None:
        entry = (component.getAbsolutePathString(), component.getConcreteClassName(), todo)
        if entry not in self.problems:
            self.problems.append(entry)

    def _raise_problems(self) -> None:
        if self.problems:
            raise UnsupportedModelError(self.path, self.problems)

    def _check_names(self) -> None:
        """Refuse what has the name of another of its kind: OpenSim finds coordinates by name, and so do users."""
        osim = self.osim
        for cast in (osim.Coordinate, osim.Body, osim.ScalarActuator):
            seen: set[str] = set()
            for component in self.components:
                if cast.safeDownCast(component) is not None and component.getName() in seen:
                    self._refuse(component, "rename it: another one has this name")
                elif cast.safeDownCast(component) is not None:
                    seen.add(component.getName())

    def _check_components(self) -> None:
        """Collect every joint, force, constraint, coordinate state and controller that cannot be reproduced."""
        osim = self.osim
        self._check_names()
        for component in self.components:
            kind = component.getConcreteClassName()
            if osim.Joint.safeDownCast(component) is not None:
                if kind not in _JOINTS:
                    self._refuse(component, f"use one of {', '.join(_JOINTS)}")
            elif osim.Constraint.safeDownCast(component) is not None:
                enforced = osim.Constraint.safeDownCast(component).get_isEnforced()
                if enforced and kind != "CoordinateCouplerConstraint":
                    self._refuse(component, "not compiled: couple coordinates, remove it or set isEnforced to false")
            elif osim.Force.safeDownCast(component) is not None:
                if not osim.Force.safeDownCast(component).get_appliesForce() or kind in _FORCES:
                    continue
                if osim.Muscle.safeDownCast(component) is not None:
                    self._refuse(component, f"use one of DeGrooteFregly2016Muscle, {', '.join(KINDS)}")
                else:
                    self._refuse(component, "remove it or set appliesForce to false")
            elif osim.Controller.safeDownCast(component) is not None:
                if osim.Controller.safeDownCast(component).isEnabled():
                    self._refuse(component, "disable it: controls come from the caller of step()")

    # ---------------------------------------------------------------------------------------------------------- bodies
    def _order_bodies(self) -> None:
        """Number the bodies depth first, parent before child, and the mobilities along them."""
        osim = self.osim
        joints = [osim.Joint.safeDownCast(c) for c in self.components if osim.Joint.safeDownCast(c) is not None]
        ground = self.opensim_model.getGround().getAbsolutePathString()
        children: dict[str, list[Any]] = {}
        arrivals: dict[str, int] = {}
        for joint in joints:
            parent = joint.getParentFrame().findBaseFrame().getAbsolutePathString()
            child = joint.getChildFrame().findBaseFrame().getAbsolutePathString()
            children.setdefault(parent, []).append(joint)
            arrivals[child] = arrivals.get(child, 0) + 1
            if arrivals[child] > 1:
                self._refuse(joint, "the body has a second joint (a closed loop): remove one of the joints")
        self.body_paths, self.body_names = [ground], ["ground"]
        self.joints: list[Any] = [None]
        self.parents = [0]
        stack = [(0, joint) for joint in reversed(children.get(ground, []))]
        seen = {ground}
        while stack:
            parent, joint = stack.pop()
            body = joint.getChildFrame().findBaseFrame()
            place = body.getAbsolutePathString()
            if place in seen:
                continue
            seen.add(place)
            number = len(self.body_paths)
            self.body_paths.append(place)
            self.body_names.append(body.getName())
            self.joints.append(joint)
            self.parents.append(parent)
            stack += [(number, following) for following in reversed(children.get(place, []))]
        for joint in joints:
            if joint.getChildFrame().findBaseFrame().getAbsolutePathString() not in seen:
                self.unreachable = True
                self._refuse(joint, "swap parent and child so that the parent is nearer to the ground")
        self.body_number = {place: i for i, place in enumerate(self.body_paths)}

        coordinates = self.opensim_model.getCoordinateSet()
        column = {coordinates.get(i).getName(): i for i in range(coordinates.getSize())}
        self.mobility_start = [0]
        self.mobility_of: dict[str, int] = {}
        self.mobility_of_coordinate = np.zeros(coordinates.getSize(), dtype=np.int64)
        self.mobility_start.append(0)
        for joint in self.joints[1:]:
            count = joint.numCoordinates()
            for i in range(count):
                name = joint.get_coordinates(i).getName()
                mobility = self.mobility_start[-1] + i
                self.mobility_of[name] = mobility
                self.mobility_of_coordinate[column[name]] = mobility
            self.mobility_start.append(self.mobility_start[-1] + count)

    def _tree(self) -> dict[str, Any]:
        n = len(self.body_paths)
        integers = {name: np.zeros(n, dtype=np.int64) for name in ("free", "constant_rotation")}
        tree: dict[str, Any] = {
            **integers,
            "parent": np.array(self.parents, dtype=np.int64),
            "mobility_start": np.array(self.mobility_start, dtype=np.int64),
            "mobility_of_coordinate": self.mobility_of_coordinate,
            "body_of_mobility": np.repeat(np.arange(n), np.diff(self.mobility_start)).astype(np.int64),
            "axis": np.zeros((6 * n, 3)),
            "axis_code": np.zeros(6 * n, dtype=np.int64),
            "axis_function": np.full(6 * n, -1, dtype=np.int64),
            "parent_rotated": np.zeros(n, dtype=np.int64),
            "child_rotated": np.zeros(n, dtype=np.int64),
            "parent_rotation": np.tile(np.eye(3).ravel(), (n, 1)),
            "parent_position": np.zeros((n, 3)),
            "child_rotation": np.tile(np.eye(3).ravel(), (n, 1)),
            "child_position": np.zeros((n, 3)),
            "mass": np.zeros(n),
            "mass_centre": np.zeros((n, 3)),
            "inertia": np.zeros((n, 6)),
            "gravity": vector(self.opensim_model.getGravity()),
        }
        for b in range(1, n):
            joint = self.joints[b]
            rotation, position = _transform(joint.getParentFrame())
            tree["parent_rotation"][b], tree["parent_position"][b] = rotation.ravel(), position
            tree["parent_rotated"][b] = not np.array_equal(rotation, np.eye(3))
            rotation, position = _transform(joint.getChildFrame())
            # The body is turned against the joint frame M by the inverse of M's rotation in the body.
            tree["child_rotation"][b], tree["child_position"][b] = rotation.T.ravel(), position
            tree["child_rotated"][b] = not np.array_equal(rotation, np.eye(3))
            body = self.osim.Body.safeDownCast(joint.getChildFrame().findBaseFrame())
            tree["mass"][b] = body.getMass()
            tree["mass_centre"][b] = vector(body.getMassCenter())
            inertia = body.getInertia()
            tree["inertia"][b] = [*vector(inertia.getMoments()), *vector(inertia.getProducts())]
            self._joint_axes(joint, b, tree)
        return tree

    def _joint_axes(self, joint: Any, b: int, tree: dict[str, Any]) -> None:
        """Fill the six axes and functions of one joint."""
        kind, first = joint.getConcreteClassName(), self.mobility_start[b]
        axes: list[tuple[Floats, int | None]] = [(_UNIT_AXES[k % 3], None) for k in range(6)]
        simple = {
            "PinJoint": (2,),
            "SliderJoint": (3,),
            "UniversalJoint": (0, 1),
            "GimbalJoint": (0, 1, 2),
            "FreeJoint": (0, 1, 2, 3, 4, 5),
            "BallJoint": (0, 1, 2),
            "PlanarJoint": (2, 3, 4),
            "WeldJoint": (),
        }
        if kind in simple:
            for i, k in enumerate(simple[kind]):
                axes[k] = (_UNIT_AXES[k % 3], self.functions.add_coordinate(first + i))
            tree["free"][b] = kind in ("FreeJoint", "BallJoint")
        elif kind == "CustomJoint":
            custom = self.osim.CustomJoint.safeDownCast(joint)
            own = {joint.get_coordinates(i).getName(): first + i for i in range(joint.numCoordinates())}
            for k in range(6):
                axes[k] = self._custom_axis(custom, custom.getSpatialTransform().getTransformAxis(k), own, k, tree, b)
        for k, (axis, function) in enumerate(axes):
            unit = axis / np.linalg.norm(axis)
            tree["axis"][6 * b + k] = unit
            tree["axis_code"][6 * b + k] = _axis_code(unit)
            if function is not None and self.functions.constant(function) != 0.0:
                tree["axis_function"][6 * b + k] = function

    def _custom_axis(
        self, joint: Any, axis: Any, own: dict[str, int], k: int, tree: dict[str, Any], b: int
    ) -> tuple[Floats, int | None]:
        names = axis.getCoordinateNamesInArray()
        names = [names.get(i) for i in range(names.getSize()) if names.get(i)]
        if len(names) > 1:
            self._refuse(joint, f"axis {axis.getName()!r} depends on several coordinates: use one")
            return vector(axis.getAxis()), None
        function = self.functions.add(axis.getFunction(), own[names[0]] if names else -1)
        if function is None:
            kind = axis.getFunction().getConcreteClassName()
            self._refuse(
                joint,
                f"axis {axis.getName()!r} has a {kind}{'' if names else ' without coordinate'}: use Constant, "
                "LinearFunction, SimmSpline, PiecewiseLinearFunction, PolynomialFunction, a GCVSpline of degree 3 or a "
                "multiple of one",
            )
        elif k < 3 and not names and self.functions.constant(function):
            tree["constant_rotation"][b] = 1
        return vector(axis.getAxis()), function

    def _constraints(self, coordinates: Sequence[Any], tree: dict[str, Any]) -> tuple[Drives, Couplers]:
        turned = {self.mobility_start[b] + k for b in np.flatnonzero(tree["free"]) for k in range(3)}
        cast = self.osim.CoordinateCouplerConstraint.safeDownCast
        enforced = [c for c in map(cast, self.components) if c is not None and c.get_isEnforced()]
        drives = read_drives(coordinates, self.functions, self.mobility_of, turned, self._refuse)
        couplers = read_couplers(enforced, self.functions, self.mobility_of, turned, drives, self._refuse)
        return drives, couplers

    # --------------------------------------------------------------------------------------------------------- muscles
    def _active_forces(self, *kinds: str) -> list[Any]:
        chosen = [(c, kind_of(c)) for c in self.components if kind_of(c) in kinds]
        found = [getattr(self.osim, kind).safeDownCast(c) for c, kind in chosen]
        return [force for force in found if force.get_appliesForce()]

    def _muscles(self) -> tuple[Any, Muscles, dict[str, Any]]:
        tables = PathTables(np.array(self.parents), np.array(self.mobility_start))
        values: dict[str, list[float]] = {name: [] for name in Muscles._fields}
        names, pennation, speeds, default, control = [], [], [], [], []
        table, wraps = HillTable(self._refuse), WrapTable(self.body_number, self._refuse)
        for muscle in self._active_forces("DeGrooteFregly2016Muscle", *KINDS):
            if muscle.get_ignore_activation_dynamics():
                self._refuse(muscle, "set ignore_activation_dynamics to false")
            names.append(muscle.getName())
            if (path := self._path(muscle)) is not None:
                points = read_points(path, self.functions, self.body_number, self.mobility_of, self._refuse)
                tables.add_muscle(points, wraps.add(path, len(names) - 1, points))
            optimal = muscle.get_optimal_fiber_length()
            angle = muscle.get_pennation_angle_at_optimal()
            speed = muscle.get_max_contraction_velocity()
            row = {
                "max_isometric_force": muscle.get_max_isometric_force(),
                "optimal_fiber_length": optimal,
                "tendon_slack_length": muscle.get_tendon_slack_length(),
                "fiber_width": optimal * np.sin(angle),
                "max_speed": speed * optimal,
                "activation_time": muscle.get_activation_time_constant(),
                "deactivation_time": muscle.get_deactivation_time_constant(),
            }
            row |= table.add(muscle, len(names) - 1) if kind_of(muscle) in KINDS else self._degroote_fregly(muscle)
            for key, value in row.items():
                values[key].append(value)
            pennation.append(angle)
            speeds.append(speed)
            default.append(muscle.get_default_activation())
            control.append([muscle.getMinControl(), muscle.getMaxControl()])
        muscles = Muscles(**{k: np.array(v, dtype=np.int64 if k == "compliant" else float) for k, v in values.items()})
        hills, curves = table.arrays()
        surfaces, wrapped = wraps.arrays()
        extra = {
            "hills": hills,
            "curves": curves,
            "surfaces": surfaces,
            "wraps": wrapped,
            "muscle_names": tuple(names),
            "muscle_control_range": np.array(control, dtype=float).reshape(-1, 2),
            "pennation_angle_at_optimal": np.array(pennation, dtype=float),
            "max_contraction_velocity": np.array(speeds, dtype=float),
            "default_activation": np.array(default, dtype=float),
        }
        return tables.arrays(), muscles, extra

    def _degroote_fregly(self, muscle: Any) -> dict[str, float]:
        compliant = not muscle.get_ignore_tendon_compliance()
        if compliant and muscle.get_tendon_compliance_dynamics_mode() != "explicit":
            self._refuse(muscle, "set tendon_compliance_dynamics_mode to explicit, or ignore tendon compliance")
        rate, offset, gain = passive_coefficients(muscle.get_passive_fiber_strain_at_one_norm_force())
        return {
            "fiber_damping": muscle.get_fiber_damping(),
            "passive_rate": rate,
            "passive_offset": offset,
            "passive_gain": 0.0 if muscle.get_ignore_passive_fiber_force() else gain,
            "width_scale": muscle.get_active_force_width_scale(),
            "smoothing": muscle.get_activation_dynamics_smoothing(),
            "tendon_stiffness": tendon_exponent(muscle.get_tendon_strain_at_one_norm_force()),
            "compliant": compliant,
        }

    def _path(self, muscle: Any) -> Any:
        path = self.osim.GeometryPath.safeDownCast(muscle.getPath())
        if path is None:
            self._refuse(muscle, "its path is not a GeometryPath: use path points")
        return path

    # -------------------------------------------------------------------------------------------- contact and the rest
    def _contacts(self) -> tuple[Contacts, list[str], list[str]]:
        table = ContactTable(self.components, self._body_of, self.body_names, self._in_ground, self._refuse)
        for force in self._active_forces(*floor_reading.KINDS):
            table.add(force)
        return table.arrays()

    def _body_of(self, frame: Any) -> int:
        return self.body_number[frame.findBaseFrame().getAbsolutePathString()]

    def _in_ground(self, frame: Any) -> tuple[Floats, Floats] | None:
        """Rotation and origin in ground of a frame that is fixed in it, also by welds; None for one that moves."""
        rotation, origin = _transform(frame)
        body = self._body_of(frame)
        while body > 0:
            joint = self.joints[body]
            if kind_of(joint) != "WeldJoint":
                return None
            turn, place = _transform(joint.getParentFrame())
            child, at = _transform(joint.getChildFrame())
            turn = turn @ child.T
            rotation, origin = turn @ rotation, place + turn @ (origin - at)
            body = self.parents[body]
        return rotation, origin

    def _coordinate_forces(self) -> tuple[Limits, Springs, Actuators, dict[str, Any]]:
        osim = self.osim
        coordinates = self.opensim_model.getCoordinateSet()
        limits = []
        for force in self._active_forces("CoordinateLimitForce"):
            name = force.get_coordinate()
            angular = coordinates.get(name).getMotionType() == osim.Coordinate.Rotational
            unit = np.pi / 180.0 if angular else 1.0
            if force.get_compute_dissipation_energy():
                self._refuse(force, "set compute_dissipation_energy to false: it adds a state of its own")
            if force.get_upper_stiffness() == 0.0 or force.get_lower_stiffness() == 0.0:
                self._refuse(force, "a stiffness of 0 makes OpenSim's force NaN: give positive stiffnesses")
            limits.append(
                (
                    self.mobility_of[name],
                    unit * force.get_upper_limit(),
                    unit * force.get_lower_limit(),
                    force.get_upper_stiffness() / unit,
                    force.get_lower_stiffness() / unit,
                    force.get_damping() / unit,
                    unit * force.get_transition(),
                )
            )
        springs = [
            (self.mobility_of[f.get_coordinate()], f.get_stiffness(), f.get_rest_length(), f.get_viscosity())
            for f in self._active_forces("SpringGeneralizedForce")
        ]
        rows, names, driven, control = [], [], [], []
        for component in self.components:
            kind = component.getConcreteClassName()
            if kind not in ("CoordinateActuator", "ActivationCoordinateActuator"):
                continue
            actuator = getattr(osim, kind).safeDownCast(component)
            if not actuator.get_appliesForce():
                continue
            name = actuator.get_coordinate()
            if actuator.get_optimal_force() == 0.0:
                self._refuse(component, "its optimal force is 0: give another, or set appliesForce to false")
            tau = actuator.get_activation_time_constant() if kind.startswith("Activation") else 0.0
            rows.append((self.mobility_of[name], actuator.get_optimal_force(), tau))
            names.append(actuator.getName())
            driven.append(name)
            control.append([actuator.getMinControl(), actuator.getMaxControl()])
        extra = {
            "actuator_names": tuple(names),
            "actuator_coordinate": tuple(driven),
            "actuator_control_range": np.array(control, dtype=float).reshape(-1, 2),
        }
        return _group(Limits, limits), _group(Springs, springs), _group(Actuators, rows), extra


def kind_of(component: Any) -> str:
    """Name of a component's class."""
    return component.getConcreteClassName()


def _group(kind: Any, rows: Sequence[Sequence[float]]) -> Any:
    """Turn rows into a group of columns whose first is an integer."""
    table = np.array(rows, dtype=float).reshape(-1, len(kind._fields))
    columns = [np.ascontiguousarray(table[:, k]) for k in range(table.shape[1])]
    return kind(columns[0].astype(np.int64), *columns[1:])
