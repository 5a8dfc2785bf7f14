"""The laboratory's road: one walk, many walks, the marker sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from tyro.conf import Positional
from tyro.extras import SubcommandApp

from exogait.data import InputError

from . import lab_labels
from .printing import print_beside
from .progress import show_steps

ROW_FAILED = 3
"""Exit code where the results are written and a check failed."""


def register(app: SubcommandApp) -> None:
    """Put the commands in."""
    group = SubcommandApp()
    group.command(name="run")(lab_run)
    group.command(name="batch")(lab_batch)
    lab_labels.register(group)
    app.command(group, name="lab", help="From C3D files to joint angles, moments, symmetry and a report.")


def lab_run(
    folder: Positional[Path | None] = None,
    *,
    out: Path,
    trial: str | None = None,
    static: Path | None = None,
    mass: float | None = None,
    height: float | None = None,
    age: float | None = None,
    sex: Literal["male", "female"] | None = None,
    side: Literal["left", "right", "both"] | None = None,
    diagnosis: str | None = None,
    marker_map: str | None = None,
    muscles: bool = False,
    name: str | None = None,
    subject: str | None = None,
    units: str | None = None,
    forward: str | None = None,
    up: str | None = None,
    max_gap: float = 0.1,
    marker_cutoff: float = 6.0,
    coordinate_cutoff: float | None = None,
    force_cutoff: float = 20.0,
    force_threshold: float = 20.0,
    belt_speed: float | None = None,
    overrides: Path | None = None,
    lengths: tuple[str, ...] = (),
    base_model: Path | None = None,
    model: Path | None = None,
    forces: Path | None = None,
    force_columns: Path | None = None,
    setup: Path | None = None,
    pdf: bool = False,
    show_failed: bool = False,
) -> None:
    """Analyse one walk: scaled model, joint angles, moments, powers, events, symmetry, report.

    Exit code 3 says that a check failed: everything is written, what the check spoils is blank.

    Args:
        folder: What OpenCap, Pose2Sim or AddBiomechanics left: its files are found; with --trial NAME one walk of it.
        trial: Walking trial, C3D or TRC; or coordinates (.mot, .sto) that were solved with --model.
        out: Folder for the report, the tables and the OpenSim files.
        static: Static trial, C3D or TRC; without one the model is scaled to the walk.
        mass: Body mass, kg; that of --model, or what the C3D files state of the person, if not given.
        height: Body height, m.
        age: Age, years; walking speed is compared with the norm for it.
        sex: Sex, male or female; that norm is of men or women.
        side: Affected side.
        diagnosis: Diagnosis, for the record.
        marker_map: Marker set: a name or a YAML file; the best fitting known one if not given.
        muscles: Also static optimization on one stride a leg, metabolic rate and reserves.
        name: Name of the trial; the file's if not given.
        subject: Name of the person; the static file's if not given.
        units: Unit of length in the C3D files, where they do not say (mm, cm, m).
        forward: Laboratory axis that points forward (+x, -y, ...); found from the walk if not given.
        up: Laboratory axis that points up; found from the body if not given.
        max_gap: Longest marker gap to bridge, s.
        marker_cutoff: Low-pass of the markers, Hz.
        coordinate_cutoff: Low-pass of coordinates that were solved elsewhere, Hz; below 0 for none. That of --setup,
            or 6, if not given.
        force_cutoff: Low-pass of the force plates, Hz.
        force_threshold: Vertical force that makes a contact, N.
        belt_speed: Treadmill speed, m/s; 0 for overground; detected if not given.
        overrides: CSV of manual events and plate assignments (columns what, side, time, plate).
        lengths: Stated lengths of segments between joint centres, m, in the place of what markers measure: thigh=0.42
            shank_l=0.39; pelvis (hip to hip), thigh, shank, foot (ankle to toe joint), with _r or _l for one side.
        base_model: Model to scale; the suite's own if not given.
        model: The person's own scaled model, taken as it is; its markers are the marker set.
        forces: Forces beside the walk: .mot, .sto, .csv, or ExternalLoads .xml; in place of the file's plates.
        force_columns: YAML file that says which column of the forces is what, for names that are not known.
        setup: Set-up of OpenSim's InverseDynamicsTool (.xml): its model, coordinates, loads and filter are taken; what
            is named beside it goes before.
        pdf: Also the report as PDF, by a browser (Chromium, Chrome, Edge).
        show_failed: Show in the report, hatched, what failed checks withhold.
    """
    from exogait.analysis.lab.folders import named_walk
    from exogait.analysis.lab.run import STEPS, run_trial
    from exogait.analysis.lab.settings import LabSettings

    files = named_walk(
        folder, trial, setup=setup, static=static, model=model, forces=forces, mass=mass, height=height, name=name,
        coordinate_cutoff=coordinate_cutoff,
    )  # fmt: skip
    settings = LabSettings(
        units=units, forward=forward, up=up, max_gap=max_gap, marker_cutoff=marker_cutoff, force_cutoff=force_cutoff,
        force_threshold=force_threshold, belt_speed=belt_speed, overrides=overrides,
    )  # fmt: skip
    if files.coordinate_cutoff is not None:
        settings = replace(settings, coordinate_cutoff=files.coordinate_cutoff)
    with show_steps(len(STEPS) - (not muscles), "lab run") as step:
        run = run_trial(
            files.static, files.walk, files.mass, out=out, height=files.height, age=age, sex=sex, side=side,
            diagnosis=diagnosis, marker_map=marker_map, settings=settings,
            lengths=_lengths(lengths), base_model=base_model, model=files.model,
            forces=files.forces, force_columns=force_columns, name=files.name or None, subject=subject,
            muscles=muscles, show_failed=show_failed, progress=step,
        )  # fmt: skip
    if pdf:
        print_beside(run.report, "exogait lab run")
    print(run.trial.about.frame)
    print(run.summary())
    if run.verdict.failed:
        raise SystemExit(ROW_FAILED)


def _lengths(words: tuple[str, ...]) -> dict[str, float]:
    """Lengths as the command line states them.

    Example:
        >>> _lengths(("thigh=0.42", "shank_l=0.39"))
        {'thigh': 0.42, 'shank_l': 0.39}
    """
    found = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            found[name] = float(text)
        except ValueError:
            raise InputError("lengths", word, "a name and metres, such as thigh=0.42") from None
    return found


def lab_batch(manifest: Positional[Path], *, out: Path, muscles: bool = False, workers: int = 2) -> None:
    """Analyse every walk of a CSV manifest; one that fails never stops the rest.

    Exit code 1 says that a walk did not come through, 3 that all did and a check failed in one.

    Args:
        manifest: CSV with the columns static, trial, mass and, if wanted, subject, name, height, age, sex, side,
            diagnosis, marker_map, condition, date, belt_speed; what the C3D files state counts where no mass is.
        out: Folder; each walk gets one inside it, beside the group's tables and an index page.
        muscles: Also static optimization.
        workers: Walks at a time.
    """
    from exogait.analysis.lab.batch import run_batch
    from exogait.analysis.lab.manifest import read_manifest

    rows = read_manifest(manifest, strict=False)
    with show_steps(len(rows), "lab batch") as step:
        result = run_batch(rows, out=out, muscles=muscles, workers=workers, progress=step)
    print(f"{len(rows) - len(result.failures)} of {len(rows)} walks came through; open {result.index}")
    if len(result.failures):
        print(result.failures.to_string(index=False))
        raise SystemExit(1)
    if result.doubtful:
        print("\n".join(f"{name}: {verdict}" for name, verdict in result.doubtful.items()))
        raise SystemExit(ROW_FAILED)
