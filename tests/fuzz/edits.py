"""Random edits of a model: the compiled engine equals OpenSim or refuses by name, and is never silently different.

``python -m tests.fuzz.edits 60`` makes sixty edits of :func:`tests.kit.models_for_tests.wrapping`, two of them at a
time, prints what became of each, and ends with 1 where an edit made the engines differ, was refused for another
component's sake, or ended in anything but an answer.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from exogait.data.errors import FileFormatError, UnsupportedModelError
from exogait.models.opensim_api import import_opensim
from exogait.osim_env import engine
from exogait.osim_env.engine.opensim_engine import OpenSimEngine
from exogait.osim_env.engine.verify import COMPLIANT_TOLERANCE, COORDINATE_TOLERANCE, explicit_tendons, sample_states
from tests.kit.models_for_tests import wrapping

STATES = 8
AT_ONCE = 2
Edit = Callable[[Any, Any, np.random.Generator], str]
"""Changes an OpenSim model; returns the name of what it changed."""


@dataclass(frozen=True)
class Outcome:
    """What became of the edits of one model."""

    edits: tuple[str, ...]
    verdict: str
    """equal, refused, "OpenSim refuses", or what went wrong."""
    detail: str

    @property
    def fine(self) -> bool:
        """True unless the engines differ, or something ended without an answer."""
        return self.verdict in ("equal", "refused", "OpenSim refuses")


def _vec3(values: Any) -> Any:
    return import_opensim().Vec3(*(float(v) for v in values))


def _one(rng: np.random.Generator, collection: Any) -> Any:
    return collection.get(int(rng.integers(collection.getSize())))


def _muscle(rng: np.random.Generator, model: Any) -> Any:
    osim = import_opensim()
    return osim.DeGrooteFregly2016Muscle.safeDownCast(_one(rng, model.getMuscles()))


def _wrap(rng: np.random.Generator, model: Any) -> tuple[str, Any]:
    while True:
        muscle = _muscle(rng, model)
        wraps = muscle.updGeometryPath().getWrapSet()
        if wraps.getSize():
            return muscle.getName(), _one(rng, wraps)


def _surface(rng: np.random.Generator, model: Any) -> Any:
    osim = import_opensim()
    _, wrap = _wrap(rng, model)
    found = wrap.getWrapObject()
    frame = model.updComponent(found.getFrame().getAbsolutePathString())
    surfaces = osim.PhysicalFrame.safeDownCast(frame).upd_WrapObjectSet()
    return surfaces.get(found.getName())


def _force(model: Any, force: Any, name: str) -> str:
    force.setName(name)
    force.thisown = False
    model.addForce(force)
    return name


def _gravity(osim: Any, model: Any, rng: np.random.Generator) -> str:
    model.setGravity(_vec3(rng.normal(size=3) * rng.choice([0.0, 5.0])))
    return "gravity"


def _body(osim: Any, model: Any, rng: np.random.Generator) -> str:
    body = _one(rng, model.getBodySet())
    body.setMass(float(rng.uniform(0.1, 3.0)))
    body.setMassCenter(_vec3(0.1 * rng.normal(size=3)))
    body.set_inertia(osim.Vec6(0.05, 0.06, 0.07, *(float(v) for v in 0.005 * rng.normal(size=3))))
    return body.getName()


def _frame(osim: Any, model: Any, rng: np.random.Generator) -> str:
    joint = _one(rng, model.getJointSet())
    frame = osim.PhysicalOffsetFrame.safeDownCast(joint.upd_frames(int(rng.integers(2))))
    frame.set_translation(_vec3(0.1 * rng.normal(size=3)))
    frame.set_orientation(_vec3(0.5 * rng.normal(size=3)))
    return joint.getName()


def _leaf(osim: Any, model: Any, rng: np.random.Generator) -> str:
    kind = str(rng.choice(["PinJoint", "WeldJoint", "SliderJoint", "BallJoint", "EllipsoidJoint"]))
    body = osim.Body("leaf_body", 1.0, osim.Vec3(0.01), osim.Inertia(0.05, 0.05, 0.05))
    parent = _one(rng, model.getBodySet())
    body.thisown = False
    model.addBody(body)
    place = [_vec3(0.2 * rng.normal(size=3)) for _ in range(4)]
    more = (osim.Vec3(0.1, 0.2, 0.3),) if kind == "EllipsoidJoint" else ()
    joint = getattr(osim, kind)("leaf", parent, *place[:2], body, *place[2:], *more)
    joint.thisown = False
    model.addJoint(joint)
    return "leaf"


def _coordinate(osim: Any, model: Any, rng: np.random.Generator) -> str:
    coordinate = _one(rng, model.getCoordinateSet())
    action = int(rng.integers(5))
    if action == 0:
        coordinate.set_locked(True)
        coordinate.setDefaultValue(float(rng.uniform(-0.5, 0.5)))
    elif action == 1:
        smooth = osim.PolynomialFunction(osim.Vector.createFromMat(rng.normal(size=3)))
        coordinate.setPrescribedFunction(smooth if rng.random() < 0.5 else osim.Sine(1.0, 2.0, 0.0))
        coordinate.set_prescribed(True)
    elif action == 2:
        coordinate.setRangeMin(-0.4)
        coordinate.setRangeMax(0.3)
    elif action == 3:
        coordinate.set_clamped(True)
        coordinate.setDefaultSpeedValue(0.5)
    else:
        coordinate.setName(_one(rng, model.getCoordinateSet()).getName())
    return coordinate.getName()


def _constraint(osim: Any, model: Any, rng: np.random.Generator) -> str:
    coordinates = model.getCoordinateSet()
    if rng.random() < 0.3:
        constraint = osim.PointConstraint(model.getGround(), _vec3([0, 0, 0]), _one(rng, model.getBodySet()),
                                          _vec3([0, 0, 0]))  # fmt: skip
        constraint.setName("edited_constraint")
        constraint.set_isEnforced(bool(rng.random() < 0.5))
    else:
        constraint = osim.CoordinateCouplerConstraint()
        constraint.setName("edited_constraint")
        names = osim.ArrayStr()
        names.append(_one(rng, coordinates).getName())
        constraint.setIndependentCoordinateNames(names)
        constraint.setDependentCoordinateName(_one(rng, coordinates).getName())
        constraint.setFunction(osim.LinearFunction(0.7, 0.1) if rng.random() < 0.7 else osim.Sine(1.0, 2.0, 0.0))
    constraint.thisown = False
    model.addConstraint(constraint)
    return "edited_constraint"


def _muscle_numbers(osim: Any, model: Any, rng: np.random.Generator) -> str:
    muscle = _muscle(rng, model)
    action = int(rng.integers(6))
    if action == 0:
        muscle.set_appliesForce(False)
    elif action == 1:
        muscle.set_pennation_angle_at_optimal(float(rng.choice([0.0, 0.6])))
        muscle.set_max_isometric_force(float(rng.uniform(0.0, 3000.0)))
    elif action == 2:
        muscle.set_ignore_tendon_compliance(False)
        muscle.set_tendon_compliance_dynamics_mode(str(rng.choice(["explicit", "implicit"])))
    elif action == 3:
        muscle.set_ignore_activation_dynamics(True)
    elif action == 4:
        muscle.set_ignore_passive_fiber_force(True)
    else:
        muscle.set_fiber_damping(float(rng.uniform(0.0, 0.1)))
        muscle.set_active_force_width_scale(1.3)
    return muscle.getName()


def _another_muscle(osim: Any, model: Any, rng: np.random.Generator) -> str:
    kind = str(rng.choice(["Millard2012EquilibriumMuscle", "Thelen2003Muscle", "RigidTendonMuscle"]))
    muscle = getattr(osim, kind)()
    bodies = model.getBodySet()
    for k in range(2):
        muscle.addNewPathPoint(f"p{k}", bodies.get(k), _vec3([0.1, 0.1 * k, 0.05]))
    muscle.set_optimal_fiber_length(0.15)
    muscle.set_tendon_slack_length(0.15)
    return _force(model, muscle, "edited_muscle")


def _path(osim: Any, model: Any, rng: np.random.Generator) -> str:
    muscle = _muscle(rng, model)
    points = muscle.updGeometryPath().updPathPointSet()
    action = int(rng.integers(3))
    if action == 0:
        point = osim.PathPoint.safeDownCast(points.get(points.getSize() - 1))
        point.set_location(_vec3(0.15 * rng.normal(size=3)))
    elif action == 1:
        path = muscle.updGeometryPath()
        path.appendNewPathPoint("added", _one(rng, model.getBodySet()), _vec3(0.1 * rng.normal(size=3)))
    else:
        muscle.updGeometryPath().addPathWrap(_surface(rng, model))
    return muscle.getName()


def _wrap_numbers(osim: Any, model: Any, rng: np.random.Generator) -> str:
    name, wrap = _wrap(rng, model)
    if rng.random() < 0.4:
        wrap.set_method(str(rng.choice(["midpoint", "axial", "hybrid"])))
    else:
        wrap.set_range(0, int(rng.integers(-1, 3)))
        wrap.set_range(1, int(rng.integers(2, 5)))
    return name


def _surface_numbers(osim: Any, model: Any, rng: np.random.Generator) -> str:
    surface = _surface(rng, model)
    action = int(rng.integers(4))
    if action == 0:
        surface.set_active(not surface.get_active())
    elif action == 1:
        surface.set_quadrant(str(rng.choice(["all", "x", "-x", "+y", "-Y", "z", "-z"])))
    elif action == 2:
        surface.set_translation(_vec3(0.1 * rng.normal(size=3)))
        surface.set_xyz_body_rotation(_vec3(rng.normal(size=3)))
    else:
        kind = getattr(osim, surface.getConcreteClassName()).safeDownCast(surface)
        kind.set_radius(float(rng.choice([0.0, 0.02, 0.1])))
    return surface.getName()


def _another_surface(osim: Any, model: Any, rng: np.random.Generator) -> str:
    torus = rng.random() < 0.5
    surface = osim.WrapTorus() if torus else osim.WrapEllipsoid()
    surface.setName("edited_surface")
    if torus:
        surface.set_inner_radius(0.02)
        surface.set_outer_radius(0.1)
    else:
        surface.set_dimensions(osim.Vec3(0.05, 0.06, 0.08))
    surface.thisown = False
    _one(rng, model.getBodySet()).addWrapObject(surface)
    model.finalizeConnections()
    muscle = _muscle(rng, model)
    muscle.updGeometryPath().addPathWrap(surface)
    return muscle.getName()


def _coordinate_force(osim: Any, model: Any, rng: np.random.Generator) -> str:
    name = _one(rng, model.getCoordinateSet()).getName()
    action = int(rng.integers(5))
    if action == 0:
        stiffness = float(rng.choice([0.0, 2.0]))
        force = osim.CoordinateLimitForce(name, 20.0, 3.0, -20.0, stiffness, 0.1, 5.0)
    elif action == 1:
        force = osim.SpringGeneralizedForce(name)
        force.set_stiffness(4.0)
        force.set_viscosity(0.3)
    elif action == 2:
        force = osim.CoordinateActuator(name)
        force.set_optimal_force(float(rng.choice([0.0, 50.0])))
    elif action == 3:
        force = osim.ActivationCoordinateActuator()
        force.set_coordinate(name)
        force.set_optimal_force(30.0)
    else:
        force = osim.ExpressionBasedCoordinateForce(name, "-3*q")
    return _force(model, force, "edited_force")


def _spatial_force(osim: Any, model: Any, rng: np.random.Generator) -> str:
    bodies = model.getBodySet()
    first, second = bodies.get(0), bodies.get(2)
    action = int(rng.integers(5))
    if action == 0:
        force = osim.BushingForce("edited_force", first, second, osim.Vec3(100.0), osim.Vec3(5.0), osim.Vec3(1.0),
                                  osim.Vec3(0.1))  # fmt: skip
    elif action == 1:
        force = osim.PointToPointSpring(first, _vec3([0, 0, 0]), second, _vec3([0, 0.1, 0]), 50.0, 0.2)
    elif action == 2:
        force = osim.TorqueActuator(first, second, osim.Vec3(0, 0, 1), True)
    elif action == 3:
        force = osim.PathSpring("edited_force", 0.1, 100.0, 0.1)
        force.updGeometryPath().appendNewPathPoint("a", first, _vec3([0, 0, 0]))
        force.updGeometryPath().appendNewPathPoint("b", second, _vec3([0, 0, 0.1]))
    else:
        force = osim.PointActuator(second.getName())
    force.set_appliesForce(bool(rng.random() < 0.7))
    return _force(model, force, "edited_force")


def _controller(osim: Any, model: Any, rng: np.random.Generator) -> str:
    controller = osim.PrescribedController()
    controller.setName("edited_controller")
    controller.addActuator(model.getMuscles().get(0))
    controller.prescribeControlForActuator(model.getMuscles().get(0).getName(), osim.Constant(0.2))
    controller.setEnabled(bool(rng.random() < 0.5))
    controller.thisown = False
    model.addController(controller)
    return "edited_controller"


EDITS: dict[str, Edit] = {
    "gravity": _gravity,
    "body": _body,
    "joint frame": _frame,
    "another body": _leaf,
    "coordinate": _coordinate,
    "constraint": _constraint,
    "muscle": _muscle_numbers,
    "another muscle": _another_muscle,
    "path": _path,
    "wrap": _wrap_numbers,
    "surface": _surface_numbers,
    "another surface": _another_surface,
    "force of a coordinate": _coordinate_force,
    "force of bodies": _spatial_force,
    "controller": _controller,
}


def edited(base: Path, target: Path, seed: int) -> list[tuple[str, str]]:
    """Write an edited copy of a model; return kind and place of each edit.

    Raises:
        RuntimeError: OpenSim itself refuses an edit.
    """
    osim = import_opensim()
    rng = np.random.default_rng(seed)
    model = osim.Model(str(base))
    model.finalizeConnections()
    made = []
    for kind in rng.choice(list(EDITS), AT_ONCE, replace=False).tolist():
        made.append((kind, EDITS[kind](osim, model, rng)))
        model.finalizeFromProperties()
        model.finalizeConnections()
    model.printToXML(str(target))
    return made


def judge(base: Path, folder: Path, seed: int) -> Outcome:
    """Edit a model and hold both engines side by side."""
    target = folder / f"edit_{seed}.osim"
    try:
        made = edited(base, target, seed)
    except RuntimeError as error:
        return Outcome((), "OpenSim refuses", str(error).strip().splitlines()[0])
    kinds = tuple(f"{kind} ({place})" for kind, place in made)
    try:
        oracle = OpenSimEngine(target)
    except UnsupportedModelError as error:
        said = [f"{where} {kind}: {todo}" for where, kind, todo in error.components]
        named = all(any(place in line for _, place in made) or "edited" in line for line in said)
        return Outcome(kinds, "refused" if named else "REFUSED FOR ANOTHER'S SAKE", "; ".join(said))
    except (FileFormatError, RuntimeError) as error:
        return Outcome(kinds, "OpenSim refuses", str(error).strip().splitlines()[0])
    except Exception as error:  # what a user would see as a traceback
        return Outcome(kinds, "NO ANSWER", f"{type(error).__name__}: {error}")
    worst = difference(oracle, seed)
    elastic = explicit_tendons(oracle.model)
    equal = worst <= (COMPLIANT_TOLERANCE if elastic else COORDINATE_TOLERANCE)
    return Outcome(kinds, "equal" if equal else "DIFFERENT", f"{worst:.1e}")


def difference(oracle: OpenSimEngine, seed: int) -> float:
    """Largest difference of accelerations, lengths and speeds, relative to the state's largest or to 1."""
    model = oracle.model
    states = sample_states(model, STATES, seed)
    arguments = states.q, states.u, states.activation
    worst = 0.0
    for ours, theirs in (
        (
            engine.accelerations(model, *arguments, states.torque, tendon_force=states.tendon_force),
            oracle.accelerations(*arguments, states.torque, tendon_force=states.tendon_force),
        ),
        *(
            (getattr(engine.muscle_state(model, *arguments, tendon_force=states.tendon_force), name), theirs)
            for name, theirs in lengths(oracle, states.q, states.u).items()
        ),
    ):
        same = np.isnan(ours) & np.isnan(theirs)
        scale = np.maximum(1.0, np.abs(theirs).max(axis=1, keepdims=True, initial=0.0))
        gap = np.where(same, 0.0, np.abs(ours - theirs) / scale)
        worst = max(worst, float(np.where(np.isnan(gap), np.inf, gap).max(initial=0.0)))
    return worst


def lengths(oracle: OpenSimEngine, q: Any, u: Any) -> dict[str, Any]:
    """Lengths and lengthening speeds of all paths in OpenSim, each of shape (B, n_muscles)."""
    found = {name: np.zeros((len(q), oracle.model.n_muscles)) for name in ("muscle_tendon_length", "lengthening_speed")}
    for row in range(len(q)):
        state = oracle.set_state(q[row], u[row])
        oracle.opensim_model.realizeVelocity(state)
        for k, muscle in enumerate(oracle.muscles):
            found["muscle_tendon_length"][row, k] = muscle.getLength(state)
            found["lengthening_speed"][row, k] = muscle.getLengtheningSpeed(state)
    return found


def main(count: int, first: int = 0) -> int:
    """Make ``count`` edits from a first seed on and print what became of each."""
    with tempfile.TemporaryDirectory() as folder:
        base = wrapping(Path(folder) / "base.osim", seed=2)
        outcomes = []
        for seed in range(first, first + count):
            outcome = judge(base, Path(folder), seed)
            outcomes.append(outcome)
            print(f"{seed:4d}  {outcome.verdict:16s}  {', '.join(outcome.edits)}  {outcome.detail[:160]}", flush=True)
    print("  ".join(f"{verdict}: {n}" for verdict, n in Counter(o.verdict for o in outcomes).items()))
    return 0 if all(outcome.fine for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
