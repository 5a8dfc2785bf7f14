"""A folder as another program leaves it: which of its files are one walk.

OpenCap (``MarkerData``, ``OpenSimData/Model``, ``OpenSimData/Kinematics``, ``sessionMetadata.yaml``), Pose2Sim
(``pose-3d``, ``kinematics``), AddBiomechanics (``MarkerData``, ``IK``, ``ID``, ``Models``) and laboratories arrange the
same few kinds of files in their own ways. A file is known by its ending and its name here, not by its folder: the
forces of ``walk1`` are ``walk1_grf.mot`` or ``walk1_forces.mot`` wherever they lie. A set-up of OpenSim's
InverseDynamicsTool names the files itself, and the filter with which they were used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from exogait.data import FileFormatError, InputError, UnknownNameError
from exogait.data.loading import entries_below, read_xml, read_yaml

from .own_model import MOTION_ENDINGS

_STATIC = re.compile(r"(static|neutral|standing|calib)", re.IGNORECASE)
_MODEL = re.compile(r"(scaled|final|optimized_scale|_match_markers)", re.IGNORECASE)
_UNSCALED = re.compile(r"(unscaled|generic)", re.IGNORECASE)
_FORCES = re.compile(r"_(grf|forces|external_?forces|external_?loads)$", re.IGNORECASE)
_MOTION = re.compile(r"_(ik|filt\w*)$", re.IGNORECASE)
_METADATA = "sessionMetadata.yaml"
_DEPTH = 5
"""Folders are searched so far down."""


@dataclass(frozen=True, kw_only=True)
class WalkFiles:
    """One walk of a folder: what :func:`exogait.analysis.lab.request.make_request` asks for."""

    name: str
    walk: Path
    static: Path | None = None
    model: Path | None = None
    forces: Path | None = None
    mass: float | None = None
    height: float | None = None
    coordinate_cutoff: float | None = None
    """Low-pass of the coordinates, Hz, below 0 for none; ``None`` where nothing says it."""


def find_walks(folder: str | Path) -> list[WalkFiles]:
    """The walks of a folder, by name.

    Motion that was solved with the folder's own scaled model is taken as it is; without such a model the markers are,
    scaled by the folder's static trial where it has one.

    Args:
        folder: The folder.

    Raises:
        FileFormatError: No walk is in it, or two scaled models are, or more files than a laboratory's; or its metadata
            state a mass or height that no person has.
    """
    folder = Path(folder)
    entries = entries_below(folder, depth=_DEPTH, enter=lambda path: path.name != ".steps" and not path.is_symlink())
    files = sorted(path for path in entries if path.is_file())
    forces = _forces(files)
    markers = {_stem(path): path for path in files if path.suffix.lower() == ".trc"}
    static = next((path for name, path in markers.items() if _STATIC.search(name)), None)
    model = _model(folder, files)
    motions = {
        _stem(path): path for path in files if path.suffix.lower() in MOTION_ENDINGS and not _FORCES.search(path.stem)
    } if model is not None else {}  # fmt: skip
    mass, height = _person(folder)
    walks = [
        WalkFiles(
            name=name, walk=motions.get(name) or markers[name], model=model,
            static=static if model is None else None, forces=forces.get(name), mass=mass, height=height,
        )
        for name in sorted({*markers, *motions})
        if not _STATIC.search(name)
    ]  # fmt: skip
    if not walks:
        raise FileFormatError(folder, "holds no walk (.trc, or .mot beside a scaled .osim)", "name the files instead")
    return walks


def walk_of_setup(path: str | Path, **stated: Path | None) -> WalkFiles:
    """The walk that a set-up of OpenSim's InverseDynamicsTool computes: model, coordinates, loads and filter.

    Its time range is not taken, since events and strides need the whole walk, and forces of the model itself never
    count: moments are what the joints carry in all.

    Args:
        path: The set-up; its file names are relative to it.
        **stated: Files by the fields of :class:`WalkFiles` that take the place of the set-up's.

    Raises:
        FileFormatError: It is no such set-up, or names a file that is not there.
    """
    path = Path(path)
    tool = read_xml(path, "give a set-up of the InverseDynamicsTool").find("InverseDynamicsTool")
    if tool is None:
        raise FileFormatError(path, "is no set-up of the InverseDynamicsTool", "name the files instead")

    def text(name: str) -> str:
        return (tool.findtext(name) or "").strip()

    files: dict[str, Path] = {}
    for field, name in (("model", "model_file"), ("walk", "coordinates_file"), ("forces", "external_loads_file")):
        file = stated.get(field) or (path.parent / text(name) if text(name) else None)
        if file is None and field != "forces":
            raise FileFormatError(path, f"names no {name}", f"say it with --{_OPTIONS[field]}")
        if file is not None and not file.is_file():
            raise FileFormatError(path, f"names {file.name}, which is not there", f"say it with --{_OPTIONS[field]}")
        if file is not None:
            files[field] = file
    try:
        cutoff = float(text("lowpass_cutoff_frequency_for_coordinates") or -1.0)
    except ValueError:
        raise FileFormatError(path, "states a cut-off that is no number", "correct the set-up") from None
    return WalkFiles(
        name=_stem(files["walk"]), walk=files["walk"], model=files["model"], forces=files.get("forces"),
        coordinate_cutoff=cutoff,
    )  # fmt: skip


_OPTIONS = {"model": "model", "walk": "trial", "forces": "forces"}


def named_walk(folder: Path | None, trial: str | None, *, setup: Path | None = None, **stated: Any) -> WalkFiles:
    """The walk that a user names: of a folder, of a set-up, or by its files; what is stated goes before what they say.

    Args:
        folder: The folder, or ``None`` where ``trial`` is a file.
        trial: Name of a walk in the folder; may be left out where there is one only. Without a folder, the file.
        setup: A set-up of the InverseDynamicsTool, in the place of a folder.
        **stated: Fields of :class:`WalkFiles` as the user states them; ``None`` where not.

    Raises:
        InputError: Neither folder nor trial, or several walks and none named, or a folder and a set-up.
        UnknownNameError: No walk of that name.
    """
    given = {key: value for key, value in stated.items() if value is not None}
    if setup is not None:
        if folder is not None:
            raise InputError("setup", setup, "a folder or a set-up, not both")
        walk = None if trial is None else Path(trial)
        found = walk_of_setup(setup, walk=walk, model=given.get("model"), forces=given.get("forces"))
        return replace(found, **given)
    if folder is None:
        if trial is None:
            raise InputError("trial", None, "a walk: --trial FILE, or a folder or --setup that names one")
        return WalkFiles(**{"name": "", "walk": Path(trial), **given})
    if not folder.is_dir():
        raise FileFormatError(folder, "is no folder", "name a single file with --trial")
    walks = {walk.name: walk for walk in find_walks(folder)}
    if trial is None and len(walks) > 1:
        raise InputError("trial", None, f"one of the walks of {folder.name}: --trial {' or '.join(walks)}")
    name = trial or next(iter(walks))
    if name not in walks:
        raise UnknownNameError("walk", name, list(walks), str(folder))
    return replace(walks[name], **given)


def _stem(path: Path) -> str:
    return _MOTION.sub("", path.stem)


def _forces(files: list[Path]) -> dict[str, Path]:
    """Forces by trial; ExternalLoads say more than the table that they name."""
    found = {}
    for ending in (".mot", ".sto", ".xml"):
        found |= {_FORCES.sub("", p.stem): p for p in files if p.suffix.lower() == ending and _FORCES.search(p.stem)}
    return found


def _model(folder: Path, files: list[Path]) -> Path | None:
    scaled = [
        path for path in files
        if path.suffix.lower() == ".osim" and _MODEL.search(path.stem) and not _UNSCALED.search(path.stem)
    ]  # fmt: skip
    if len(scaled) > 1:
        named = ", ".join(str(path.relative_to(folder)) for path in scaled)
        raise FileFormatError(folder, f"holds {len(scaled)} scaled models ({named})", "name the one with --model")
    return scaled[0] if scaled else None


def _person(folder: Path) -> tuple[float | None, float | None]:
    """Mass, kg, and height, m, as OpenCap's session states them."""
    path = folder / _METADATA
    if not path.is_file():
        return None, None
    content = read_yaml(path)

    def number(key: str, most: float, unit: str) -> float | None:
        value = content.get(key)
        if not isinstance(value, int | float):
            return None
        if not 0 < value < most:
            raise FileFormatError(path, f"{key} is {str(value)[:20]}", f"state it in {unit}")
        return float(value)

    return number("mass_kg", 1000.0, "kg"), number("height_m", 3.0, "m")
