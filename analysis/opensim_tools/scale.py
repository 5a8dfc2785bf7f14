"""Scale the model to a person from a static trial: segment lengths, body mass, marker places.

OpenSim's own ScaleTool does the work: its ModelScaler takes a factor for each segment from the marker pairs of the
marker map (laboratory length over model length) and keeps the mass distribution while the total becomes the person's
mass; its MarkerPlacer then poses the model in the static trial and moves every marker to where it was measured. The
pose is then solved on to a finer accuracy (:mod:`.static_pose`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from exogait.data.errors import DataQualityWarning, InputError, UnknownNameError
from exogait.data.names import SCALED_ENDING, SIDES, side_of, stem
from exogait.data.storage import read_sto
from exogait.data.trc import marker_array, marker_labels, marker_table, write_trc
from exogait.data.trial import select_rows
from exogait.models.opensim_api import import_opensim

from ..markers.map import SEGMENTS, MarkerMap, Measurement, apply_marker_map
from .common import (
    body_names,
    coordinate_names,
    element,
    load_model,
    object_set,
    run_tool,
    working_directory,
    write_document,
)
from .static_pose import settle_static_pose

HOLD_WEIGHT = 1000.0
"""Weight (1/rad2 against 1/m2 of a marker) that keeps a coordinate at its value; OpenSim's example uses the same."""
UNSEEN_WEIGHT = 1.0
"""Weight that keeps a coordinate at its default where no marker can see it."""
FACTOR_RANGE = (0.5, 1.6)
"""Scale factors outside are no adult or child but a mistake in units or labels. A stated choice."""
STATED = {
    "pelvis": ("femur_r", "femur_l"), "thigh": ("femur_r", "tibia_r"), "shank": ("tibia_r", "talus_r"),
    "foot": ("talus_r", "toes_r"),
}  # fmt: skip
"""Lengths that can be stated and the bodies between whose origins, the joint centres, they lie: hip to hip, hip to
knee, knee to ankle, ankle to toe joint."""


@dataclass(frozen=True, kw_only=True)
class ScaleResult:
    """A model of one person."""

    model: Path
    """The scaled model with its markers placed."""
    setup: Path
    """Set-up of the ScaleTool that made it."""
    mass: float
    """kg."""
    factors: pd.DataFrame
    """Scale factors, index body, columns x, y, z."""
    marker_errors: pd.Series
    """Distance of each marker from its place on the scaled model in the static pose, before placing, m."""
    static_pose: pd.Series
    """Coordinates in the static trial, rad and m."""
    window: tuple[float, float]
    """Part of the static trial that was averaged, s."""
    notes: tuple[str, ...]
    """What the report must say: segments without a pair, markers that were missing."""


def quiet_window(markers: pd.DataFrame, *, duration: float = 1.0) -> tuple[float, float]:
    """Part of a static trial in which the person moves least.

    Args:
        markers: Marker table of the static trial.
        duration: Length of the window, s; the whole trial where it is shorter.

    Returns:
        Start and end, s.
    """
    time = markers.index.to_numpy(np.float64)
    if len(time) < 3 or time[-1] - time[0] <= duration:
        return float(time[0]), float(time[-1])
    positions = marker_array(markers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        speed = np.linalg.norm(np.gradient(positions, time, axis=0), axis=2)
        typical = np.nanmedian(speed, axis=1)
        seen = np.isfinite(positions).all(axis=2).mean(axis=1)
    frames = max(round(float(duration / np.median(np.diff(time)))), 1)
    # A frame that lacks markers is worse than one with a little movement: 1 m/s for all of them missing.
    cost = np.nan_to_num(typical, nan=np.inf) + (1.0 - seen)
    sums = np.convolve(cost, np.ones(frames + 1), mode="valid")
    start = int(np.argmin(sums))
    return float(time[start]), float(time[start + frames])


def average_pose(markers: pd.DataFrame, window: tuple[float, float]) -> pd.DataFrame:
    """Mean marker positions over a window as a marker table of two equal frames.

    OpenSim averages too, but a marker that misses one frame is lost to it, and a table of one frame has no rate.

    Args:
        markers: Marker table.
        window: Start and end, s.
    """
    part = select_rows(markers, (markers.index >= window[0] - 1e-9) & (markers.index <= window[1] + 1e-9))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        mean = np.nanmean(marker_array(part), axis=0)
    labels = [label for label, position in zip(marker_labels(part), mean, strict=True) if np.isfinite(position).all()]
    kept = mean[np.isfinite(mean).all(axis=1)]
    rate = float(markers.attrs.get("rate") or 100.0)
    return marker_table([0.0, 1.0 / rate], labels, np.stack([kept, kept]), name="static", rate=rate)


def add_markers(model: Any, marker_map: MarkerMap, keep: set[str] | None = None) -> None:
    """Replace a model's markers by those of a map, virtual ones included.

    Args:
        model: An ``opensim.Model``, changed in place.
        marker_map: The map.
        keep: Labels to place; default all.

    Raises:
        UnknownNameError: The map names a body that the model lacks.
    """
    opensim = import_opensim()
    bodies = body_names(model)
    model.updMarkerSet().clearAndDestroy()
    places = [(m.label, m.body, m.location or (0.0, 0.0, 0.0)) for m in marker_map.markers.values()]
    places += [(v.label, v.body, v.location) for v in marker_map.virtual.values()]
    for label, body, location in places:
        if body not in bodies:
            raise UnknownNameError(f"body of marker {label}", body, bodies, f"marker map {marker_map.key}")
        if keep is None or label in keep:
            marker = opensim.Marker(label, model.getBodySet().get(body), opensim.Vec3(*location))
            model.addMarker(marker)
    model.finalizeConnections()


def scale_model(
    static: pd.DataFrame,
    marker_map: MarkerMap,
    *,
    mass: float,
    out: str | Path,
    base_model: str | Path | None = None,
    time_range: tuple[float, float] | None = None,
    manual_factors: Mapping[str, float | tuple[float, float, float]] | None = None,
    lengths: Mapping[str, float] | None = None,
    name: str = "subject",
    height: float | None = None,
) -> ScaleResult:
    """Scale the model to a person.

    Args:
        static: Marker table of the static trial with the laboratory's own labels, in OpenSim's ground frame (Y up);
            one frame is enough.
        marker_map: The laboratory's marker set.
        mass: Body mass, kg.
        out: Folder for the set-up, the generic model with its markers, the static pose and the scaled model.
        base_model: Unscaled model; default the suite's own, without contact, device or deficit.
        time_range: Part of the static trial to average, s; default the quietest second.
        manual_factors: Scale factors by body that replace the measured ones.
        lengths: Stated lengths, m, that replace what markers measure (:func:`factors_of_lengths`).
        name: Name of the person, used for files.
        height: Body height, m, for the record.

    Returns:
        The scaled model and how well it fits.

    Raises:
        InputError: The mass is not positive, or markers for scaling are missing on every segment.
        ExogaitError: OpenSim's tool failed.

    Source: OpenSim ScaleTool (ModelScaler, MarkerPlacer).
    """
    if not (np.isfinite(mass) and mass > 0):
        raise InputError("mass", mass, "the body mass in kg, above 0")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    mapped = apply_marker_map(marker_map, static)
    window = time_range or quiet_window(mapped)
    pose = average_pose(mapped, window)
    seen = set(marker_labels(pose))
    notes: list[str] = []
    absent = [label for label in marker_map.markers if label not in seen]
    if absent:
        notes.append(f"not in the static trial, so not on the model: {', '.join(absent)}")

    model = _unscaled(base_model)
    add_markers(model, marker_map, keep=seen)
    generic = folder / f"{name}_generic.osim"
    model.printToXML(str(generic))
    write_trc(pose, folder / f"{name}_static.trc")

    measured = _measurable(marker_map, seen, notes)
    _check_lengths(model, pose, measured)
    stated = factors_of_lengths(model, lengths or {})
    manual = _fill_in(model, pose, measured, {**stated, **(manual_factors or {})}, notes)
    tasks = pose_tasks(model, marker_map, seen)
    setup = _write_setup(folder, name, mass, height, measured, manual, tasks, len(pose), pose)

    opensim = import_opensim()
    with working_directory(folder):
        run_tool(
            f"{name}: scaling (OpenSim ScaleTool)",
            lambda: opensim.ScaleTool(setup.name).run(),
            hint="check the static trial's labels and units",
        )
    result = folder / f"{name}{SCALED_ENDING}"
    factors = _read_factors(folder / f"{name}_scale_factors.xml")
    settle_static_pose(result, generic, folder / f"{name}_static_pose.mot", pose, tasks, factors)
    static_pose, errors = _static_fit(folder, name, pose)
    for note in notes:
        warnings.warn(f"{name}: {note}", DataQualityWarning, stacklevel=2)
    return ScaleResult(
        model=result,
        setup=setup,
        mass=mass,
        factors=factors,
        marker_errors=errors,
        static_pose=static_pose,
        window=window,
        notes=tuple(notes),
    )


def write_base_model(path: str | Path) -> Path:
    """Write the suite's own unscaled model for laboratory use: no contact, no device, no deficit.

    Args:
        path: File to write.
    """
    from exogait.models import build

    build(contact=False).printToXML(str(path))
    return Path(path)


def pose_tasks(model: Any, marker_map: MarkerMap, seen: set[str], *, static: bool = True) -> list[ElementTree.Element]:
    """Tasks of inverse kinematics: marker weights, held coordinates, coordinates that no marker sees.

    Args:
        model: The model.
        marker_map: The marker set.
        seen: Labels that the trial has.
        static: Weights of the static pose, else of walking.
    """
    tasks = []
    for marker in marker_map.markers.values():
        weight = marker.static_weight if static else marker_map.walking_weight(marker.label)
        if marker.label in seen and weight > 0:
            tasks.append(element("IKMarkerTask", name=marker.label, apply=True, weight=weight))
    for point in marker_map.virtual.values() if static else ():
        if point.label in seen and point.static_weight > 0:
            tasks.append(element("IKMarkerTask", name=point.label, apply=True, weight=point.static_weight))
    names = coordinate_names(model)
    held = _both_sides((*marker_map.hold, *(marker_map.hold_static if static else ())), names, marker_map.key)
    used = {task.get("name", "") for task in tasks}
    bodies = {marker.body for marker in marker_map.markers.values() if marker.label in used}
    unseen = [name for name in unseen_coordinates(model, bodies) if name not in held]
    for coordinates, weight in ((held, HOLD_WEIGHT), (unseen, UNSEEN_WEIGHT)):
        for coordinate in coordinates:
            tasks.append(
                element(
                    "IKCoordinateTask", name=coordinate, apply=True, weight=weight, value_type="manual_value", value=0.0
                )
            )
    return tasks


def unseen_coordinates(model: Any, bodies: set[str]) -> list[str]:
    """Coordinates of joints beyond which no body carries a marker; their values would be arbitrary.

    Args:
        model: The model.
        bodies: Bodies with markers.
    """
    joints = model.getJointSet()
    parent, coordinates = {}, {}
    for index in range(joints.getSize()):
        joint = joints.get(index)
        child = joint.getChildFrame().findBaseFrame().getName()
        parent[child] = joint.getParentFrame().findBaseFrame().getName()
        coordinates[child] = [joint.get_coordinates(k).getName() for k in range(joint.numCoordinates())]
    visible = set()
    for body in bodies:
        while body in parent:
            visible.add(body)
            body = parent[body]
    return [name for child, names in coordinates.items() if child not in visible for name in names]


def _unscaled(base_model: str | Path | None) -> Any:
    if base_model is not None:
        return load_model(base_model)
    from exogait.models import build

    model = build(contact=False)
    model.initSystem()
    return model


def _both_sides(held: tuple[str, ...], names: list[str], where: str) -> list[str]:
    result = []
    for name in held:
        hits = [name] if name in names else [f"{name}_{side}" for side in "rl" if f"{name}_{side}" in names]
        if not hits:
            raise UnknownNameError("coordinate to hold", name, names, f"marker map {where}")
        result += hits
    return result


def factors_of_lengths(model: Any, lengths: Mapping[str, float]) -> dict[str, float]:
    """Scale factors by body from lengths between joint centres, as a tape, an image or another laboratory gives them.

    Args:
        model: The unscaled model.
        lengths: Name of :data:`STATED`, with ``_r`` or ``_l`` for one side only, to length, m.

    Raises:
        InputError: A length is not near the model's.
        UnknownNameError: There is no such length.
    """
    state = model.initSystem()
    model.realizePosition(state)

    def place(body: str) -> np.ndarray:
        origin = model.getBodySet().get(body).getPositionInGround(state)
        return np.array([origin.get(k) for k in range(3)])

    factors: dict[str, float] = {}
    for name, length in sorted(lengths.items()):  # one side after both
        segment, sides = stem(name), SIDES if side_of(name) is None else (side_of(name),)
        if segment not in STATED or (segment == "pelvis" and name != segment):
            known = [*STATED, *(f"{word}_{side}" for word in STATED for side in SIDES if word != "pelvis")]
            raise UnknownNameError("segment length", name, known)
        for side in sides:
            ends = [body.replace("_r", f"_{side}") if segment != "pelvis" else body for body in STATED[segment]]
            factor = length / float(np.linalg.norm(place(ends[0]) - place(ends[1])))
            if not FACTOR_RANGE[0] < factor < FACTOR_RANGE[1]:
                near = f"a length near the model's {length / factor:.3f} m"
                raise InputError(f"length of {name}", f"{length:g} m", near)
            factors |= {body: factor for body in SEGMENTS[segment] if side_of(body) in (None, side)}
    return factors


def _measurable(marker_map: MarkerMap, seen: set[str], notes: list[str]) -> list[Measurement]:
    measured = []
    for measurement in marker_map.measurements:
        pairs = tuple(pair for pair in measurement.pairs if set(pair) <= seen)
        if not pairs:
            lacking = sorted({label for pair in measurement.pairs for label in pair} - seen)
            notes.append(f"{measurement.segment} cannot be measured, missing {', '.join(lacking)}")
            continue
        measured.append(Measurement(measurement.segment, measurement.axes, pairs))
    if not measured:
        raise InputError(
            "static trial", "no pair of markers for any segment", f"a trial with the markers of map {marker_map.key}"
        )
    return measured


def _lengths(model: Any, pose: pd.DataFrame, measurement: Measurement) -> list[tuple[tuple[str, str], float, float]]:
    """Pair, length in the laboratory and on the model, m."""
    state = model.initSystem()
    model.realizePosition(state)
    markers = model.getMarkerSet()
    result = []
    for pair in measurement.pairs:
        places = [np.array([markers.get(label).getLocationInGround(state).get(k) for k in range(3)]) for label in pair]
        here = marker_array(pose, pair)[0]
        result.append((pair, float(np.linalg.norm(here[1] - here[0])), float(np.linalg.norm(places[1] - places[0]))))
    return result


def _check_lengths(model: Any, pose: pd.DataFrame, measured: list[Measurement]) -> None:
    """Refuse factors that no person has before a model is made of them."""
    for measurement in measured:
        for pair, here, there in _lengths(model, pose, measurement):
            ratio = here / there
            if not FACTOR_RANGE[0] < ratio < FACTOR_RANGE[1]:
                raise InputError(
                    f"static trial, {pair[0]} to {pair[1]} ({measurement.segment})",
                    f"{here:.4g} m",
                    f"a length near the model's {there:.3f} m (factor {FACTOR_RANGE[0]} to {FACTOR_RANGE[1]}); check "
                    "units, labels and the static trial",
                )


def _fill_in(
    model: Any, pose: pd.DataFrame, measured: list[Measurement], manual: dict[str, Any], notes: list[str]
) -> dict[str, tuple[float, float, float]]:
    """Manual factors, and the mean of the measured ones for segments that no pair measures."""
    factors = {}
    bodies = set()
    for measurement in measured:
        ratios = [here / there for _, here, there in _lengths(model, pose, measurement)]
        factors[measurement.segment] = float(np.mean(ratios))
        bodies.update(measurement.bodies)
    mean = float(np.mean(list(factors.values())))
    result = {body: (mean, mean, mean) for body in body_names(model) if body not in bodies}
    if result:
        notes.append(f"scaled by the mean factor {mean:.3f} of the other segments: {', '.join(result)}")
    for body, factor in manual.items():
        if body not in body_names(model):
            raise UnknownNameError("body in manual_factors", body, body_names(model))
        result[body] = tuple(np.broadcast_to(factor, 3).tolist())
    return result


def _write_setup(
    folder: Path,
    name: str,
    mass: float,
    height: float | None,
    measured: list[Measurement],
    manual: dict[str, tuple[float, float, float]],
    tasks: list[ElementTree.Element],
    n_frames: int,
    pose: pd.DataFrame,
) -> Path:
    window = [float(pose.index[0]), float(pose.index[-1])]
    measurements = []
    for measurement in measured:
        pairs = [element("MarkerPair", markers=list(pair)) for pair in measurement.pairs]
        bodies = [element("BodyScale", name=body, axes=" ".join(measurement.axes)) for body in measurement.bodies]
        entry = element("Measurement", name=f"{measurement.segment}_{measurement.axes}", apply=True)
        entry.append(object_set("MarkerPairSet", pairs))
        entry.append(object_set("BodyScaleSet", bodies))
        measurements.append(entry)
    scales = [element("Scale", scales=list(factors), segment=body, apply=True) for body, factors in manual.items()]
    scaler = element(
        "ModelScaler",
        apply=True,
        scaling_order="measurements manualScale",
        marker_file=f"{name}_static.trc",
        time_range=window,
        preserve_mass_distribution=True,
        output_model_file="Unassigned",
        output_scale_file=f"{name}_scale_factors.xml",
    )
    scaler.append(object_set("MeasurementSet", measurements))
    scaler.append(object_set("ScaleSet", scales))
    placer = element(
        "MarkerPlacer",
        apply=True,
        marker_file=f"{name}_static.trc",
        time_range=window,
        output_motion_file=f"{name}_static_pose.mot",
        output_model_file=f"{name}{SCALED_ENDING}",
        max_marker_movement=-1.0,
    )
    placer.append(object_set("IKTaskSet", tasks))
    maker = element("GenericModelMaker", model_file=f"{name}_generic.osim", marker_set_file="Unassigned")
    root = element(
        "ScaleTool", name=name, mass=float(mass), height=-1.0 if height is None else 1000.0 * height, age=-1.0
    )
    root.extend([maker, scaler, placer])
    return write_document(folder / f"{name}_scale_setup.xml", root)


def _static_fit(folder: Path, name: str, pose: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Coordinates of the static pose, and how far each marker was from its place before it was moved there."""
    static = read_sto(folder / f"{name}_static_pose.mot", in_degrees=False).iloc[0]
    coordinates = {label.split("/")[-2]: value for label, value in static.items() if str(label).endswith("/value")}
    scaled, generic = load_model(folder / f"{name}{SCALED_ENDING}"), load_model(folder / f"{name}_generic.osim")
    factors = _read_factors(folder / f"{name}_scale_factors.xml")
    errors = {}
    markers = scaled.getMarkerSet()
    for index in range(markers.getSize()):
        marker = markers.get(index)
        body = marker.getParentFrame().findBaseFrame().getName()
        original = generic.getMarkerSet().get(marker.getName()).get_location()
        expected = np.array([original.get(k) for k in range(3)]) * factors.loc[body].to_numpy()
        placed = np.array([marker.get_location().get(k) for k in range(3)])
        errors[marker.getName()] = float(np.linalg.norm(placed - expected))
    return pd.Series(coordinates, name="static_pose"), pd.Series(errors, name="static_marker_error")


def _read_factors(path: Path) -> pd.DataFrame:
    root = ElementTree.parse(path).getroot()
    rows = {}
    for scale in root.iter("Scale"):
        body = (scale.findtext("segment") or "").strip()
        rows[body.split("/")[-1]] = [float(number) for number in (scale.findtext("scales") or "").split()]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["x", "y", "z"])
