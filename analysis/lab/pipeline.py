"""The lab road in one call: static and walking trial in, a :class:`data.GaitTrial` with everything known about it out.

:func:`analyse_trial` reads both files, turns the axes, filters, assigns the plates, finds the events, scales the model
and runs inverse kinematics and dynamics (:mod:`.steps`). Every decision leaves a row in ``trial.metadata["quality"]``.
With a folder to write into, finished steps are kept there and taken again as long as nothing that they read has
changed.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from exogait.data import DataQualityWarning, GaitTrial, output_folder
from exogait.data.quality import QualityRow, to_metadata
from exogait.data.show import Shown

from ..gait.curves import LABORATORY
from ..gait.spatiotemporal import Spatiotemporal
from ..judgement import statements
from ..judgement.case import Case
from ..judgement.checks import judge_case
from ..judgement.withhold import withhold
from ..markers.map import MarkerMap
from ..opensim_tools.body_motion import with_body_motion
from ..opensim_tools.dynamics import DynamicsResult
from ..opensim_tools.kinematics import KinematicsResult
from ..opensim_tools.scale import ScaleResult
from ..opensim_tools.static_optimization import OptimizationResult
from ..signals.laboratory import stated_results
from ..signals.measured import LabTrial
from . import steps
from .request import LabChoices, LabRequest, make_request
from .step_cache import StepCache

_KEPT = (ScaleResult, KinematicsResult, DynamicsResult, OptimizationResult)

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class LabAnalysis(Shown):
    """Everything that the lab road computed for one walking trial."""

    trial: GaitTrial
    """The result; what failed rows spoil is blank."""
    withheld: GaitTrial
    """The same with nothing blank, for who wants to see what was withheld."""
    lab: LabTrial
    """Clean signals and the decisions behind them."""
    marker_map: MarkerMap
    """Marker set."""
    scale: ScaleResult
    """Scaled model."""
    kinematics: KinematicsResult
    """Joint angles and marker errors."""
    dynamics: DynamicsResult | None
    """Joint moments; ``None`` without force plates."""
    spatiotemporal: Spatiotemporal
    """Speed, lengths, times."""
    cutoff: float
    """Low-pass of the angles before inverse dynamics, Hz; negative where the markers were filtered."""
    cache: StepCache
    """Finished steps, for steps that follow; its ``records`` say where the time went."""


def analyse_trial(
    static: str | Path | None,
    walk: str | Path,
    mass: float | None,
    *,
    out: str | Path | None = None,
    **choices: Unpack[LabChoices],
) -> GaitTrial:
    """Joint angles, moments, powers, ground reactions and events of one walking trial.

    Args:
        static: C3D or TRC file of the static trial; ``None`` to scale to the walk, or with the person's own model.
        walk: C3D or TRC file of the walking trial, or coordinates (.mot, .sto) beside ``model``.
        mass: Body mass, kg; ``None`` for that of ``model``.
        out: Folder for OpenSim's files and for finished steps; a temporary one if not given.
        **choices: ``height`` (m), ``age`` (years), ``sex``, ``marker_map``, ``settings``, ``base_model``,
            ``model``, ``forces``, ``force_columns``, ``name``, ``subject``: the optional fields of
            :class:`exogait.analysis.lab.request.LabRequest`.

    Returns:
        The trial: coordinates and speeds on the scaled model, generalized forces and powers with unknown values as NaN,
        ground reactions, markers, events and masks, all on the clock of the walking file's first frame.

    Raises:
        InputError: The mass is not positive, or a setting is outside its range.
        FileFormatError: A file cannot be read, or lacks what the road needs.
        UnitsError: A file's unit of length is missing or cannot be right.
        ExogaitError: A step of OpenSim failed, with its reason.

    Example:
        >>> trial = analyse_trial("static.c3d", "walk.c3d", 72.0)  # doctest: +SKIP
        >>> trial.coordinates["knee_angle_r"].min()  # doctest: +SKIP
    """
    request = make_request(static, walk, mass, **choices)
    if out is not None:
        return analyse_request(request, out=out).trial
    with tempfile.TemporaryDirectory(prefix="exogait-") as folder:
        return analyse_request(request, out=folder, keep_steps=False).trial


def analyse(
    static: str | Path | None,
    walk: str | Path,
    mass: float | None,
    *,
    out: str | Path,
    keep_steps: bool = True,
    progress: Progress | None = None,
    **choices: Unpack[LabChoices],
) -> LabAnalysis:
    """The same as :func:`analyse_trial`, with every intermediate result.

    Args:
        static: C3D or TRC file of the static trial; ``None`` to scale to the walk, or with the person's own model.
        walk: C3D or TRC file of the walking trial, or coordinates (.mot, .sto) beside ``model``.
        mass: Body mass, kg; ``None`` for that of ``model``.
        out: Folder for OpenSim's files and for finished steps.
        keep_steps: Keep finished steps in ``out`` and take them again where nothing changed.
        progress: Called with the name of each step as it begins.
        **choices: The optional fields of :class:`exogait.analysis.lab.request.LabRequest`.
    """
    return analyse_request(
        make_request(static, walk, mass, **choices), out=out, keep_steps=keep_steps, progress=progress
    )


def analyse_request(
    request: LabRequest, *, out: str | Path, keep_steps: bool = True, progress: Progress | None = None
) -> LabAnalysis:
    """What :func:`analyse` does, for a request that is made already.

    Args:
        request: What is asked.
        out: Folder for OpenSim's files and for finished steps.
        keep_steps: Keep finished steps in ``out`` and take them again where nothing changed.
        progress: Called with the name of each step as it begins.
    """
    out = Path(out)
    with output_folder(out, "exogait lab run") as ours:
        ours.whole(".steps")
        return _analyse(request, out, keep_steps, progress)


def _analyse(request: LabRequest, out: Path, keep_steps: bool, progress: Progress | None) -> LabAnalysis:
    folder = out / ".steps" / "work"
    folder.mkdir(parents=True, exist_ok=True)
    cache = StepCache(out / ".steps" if keep_steps else None, _KEPT)
    say = progress or (lambda step: None)
    rows: list[QualityRow] = []

    with warnings.catch_warnings():
        # Each of these warnings becomes a row of the report; on the screen they would only hide the progress bar.
        warnings.simplefilter("ignore", DataQualityWarning)

        say("read")
        start = time.perf_counter()
        measured = steps.measure(request)
        rows += measured.rows
        cache.note("read, filter, plates, events", time.perf_counter() - start)

        say("scale")
        scaled = steps.scale_to_person(request, measured, folder, cache)
        if request.model is None:
            rows += statements.scale_rows(scaled, measured.marker_map)

        say("inverse kinematics")
        angles, unseen = steps.find_angles(request, measured, scaled, folder, cache)
        if measured.motion is None:
            rows += statements.kinematics_rows(angles)

        if measured.trial.ground_reactions is not None:
            say("inverse dynamics")
        dynamics = steps.find_moments(request, measured, scaled, angles, folder, cache)
        if dynamics is not None:
            rows += statements.dynamics_rows(dynamics, request.mass)

        say("gait numbers")
        numbers = steps.gait_numbers(request, measured)
        rows += statements.spatiotemporal_rows(numbers)

    facts = steps.trial_facts(request, measured, scaled, angles, numbers)
    whole = steps.assemble(measured.trial, angles, dynamics, unseen)
    stated = stated_results(measured.recording, request.mass)
    whole = whole.replace(
        emg=measured.emg, metadata=facts, extra=whole.extra if stated is None else {**whole.extra, LABORATORY: stated}
    )
    rows += judge_case(
        Case(
            mass=float(request.mass), height=request.height, resting=measured.resting, standing=measured.standing,
            at_rest=measured.at_rest, recording=measured.recording, identity=measured.identity, lab=measured.lab,
            scale=scaled, kinematics=angles, dynamics=dynamics, numbers=numbers, trial=whole,
        )
    )  # fmt: skip
    whole = whole.with_about(quality=to_metadata(rows))
    start = time.perf_counter()
    # After the judgement: the centre of mass and the feet are then blank where an angle that they need is.
    trial = with_body_motion(withhold(whole, rows), scaled.model)
    if trial.coordinates is whole.coordinates:
        whole = whole.replace(extra=trial.extra)
    else:
        whole = with_body_motion(whole, scaled.model)
    cache.note("centre of mass, feet", time.perf_counter() - start)
    return LabAnalysis(
        trial=trial,
        withheld=whole,
        lab=measured.lab,
        marker_map=measured.marker_map,
        scale=scaled,
        kinematics=angles,
        dynamics=dynamics,
        spatiotemporal=numbers,
        cutoff=-1.0 if dynamics is None else dynamics.cutoff,
        cache=cache,
    )
