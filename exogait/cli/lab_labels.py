"""`exogait lab labels` and `lab maps`: what a file's labels are, and which marker sets are known."""

from __future__ import annotations

from pathlib import Path

from tyro.conf import Positional
from tyro.extras import SubcommandApp


def register(lab_app: SubcommandApp) -> None:
    """Add the commands to the laboratory's group."""
    lab_app.command(name="maps")(maps)
    lab_app.command(name="labels")(labels)


def maps(*, show: str | None = None) -> None:
    """List the marker sets that are known, or print one.

    Args:
        show: Name or YAML file of a map to print, for example to start a new one from.
    """
    from exogait.analysis.markers.map import available_marker_maps, marker_map_file, read_marker_map

    if show is not None:
        read_marker_map(show)
        print(marker_map_file(show).read_text(encoding="utf-8").rstrip())
        return
    for name in available_marker_maps():
        known = read_marker_map(name)
        print(f"{name:24s} {len(known.markers):3d} markers  {known.name}")


def labels(file: Positional[Path], *, draft: str | None = None, units: str | None = None) -> None:
    """List the labels of a file and what each known marker map makes of them; draft a new map.

    Args:
        file: C3D or TRC file, best a static trial.
        draft: Write the first draft of a map: a name (in the user folder, found by it everywhere) or a .yaml file.
        units: Unit of length in the C3D file, where it does not say (mm, cm, m).
    """
    from exogait.analysis.c3d.recording import read_recording
    from exogait.analysis.markers.label_report import report_labels
    from exogait.junction.templates import new_file

    recording = read_recording(file, units=units)
    if draft is None:
        print(report_labels(recording.marker_names, file))
        return
    by_path = Path(draft).suffix.lower() in (".yaml", ".yml")
    name, out = (Path(draft).stem, Path(draft)) if by_path else (draft, None)
    path = new_file("marker_maps", name, source=file, out=out, units=units)
    text = path.read_text(encoding="utf-8")
    unsure = sum("# unsure" in line for line in text.splitlines()[4:])
    print(f"wrote {path}: {unsure} of its lines are marked 'unsure'; check them, then")
    print(f"exogait lab run --static '{file}' --trial WALK --mass KG --out FOLDER --marker-map '{draft}'")
