"""The excitation world: a batch of bodies whose muscles get what a policy commands, and nothing else.

No feedback law, no recruitment, no feed-forward, no residual and no reserve: the actuators of the trunk stay at zero,
those of a device give what its controller asks for. One call of :meth:`ExcitationWorld.step` is one compiled kernel a
thread (:mod:`.kernel`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exogait.data.errors import InputError
from exogait.models.device import Device

from ..device.exoskeleton import signal_channels
from ..engine import Model
from ..engine.integration import DESCRIBE, Task
from ..engine.model import n_blocks
from ..engine.threads import over_batches, refuse_after_fork, workspace
from ..gait.population import CONDITIONS, BodySource, Population
from ..gait.reference import ReferenceMotion
from ..gait.step.command import checked_action
from .arrays import Bodies, Draw, Faults, Results
from .assemble import joint_names, make_anatomy, make_bodies, make_columns, make_draw, make_faults, make_results
from .config import ExcitationConfig
from .kernel import walk
from .observation import Names, observation_names, privileged_names
from .parts import Call, Part, machine_code, make_part
from .senses import FELT, felt_width
from .start import make_start
from .task import NEVER, WAIST
from .terms import IMITATION, TERMS

Floats = NDArray[np.float64]
SCHEME = "muscles"
"""Name of this scheme in the description of a policy."""


class ExcitationWorld:
    """A batch of walking bodies, one excitation a muscle.

    Args:
        model: The compiled model.
        reference: What imitation terms are judged against, and where episodes begin. It is never observed.
        config: Settings.
        n_envs: Number of bodies.
        device: The exoskeleton of the model; none without.
        population: Bodies and device conditions to draw from; healthy bodies with the device worn and on without.
        seed: Seed of all random numbers.
        auto_reset: Begin a new episode where one ended.
        sizes: The same model in other sizes, and how many of the bodies, at the end of the batch, are of each.
    """

    def __init__(
        self,
        model: Model,
        reference: ReferenceMotion,
        config: ExcitationConfig,
        n_envs: int,
        *,
        device: Device | None = None,
        population: Population | None = None,
        seed: int = 0,
        auto_reset: bool = True,
        sizes: Sequence[tuple[Model, int]] = (),
    ) -> None:
        refuse_after_fork()
        self.model, self.config, self.n_envs, self.device, self.auto_reset = model, config, n_envs, device, auto_reset
        low, high = reference.speed_range
        if not low <= config.speeds[0] <= config.speeds[1] <= high:
            raise InputError("speeds", config.speeds, f"reference {reference.name!r} covers {low:g} to {high:g} m/s")
        models = ((model, n_envs - sum(n for _, n in sizes)), *sizes)
        if min(n for _, n in models) < 1:
            raise InputError("sizes", [n for _, n in sizes], f"at least one each, and fewer than {n_envs} together")
        self.columns = make_columns(model, device)
        names = Names(joint_names(model), model.muscle_names, () if device is None else device.coordinates)
        self.observation_names, self.privileged_names = observation_names(names), privileged_names(names)
        extra = round(config.torque_delay[1] / config.control_step)
        own = [make_bodies(m, self.columns, device, n, config.control_step, extra) for m, n in models]
        self.bodies = Bodies._make(np.concatenate(arrays) for arrays in zip(*own, strict=True))
        self.seed(seed)
        self.faults = make_faults(n_envs, self.bodies.history.shape[2])
        # Where senses are late, what is felt has arrays of its own.
        late = round(config.sensory_delay / config.control_step)
        self.past = np.zeros((n_envs, late, felt_width(self.columns) if late else 0))
        self.felt = self.bodies._replace(**{name: getattr(self.bodies, name).copy() for name in FELT if late})
        self.results = make_results(n_envs, self.n_observations, len(self.privileged_names), self.bodies)
        self.steps = 0
        """Control steps taken so far; the device decides in every ``device_every``-th."""
        self._no_torque = np.zeros((n_envs, self.n_device_actions))
        self._calls: tuple[Call, ...] = ()
        self._source = None if population is None else BodySource(population, tuple(model.muscle_names))
        self._at, self._gravity = model.layout, np.asarray(model.gravity, float)
        self.parts = tuple(self._parts(models, reference))
        self.anatomy, self.motion = self.parts[0].anatomy, self.parts[0].motion
        self._set(config)
        if device is not None and population is not None:
            for k, condition in enumerate(CONDITIONS):
                self.dress(np.flatnonzero(population.conditions_of(n_envs) == k), condition)
        self.reset()

    def _parts(self, models: Sequence[tuple[Model, int]], reference: ReferenceMotion) -> Iterator[Part]:
        start = 0
        for model, n in models:
            rows, start = slice(start, start + n), start + n
            if model.layout != self._at or model.muscle_names != self.model.muscle_names:
                raise InputError("sizes", model.name, "the same model in other sizes")
            anatomy, location = make_anatomy(model, self.device), model.tree.mass_centre.copy()
            yield self._part(model, rows, anatomy, make_start(model, reference), location)

    def _part(self, *own: Any) -> Part:
        return make_part(
            *own, bodies=self.bodies, felt=self.felt, past=self.past, faults=self.faults, results=self.results
        )

    def __getstate__(self) -> dict[str, Any]:
        """What pickle and ``copy.deepcopy`` keep: parts are made anew, to look into the copy's own arrays."""
        return {**vars(self), "parts": [part[:5] for part in self.parts], "_calls": ()}

    def __setstate__(self, content: dict[str, Any]) -> None:
        vars(self).update(content)
        self.parts = tuple(self._part(*part) for part in content["parts"])

    def _set(self, config: ExcitationConfig) -> None:
        self.config = config
        self.settings = config.settings(auto_reset=self.auto_reset)
        given = {**config.human_weights, **config.device_weights}
        factor = {name: config.imitation_weight for name in IMITATION}
        self.weights = np.array([given.get(name, 0.0) * factor.get(name, 1.0) for name in TERMS])
        draw = make_draw(self._source, self.model.n_muscles, config.speeds, config.speed_bins)
        before = getattr(self, "draw", draw)
        # Shares of the speeds that a training has found are kept when other settings change.
        self.draw = draw if len(before.speed_share) != config.speed_bins else draw._replace(
            speed_share=before.speed_share
        )  # fmt: skip
        now = self.settings
        n_steps = round(now.control_step / now.integration_step)
        self._task = Task(n_steps, now.integration_step, now.implicitness, 0, now.speed_limit, DESCRIBE, 1, 1)
        self._look = Task(0, 0.0, 1.0, 0, np.inf, DESCRIBE, 1, 1)

    def seed(self, seed: int) -> None:
        """Begin the sequences of random numbers anew, each environment's far from the others'."""
        self.bodies.random[:] = np.random.SeedSequence(seed).generate_state(self.n_envs, np.uint64)

    def set_config(self, config: ExcitationConfig) -> None:
        """Change the settings between two control steps (a stage of a curriculum)."""
        for name in ("control_step", "device_step", "sensory_delay"):
            if getattr(config, name) != getattr(self.config, name):
                raise InputError(name, getattr(config, name), "the same throughout; make a new world")
        if config.torque_delay[1] != self.config.torque_delay[1]:
            raise InputError("torque_delay", config.torque_delay[1], "the same longest one throughout")
        self._set(config)

    def set_shares(self, shares: Floats) -> None:
        """Draw the speed bins with these shares from now on, shape (speed_bins,)."""
        shares = np.asarray(shares, float)
        if shares.shape != (self.config.speed_bins,) or not (shares >= 0).all() or not shares.sum() > 0:
            raise InputError("shares", shares, f"{self.config.speed_bins} numbers of 0 or more, not all 0")
        self.draw = self.draw._replace(speed_share=np.cumsum(shares / shares.sum()))

    # ---- sizes and names -------------------------------------------------------------------------------------------

    @property
    def n_actions(self) -> int:
        """Length of the human's action: one number a muscle before the squash, and a change of step rate."""
        return self.model.n_muscles + 1

    @property
    def n_observations(self) -> int:
        """Length of the human's observation."""
        return len(self.observation_names)

    @property
    def n_device_actions(self) -> int:
        """Length of the device's action, 0 without a device."""
        return self.columns.n_drives

    @property
    def action_names(self) -> tuple[str, ...]:
        """Name of every entry of the human's action, seen from the near leg."""
        return (*(f"excitation {name}" for name in self.model.muscle_names), "step rate")

    @property
    def device_decides(self) -> bool:
        """Whether the device's action of the next control step is read."""
        return self.steps % self.settings.device_every == 0

    @property
    def q(self) -> Floats:
        """Coordinates, shape (batch, n_coordinates), rad or m."""
        return self.bodies.state[:, : self.columns.n_coordinates]

    @property
    def u(self) -> Floats:
        """Speeds, shape (batch, n_coordinates), rad/s or m/s."""
        return self.bodies.state[:, self.columns.n_coordinates : 2 * self.columns.n_coordinates]

    @property
    def activation(self) -> Floats:
        """Activations, shape (batch, n_muscles)."""
        return self.bodies.state[:, self.columns.activation : self.columns.tendon]

    # ---- one control step ------------------------------------------------------------------------------------------

    def _prepared(self) -> tuple[Call, ...]:
        """A control step of every part, made once for the present settings."""
        chosen = (self.settings, self.draw, self.weights)
        if not self._calls or any(now is not then for now, then in zip(chosen, self._calls[0].chosen, strict=True)):
            rows, action = workspace(self._at.n_rows, self.config.backend), np.zeros((1, 1))
            calls = []
            for part in self.parts:
                first = (part.groups, self._at)
                middle = (
                    part.batch, self._task, self._look, part.anatomy, self.columns, part.bodies, part.felt, part.past,
                    part.faults, self.settings, part.motion, self.draw, self._gravity, self.weights,
                )  # fmt: skip
                nobody = (part.results, np.zeros(0, np.bool_), False, False, False)
                code = machine_code(walk, (*first, rows, *middle, action, action, True, *nobody, 0, 0))
                calls.append(Call(chosen, code, first, middle, part.rows, part.results))
            self._calls = tuple(calls)
        return self._calls

    def step(self, action: NDArray[Any], device_action: NDArray[Any] | None = None) -> Results:
        """Advance every environment by one control step.

        Args:
            action: Shape (batch, n_muscles + 1), seen from the near leg: numbers before the squash, and the change of
                step rate in [-1, 1].
            device_action: Shape (batch, n_device_actions), in [-1, 1]; zeros without. Read only where
                :attr:`device_decides`.

        Returns:
            The same arrays at every call; copy what has to last.

        Raises:
            ValueError: An action has the wrong shape, or that of a body that has not fallen is not finite.
        """
        ended = self.bodies.fallen != 0
        action = checked_action("action", action, (self.n_envs, self.n_actions), ended)
        torque = self._no_torque
        if device_action is not None:
            torque = checked_action("device action", device_action, (self.n_envs, self.n_device_actions), ended)
        calls, decides, nobody = self._prepared(), self.device_decides, np.zeros(0, np.bool_)

        def work(rows: Floats, k: int, start: int, stop: int) -> None:
            _, code, first, middle, own, results = calls[k]
            asked = (action[own], torque[own], decides, results)
            code(*first, rows, *middle, *asked, nobody, False, False, False, start, stop)

        if len(calls) == 1 and n_blocks(self.n_envs, self.config.backend) == 1:  # nothing to share among threads
            work(workspace(self._at.n_rows, self.config.backend), 0, 0, 1)
        else:
            over_batches([part.n for part in self.parts], self._at.n_rows, work, self.config.backend)
        self.steps += 1
        return self.results

    def reset(
        self, index: NDArray[np.int64] | None = None, *, phase: Floats | None = None, speed: Floats | None = None
    ) -> Results:
        """Begin new episodes.

        Args:
            index: Which environments; all without.
            phase: Where in the stride, shape (len(index),); drawn without. Must come with ``speed``.
            speed: Walking speeds, m/s, shape (len(index),); drawn, with the body, without. Bodies that are given one
                keep what is asked of them until :meth:`ask`.
        """
        index = np.arange(self.n_envs) if index is None else np.asarray(index, np.int64)
        if (phase is None) != (speed is None):
            raise InputError("phase", phase, "phase and speed come together or not at all")
        chosen = np.zeros(self.n_envs, np.bool_)
        chosen[index] = True
        if phase is not None and speed is not None:
            self._check_speed(speed)
            self.bodies.phase[index], self.bodies.speed[index] = phase, speed
            self.bodies.next_task[index] = NEVER
        return self._begin(chosen, anew=True, redraw=phase is None)

    def observe_at(self, q: ArrayLike, u: ArrayLike, activation: ArrayLike, tendon_force: ArrayLike) -> Results:
        """Put all bodies into a state in the midst of their walks and observe them there, without advancing them.

        For bodies that another engine moves: after a :meth:`step`, whose excitations it was given, its state replaces
        the one that the step came to.

        Args:
            q: Coordinates, shape (batch, n_coordinates), rad or m.
            u: Speeds, shape (batch, n_coordinates), rad/s or m/s.
            activation: Shape (batch, n_muscles).
            tendon_force: Of muscles with elastic tendons, normalized, shape (batch, n_muscles).

        Returns:
            Observations of these states; rewards and ends are those of the last step.
        """
        self.q[:], self.u[:], self.activation[:] = q, u, activation
        self.bodies.state[:, self.columns.tendon : self.columns.tendon + self.model.n_muscles] = tendon_force
        return self._begin(np.ones(self.n_envs, np.bool_), anew=False, redraw=False)

    def _begin(self, chosen: NDArray[np.bool_], *, anew: bool, redraw: bool) -> Results:
        calls, none = self._prepared(), np.zeros((1, 1))

        def work(rows: Floats, k: int, start: int, stop: int) -> None:
            _, code, first, middle, own, results = calls[k]
            code(*first, rows, *middle, none, none, False, results, chosen[own], anew, redraw, True, start, stop)

        over_batches([part.n for part in self.parts], self._at.n_rows, work, self.config.backend)
        return self.results

    def dress(self, index: NDArray[np.int64], condition: str) -> None:
        """Put some bodies into a device condition: ``none``, ``unpowered`` or ``powered``."""
        if self.device is None:
            raise InputError("device condition", condition, "a world with a device")
        if condition not in CONDITIONS:
            raise InputError("device condition", condition, ", ".join(CONDITIONS))
        worn, start, bodies = condition != "none", self._at.added_mass - self._at.strength, self.bodies
        for worn_part in self.device.added_mass:
            body = 1 + self.model.index("body", worn_part.body)
            bodies.parameters[index, start + body] = 0.0 if worn else -worn_part.mass
            for part in self.parts:
                part.location[body] = np.array(worn_part.location) * part.motion.size
        bodies.worn[index], bodies.powered[index] = float(worn), float(condition == "powered")
        self.carry(index, WAIST, bodies.load[index, WAIST])

    def carry(self, index: NDArray[np.int64], place: int, mass: float | Floats) -> None:
        """Let bodies carry a load, whatever they carried there before.

        It is a point mass at the mass centre of the pelvis, of each shank or of each foot; on a model with a device,
        where the device's part sits on that body.

        Args:
            index: Which environments.
            place: :data:`.task.WAIST`, :data:`.task.SHANKS` or :data:`.task.FEET`.
            mass: kg, on shanks and feet each side; one number or shape (len(index),).
        """
        bodies, anatomy = self.bodies, self.anatomy
        bodies.load[index, place] = mass
        bodies.body_mass[index] = bodies.person_mass[index] + bodies.worn[index] * anatomy.device_mass
        for (where, k), column in np.ndenumerate(anatomy.load_columns):
            if column >= 0:
                missing = (1.0 - bodies.worn[index]) * anatomy.device_parts[where, k]
                bodies.parameters[index, column] = bodies.load[index, where] - missing
                bodies.body_mass[index] += bodies.load[index, where]

    def ask(
        self,
        index: NDArray[np.int64] | slice = slice(None),
        *,
        speed: float | Floats | None = None,
        stride_rate: float | Floats | None = None,
        slope: float | Floats | None = None,
    ) -> None:
        """Change what is asked of some bodies from now on; what is None stays.

        Args:
            index: Which environments.
            speed: Walking speed, m/s.
            stride_rate: Stride rate over the reference's at that speed; 0 lets the body choose.
            slope: Grade, rise over run; the ground tilts to it within a second or two.

        Raises:
            InputError: The reference does not cover the speed.
        """
        if speed is not None:
            self._check_speed(speed)
            self.bodies.speed[index] = speed
        if stride_rate is not None:
            self.bodies.stride_rate[index] = stride_rate
        if slope is not None:
            self.bodies.slope_ahead[index] = slope

    def _check_speed(self, speed: float | Floats) -> None:
        low, high = self.motion.slowest, self.motion.fastest
        if not ((np.asarray(speed) >= low) & (np.asarray(speed) <= high)).all():
            raise InputError("speed", speed, f"{low:g} to {high:g} m/s")

    def set_strength(self, strength: Floats, index: NDArray[np.int64] | slice = slice(None)) -> None:
        """Set the strength of every muscle as a fraction of the healthy one, shape (len(index), n_muscles)."""
        first = self.columns.strength
        self.bodies.parameters[index, first : first + self.model.n_muscles] = strength

    # ---- for training ----------------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that the next control step depends on."""
        content = {f"bodies/{name}": np.array(getattr(self.bodies, name)) for name in Bodies._fields}
        content |= {f"draw/{name}": np.array(getattr(self.draw, name)) for name in Draw._fields}
        content["observation"] = self.results.observation.copy()
        content["privileged"] = self.results.privileged.copy()
        content["device_observation"] = self.results.device_observation.copy()
        content["location"] = np.stack([part.location for part in self.parts])
        content["steps"] = np.array(self.steps)
        if self.device is not None:
            content |= {f"faults/{name}": np.array(getattr(self.faults, name)) for name in Faults._fields}
        if self.past.shape[1]:
            content |= {f"felt/{name}": np.array(getattr(self.felt, name)) for name in FELT}
            content["past"] = self.past.copy()
        return content

    def load_arrays(self, content: dict[str, NDArray[Any]]) -> None:
        """Restore what :meth:`arrays` returned."""
        for name in Bodies._fields:
            getattr(self.bodies, name)[...] = content[f"bodies/{name}"]
        self.draw = Draw(*(content[f"draw/{name}"].copy() for name in Draw._fields))
        self.results.observation[:] = content["observation"]
        self.results.privileged[:] = content["privileged"]
        self.results.device_observation[:] = content["device_observation"]
        for part, location in zip(self.parts, content["location"], strict=True):
            part.location[:] = location
        self.steps = int(content["steps"])
        if self.device is not None:
            late, most = content["faults/late"], self.bodies.pipeline.shape[1] - 1
            if ((late < 0) | (late > most)).any():  # the kernel follows it without looking
                raise ValueError(f"faults/late: a number is not within 0 to {most}")
            for name in Faults._fields:
                getattr(self.faults, name)[...] = content[f"faults/{name}"]
        if self.past.shape[1]:
            for name in FELT:
                getattr(self.felt, name)[...] = content[f"felt/{name}"]
            self.past[:] = content["past"]

    def signature(self) -> dict[str, Any]:
        """What a policy has to agree with: model, observation and action layout, meaning of the action."""
        return {
            "model_coordinates": list(self.model.coordinate_names),
            "model_muscles": list(self.model.muscle_names),
            "scheme": SCHEME,
            "control_step": self.config.control_step,
            "squash": self.config.squash,
            "human_observations": list(self.observation_names),
            "human_actions": list(self.action_names),
            "device": None if self.device is None else self.device.name,
            "device_observations": [] if self.device is None else list(signal_channels(self.device)),
            "model_hash": self.model.content_hash,
        }
