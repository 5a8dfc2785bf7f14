"""Replay of a walk as one HTML page that needs no network, no server and no installed software but a browser.

The page holds the geometry of a :class:`~exogait.osim_env.viewing.scene.Scene` as compact arrays and draws it with
WebGL 2: bones, muscles coloured by activation, ground reactions, device torques, and a time bar over the vertical
forces. The same page shows inline in a notebook (:class:`Replay`).
"""

from __future__ import annotations

import base64
import html
import json
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exogait.data.constants import GRAVITY
from exogait.data.errors import InputError
from exogait.data.files import write_text_atomic
from exogait.data.results import read_result, result_model
from exogait.data.trial import GaitTrial

from ..engine import Model
from ..gait.setup import WorldSetup, model_files
from .bone_meshes import read_bone_meshes
from .scene import CONTACT_FORCE, FRAME_RATE, Scene, make_scene

WEB = Path(__file__).parent / "web"

UNKNOWN_ACTIVATION = 255


@dataclass(frozen=True)
class Replay:
    """A replay page that shows itself in Jupyter and writes itself to a file."""

    page: str = field(repr=False)
    """The whole HTML page."""
    height: int = 560
    """Height in a notebook, pixels."""

    def _repr_html_(self) -> str:
        # An iframe keeps the page's style and script out of the notebook, and needs no file beside it.
        return (
            f'<iframe srcdoc="{html.escape(self.page, quote=True)}" width="100%" height="{self.height}" '
            'style="border:0;border-radius:10px" title="Replay of a walk"></iframe>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the page as an .html file."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_text_atomic(path, self.page)


def replay(
    walk: str | Path | GaitTrial,
    model: str | Path | Model | None = None,
    *,
    geometry: str | Path | None = None,
    rate: float = FRAME_RATE,
    begin: Mapping[str, str | float] | None = None,
) -> Replay:
    """Make the replay of a result folder or of a trial.

    Args:
        walk: Folder of ``exogait simulate`` or ``exogait lab run``, or a trial.
        model: Model of the trial (.osim, compiled, or in memory); that of the folder if not given.
        geometry: Folder of bone surfaces (.vtp); ``EXOGAIT_GEOMETRY`` if not given. Without one, bars stand for bones.
        rate: Frames a second.
        begin: How the page begins: ``t`` (s), ``view`` (right, left, front, oblique), ``paused``.

    Returns:
        The replay; as the last line of a notebook cell it shows itself.

    Raises:
        FileFormatError: The folder holds no trial or no model.
        InputError: The trial has no coordinates, or others than the model.

    Example:
        >>> replay("out/walk").save("replay.html")  # doctest: +SKIP
    """
    return Replay(replay_page(load_scene(walk, model, geometry=geometry, rate=rate), begin=begin))


def load_scene(
    walk: str | Path | GaitTrial,
    model: str | Path | Model | None = None,
    *,
    geometry: str | Path | None = None,
    rate: float = FRAME_RATE,
) -> Scene:
    """Geometry of a result folder or of a trial; arguments as for :func:`replay`."""
    trial = walk if isinstance(walk, GaitTrial) else read_result(walk)
    trial = known_part(trial)
    if model is None:
        if isinstance(walk, GaitTrial):
            raise InputError(f"{trial.name}: model", None, "the model (.osim) whose coordinates the trial holds")
        model = result_model(walk)
    if isinstance(model, Model):
        return make_scene(trial, model, rate=rate)
    path = Path(model)
    if path.suffix == ".npz":
        osim = path.with_suffix(".osim")
        meshes = read_bone_meshes(osim, Model.load(path).body_names, geometry) if osim.is_file() else ()
        return make_scene(trial, Model.load(path), rate=rate, meshes=meshes)
    from exogait.data.errors import UnsupportedModelError

    try:
        _, compiled = model_files(WorldSetup(model=str(path)))
        ready = Model.load(compiled)
    except UnsupportedModelError:
        ready = None
    # A path that wraps is more than its points.
    if ready is None or len(ready.wraps.muscle):
        from .scene_opensim import make_scene_with_opensim

        return make_scene_with_opensim(trial, path, rate=rate, geometry=geometry)
    return make_scene(trial, ready, rate=rate, meshes=read_bone_meshes(path, ready.body_names, geometry))


def known_part(trial: GaitTrial) -> GaitTrial:
    """The trial from the first to the last instant of which all coordinates are known."""
    table = trial.require("coordinates")
    known = np.flatnonzero(np.isfinite(table.to_numpy(np.float64)).all(axis=1))
    if len(known) < 2:
        raise InputError(f"{trial.name}: coordinates", f"{len(known)} known frame(s)", "a replay needs at least two")
    if len(known) == len(table):
        return trial
    return trial.crop(float(table.index[known[0]]), float(table.index[known[-1]]))


def replay_page(scene: Scene, *, begin: Mapping[str, str | float] | None = None) -> str:
    """The replay of a scene as an HTML page.

    Args:
        scene: The geometry.
        begin: How the page begins (see :func:`replay`).
    """
    store = _Store()
    facts = _facts(scene)
    facts["begin"] = "&".join(f"{key}={value}" for key, value in (begin or {}).items())
    _put_poses(scene, store)
    _put_muscles(scene, store)
    if scene.force is not None and scene.pressure is not None:
        store.put("force", scene.force, "f4")
        store.put("pressure", scene.pressure, "f4")
    if scene.torque:
        store.put("torque", np.stack([t.value for t in scene.torque.values()], axis=1), "f4")
        store.put("torqueAxis", np.stack([t.axis for t in scene.torque.values()], axis=1), "f4")
    for k, mesh in enumerate(scene.meshes):
        store.put(f"meshPoints{k}", mesh.points, "f4")
        store.put(f"meshIndex{k}", mesh.triangles, "i4")
    facts["arrays"] = store.directory
    template = string.Template((WEB / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        TITLE=html.escape(facts["title"]),
        # "</script>" in a name would end the data early.
        FACTS=json.dumps(facts, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c"),
        ARRAYS=store.text(),
        SCRIPT="\n".join((WEB / name).read_text(encoding="utf-8") for name in ("walk.js", "replay.js")),
    )


class _Store:
    """Arrays one behind the other in one piece of base64."""

    def __init__(self) -> None:
        self.directory: dict[str, tuple[str, int, int]] = {}
        self.parts: list[bytes] = []
        self.size = 0

    def put(self, name: str, values: Any, kind: str) -> None:
        array = np.ascontiguousarray(values, f"<{kind}")
        raw = array.tobytes()
        raw += bytes(-len(raw) % 4)  # typed arrays in the browser begin at multiples of their item size
        self.directory[name] = (kind, self.size, array.size)
        self.parts.append(raw)
        self.size += len(raw)

    def text(self) -> str:
        return base64.b64encode(b"".join(self.parts)).decode("ascii")


def _put_poses(scene: Scene, store: _Store) -> None:
    store.put("position", scene.position, "f4")
    store.put("rotation", np.round(scene.rotation * 32767), "i2")


def _put_muscles(scene: Scene, store: _Store) -> None:
    count = len(scene.point_body)
    which = np.full((2, count), -1, np.int32)
    which[0, scene.moving] = np.arange(len(scene.moving))
    which[1, scene.conditional] = np.arange(len(scene.conditional))
    store.put("pointStart", scene.point_start, "i4")
    store.put("pointBody", scene.point_body, "i4")
    store.put("pointMoving", which[0], "i4")
    store.put("pointCondition", which[1], "i4")
    store.put("pointLocal", scene.point_local, "f4")
    store.put("movingLocal", scene.moving_local, "f4")
    store.put("active", scene.active, "u1")
    store.put("radius", scene.radius, "f4")
    if scene.activation is not None:
        store.put("activation", activation_bytes(scene.activation), "u1")


def activation_bytes(activation: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Activations as bytes: 0 to 254 for 0 to 1, 255 for not known."""
    known = np.isfinite(activation)
    scaled = np.round(254 * np.clip(np.where(known, activation, 0.0), 0.0, 1.0))
    return np.where(known, scaled, UNKNOWN_ACTIVATION).astype(np.uint8)


def _facts(scene: Scene) -> dict[str, Any]:
    trial, time = scene.trial, scene.time
    mass = trial.about.mass
    mass = float(mass) if mass is not None and mass > 0 else 75.0
    rate = (len(time) - 1) / (time[-1] - time[0])
    root = scene.bodies.index("pelvis") if "pelvis" in scene.bodies else 0
    middle = scene.position[:, root].mean(axis=0)
    title, lead = _words(scene)
    return {
        "title": title,
        "kind": "Simulated walk" if scene.simulated else "Measured walk",
        "simulated": scene.simulated,
        "lead": lead,
        "frames": len(time),
        "start": float(time[0]),
        "rate": float(rate),
        "mass": mass,
        "weight": mass * GRAVITY,
        "contactForce": CONTACT_FORCE,
        "root": root,
        "middle": [float(middle[0]), 0.92, float(middle[2])],
        "bodies": list(scene.bodies),
        "muscles": list(scene.muscles),
        "partly": scene.activation is not None and bool(np.isnan(scene.activation).any()),
        "moving": len(scene.moving),
        "conditional": len(scene.conditional),
        "links": [
            {"body": link.body, "end": link.end, "radius": link.radius, "ghost": link.ghost} for link in scene.links
        ],
        "meshes": [{"body": mesh.body} for mesh in scene.meshes],
        "torques": [
            {"label": name.removeprefix("exo_").replace("_", " "), "body": torque.body, "side": name[-1]}
            for name, torque in scene.torque.items()
        ],
        "events": [
            {"frame": round((e.time - float(time[0])) * float(rate), 2), "side": e.side, "kind": e.kind}
            for e in scene.events
        ],
    }  # fmt: skip


def _words(scene: Scene) -> tuple[str, str]:
    """Title and the line under it."""
    about = scene.trial.about
    parts = []
    speed = about.walked_speed
    if speed is not None and np.isfinite(speed):
        parts.append(f"{speed:.2f} m/s")
    for key in ("policy", "device", "deficit", "engine"):
        if getattr(about, key):
            parts.append(f"{key} {getattr(about, key)}")
    if about.fell:
        parts.append(f"falls at {about.fall_time:.2f} s")
    return about.subject or scene.trial.name, ", ".join(parts)
