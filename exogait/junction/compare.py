"""Two walks beside one another, measured or simulated in any mix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exogait.data import output_folder

if TYPE_CHECKING:
    from exogait.analysis.report.comparison import Comparison


def compare_walks(first: str | Path, second: str | Path, *, out: str | Path | None = None) -> Comparison:
    """Compare two walks: angles, moments, powers, ground reaction, symmetry, metabolic rate.

    Where one is measured and the other simulated, the measured one is the reference of r and RMSE, whichever comes
    first; of two of a kind the first one is.

    Args:
        first: Folder of `simulate` or `lab run`.
        second: Folder of `simulate` or `lab run`.
        out: Folder for compare.html, compare.csv and compare.png, or the .html file; the first one's folder if not
            given.

    Raises:
        FileFormatError: A folder holds no trial.
        InputError: A trial has no complete stride.
    """
    from exogait.analysis.report.comparison import compare_folders
    from exogait.data.results import read_result

    simulated = [read_result(folder).about.simulated for folder in (first, second)]
    trial, reference = (first, second) if simulated == [True, False] else (second, first)
    place = Path(first if out is None else out)
    is_page = place.suffix.lower() in (".html", ".htm")
    names = [f"{place.stem if is_page else 'compare'}{ending}" for ending in (".html", ".csv", ".png")]
    with output_folder(place.parent if is_page else place, "exogait compare", expects=names):
        return compare_folders(trial, reference, out=place)
