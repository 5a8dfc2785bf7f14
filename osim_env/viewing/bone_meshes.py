"""Bone surfaces from the user's own OpenSim geometry (.vtp); none are shipped.

The model file names the meshes of each body and their scale; a mesh that cannot be found or read leaves its bone drawn
as a bar, with one warning for all of them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from exogait.data.errors import DataQualityWarning, FileFormatError
from exogait.data.loading import regular_file

from .scene import Mesh

VARIABLE = "EXOGAIT_GEOMETRY"
"""Environment variable that names the folder of .vtp files."""


def read_bone_meshes(model: str | Path, bodies: Sequence[str], folder: str | Path | None = None) -> tuple[Mesh, ...]:
    """Bone surfaces of a model.

    Args:
        model: The .osim file, which names the meshes.
        bodies: Body names; meshes of others are left out.
        folder: Folder of .vtp files; ``EXOGAIT_GEOMETRY``, else the folder ``Geometry`` beside the model if not given.

    Returns:
        The surfaces; empty without a folder.

    Raises:
        FileFormatError: The folder that was named does not exist.
    """
    model = Path(model)
    named = folder or os.environ.get(VARIABLE)
    place = Path(named) if named else model.parent / "Geometry"
    if not place.is_dir():
        if named:
            raise FileFormatError(place, "is no folder", f"give a folder of .vtp files, or unset {VARIABLE}")
        return ()
    meshes: list[Mesh] = []
    missing: list[str] = []
    for body, file, scale in mesh_names(model):
        if body not in bodies:
            continue
        path = place / file
        try:
            points, triangles = read_vtp(path)
        except FileFormatError as error:
            missing.append(str(error))
            continue
        meshes.append(Mesh(list(bodies).index(body), (points * scale).astype(np.float32), triangles))
    if missing:
        warnings.warn(
            f"{len(missing)} bone surface(s) not shown, the first: {missing[0]}", DataQualityWarning, stacklevel=2
        )
    return tuple(meshes)


def mesh_names(model: Path) -> list[tuple[str, str, np.ndarray]]:
    """Body, file name and scale (shape (3,)) of every mesh that a model shows."""
    try:
        regular_file(model)
        root = ElementTree.parse(model).getroot()
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise FileFormatError(model, f"cannot be read ({error})", "give an .osim file") from error
    found = []
    for body in root.iter("Body"):
        for mesh in body.iter("Mesh"):
            file = (mesh.findtext("mesh_file") or "").strip()
            scale = np.array([float(x) for x in (mesh.findtext("scale_factors") or "1 1 1").split()])
            if file.endswith(".vtp"):
                found.append((str(body.get("name")), Path(file).name, scale))
    return found


def read_vtp(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Points and triangles of a surface.

    Args:
        path: VTK PolyData file whose arrays are written as text, as OpenSim's are.

    Returns:
        Points, shape (n, 3), m, and triangles, shape (m, 3); larger polygons are cut into fans.

    Raises:
        FileFormatError: The file is missing, binary or damaged.
    """
    path = Path(path)
    try:
        regular_file(path)
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise FileFormatError(path, f"cannot be opened ({error.strerror})") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise FileFormatError(path, f"is no readable XML ({error})", "binary .vtp files: save them as ASCII") from error
    points: list[np.ndarray] = []
    triangles: list[np.ndarray] = []
    count = 0
    try:
        for piece in root.iter("Piece"):
            where = _numbers(piece.find("Points/DataArray"), path).reshape(-1, 3)
            named = {array.get("Name"): array for array in piece.findall("Polys/DataArray")}
            corners = _numbers(named.get("connectivity"), path).astype(np.int64)
            ends = _numbers(named.get("offsets"), path).astype(np.int64)
            starts = np.concatenate([[0], ends[:-1]])
            for size in np.unique(ends - starts):
                first = starts[ends - starts == size]
                for k in range(1, int(size) - 1):
                    fan = np.stack([corners[first], corners[first + k], corners[first + k + 1]], axis=1)
                    triangles.append(fan + count)
            points.append(where)
            count += len(where)
        surface = np.concatenate(points)
        index = np.concatenate(triangles).astype(np.int32)
        if index.min() < 0 or index.max() >= len(surface):
            raise ValueError("a polygon names a point that is not there")
    except (ValueError, IndexError) as error:
        raise FileFormatError(path, f"is no surface of points and polygons ({error})") from error
    return surface, index


def _numbers(array: ElementTree.Element | None, path: Path) -> np.ndarray:
    if array is None:
        raise FileFormatError(path, "holds no points or polygons")
    if array.get("format", "ascii") != "ascii":
        raise FileFormatError(path, "holds binary arrays", "save it as ASCII")
    return np.array((array.text or "").split(), np.float64)
