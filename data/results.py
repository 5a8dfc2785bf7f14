"""Results on disk: the trial of a folder and the model that goes with it."""

from __future__ import annotations

from pathlib import Path

from .errors import FileFormatError
from .names import TRIAL_FILE
from .output import is_ours
from .trial import GaitTrial


def read_result(folder: str | Path) -> GaitTrial:
    """The trial of a folder of ``exogait simulate`` or ``exogait lab run``, or of a trial's own folder.

    Raises:
        FileFormatError: There is none.
    """
    folder = Path(folder)
    for place in (folder / "trial", folder):
        if (place / TRIAL_FILE).is_file():
            parquet = next(place.glob("*.parquet"), None) is not None
            return GaitTrial.read_parquet(place) if parquet else GaitTrial.read_opensim(place)
    raise FileFormatError(folder, "holds no trial", "give a folder of `exogait simulate` or `exogait lab run`")


def result_model(folder: str | Path) -> Path:
    """The model of a result folder: compiled where it is there, else the .osim.

    Raises:
        FileFormatError: There is none, or more than one.
    """
    folder = Path(folder)
    for place in (folder / "opensim", folder, folder.parent / "opensim"):
        for ending in ("npz", "osim"):
            found = sorted(place.glob(f"*.{ending}"))
            # The lab road keeps the model it scaled beside the one that fits the person.
            found = [path for path in found if path.stem.endswith("_scaled")] or found
            if len(found) > 1:  # a user's own models may lie beside the one that was written
                found = [path for path in found if is_ours(path)] or found
            if len(found) == 1:
                return found[0]
            if found:
                names = ", ".join(path.name for path in found[:4])
                raise FileFormatError(place, f"holds several models ({names})", "name one with --model")
    raise FileFormatError(folder, "holds no model (.osim)", "name one with --model")
