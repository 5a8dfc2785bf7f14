"""Roll-outs: a policy walks, and what it did becomes a :class:`data.GaitTrial` like one from a gait laboratory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.about import TrialAbout
from exogait.data.trial import SIDES, GaitEvent, GaitTrial, select_columns
from exogait.models.anatomy import muscle_volume, slow_twitch_ratio
from exogait.models.energetics import MUSCLE_DENSITY

from ..device.exoskeleton import TICK
from ..gait.opensim_physics import OpenSimPhysics
from ..gait.physics import Moving, Physics
from ..gait.world import GaitWorld
from .policy import Policy
from .prescribed import PrescribedTorque

Array = NDArray[np.floating[Any]]

CONTACT_THRESHOLD = 20.0
"""Vertical force that makes a contact, N; the same as for force plates."""
MINIMUM_PHASE = 0.1
"""Shortest stance or swing that counts, s; shorter ones are a scuff or a bounce."""


def roll_out(
    world: GaitWorld,
    policy: Policy | Callable[[Array], Array],
    seconds: float,
    *,
    device_policy: Policy | PrescribedTorque | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[GaitTrial]:
    """Let every body of a world walk until the time is over or it falls.

    Args:
        world: A world that was reset; it must not reset itself.
        policy: The human policy, or any function from observations to actions.
        seconds: Length of the walk, s.
        device_policy: Policy of the device, or a prescribed torque; without one it gives no torque.
        progress: Called with the simulated time after every control step.

    Returns:
        One trial a body, sampled every 10 ms, cut at the fall if there was one (``about.fell``). Coordinates,
        speeds, moments and muscle states are those at the sample's time; ground reactions are means over the 10 ms
        before it under the compiled engine (so that impulses are exact), values at that time under OpenSim.
    """
    act = policy.act if isinstance(policy, Policy) else policy
    recorder = Recorder(world)
    world.on_tick = recorder.tick
    up = np.ones(world.n_envs, bool)
    fall_time = np.full(world.n_envs, np.inf)
    try:
        for _ in range(round(seconds / world.config.control_step)):
            device_action = None
            if isinstance(device_policy, Policy):
                device_action = device_policy.act(world.device_observation())
            elif device_policy is not None:
                device_action = device_policy.act()
            world.step(act(world.human_observation()), device_action)
            fall_time[up & world.fallen] = round(recorder.time, 9)
            up &= ~world.fallen
            if progress is not None:
                progress(recorder.time)
            if not up.any():
                break
    finally:
        world.on_tick = None
    return [recorder.trial(body, fall_time[body]) for body in range(world.n_envs)]


class Recorded(Moving, Protocol):
    """Bodies of which a recorder takes samples, as :class:`GaitWorld` has them."""

    @property
    def physics(self) -> Physics:
        """The bodies in their engine."""
        ...

    @property
    def person_mass(self) -> Array:
        """Mass without what is worn, shape (batch,), kg."""
        ...

    @property
    def coordinate_names(self) -> tuple[str, ...]:
        """Coordinates of the model, in order."""
        ...

    @property
    def controls(self) -> Array:
        """Excitations, then actuator controls, shape (batch, n_muscles + n_actuators)."""
        ...

    @property
    def phase(self) -> Array:
        """Share of the stride since right heel strike, shape (batch,)."""
        ...

    @property
    def speed(self) -> Array:
        """Commanded walking speed, shape (batch,), m/s."""
        ...

    @property
    def strength(self) -> Array:
        """Fraction of the healthy strength, shape (batch, n_muscles)."""
        ...

    @property
    def body_mass(self) -> Array:
        """With what is worn, shape (batch,), kg."""
        ...


class Recorder:
    """Collects samples every tick and turns them into trials.

    Attributes:
        world: The bodies.
        time: Of the last sample, s.
    """

    def __init__(self, world: Recorded) -> None:
        self.world, self.time = world, 0.0
        self.samples: dict[str, list[Array]] = {}

    def tick(self) -> None:
        """Take one sample of everything."""
        world, physics = self.world, self.world.physics
        self.time += TICK
        record = physics.measurements()
        values = {
            "q": world.q, "u": world.u, "activation": world.activation, "controls": world.controls,
            "moment": physics.net_moments(), "phase": world.phase[:, None],
            **record,
        }  # fmt: skip
        for name, value in values.items():
            self.samples.setdefault(name, []).append(np.array(value))

    def _states(self, count: int) -> zip[tuple[Array, Array]]:
        return zip(self.samples["q"][:count], self.samples["u"][:count], strict=True)

    def trial(self, body: int, fall_time: float) -> GaitTrial:
        """The walk of one body."""
        world = self.world
        physics, model = world.physics, world.physics.model
        count = len(self.samples["q"])
        time = np.asarray(np.round(TICK * np.arange(1, count + 1), 9), np.float64)
        last = count if np.isinf(fall_time) else int(np.searchsorted(time, fall_time))
        # A simulation that diverged may have left numbers behind that are none.
        finite = [np.isfinite(u[body]).all() and np.isfinite(q[body]).all() for q, u in self._states(last)]
        last = finite.index(False) if False in finite else last
        index = pd.Index(time[:last], name="time")

        def table(name: str, columns: tuple[str, ...], part: Any = slice(None)) -> pd.DataFrame:
            values = np.array([sample[body][part] for sample in self.samples[name][:last]])
            return pd.DataFrame(values.reshape(last, -1), columns=list(columns), index=index)

        n = len(model.muscle_names)
        muscles = {
            "excitation": table("controls", model.muscle_names, slice(0, n)),
            "activation": table("activation", model.muscle_names),
            "normalized_fiber_length": table("normalized_fiber_length", model.muscle_names),
            "fiber_velocity": table("fiber_velocity", model.muscle_names),
            "active_fiber_force": table("active_fiber_force", model.muscle_names),
            "passive_fiber_force": table("passive_fiber_force", model.muscle_names),
            "tendon_force": table("tendon_force", model.muscle_names),
            "active_force_length_multiplier": table("active_force_length_multiplier", model.muscle_names),
        }
        muscles["fiber_length"] = muscles["normalized_fiber_length"] * model.optimal_fiber_length
        parameters = physics.muscle_parameters
        volume = muscle_volume(
            model.muscle_names, body_mass=float(world.person_mass[body]), height=physics.person_height,
            max_isometric_force=parameters.max_isometric_force, optimal_fiber_length=parameters.optimal_fiber_length,
        )  # fmt: skip
        strength = world.strength[body]
        columns = tuple(
            f"{prefix}_{side}_{part}{axis}"
            for side in SIDES
            for prefix, part in (("ground_force", "v"), ("ground_force", "p"), ("ground_torque", ""))
            for axis in "xyz"
        )
        reactions = table("ground", columns)
        # A foot in the air has no centre of pressure (NaN), and its free moment is zero, not unknown.
        free = [column for column in columns if column.startswith("ground_torque")]
        reactions[free] = reactions[free].fillna(0.0)
        loaded = pd.DataFrame({s: reactions[f"ground_force_{s}_vy"] > CONTACT_THRESHOLD for s in SIDES})
        actuators = table("controls", model.actuator_names, slice(n, None)) * physics.optimal_force
        worn = world.body_mass[body] - world.person_mass[body]
        exo = [name for name in model.actuator_names if name.startswith("exo_")]
        trunk = [name for name in model.actuator_names if not name.startswith("exo_")]
        return GaitTrial(
            name=f"walk{body}",
            coordinates=table("q", world.coordinate_names),
            speeds=table("u", world.coordinate_names),
            generalized_forces=table("moment", world.coordinate_names),
            ground_reactions=reactions,
            muscles=muscles,
            muscle_parameters=pd.DataFrame(
                {
                    "max_isometric_force": parameters.max_isometric_force * strength,
                    "optimal_fiber_length": parameters.optimal_fiber_length,
                    "max_contraction_velocity": parameters.max_contraction_velocity,
                    "mass": parameters.mass,
                    "anatomical_mass": MUSCLE_DENSITY * volume,
                    "slow_twitch_ratio": slow_twitch_ratio(model.muscle_names),
                },
                index=pd.Index(model.muscle_names, name="muscle"),
            ),
            device_torques=select_columns(actuators, exo) if exo else None,
            extra={
                "trunk_actuators": _with_unit(select_columns(actuators, trunk), "N m"),
                "phase": _with_unit(table("phase", ("phase",)), "1"),
            },
            masks={"loaded": loaded},
            events=tuple(contact_events(index.to_numpy(np.float64), loaded)),
            metadata=TrialAbout(
                source="simulation",
                engine="opensim" if isinstance(physics, OpenSimPhysics) else "twin",
                # Moments and costs are given per body mass, as laboratories do: the device is carried.
                mass=float(world.person_mass[body]),
                device_mass=float(worn),
                speed_commanded=float(world.speed[body]),
                fell=bool(np.isfinite(fall_time)),
                fall_time=None if np.isinf(fall_time) else float(fall_time),
            ).to_metadata(),
        )


def _with_unit(table: pd.DataFrame, unit: str) -> pd.DataFrame:
    table = table.copy()
    table.attrs["units"] = unit
    return table


def contact_events(time: Array, loaded: pd.DataFrame) -> list[GaitEvent]:
    """Heel strikes and toe offs from foot loads, phases shorter than :data:`MINIMUM_PHASE` bridged.

    Args:
        time: Shape (n,), s.
        loaded: Whether each foot (columns r, l) carries load.
    """
    events = []
    for side in SIDES:
        on = loaded[side].to_numpy(bool).copy()
        for wanted in (False, True):  # first bridge short flights, then drop short contacts
            _bridge(on, wanted, max(1, round(MINIMUM_PHASE / TICK)))
        change = np.flatnonzero(np.diff(on.astype(int)))
        for i in change:
            events.append(GaitEvent(float(time[i + 1]), side, "heel_strike" if on[i + 1] else "toe_off", "simulation"))
    return sorted(events)


def _bridge(on: NDArray[np.bool_], value: bool, shortest: int) -> None:
    """Flip runs of ``value`` that are shorter than ``shortest`` samples and lie inside the record."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (on == value).astype(int), [0]])))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if start > 0 and stop < len(on) and stop - start < shortest:
            on[start:stop] = not value
