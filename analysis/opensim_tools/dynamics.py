"""Joint moments from motion and ground reactions, shown only where both are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from exogait.data.errors import InputError
from exogait.data.names import COORDINATES_ENDING, MOMENTS_ENDING, side_of
from exogait.data.storage import read_sto, write_mot
from exogait.data.trial import flags_at, select_columns
from exogait.models.opensim_api import import_opensim

from ..c3d.applied import AppliedForce
from .common import (
    element,
    load_model,
    place_file,
    rotational_coordinates,
    run_tool,
    working_directory,
    write_document,
)
from .external_loads import write_ground_reactions

CUTOFF = 6.0
"""Low-pass cut-off of the coordinates, Hz, as in OpenSim's published set-up for walking."""
_TRUNK_ROOT = ("pelvis_",)


@dataclass(frozen=True, kw_only=True)
class DynamicsResult:
    """Generalized forces of one trial."""

    generalized_forces: pd.DataFrame
    """One column a coordinate, N m and N; NaN where a foot stood on the ground and no plate measured it."""
    unmasked: pd.DataFrame
    """The same as OpenSim computed them, for files that the GUI reads; not to be shown as data."""
    valid: pd.DataFrame
    """Boolean columns r, l, pelvis."""
    setup: Path
    """Set-up of the InverseDynamicsTool."""
    external_loads: Path | None
    """ExternalLoads .xml."""
    cutoff: float
    """Low-pass cut-off of the coordinates, Hz; negative without filter."""


def inverse_dynamics(
    model: str | Path,
    coordinates: pd.DataFrame,
    ground_reactions: pd.DataFrame | None,
    *,
    out: str | Path,
    valid: pd.DataFrame | None = None,
    cutoff: float = CUTOFF,
    time_range: tuple[float, float] | None = None,
    device: Sequence[AppliedForce] = (),
    name: str = "trial",
) -> DynamicsResult:
    """Net joint moments and pelvis residuals.

    All forces of the model (muscles, joint limits, springs) are left out: the result is what the joints carry in all.

    Args:
        model: Scaled model.
        coordinates: Angles in rad and translations in m, one column a coordinate.
        ground_reactions: Columns :data:`exogait.data.trial.GROUND_REACTION_COLUMNS`; ``None`` where no plate
            measured, which leaves only what is valid without (see ``valid``).
        out: Folder for the set-up and its files.
        valid: Boolean columns ``r``, ``l``, ``pelvis`` over time (see :func:`valid_kinetics`); all valid where not
        given.
        cutoff: Low-pass cut-off of the coordinates, Hz; negative to switch the filter off.
        time_range: Part of the trial, s; default where both motion and forces exist.
        device: Loads of a device on other bodies than the feet, on the clock of the ground reactions: the result is
            then what the body adds to them.
        name: Name of the trial, used for files.

    Returns:
        Generalized forces, masked and not.

    Raises:
        InputError: A ground reaction is NaN.
        ExogaitError: OpenSim's tool failed.

    Source: OpenSim InverseDynamicsTool.
    """
    setup, loads = write_id_setup(
        model,
        coordinates,
        ground_reactions,
        out=out,
        cutoff=cutoff,
        time_range=time_range,
        device=device,
        name=name,
    )
    raw = run_id_tool(setup)
    forces = raw.rename(columns={c: str(c).removesuffix("_moment").removesuffix("_force") for c in raw.columns})
    forces = select_columns(forces, [str(c) for c in coordinates.columns if c in forces.columns])
    forces.attrs = {
        "name": name,
        "in_degrees": False,
        "units": "N m",
        "source": str(setup.parent / f"{name}{MOMENTS_ENDING}"),
    }
    mask = _mask_on(forces.index, valid)
    return DynamicsResult(
        generalized_forces=mask_kinetics(forces, mask),
        unmasked=forces,
        valid=mask,
        setup=setup,
        external_loads=loads,
        cutoff=cutoff,
    )


def write_id_setup(
    model: str | Path,
    coordinates: pd.DataFrame,
    ground_reactions: pd.DataFrame | None,
    *,
    out: str | Path,
    cutoff: float = CUTOFF,
    time_range: tuple[float, float] | None = None,
    device: Sequence[AppliedForce] = (),
    name: str = "trial",
) -> tuple[Path, Path | None]:
    """Write everything that the InverseDynamicsTool needs into one folder, without running it.

    Args:
        model: Scaled model; copied into the folder.
        coordinates: Angles in rad and translations in m.
        ground_reactions: Columns :data:`exogait.data.trial.GROUND_REACTION_COLUMNS`, or ``None``.
        out: The folder.
        cutoff: Low-pass cut-off of the coordinates, Hz; negative without filter.
        time_range: Part of the trial, s.
        device: Loads of a device, on the clock of the ground reactions.
        name: Name of the trial, used for files.

    Returns:
        The set-up, and the ExternalLoads .xml where there are ground reactions.
    """
    folder = Path(out)
    model_file = place_file(Path(model), folder)
    motion = write_motion(
        coordinates, folder / f"{name}{COORDINATES_ENDING}", rotational_coordinates(load_model(model))
    )
    start, end = float(coordinates.index[0]), float(coordinates.index[-1])
    loads = None
    if ground_reactions is not None:
        _, loads = write_ground_reactions(ground_reactions, folder, name, device=device)
        start, end = max(start, float(ground_reactions.index[0])), min(end, float(ground_reactions.index[-1]))
    if time_range is not None:
        start, end = max(start, time_range[0]), min(end, time_range[1])
    if not start < end:
        raise InputError(f"{name}: motion and ground reactions", "no common time", "recordings that overlap in time")
    tool = element(
        "InverseDynamicsTool",
        name=name,
        results_directory=".",
        model_file=model_file.name,
        time_range=[start, end],
        forces_to_exclude="ALL",
        external_loads_file="" if loads is None else loads.name,
        coordinates_file=motion.name,
        lowpass_cutoff_frequency_for_coordinates=float(cutoff),
        output_gen_force_file=f"{name}{MOMENTS_ENDING}",
    )
    return write_document(folder / f"{name}_id_setup.xml", tool), loads


def write_motion(coordinates: pd.DataFrame, path: str | Path, rotational: Sequence[str]) -> Path:
    """Write angles as a .mot in degrees, which is what users of the GUI expect.

    Args:
        coordinates: Angles in rad and translations in m.
        path: File to write.
        rotational: Names of the coordinates that are rotations.
    """
    write_mot(coordinates, path, rotational=rotational, name="Coordinates", in_degrees=False)
    return Path(path)


def run_id_tool(setup: str | Path) -> pd.DataFrame:
    """Run the InverseDynamicsTool from its set-up, as the GUI does, and return what it wrote."""
    setup = Path(setup)
    opensim = import_opensim()
    with working_directory(setup.parent):
        tool = opensim.InverseDynamicsTool(setup.name)
        run_tool(
            f"{setup.stem} (OpenSim InverseDynamicsTool)",
            tool.run,
            hint="check the time range and the ground reactions",
        )
        return read_sto(tool.getOutputGenForceFileName())


def mask_kinetics(forces: pd.DataFrame, valid: pd.DataFrame) -> pd.DataFrame:
    """Copy of generalized forces (or powers) with NaN where they do not follow from measured forces.

    Args:
        forces: One column a coordinate.
        valid: Boolean columns ``r``, ``l``, ``pelvis`` on the same times. Joints of the trunk hang on no foot: from
            the head down to them nothing touches the ground.
    """
    result = forces.copy()
    result.attrs = dict(forces.attrs)
    for column in result.columns:
        group = _group(str(column))
        if group:
            result.loc[~valid[group].to_numpy(), column] = np.nan
    return result


def _group(column: str) -> str:
    """Which entry of the mask a coordinate hangs on: r, l, pelvis, or none."""
    if column.startswith(_TRUNK_ROOT):
        return "pelvis"
    return side_of(column) or ""


def _mask_on(time: pd.Index, valid: pd.DataFrame | None) -> pd.DataFrame:
    if valid is None:
        return pd.DataFrame(True, index=time, columns=pd.Index(["r", "l", "pelvis"]))
    return flags_at(valid, time.to_numpy(np.float64))
