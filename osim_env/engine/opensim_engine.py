"""The other engine: the same functions, answered by OpenSim itself.

It is the oracle of the tests and a drop-in replacement for one environment. It takes the same arrays in the same
order as
the compiled engine; a batch is worked off row by row.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from exogait.data.errors import InputError
from exogait.models.opensim_api import import_opensim

from .batch import as_rows
from .compiler import compile_osim, open_model
from .floor.reading import KINDS as CONTACTS
from .floor.reading import hunt_crossley
from .hill.reading import KINDS
from .model import Floats, Model
from .results import ContactForces, Kinematics, MuscleState, summarize_feet
from .state import NOT_FINITE, RUNAWAY, RUNNING, Integrator, Parameters, State


def _array(vector: Any) -> Floats:
    return np.array([vector.get(i) for i in range(vector.size())])


def _spatial(vector: Any) -> Floats:
    return np.array([vector.get(i) for i in range(3)])


class OpenSimEngine:
    """Simulate an ``.osim`` model with OpenSim.

    Args:
        path: The ``.osim`` file; it must be one that :func:`exogait.osim_env.engine.compile_osim` accepts.
        accuracy: Accuracy of OpenSim's integrator in :meth:`step`.
    """

    def __init__(self, path: str | Path, *, accuracy: float = 1e-5) -> None:
        self.osim = import_opensim()
        self.model: Model = compile_osim(path)
        self.accuracy = accuracy
        self.opensim_model = open_model(path)
        self._add_controller()
        self._gravity = np.asarray(self.model.gravity, float)
        self._begin()
        m, names = self.opensim_model, self.model
        self._base_force = names.max_isometric_force.copy()
        self.coordinates = [m.getCoordinateSet().get(name) for name in names.coordinate_names]
        muscles = [m.getMuscles().get(name) for name in names.muscle_names]
        self.muscles = [getattr(self.osim, one.getConcreteClassName()).safeDownCast(one) for one in muscles]
        self._hills = set(names.hills.muscle.tolist())
        components = {c.getName(): c for c in m.getComponentsList()}
        self.actuators = [
            getattr(self.osim, components[n].getConcreteClassName()).safeDownCast(components[n])
            for n in names.actuator_names
        ]
        self.spheres = [
            getattr(self.osim, components[n].getConcreteClassName()).safeDownCast(components[n])
            for n in names.sphere_names
        ]
        self.bodies = [m.getBodySet().get(name) for name in names.body_names]
        self._columns = self._state_columns()

    def _begin(self) -> None:
        """Make OpenSim's system, and find what lives in it."""
        self.system_state = self.opensim_model.initSystem()
        self._control_functions = self._find_control_functions()

    def _set_gravity(self, gravity: Floats) -> None:
        """Let another gravity act: OpenSim reads it while it makes its system, so the system is made anew."""
        if not np.array_equal(gravity, self._gravity):
            self._gravity = np.array(gravity, float)
            self.opensim_model.setGravity(self.osim.Vec3(*self._gravity))
            self._begin()

    def _state_columns(self) -> tuple[list[int], list[int]]:
        """Find the place of each coordinate in OpenSim's q and u, which follow the tree and not the CoordinateSet."""
        state = self.osim.State(self.system_state)
        order_q, order_u = [], []
        for coordinate in self.coordinates:
            coordinate.setLocked(state, False)  # or its value could not be set
        for coordinate in self.coordinates:
            before, speeds = _array(state.getQ()), _array(state.getU())
            coordinate.setValue(state, coordinate.getValue(state) + 0.125, False)
            coordinate.setSpeedValue(state, coordinate.getSpeedValue(state) + 0.25)
            order_q.append(int(np.argmax(np.abs(_array(state.getQ()) - before))))
            order_u.append(int(np.argmax(np.abs(_array(state.getU()) - speeds))))
        return order_q, order_u

    # ---------------------------------------------------------------------------------------------------------- setting
    def set_state(
        self, q: Floats, u: Floats, activation: Floats | None = None, tendon_force: Floats | None = None
    ) -> Any:
        """Put one row of q, u, activations and normalized tendon forces into OpenSim's state."""
        state = self.system_state
        vector = self.osim.Vector(state.getNQ(), 0.0)
        for value, k in zip(q, self._columns[0], strict=True):
            vector.set(k, float(value))
        state.setQ(vector)
        vector = self.osim.Vector(state.getNU(), 0.0)
        for value, k in zip(u, self._columns[1], strict=True):
            vector.set(k, float(value))
        state.setU(vector)
        if activation is not None:
            for muscle, value in zip(self.muscles, activation, strict=True):
                muscle.setActivation(state, float(value))
        if tendon_force is not None:
            for k in np.flatnonzero(self.model.muscles.compliant):
                if k in self._hills:
                    self.muscles[k].setFiberLength(state, float(tendon_force[k]))
                else:
                    self.muscles[k].setNormalizedTendonForce(state, float(tendon_force[k]))
        return state

    def _add_controller(self) -> None:
        """Give the model one controller that holds every control constant."""
        controller = self.osim.PrescribedController()
        controller.setName("constant_controls")
        names = (*self.model.muscle_names, *self.model.actuator_names)
        components = {c.getName(): c for c in self.opensim_model.getComponentsList()}
        for name in names:
            controller.addActuator(self.osim.Actuator.safeDownCast(components[name]))
        # All functions must be there before the controller joins the model.
        for name in names:
            controller.prescribeControlForActuator(name, self.osim.Constant(0.0))
        self.opensim_model.addController(controller)
        self.opensim_model.finalizeConnections()
        controller.thisown = False

    def _find_control_functions(self) -> dict[str, Any]:
        """Return the controller's functions by actuator name; valid only once the system is initialised."""
        names = (*self.model.muscle_names, *self.model.actuator_names)
        controllers = self.opensim_model.getControllerSet()
        controller = self.osim.PrescribedController.safeDownCast(controllers.get("constant_controls"))
        functions = controller.get_ControlFunctions()
        found = [self.osim.Constant.safeDownCast(functions.get(i)) for i in range(functions.getSize())]
        return dict(zip(names, found, strict=True))

    def _set_controls(self, state: Any, excitation: Floats | None, torque: Floats) -> None:
        """Set the constant controls; a state whose q was set afterwards, or before, reads them at Dynamics."""
        if excitation is not None:
            for name, value in zip(self.model.muscle_names, excitation, strict=True):
                self._control_functions[name].setValue(float(value))
        for k, (actuator, value) in enumerate(zip(self.actuators, torque, strict=True)):
            control = float(value) / self.model.actuators.optimal_force[k]
            if self.model.actuators.time_constant[k] > 0.0:
                actuator.setStateVariableValue(state, "activation", control)
            self._control_functions[self.model.actuator_names[k]].setValue(control)

    def select_forces(self, kinds: Iterable[str] | None) -> None:
        """Let only some kinds of forces act, for tests.

        Args:
            kinds: Of muscles, contacts, limits, springs, actuators; None for all.
        """
        classes = {
            "muscles": ("DeGrooteFregly2016Muscle", *KINDS),
            "contacts": CONTACTS,
            "limits": ("CoordinateLimitForce",),
            "springs": ("SpringGeneralizedForce",),
            "actuators": ("CoordinateActuator", "ActivationCoordinateActuator"),
        }
        acting = None if kinds is None else {name for kind in kinds for name in classes[kind]}
        for component in self.opensim_model.getComponentsList():
            force = self.osim.Force.safeDownCast(component)
            if force is not None and force.get_appliesForce():
                force.setAppliesForce(self.system_state, acting is None or component.getConcreteClassName() in acting)

    def _apply_parameters(self, params: Parameters | None, row: int = 0) -> None:
        """Apply gravity and muscle strengths; refuse what OpenSim cannot change without rebuilding the model."""
        p = params or Parameters()
        others = ("added_mass", "push", "coordinate_force", "guide_stiffness", "guide_damping")
        neutral = {"mass_scale": 1.0, **dict.fromkeys(others, 0.0)}
        for name, value in neutral.items():
            if getattr(p, name) is not None and np.any(np.asarray(getattr(p, name)) != value):
                raise InputError(f"Parameters.{name}", "a value", "it exists in the compiled engine only")
        tilted = as_rows("gravity", self.model.gravity if p.gravity is None else p.gravity, 3)
        self._set_gravity(tilted[min(row, len(tilted) - 1)])
        strength = np.ones(self.model.n_muscles)
        if p.muscle_strength is not None:
            rows = as_rows("muscle_strength", p.muscle_strength, self.model.n_muscles)
            strength = rows[min(row, len(rows) - 1)]
        for muscle, base, factor in zip(self.muscles, self._base_force, strength, strict=True):
            if muscle.get_max_isometric_force() != base * factor:
                muscle.set_max_isometric_force(float(base * factor))

    # -------------------------------------------------------------------------------------------------------- functions
    def accelerations(
        self,
        q: ArrayLike,
        u: ArrayLike,
        activation: ArrayLike,
        torque: ArrayLike | None = None,
        params: Parameters | None = None,
        *,
        tendon_force: ArrayLike | None = None,
        time: ArrayLike = 0.0,
    ) -> Floats:
        """Accelerations by ``Model.realizeAcceleration``; arguments as in :func:`.accelerations`."""
        m = self.model
        rows = as_rows("q", q, m.n_coordinates)
        batch = len(rows)

        def broadcast(name: str, value: ArrayLike | None, width: int) -> Floats:
            given = np.zeros(width) if value is None else value
            return np.broadcast_to(as_rows(name, given, width, batch), (batch, width))

        speeds = broadcast("u", u, m.n_coordinates)
        activations = broadcast("activation", activation, m.n_muscles)
        torques = broadcast("torque", torque, m.n_actuators)
        tendons = broadcast("tendon_force", tendon_force, m.n_muscles)
        times = np.broadcast_to(time, batch)
        result = np.empty((batch, m.n_coordinates))
        for row in range(batch):
            self._apply_parameters(params, row)
            state = self.set_state(rows[row], speeds[row], activations[row], tendons[row])
            state.setTime(float(times[row]))
            self._set_controls(state, None, torques[row])
            self.opensim_model.realizeAcceleration(state)
            result[row] = _array(state.getUDot())[self._columns[1]]
        return result

    def inverse_dynamics(self, q: ArrayLike, u: ArrayLike, udot: ArrayLike) -> Floats:
        """Generalized forces that produce udot without muscles, contacts and limits, by ``InverseDynamicsSolver``."""
        m = self.model
        rows, speeds, rates = (as_rows(n, v, m.n_coordinates) for n, v in (("q", q), ("u", u), ("udot", udot)))
        # OpenSim's own solver also subtracts applied forces; here only the weights act on the tree.
        matter = self.opensim_model.getMatterSubsystem()
        result = np.empty_like(rows)
        for row in range(len(rows)):
            state = self.set_state(rows[row], speeds[row])
            self.opensim_model.realizeVelocity(state)
            vector = self.osim.Vector(m.n_coordinates, 0.0)
            for value, k in zip(rates[row], self._columns[1], strict=True):
                vector.set(k, float(value))
            residual = self.osim.Vector()
            matter.calcResidualForceIgnoringConstraints(
                state, self.osim.Vector(m.n_coordinates, 0.0), self._weights(state), vector, residual
            )
            result[row] = _array(residual)[self._columns[1]]
        return result

    def _weights(self, state: Any) -> Any:
        """Weight of every mobilized body as a spatial force at its origin, in ground axes."""
        osim = self.osim
        zero = osim.Vec3(0.0)
        forces = osim.VectorOfSpatialVec(len(self.bodies) + 1, osim.SpatialVec(zero, zero))
        for body, mass in zip(self.bodies, self.model.body_mass, strict=True):
            weight = mass * self.model.gravity
            centre = _spatial(body.findStationLocationInGround(state, body.getMassCenter()))
            moment = np.cross(centre - _spatial(body.getPositionInGround(state)), weight)
            forces.set(int(body.getMobilizedBodyIndex()), osim.SpatialVec(osim.Vec3(*moment), osim.Vec3(*weight)))
        return forces

    def muscle_state(
        self,
        q: ArrayLike,
        u: ArrayLike,
        activation: ArrayLike,
        *,
        tendon_force: ArrayLike | None = None,
        moment_arms: bool = True,
    ) -> MuscleState:
        """Lengths, speeds, forces and moment arms, from the muscles themselves."""
        m = self.model
        rows = as_rows("q", q, m.n_coordinates)
        speeds = np.broadcast_to(as_rows("u", u, m.n_coordinates), rows.shape)
        batch = len(rows)
        activations = np.broadcast_to(as_rows("activation", activation, m.n_muscles), (batch, m.n_muscles))
        tendons = np.zeros(m.n_muscles) if tendon_force is None else tendon_force
        tendons = np.broadcast_to(as_rows("tendon_force", tendons, m.n_muscles), (batch, m.n_muscles))
        result = MuscleState.empty(batch, m.n_muscles, m.n_coordinates)
        for row in range(batch):
            state = self.set_state(rows[row], speeds[row], activations[row], tendons[row])
            self._set_controls(state, None, np.zeros(m.n_actuators))
            self.opensim_model.realizeAcceleration(state)
            for k, muscle in enumerate(self.muscles):
                result.muscle_tendon_length[row, k] = muscle.getLength(state)
                result.lengthening_speed[row, k] = muscle.getLengtheningSpeed(state)
                result.normalized_fiber_length[row, k] = muscle.getNormalizedFiberLength(state)
                result.fiber_velocity[row, k] = muscle.getFiberVelocity(state)
                result.normalized_fiber_velocity[row, k] = muscle.getNormalizedFiberVelocity(state)
                result.active_fiber_force[row, k] = muscle.getActiveFiberForce(state)
                result.passive_fiber_force[row, k] = muscle.getPassiveFiberForce(state)
                result.tendon_force[row, k] = muscle.getActuation(state)
                if k in self._hills:
                    result.tendon_force_rate[row, k] = muscle.getFiberVelocity(state) * m.muscles.compliant[k]
                elif m.muscles.compliant[k]:
                    result.tendon_force_rate[row, k] = muscle.getNormalizedTendonForceDerivative(state)
                for j, coordinate in enumerate(self.coordinates if moment_arms else ()):
                    result.moment_arms[row, k, j] = muscle.computeMomentArm(state, coordinate)
        return result

    def _wrench(self, element: Any, state: Any) -> tuple[Floats, Floats]:
        """Moment about its body's origin, and force, of a contact on its sphere, ground axes, N m and N."""
        if element.getConcreteClassName() == "SmoothSphereHalfSpaceForce":
            wrench = element.getSphereForce(state)
            return _spatial(wrench.get(0)), _spatial(wrench.get(1))
        names = [name for parameters in hunt_crossley(element) for name in parameters.geometry]
        kinds = {c.getName(): c.getConcreteClassName() for c in self.opensim_model.getComponentsList()}
        first = 6 * [kinds[name.split("/")[-1]] for name in names].index("ContactSphere")
        values = element.getRecordValues(state)
        force, moment = ([values.get(first + start + i) for i in range(3)] for start in (0, 3))
        return np.array(moment), np.array(force)

    def contact_forces(self, q: ArrayLike, u: ArrayLike) -> ContactForces:
        """Forces of the contact spheres, as their classes report them."""
        m = self.model
        rows = as_rows("q", q, m.n_coordinates)
        speeds = np.broadcast_to(as_rows("u", u, m.n_coordinates), rows.shape)
        batch, n = len(rows), len(m.sphere_names)
        force, point = np.zeros((batch, n, 3)), np.zeros((batch, n, 3))
        moment = np.zeros((batch, n, 3))
        for row in range(batch):
            state = self.set_state(rows[row], speeds[row])
            self.opensim_model.realizeDynamics(state)
            for k, element in enumerate(self.spheres):
                about_body, force[row, k] = self._wrench(element, state)
                body = self.bodies[m.contacts.body[k] - 1]
                origin = _spatial(body.getPositionInGround(state))
                moment[row, k] = about_body + np.cross(origin, force[row, k])
                local = self.osim.Vec3(*m.contacts.centre[k].tolist())
                centre = _spatial(body.findStationLocationInGround(state, local))
                normal, radius = m.contacts.normal[k], m.contacts.radius[k]
                depth = (centre - m.contacts.origin[k]) @ normal + radius
                point[row, k] = centre + (radius - 0.5 * depth) * normal
        return summarize_feet(m, force, point, moment)

    def kinematics(self, q: ArrayLike, u: ArrayLike) -> Kinematics:
        """Body poses, velocities and mass centres."""
        m = self.model
        rows = as_rows("q", q, m.n_coordinates)
        speeds = np.broadcast_to(as_rows("u", u, m.n_coordinates), rows.shape)
        result = Kinematics.empty(len(rows), m.n_bodies)
        for row in range(len(rows)):
            state = self.set_state(rows[row], speeds[row])
            self.opensim_model.realizeVelocity(state)
            for k, body in enumerate(self.bodies):
                turn = body.getTransformInGround(state).R().asMat33()
                velocity = body.getVelocityInGround(state)
                result.rotation[row, k] = [[turn.get(i, j) for j in range(3)] for i in range(3)]
                result.position[row, k] = _spatial(body.getPositionInGround(state))
                result.angular_velocity[row, k] = _spatial(velocity.get(0))
                result.velocity[row, k] = _spatial(velocity.get(1))
                centre = body.getMassCenter()
                result.mass_centre[row, k] = _spatial(body.findStationLocationInGround(state, centre))
                result.mass_centre_velocity[row, k] = _spatial(body.findStationVelocityInGround(state, centre))
            result.whole_body_centre[row] = _spatial(self.opensim_model.calcMassCenterPosition(state))
            result.whole_body_velocity[row] = _spatial(self.opensim_model.calcMassCenterVelocity(state))
        return result

    def step(
        self,
        state: State,
        controls: ArrayLike,
        duration: float,
        dt: float = 0.001,
        params: Parameters | None = None,
        integrator: Integrator = "implicit",
        *,
        record: bool = False,
        speed_limit: float = 1000.0,
    ) -> State:
        """Advance one environment with OpenSim's ``Manager``.

        Its step varies by itself: ``dt`` and ``integrator`` do not apply.
        """
        m = self.model
        if state.batch != 1:
            raise ValueError(f"OpenSimEngine.step advances one environment, got {state.batch}")
        if state.status[0] != RUNNING:
            return state
        if record:
            raise InputError("record", True, "the record exists in the compiled engine only; use muscle_state()")
        row = as_rows("controls", controls, m.n_controls)[0]
        self._apply_parameters(params)
        system = self.set_state(state.q[0], state.u[0], state.activation[0], state.tendon_force[0])
        system.setTime(float(state.time[0]))
        for name, value in zip((*m.muscle_names, *m.actuator_names), row, strict=True):
            self._control_functions[name].setValue(float(value))
        for k, actuator in enumerate(self.actuators):
            if m.actuators.time_constant[k] > 0.0:
                actuator.setStateVariableValue(system, "activation", float(state.actuator_activation[0, k]))
        final = self._integrate(system, duration)
        q, u = _array(final.getQ())[self._columns[0]], _array(final.getU())[self._columns[1]]
        if not (np.isfinite(q).all() and np.isfinite(u).all()):
            state.status[0] = NOT_FINITE
        elif np.abs(u).max() > speed_limit:
            state.status[0] = RUNAWAY
        else:
            state.q[0], state.u[0] = q, u
            # As state variables: what a muscle computes from them would need caches that a copied state has lost.
            state.activation[0] = [muscle.getStateVariableValue(final, "activation") for muscle in self.muscles]
            for k in np.flatnonzero(m.muscles.compliant):
                name = "fiber_length" if k in self._hills else "normalized_tendon_force"
                state.tendon_force[0, k] = self.muscles[k].getStateVariableValue(final, name)
            for k, actuator in enumerate(self.actuators):
                if m.actuators.time_constant[k] > 0.0:
                    state.actuator_activation[0, k] = actuator.getStateVariableValue(final, "activation")
            state.time[0] += duration
        return state

    def _integrate(self, system: Any, duration: float) -> Any:
        """Run OpenSim's Manager and return its final state."""
        manager = self.osim.Manager(self.opensim_model)
        manager.setIntegratorAccuracy(self.accuracy)
        manager.setWriteToStorage(False)
        manager.initialize(system)
        return self.osim.State(manager.integrate(system.getTime() + duration))
