"""A walk as a user asks for it: simulated on one road, analysed on the other, beside the files of the OpenSim GUI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from exogait.data import output_folder, path_component
from exogait.data.settings import SEED_RANGE, SPEED_RANGE, check_ranges

from .person import Side, require_deficit

if TYPE_CHECKING:
    from exogait.analysis.lab.simulated import SimulatedRun
    from exogait.osim_env.gait.setup import WorldSetup


_SIMULATE_REQUEST_RANGES = {
    "speed": SPEED_RANGE,
    "seconds": (0.02, 86_400.0, "s"),
    "strength": (0.0, 1000.0, "percent"),
    "settle": (0.0, 86_400.0, "s"),
    "seed": SEED_RANGE,
    "slope": (-0.5, 0.5, ""),
    "stride_rate": (0.0, 2.0, ""),
    "load": (0.0, 100.0, "kg"),
}
"""Field of :class:`SimulateRequest` to lowest and highest value and unit."""


@dataclass(frozen=True)
class SimulateRequest:
    """Who walks how, with what on, and where the results go.

    Attributes:
        policy: Name of a policy of the suite or path of one; `reference-feedback` for none.
        out: Folder for the report, the tables and the OpenSim files (states, controls, forces, model).
        speed: Commanded walking speed, m/s.
        seconds: Length of the walk, s.
        engine: The compiled engine, or OpenSim itself.
        device: Name or YAML file of an exoskeleton; the policy's own if not given.
        device_policy: Policy that drives the device; without one it is worn and gives no torque.
        deficit: Name or YAML file of a muscle deficit.
        strength: Strength of the weak muscles, percent of the healthy one; replaces the deficit file's value.
        side: Side of the weakness; replaces the deficit file's value.
        subject: Name or YAML file of a person: mass, height and segment factors.
        slope: Grade of the ground, rise over run, uphill positive; policies of excitations only, as the next three.
        stride_rate: Imposed stride rate over the reference's at the same speed; 0 lets the body choose.
        load: Mass to carry, kg; on shanks and feet each side.
        load_at: Where it is carried.
        settle: Time after the start whose strides do not count, s; none in walks of less than twice that.
        seed: Seed of the random start.
        other_model: Accept a body of the same names whose numbers differ from those the policy was trained on.
    """

    policy: Positional[str]
    out: Path
    speed: float = 1.25
    seconds: float = 10.0
    engine: Literal["twin", "opensim"] = "twin"
    device: str | None = None
    device_policy: str | None = None
    deficit: str | None = None
    strength: float | None = None
    side: Side | None = None
    subject: str | None = None
    slope: float = 0.0
    stride_rate: float = 0.0
    load: float = 0.0
    load_at: Literal["waist", "shanks", "feet"] = "waist"
    settle: float = 2.0
    seed: int = 0
    other_model: bool = False

    def __post_init__(self) -> None:
        require_deficit(self.deficit, self.strength, self.side, "--deficit")
        check_ranges(self, _SIMULATE_REQUEST_RANGES)

    @property
    def setup(self) -> WorldSetup:
        """What is asked for of the simulated world."""
        from exogait.osim_env.gait.setup import WorldSetup

        return WorldSetup(
            engine=self.engine, device=self.device, deficit=self.deficit, strength=self.strength, side=self.side,
            subject=self.subject,
        )  # fmt: skip

    @property
    def settling(self) -> float:
        """Time after the start whose strides do not count, s: none where it would be more than half of the walk."""
        return self.settle if self.seconds >= 2 * self.settle else 0.0


def simulate(request: SimulateRequest, *, progress: Callable[[float], None] | None = None) -> SimulatedRun:
    """Let a policy walk, and analyse the walk as the laboratory's road does a measured one.

    Args:
        request: Who walks how.
        progress: Called with the simulated time (s) after every control step.

    Returns:
        The analysed walk and its folder: ``report.html``, tables, ``trial/`` and ``opensim/``.

    Raises:
        ExogaitError: A name, file or number of the request is not usable; see
            :func:`exogait.osim_env.learning.simulation.simulate`.
    """
    from exogait.analysis.lab.run import RESULTS

    with output_folder(request.out, "exogait simulate", expects=RESULTS):
        return _simulate(request, progress)


def _simulate(request: SimulateRequest, progress: Callable[[float], None] | None) -> SimulatedRun:
    from exogait.analysis.lab.simulated import write_simulation
    from exogait.osim_env.learning import simulation
    from exogait.osim_env.viewing.opensim_files import write_controls, write_states

    setup = simulation.trained_setup(request.policy, request.setup)
    trial = simulation.simulate(
        request.policy, speed=request.speed, seconds=request.seconds, setup=request.setup,
        device_policy=request.device_policy, seed=request.seed, settle=request.settling, slope=request.slope,
        stride_rate=request.stride_rate, load=(request.load_at, request.load) if request.load else None,
        other_model=request.other_model, progress=progress,
    )  # fmt: skip
    place, name = request.out / "opensim", path_component(trial.name, "walk", ascii_only=True)
    model = simulation.place_model(setup, place)
    write_states(trial, model, place / f"{name}_states.sto")
    write_controls(trial, model, place / f"{name}_controls.sto")
    return write_simulation(trial, model, request.out)
