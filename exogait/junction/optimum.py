"""Least-effort device torques on the motion of an unassisted walk: simulated here, solved by OpenSim MocoInverse."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from exogait.data import write_csv
from exogait.data.errors import ExogaitError
from exogait.data.names import CURVES_TABLE, OPTIMUM_TABLE
from exogait.data.output import OutputFolder, output_folder
from exogait.data.settings import SEED_RANGE, SPEED_RANGE, check_ranges

from .person import Side, require_deficit

if TYPE_CHECKING:
    import pandas as pd

    from exogait.analysis.opensim_tools.moco_inverse import MocoInverseResult
    from exogait.data.trial import GaitTrial
    from exogait.models.deficit import Deficit
    from exogait.osim_env.learning.policy import Policy

OPTIMUM_WALK = 6.0
"""Length of the walk of which one stride is taken, s."""
HEALTHY = "healthy"
"""The body of full strength."""


_OPTIMUM_REQUEST_RANGES = {
    "strength": (0.0, 1000.0, "percent"),
    "speed": SPEED_RANGE,
    "seed": SEED_RANGE,
    "mesh_interval": (1e-4, 10.0, "s"),
}
"""Field of :class:`OptimumRequest` to lowest and highest value and unit."""


@dataclass(frozen=True)
class OptimumRequest:
    """Whose walk, with what device, and where the results go.

    Attributes:
        policies: Folder of a study's policies, the name of one that the suite ships, or a single human policy.
        out: Folder for the walk, the OpenSim files, curves.csv and solution.csv.
        body: `healthy` or the name of a muscle deficit.
        strength: Strength of the weak muscles, percent of the healthy one; replaces the deficit file's value. Where the
            study's bodies searched for a gait of their own, not below the strength that they searched with.
        side: Side of the weakness; replaces the deficit file's value.
        speed: Commanded walking speed, m/s.
        device: Name or YAML file of the exoskeleton.
        condition: Walk without the device, which then weighs nothing in the problem either, or with its mass on.
        seed: Seed of the policies of a study, and of the start.
        mesh_interval: Distance of the mesh points, s.
        table: Table to put the curves into; moco_inverse.csv in the folder if not given.
    """

    policies: Positional[str]
    out: Path
    body: str = HEALTHY
    strength: float | None = None
    side: Side | None = None
    speed: float = 1.25
    device: str = "hip_ankle"
    condition: Literal["none", "unpowered"] = "none"
    seed: int = 1
    mesh_interval: float = 0.02
    table: Path | None = None

    def __post_init__(self) -> None:
        require_deficit(self.deficit, self.strength, self.side, "--body")
        check_ranges(self, _OPTIMUM_REQUEST_RANGES)

    @property
    def deficit(self) -> str | None:
        """The body's deficit, ``None`` at full strength."""
        return None if self.body == HEALTHY else self.body

    @property
    def target(self) -> Path:
        """Table that the curves go into."""
        return self.table or self.out / OPTIMUM_TABLE


@dataclass(frozen=True)
class Optimum:
    """What came out.

    Attributes:
        walk: The unassisted walk.
        solution: MocoInverse's solution.
        curves: Device torques, N m/kg, over the stride of the leg that each drives; index percent.
        table: File that the curves went into.
    """

    walk: GaitTrial
    solution: MocoInverseResult
    curves: pd.DataFrame
    table: Path


def find_optimum(
    request: OptimumRequest,
    *,
    progress: Callable[[float], None] | None = None,
    report: Callable[[str], None] | None = None,
) -> Optimum:
    """Walk without assistance, then solve for the torques that would have cost the muscles least.

    Args:
        request: Whose walk, with what device.
        progress: Called with the simulated time (s) of the walk after every control step.
        report: Called with a line before and after the solver's minutes.

    Returns:
        Walk, solution and curves; all are in the folder of the request, too.

    Raises:
        ExogaitError: The policies, the body or the device are not usable, or the solver did not converge.
    """
    with output_folder(request.out, "exogait optimum", expects=("model.osim", "solution.csv", CURVES_TABLE)) as ours:
        return _find(request, ours, progress, report)


def _find(
    request: OptimumRequest,
    ours: OutputFolder,
    progress: Callable[[float], None] | None,
    report: Callable[[str], None] | None,
) -> Optimum:
    from exogait import models
    from exogait.analysis.opensim_tools import moco_inverse, moco_table
    from exogait.models.deficit import FULL_STRENGTH
    from exogait.osim_env.study.files import human_of

    out, weakness = request.out, None
    if request.deficit is not None:
        weakness = models.load_deficit(request.deficit, strength=request.strength, side=request.side)
    worn = models.load_device(request.device)
    human = human_of(request.policies, request.body, request.seed)
    trial = _walk_unassisted(request, human, weakness, progress)
    subject = human.metadata["settings"]["setup"].get("subject")
    strides = moco_table.settled_strides(trial)
    with ours.staged("walk") as stage:
        trial.write_parquet(stage)
    built = worn if request.condition == "unpowered" else dataclasses.replace(worn, added_mass=())
    model = models.write(models.build(device=built, subject=subject), out / "model.osim")
    start, stop = strides["r"].start, strides["l"].stop
    _say(report, f"{trial.name}: walked {trial.about.speed_commanded:g} m/s; solving {start:.2f} to {stop:.2f} s")
    result = moco_inverse.solve_moco_inverse(
        trial, model, start=start, stop=stop, folder=ours.whole("opensim"),
        strength=None if weakness is None else weakness.strength, mesh_interval=request.mesh_interval,
    )  # fmt: skip
    write_csv(result.tables(), out / "solution.csv", index=True, float_format="%.6g")
    _say(report, result.summary())
    if not result.success:
        raise ExogaitError(f"{trial.name}: MocoInverse did not converge ({result.status}); nothing went into the table")
    curves = moco_table.torque_curves(result.device_torques, strides, trial.subject_mass)
    write_csv(curves, out / CURVES_TABLE, index=True, float_format="%.6g")
    moco_table.write_optimum(
        request.target, curves, body=request.body, side="right" if weakness is None else weakness.side,
        strength=FULL_STRENGTH if weakness is None else weakness.weakest,
        note=f"OpenSim {moco_inverse.opensim_version()}; {request.device}, walk {request.condition} at "
        f"{request.speed:g} m/s of {trial.about.policy}, seed {request.seed}; {result.summary()}",
    )  # fmt: skip
    return Optimum(trial, result, curves, request.target)


def _walk_unassisted(
    request: OptimumRequest, human: Policy, weakness: Deficit | None, progress: Callable[[float], None] | None
) -> GaitTrial:
    """The walk whose motion is given, named after the body."""
    from exogait.osim_env.gait.setup import WorldSetup
    from exogait.osim_env.learning.simulation import simulate
    from exogait.osim_env.study.files import strategies_of

    found = strategies_of(request.policies, request.body)
    on_both = weakness is not None and weakness.side == "both"  # nobody searched for that
    trial = simulate(
        human,
        speed=request.speed,
        seconds=OPTIMUM_WALK,
        setup=WorldSetup(deficit=request.deficit, strength=request.strength, side=request.side),
        condition=request.condition,
        strategy=None if found is None or on_both else found.of(request.condition, weakness),
        seed=request.seed,
        progress=progress,
    )
    return trial.replace(name=request.body)


def _say(report: Callable[[str], None] | None, line: str) -> None:
    if report is not None:
        report(line)
