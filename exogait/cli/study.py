"""Studies of assistance, the least-effort optimum, and a device for one person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from exogait.data.extras import require_extra
from exogait.junction.optimum import OptimumRequest
from exogait.junction.outcomes import summarise_walk
from exogait.junction.personalize import PersonalizeRequest

from .progress import show_clock


def register(app: SubcommandApp) -> None:
    """Put the commands in."""
    for command in (study, optimum, personalize, report):
        app.command(command)


def study(
    config: Positional[str],
    *,
    out: Path,
    device: str | None = None,
    policies: str | None = None,
    backend: Literal["local", "ray"] = "local",
    workers: int | None = None,
    address: str | None = None,
    seeds: int | None = None,
    export: Path | None = None,
) -> None:
    """Train, fine-tune and compare over bodies, device conditions and seeds; what is done already is not done again.

    Args:
        config: Name of a study of the suite (hip_ankle, ...) or a YAML file.
        out: Folder of the study; a stopped study goes on from it.
        device: Name or YAML file of a device instead of the study's.
        policies: Only walk, with the policies of this folder, or with those the suite ships under this name.
        backend: Processes of this machine, or a Ray cluster (needs the extra `ray`).
        workers: Tasks at a time on this machine; one a processor without.
        address: Address of the Ray cluster; a local one without.
        seeds: Only the first so many seeds.
        export: Copy the policies of all finished fine-tunes into this folder.
    """
    if policies is None:
        require_extra("learn", "a study that trains")
    if backend == "ray":
        require_extra("ray")
    import dataclasses

    from exogait.analysis.report.study import write_study_report
    from exogait.data.output import output_folder
    from exogait.data.settings import load_settings
    from exogait.osim_env.study.backends import make_backend
    from exogait.osim_env.study.files import export_policies, policy_folder
    from exogait.osim_env.study.plan import (
        StudyConfig,
        find_study,
    )
    from exogait.osim_env.study.run import (
        run_study,
    )

    settings = load_settings(StudyConfig, find_study(config))
    if seeds is not None:
        settings = dataclasses.replace(settings, seeds=settings.seeds[:seeds])
    if device is not None:
        settings = dataclasses.replace(settings, device=device)
    run_study(
        settings, out, summarise_walk, backend=make_backend(backend, workers, address),
        policies=None if policies is None else policy_folder(policies), report=print,
    )  # fmt: skip
    if export is not None:
        with output_folder(export, "exogait study --export"):
            print(f"wrote {len(export_policies(settings, out, export))} policies to {export}")
    with output_folder(out, "exogait study"):
        page = write_study_report(out)
    print(f"open {page}")


def optimum(request: Annotated[OptimumRequest, arg(name="")]) -> None:
    """Least-effort device torques on the motion of an unassisted walk (OpenSim MocoInverse), minutes a body."""
    from exogait.analysis.opensim_tools.moco_table import torque_summary
    from exogait.junction.optimum import OPTIMUM_WALK, find_optimum

    with show_clock(OPTIMUM_WALK, "walk") as advance:
        found = find_optimum(request, progress=advance, report=print)
    print(torque_summary(found.curves).round(3).to_string())
    print(f"wrote {found.table}")


def personalize(request: Annotated[PersonalizeRequest, arg(name="")]) -> None:
    """From a person's gait analysis to a device controller tuned to them, beside a generic one and none."""
    from exogait.junction import personalize as junction

    print(f"open {junction.personalize(request, report=print)}")


def report(folder: Positional[Path]) -> None:
    """Write the report of a study: figures with their data as CSV, signs, baselines and failures.

    Args:
        folder: Folder of the study.
    """
    from exogait.analysis.report.study import write_study_report
    from exogait.data import FileFormatError, output_folder

    if not folder.is_dir():
        raise FileFormatError(folder, "is no folder of a study", "give the folder of `exogait study`")
    with output_folder(folder, "exogait report"):
        page = write_study_report(folder)
    print(f"open {page}")
