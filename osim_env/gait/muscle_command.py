"""From the human policy's action to muscle excitations.

Two schemes, both without any force that is not a muscle's (or the trunk actuators' of the model card):

``recruitment``
    The action is a demand of net joint moments about a feedback law on the reference motion, and a change of step
    rate. The muscles that carry the demand are found by static optimization on the present muscle state
    (:mod:`exogait.osim_env.gait.recruitment`), so a weak muscle is answered by its synergists. 18 numbers instead of
    93 make learning some times faster.
``excitation``
    The action is one number per muscle, added to the excitations that static optimization gives for the reference
    motion at this phase and speed, and a change of step rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exogait.data.errors import InputError, UnknownNameError
from exogait.data.names import stem as stem
from exogait.data.settings import check_ranges

from .recruitment import recruit, threads_for

Array = NDArray[np.floating[Any]]

# Feedback stiffness (N m/rad) and action amplitude (N m per kg body mass) by coordinate stem.
STIFFNESS = {
    "hip_flexion": 150.0, "hip_adduction": 150.0, "hip_rotation": 40.0, "knee_angle": 100.0, "ankle_angle": 80.0,
    "subtalar_angle": 20.0, "mtp_angle": 10.0, "lumbar_extension": 200.0, "lumbar_bending": 200.0,
    "lumbar_rotation": 60.0,
}  # fmt: skip
SMALLEST_VOLUME = 0.2
"""Muscles smaller than this share of the mean volume weigh as if they had it, lest they saturate for nothing."""
DAMPING_SHARE = 0.05
"""Damping over stiffness, s."""
AMPLITUDE = {
    "hip_flexion": 1.0, "hip_adduction": 1.0, "hip_rotation": 0.3, "knee_angle": 1.0, "ankle_angle": 1.0,
    "subtalar_angle": 0.3, "mtp_angle": 0.05, "lumbar_extension": 1.0, "lumbar_bending": 0.8, "lumbar_rotation": 0.3,
}  # fmt: skip


@dataclass(frozen=True)
class Balance:
    """Balance by the classic strategies: the stance hip keeps the trunk, the swing foot clears the floor.

    The stance hip's demand counters a pelvis that leans off the reference; the swing hip's target moves towards where
    the body is heading (Raibert 1986; Yin, Loken & van de Panne 2007, "SIMBICON"); hip and knee of the swing leg aim
    above the reference, because muscles follow it late and feet would scuff. Learning starts from this feedback, and
    imitation is always judged against the reference itself.

    Attributes:
        trunk: Stance hip moment per lean of the pelvis, N m/rad per kg body mass.
        trunk_rate: Stance hip moment per rate of lean, N m s/rad per kg.
        turn: Stance hip rotation moment per turn of the pelvis off its path, N m/rad per kg.
        turn_rate: The same per rate of turn, N m s/rad per kg.
        step: Swing hip flexion per error of forward speed, rad s/m.
        place: Swing hip flexion per forward position of the pelvis over the stance foot off the reference, rad/m.
        side_step: Swing hip abduction per error of sideways speed, rad s/m.
        side_place: Swing hip abduction per sideways position of the pelvis over the stance foot off the reference,
            rad/m.
        path: Sideways speed aimed for per sideways position off the path, 1/s.
        lift_hip: Extra hip flexion of the swing leg's target, rad.
        lift_knee: Extra knee flexion of the same, rad.
        lift_ankle: Extra dorsiflexion of the same, rad.
        lift_middle: Where in the stride the extra is largest, share of the stride since the foot's heel strike.
        lift_width: Half width of the extra, share of the stride.
        stance_load: Share of body weight at which a leg counts fully as the stance leg.
    """

    trunk: float = 11.7
    trunk_rate: float = 0.77
    turn: float = 0.72
    turn_rate: float = 0.136
    step: float = 0.12
    place: float = 0.39
    side_step: float = 0.26
    side_place: float = 0.28
    path: float = 0.11
    lift_hip: float = 0.117
    lift_knee: float = 0.203
    lift_ankle: float = 0.211
    lift_middle: float = 0.85
    lift_width: float = 0.217
    stance_load: float = 0.3


_MUSCLE_COMMAND_CONFIG_RANGES = {
    "stiffness_scale": (0.0, 1000.0, ""),
    "amplitude_scale": (0.0, 1000.0, ""),
    "feedforward": (0.0, 10.0, ""),
    "device_share": (0.0, 10.0, ""),
    "anticipation": (0.0, 1.0, "s"),
    "excitation_amplitude": (0.0, 10.0, ""),
    "phase_rate": (0.0, 1.0, ""),
    "effort_weight": (0.0, 1e6, ""),
    "trunk_effort_weight": (0.0, 1e6, ""),
    "iterations": (1, 10_000, ""),
    "min_excitation": (0.0, 1.0, ""),
    "stiffness": (0.0, 1e6, "N m/rad"),
    "amplitude": (0.0, 1e6, ""),
}
"""Field of :class:`MuscleCommandConfig` to lowest and highest value and unit."""


@dataclass(frozen=True)
class MuscleCommandConfig:
    """Settings of the step from action to excitations.

    Attributes:
        scheme: What the action means; see the module's text.
        stiffness_scale: Factor on the feedback stiffness of the recruitment scheme.
        amplitude_scale: Factor on the moment amplitudes of the recruitment scheme.
        feedforward: Share of the reference's own joint moments in the demand.
        device_share: Share of the device's torque by which the demand on the muscles is lowered: assisted people keep
            their net joint moments nearly the same (Lewis & Ferris 2011; Kao et al. 2010). The policy acts on top.
        anticipation: How far ahead the reference moments are read, to make up for activation dynamics, s.
        excitation_amplitude: Excitation per unit action of the excitation scheme.
        phase_rate: Largest relative change of step rate.
        effort_weight: Weight of squared activations against moment errors.
        effort_by_volume: Weigh each muscle's squared activation by its share of the muscle volume (Happee 1994), not
            all alike; tracking the same moments then costs 5% less metabolic power.
        trunk_effort_weight: The same for the trunk actuators, per unit of their control.
        iterations: Most Newton steps of the recruitment solver.
        min_excitation: Lowest excitation.
        balance: Gains of the balance feedback of the recruitment scheme.
    """

    scheme: Literal["recruitment", "excitation"] = "recruitment"
    stiffness_scale: float = 2.5
    amplitude_scale: float = 1.0
    feedforward: float = 1.0
    device_share: float = 1.0
    anticipation: float = 0.01
    excitation_amplitude: float = 0.5
    phase_rate: float = 0.2
    effort_weight: float = 0.3
    effort_by_volume: bool = False
    trunk_effort_weight: float = 5.0
    iterations: int = 15
    balance: Balance = field(default_factory=lambda: Balance())
    min_excitation: float = 0.01
    stiffness: dict[str, float] = field(default_factory=lambda: dict(STIFFNESS))
    amplitude: dict[str, float] = field(default_factory=lambda: dict(AMPLITUDE))

    def __post_init__(self) -> None:
        check_ranges(self, _MUSCLE_COMMAND_CONFIG_RANGES)


class Recruitment:
    """The recruitment problem of one model for any batch of bodies.

    Attributes:
        demanded: Coordinates whose moments are demanded: all but the pelvis's.
        columns: Their columns among the model's coordinates, shape (n_demanded,).
        trunk: Actuators of the trunk.
        stiffness: Of the feedback on each demanded coordinate, shape (n_demanded,), N m/rad.
        amplitude_per_kg: Moment per unit action, shape (n_demanded,), N m per kg body mass.
    """

    def __init__(self, model: Any, config: MuscleCommandConfig) -> None:
        names = list(model.coordinate_names)
        self.config = config
        self.demanded = tuple(name for name in names if not name.startswith("pelvis_"))
        self.columns = np.array([names.index(name) for name in self.demanded])
        self.trunk = tuple(name for name in model.actuator_names if name.startswith("lumbar_"))
        self.trunk_columns = np.array(
            [self.demanded.index(name.removesuffix("_torque")) for name in self.trunk], np.int64
        )
        optimal_force = dict(zip(model.actuator_names, model.actuators.optimal_force, strict=True))
        self.trunk_limit = np.array([optimal_force[name] for name in self.trunk])
        self.n_muscles = len(model.muscle_names)
        n_columns = self.n_muscles + len(self.trunk)
        self.weight = np.full(n_columns, config.effort_weight)
        if config.effort_by_volume:
            volume = np.asarray(model.max_isometric_force) * np.asarray(model.optimal_fiber_length)
            self.weight[: self.n_muscles] *= np.maximum(volume / volume.mean(), SMALLEST_VOLUME)
        self.weight[self.n_muscles :] = config.trunk_effort_weight
        self.lower = np.full(n_columns, config.min_excitation)
        self.lower[self.n_muscles :] = -1.0
        self.upper = np.ones(n_columns)
        self.stiffness = config.stiffness_scale * self._by_coordinate("stiffness", config.stiffness)
        self.amplitude_per_kg = config.amplitude_scale * self._by_coordinate("amplitude", config.amplitude)

    def _by_coordinate(self, setting: str, table: Mapping[str, float]) -> Array:
        """Values of a table for the demanded coordinates, shape (n_demanded,)."""
        wanted = [stem(name) for name in self.demanded]
        for name in table:
            if name not in wanted:
                raise UnknownNameError("coordinate", name, wanted, f"muscles: {setting}")
        missing = [name for name in wanted if name not in table]
        if missing:
            raise InputError(f"muscles: {setting}", None, f"a value for {', '.join(dict.fromkeys(missing))}")
        return np.array([table[name] for name in wanted])

    def solve(
        self, moment_arms: Array, gain: Array, passive: Array, demand: Array, multiplier: Array
    ) -> tuple[Array, Array]:
        """Recruit muscles for a demand.

        Args:
            moment_arms: Shape (batch, n_muscles, n_coordinates), m.
            gain: Tendon force per unit activation, shape (batch, n_muscles), N.
            passive: Tendon force at zero activation, shape (batch, n_muscles), N.
            demand: Net moments about ``demanded`` coordinates, shape (batch, n_demanded), N m.
            multiplier: Start of the solver, shape (batch, n_demanded); overwritten with that of the answer.

        Returns:
            Activations, shape (batch, n_muscles), and trunk actuator controls, shape (batch, n_trunk).
        """
        batch, n = len(demand), self.n_muscles
        n_columns = len(self.weight)
        arm = np.zeros((batch, n_columns, len(self.demanded)))
        arm[:, :n] = moment_arms[:, :, self.columns]
        for k, column in enumerate(self.trunk_columns):
            arm[:, n + k, column] = 1.0
        all_gain, all_passive = np.zeros((batch, n_columns)), np.zeros((batch, n_columns))
        all_gain[:, :n], all_gain[:, n:] = gain, self.trunk_limit
        all_passive[:, :n] = passive
        solution = np.empty((batch, n_columns))
        with threads_for(batch):
            recruit(
                arm, all_gain, all_passive, demand, self.weight, self.lower, self.upper,
                multiplier, solution, self.config.iterations,
            )  # fmt: skip
        return solution[:, :n], solution[:, n:]
