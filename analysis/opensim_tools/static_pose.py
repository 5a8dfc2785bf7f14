"""The static pose, solved to the end.

The MarkerPlacer inside OpenSim's ScaleTool stops its solver at the default accuracy. On markers that fit the model
exactly it then leaves the pelvis tilted by half a degree and the hips flexed by 0.7, and since every marker is placed
in that pose, all later angles of the trial carry the same offset. Here the same least-squares problem is solved from
the ScaleTool's answer on to an accuracy of 1e-8, and the markers are placed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pandas as pd

from exogait.data.errors import ExogaitError
from exogait.data.storage import read_sto, write_sto
from exogait.data.trc import marker_array, marker_labels
from exogait.models.opensim_api import captured_log, import_opensim

from .common import load_model, one_line

ACCURACY = 1e-8
"""Accuracy of the solver; on exact markers the angles then are right to 1e-4 degrees."""


def settle_static_pose(
    scaled: Path,
    generic: Path,
    motion: Path,
    pose: pd.DataFrame,
    tasks: Sequence[ElementTree.Element],
    factors: pd.DataFrame,
) -> None:
    """Solve the static pose of a scaled model anew, place its markers there, and rewrite model and pose.

    Args:
        scaled: Scaled model as the ScaleTool wrote it; rewritten.
        generic: The unscaled model with the markers where the map has them.
        motion: Static pose as the ScaleTool wrote it; the start of the search; rewritten.
        pose: Marker table of the mean static pose with the model's marker names, m.
        tasks: The ``IKMarkerTask`` and ``IKCoordinateTask`` elements of the ScaleTool's set-up.
        factors: Scale factors, index body, columns x, y, z.

    Raises:
        ExogaitError: The solver failed.
    """
    opensim = import_opensim()
    model, original = load_model(scaled), load_model(generic)
    markers, places = model.updMarkerSet(), original.getMarkerSet()
    for index in range(markers.getSize()):
        marker = markers.get(index)
        location = places.get(marker.getName()).get_location()
        factor = factors.loc[marker.getParentFrame().findBaseFrame().getName()]
        marker.set_location(opensim.Vec3(*(float(location.get(k) * factor.iloc[k]) for k in range(3))))
    table = read_sto(motion, in_degrees=False)
    # Muscles have no say in a pose and slow every evaluation down.
    solving = model.clone()
    solving.updForceSet().clearAndDestroy()
    solving.finalizeConnections()
    state = solving.initSystem()
    coordinates = {
        c.getName(): c for c in (solving.getCoordinateSet().get(k) for k in range(solving.getNumCoordinates()))
    }
    for label, value in table.iloc[0].items():
        if str(label).endswith("/value"):
            coordinates[str(label).split("/")[-2]].setValue(state, float(value), False)
    failure: Exception | None = None
    with captured_log("Error"):
        try:
            solver = opensim.InverseKinematicsSolver(solving, *_references(opensim, pose, tasks))
            solver.setAccuracy(ACCURACY)
            state.setTime(0.0)
            solver.assemble(state)
        except Exception as error:
            failure = error
    if failure is not None:
        raise ExogaitError(f"{scaled}: the static pose cannot be solved: {one_line(failure)}; check the static trial")
    solving.realizePosition(state)
    ground, markers_solving = solving.getGround(), solving.getMarkerSet()
    for label, place in zip(marker_labels(pose), marker_array(pose)[0], strict=True):
        if markers.contains(label):
            frame = markers_solving.get(label).getParentFrame()
            moved = ground.findStationLocationInAnotherFrame(state, opensim.Vec3(*map(float, place)), frame)
            markers.get(label).set_location(moved)
    model.finalizeConnections()
    model.printToXML(str(scaled))
    for label in table.columns:
        parts = str(label).split("/")
        if parts[-1] in ("value", "speed"):
            value = coordinates[parts[-2]].getValue(state) if parts[-1] == "value" else 0.0
            table[label] = value
    write_sto(table, motion, name="static pose", in_degrees=False)


def _references(opensim: ModuleType, pose: pd.DataFrame, tasks: Sequence[ElementTree.Element]) -> tuple[Any, Any]:
    """Marker and coordinate references with the tasks' weights."""
    weights = opensim.SetMarkerWeights()
    targets = opensim.SimTKArrayCoordinateReference()
    names = []
    for task in tasks:
        name, weight = task.get("name", ""), float(task.findtext("weight") or 1.0)
        if task.tag == "IKMarkerTask":
            weights.cloneAndAppend(opensim.MarkerWeight(name, weight))
            names.append(name)
        else:
            target = opensim.CoordinateReference(name, opensim.Constant(float(task.findtext("value") or 0.0)))
            target.setWeight(weight)
            targets.push_back(target)
    table = opensim.TimeSeriesTableVec3()
    table.setColumnLabels(names)
    places = dict(zip(marker_labels(pose), marker_array(pose)[0], strict=True))
    for time in (0.0, 0.01):
        row = opensim.RowVectorVec3(len(names))
        for k, name in enumerate(names):
            row[k] = opensim.Vec3(*map(float, places[name]))
        table.appendRow(time, row)
    return opensim.MarkersReference(table, weights), targets
