"""OpenSim's AnalyzeTool: its set-up file, its run, its result tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from exogait.data.errors import FileFormatError, InputError
from exogait.data.storage import read_sto
from exogait.data.trial import select_columns
from exogait.models.opensim_api import import_opensim

from .common import (
    element,
    object_set,
    run_tool,
    working_directory,
    write_document,
)


def check_interval(motion: Path, time_range: tuple[float, float], name: str) -> None:
    """Refuse a time range that is not inside a motion."""
    time = read_sto(motion).index
    start, end = time_range
    inside = start < end and start >= time[0] - 1e-6 and end <= time[-1] + 1e-6
    if not (np.isfinite(start) and np.isfinite(end) and inside):
        limits = f"inside {time[0]:.3f} to {time[-1]:.3f} s"
        raise InputError(f"{name}: time range", f"{start:.3f} to {end:.3f} s", limits)


def analyze_setup(
    folder: Path,
    name: str,
    model: Path,
    motion: Path,
    loads: Path | None,
    analyses: Sequence[ElementTree.Element],
    *,
    time_range: tuple[float, float],
    cutoff: float,
    force_set: Path | None = None,
) -> Path:
    """Write the set-up of an AnalyzeTool run into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    root = element(
        "AnalyzeTool",
        object_set("AnalysisSet", list(analyses), name="Analyses"),
        name=name,
        model_file=relative_path(model, folder),
        replace_force_set=False,
        force_set_files="" if force_set is None else relative_path(force_set, folder),
        results_directory="results",
        output_precision=17,
        initial_time=float(time_range[0]),
        final_time=float(time_range[1]),
        solve_for_equilibrium_for_auxiliary_states=False,
        external_loads_file="" if loads is None else relative_path(loads, folder),
        coordinates_file=relative_path(motion, folder),
        lowpass_cutoff_frequency_for_coordinates=float(cutoff),
    )
    return write_document(folder / f"{name}_setup.xml", root)


def relative_path(path: Path, folder: Path) -> str:
    """Path as the set-up names it: relative, so that the folder can move."""
    import os

    return os.path.relpath(Path(path).resolve(), folder.resolve())


def run_analyze_tool(setup: Path, what: str) -> list[str]:
    """Run a set-up; returns what OpenSim said."""
    opensim = import_opensim()
    with working_directory(setup.parent):
        tool = opensim.AnalyzeTool(setup.name)
        return run_tool(what, tool.run, hint="check time range, motion and ground reactions")


def result_file(setup: Path, ending: str) -> Path:
    """Where a set-up leaves a result."""
    return setup.parent / "results" / f"{setup.stem.removesuffix('_setup')}_{ending}.sto"


def read_result_table(setup: Path, ending: str) -> pd.DataFrame:
    """A result of a run, in SI units and radians."""
    path = result_file(setup, ending)
    if not path.exists():
        raise FileFormatError(path, "OpenSim wrote no such result", "run the set-up in the GUI to see why")
    return read_sto(path, in_degrees=False)


def renamed_forces(forces: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Columns whose names begin with a prefix, without it."""
    part = select_columns(forces, [str(c) for c in forces.columns if str(c).startswith(prefix)])
    return part.rename(columns=lambda c: str(c).removeprefix(prefix))
