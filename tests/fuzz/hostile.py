"""``python -m tests.fuzz hostile --count 2000``: hostile settings, tables, names and options, as commands meet them.

Kinds of inputs for the harness of :mod:`tests.fuzz.arrays`: each is one file with one thing wrong, or one command line,
and is used in a child process. It must work or be refused in one line; no traceback, no 5 s, no gibibyte, and no file
outside the folder that was named.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from exogait.analysis.lab.batch import run_batch
from exogait.analysis.lab.export import write_tables
from exogait.analysis.lab.manifest import ManifestRow, read_manifest
from exogait.analysis.markers.map import read_marker_map
from exogait.analysis.signals.overrides import read_overrides
from exogait.data.errors import ExogaitError
from exogait.data.home import find, find_folder
from exogait.data.settings import from_mapping, load_settings
from exogait.junction.templates import TEMPLATES, new_file
from exogait.models import load_deficit, load_device, load_subject
from exogait.osim_env.engine import Model
from exogait.osim_env.gait.setup import COMPILED
from exogait.osim_env.learning.config import TrainConfig, jsonable
from exogait.osim_env.learning.run import find_config
from exogait.osim_env.study.plan import StudyConfig, find_study, plan
from exogait.osim_env.study.tune import training_config
from tests.analysis.c3d.test_c3d import small_file
from tests.safety.test_names import HOSTILE
from tests.safety.test_ranges import NEEDED

from . import lab_kinds
from .commands import Cage, command_line, commands
from .kinds import Kind, small_trial
from .lab_kinds import lay_side_doors
from .mutations import Rng, pick
from .words import NUMBERS, PLACES, VALUES, damage_csv, damage_settings

# -- settings ---------------------------------------------------------------------------------------------------------


def _file_kind(
    name: str, share: float, folder: Path, content: dict[str, Any], file: str, read: Callable[[Path], object]
) -> Kind:
    cage = Cage(folder)
    path = cage.root / file
    path.write_text(yaml.safe_dump(content))
    cage.close()
    return Kind(name, share, path, lambda rng: damage_settings(content, rng), lambda: cage.run([], lambda: read(path)))


def _yaml_of(kind: Any, name: str) -> dict[str, Any]:
    return yaml.safe_load(find(kind, name).read_text(encoding="utf-8"))


def _device(name: str, share: float, folder: Path) -> Kind:
    content = _yaml_of("devices", "hip_ankle")
    return _file_kind(name, share, folder, content, "hip_ankle.yaml", lambda p: str(load_device(p).card()))


def _deficit(name: str, share: float, folder: Path) -> Kind:
    content = _yaml_of("deficits", "plantarflexors")

    def read(path: Path) -> object:
        return load_deficit(path, strength=40.0), str(load_deficit(path).card())

    return _file_kind(name, share, folder, content, "plantarflexors.yaml", read)


def _subject(name: str, share: float, folder: Path) -> Kind:
    content = {"name": "anna", "mass_kg": 60.0, "height_m": 1.7,
               "segment_factors": {"thigh": 0.95, "shank_r": [1.0, 0.9, 1.1]}}  # fmt: skip

    def read(path: Path) -> object:
        return load_subject(path).body_factors()

    return _file_kind(name, share, folder, content, "anna.yaml", read)


def _marker_map(name: str, share: float, folder: Path) -> Kind:
    content = _yaml_of("marker_maps", "plug_in_gait")
    return _file_kind(name, share, folder, content, "mine.yaml", lambda p: str(read_marker_map(p)))


def _training(name: str, share: float, folder: Path) -> Kind:
    """Every setting of a training: the world is made, and bodies walk a moment on the reference motion."""
    whole = load_settings(TrainConfig, find_config("assistance"))
    content = jsonable(dataclasses.asdict(whole))
    content |= {"n_envs": 2, "n_steps": 2, "start_human": None, "start_device": None}

    def read(path: Path) -> object:
        from exogait.osim_env.gait.setup import make_world

        config = load_settings(TrainConfig, path)
        world = make_world(config.setup, config.world, n_envs=2, seed=config.seed)
        world.reset(np.arange(2))
        return world.step(np.zeros((2, world.n_human_actions)))

    return _file_kind(name, share, folder, content, "training.yaml", read)


def _study(name: str, share: float, folder: Path) -> Kind:
    whole = load_settings(StudyConfig, find_study("hip_ankle"))
    content = jsonable(dataclasses.asdict(whole))

    def read(path: Path) -> object:
        config = load_settings(StudyConfig, path)
        return [training_config(config, task, folder) for task in plan(config) if task.kind in ("train", "tune")]

    return _file_kind(name, share, folder, content, "study.yaml", read)


def _settings(name: str, share: float, folder: Path) -> Kind:
    """Requests and configurations as Python makes them, one field wrong."""
    classes = {cls.__name__: cls for cls in NEEDED}
    cage = Cage(folder)
    file = cage.root / "settings.json"
    file.write_text(json.dumps(["LabSettings", "max_gap", 0.1]))
    cage.close()

    def damage(rng: Rng) -> tuple[str, bytes]:
        cls = classes[pick(rng, list(classes))]
        field = pick(rng, [field.name for field in dataclasses.fields(cls) if field.init])
        return f"{cls.__name__}.{field}", json.dumps([cls.__name__, field, pick(rng, VALUES)]).encode()

    def use() -> None:
        cls_name, field, value = json.loads(file.read_text())
        cls = classes[cls_name]
        values = {k: list(map(dataclasses.asdict, v)) if k == "stages" else str(v) if isinstance(v, Path) else v
                  for k, v in NEEDED[cls].items()}  # fmt: skip
        cage.run([], lambda: from_mapping(cls, {**values, field: value}))

    return Kind(name, share, file, damage, use)


# -- tables -----------------------------------------------------------------------------------------------------------


def _manifest(name: str, share: float, folder: Path) -> Kind:
    """Rows of a batch, taken down the lab road as far as files that are no trials let them."""
    rows = [["subject", "static", "trial", "mass", "height", "name", "condition", "belt_speed", "marker_map"],
            ["Anna", "noise.c3d", "noise.c3d", "60", "1.7", "one", "slow", "1.2", ""],
            ["Bert", "missing.c3d", "walk.c3d", "80", "", "two", "", "", "plug_in_gait"]]  # fmt: skip
    cage = Cage(folder)
    file = cage.root / "manifest.csv"
    file.write_text("\n".join(",".join(row) for row in rows) + "\n")
    (cage.root / "noise.c3d").write_bytes(bytes(range(256)) * 20)
    cage.close()

    def batch() -> None:
        failed = run_batch(read_manifest(file), out=cage.out).failures
        for error in failed["error"]:
            assert len(str(error).splitlines()) == 1 and "unexpected" not in error, error

    return Kind(name, share, file, lambda rng: damage_csv(rows, rng), lambda: cage.run([], batch))


def _overrides(name: str, share: float, folder: Path) -> Kind:
    rows = [["what", "side", "time", "plate"], ["heel_strike", "r", "0.5", ""], ["plate", "l", "1.0", "2"]]
    cage = Cage(folder)
    file = cage.root / "hand.csv"
    file.write_text("\n".join(",".join(row) for row in rows) + "\n")
    cage.close()
    return Kind(
        name, share, file, lambda rng: damage_csv(rows, rng), lambda: cage.run([], lambda: read_overrides(file))
    )


def _trial_numbers(name: str, share: float, folder: Path) -> Kind:
    """Numbers in the tables of a walk: gait numbers, a replay and a comparison."""
    from tests.kit.gait_trials import walking_trial

    cage = Cage(folder)
    walking_trial().write_parquet(cage.root / "walk" / "trial")
    walking_trial().write_parquet(cage.root / "other" / "trial")
    tables = sorted((cage.root / "walk" / "trial").glob("*.parquet"))
    whole = {path.name: path.read_bytes() for path in tables}
    file = cage.root / "walk" / "trial" / "chosen"
    file.write_bytes(b"")
    cage.close()

    def damage(rng: Rng) -> tuple[str, bytes]:
        for path in tables:
            path.write_bytes(whole[path.name])
        path = tables[int(rng.integers(len(tables)))]
        table = pd.read_parquet(path)
        row, column = int(rng.integers(len(table))), int(rng.integers(table.shape[1]))
        value = pick(rng, (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-300, 0.0, -1.0, 1e6))
        action = rng.random()
        if table.iloc[:, column].dtype.kind != "f":
            table = table.iloc[:row]
        elif action < 0.5:
            table.iloc[row, column] = value
        elif action < 0.7:
            table.iloc[:, column] = value
        elif action < 0.8:
            table.iloc[:] = value
        elif action < 0.9:
            table = table.iloc[: pick(rng, (0, 1, 2, 3))]
        else:
            table = table.drop(columns=table.columns[column])
        attrs = table.attrs
        table.attrs = {}
        table.to_parquet(path)
        table.attrs = attrs
        return f"{path.stem} {value}", b"compare" if rng.random() < 0.15 else b""

    def use() -> None:
        line = ["compare", "walk", "other", "--out", "out/compared"] if file.read_bytes() else []
        cage.run(line, None if line else lambda: _look_at(cage.root / "walk", cage.out))

    return Kind(name, share, file, damage, use, patience=3.0)  # two whole walks and their figures take 4 s


def _look_at(folder: Path, out: Path) -> None:
    from exogait.analysis.gait.metrics import compute_metrics
    from exogait.data.results import read_result
    from exogait.osim_env.viewing.scene import make_scene

    trial = read_result(folder)
    compute_metrics(trial)
    write_tables(trial, out)
    if set(Model.load(COMPILED[None]).coordinate_names) <= set(trial.require("coordinates").columns):
        make_scene(trial, Model.load(COMPILED[None])).muscle_lines(0)


# -- names and options ------------------------------------------------------------------------------------------------


def _names(name: str, share: float, folder: Path) -> Kind:
    """Names of everything, through everything that looks a name up or writes one."""
    cage = Cage(folder)
    file = cage.root / "name.json"
    file.write_text(json.dumps("S01"))
    cage.close()
    trial = small_trial(Model.load(COMPILED["hip_ankle"]))
    missing = cage.root / "none.c3d"

    def damage(rng: Rng) -> tuple[str, bytes]:
        text = pick(rng, (*HOSTILE, *PLACES, *NUMBERS))
        if rng.random() < 0.5:
            text = "".join(pick(rng, (text, "/", "..", ".yaml", "\x00", "a", " ", ":", "é"))[:200] for _ in range(3))
        return "name", json.dumps(text).encode()

    def use() -> None:
        text = json.loads(file.read_text())
        row = ManifestRow(name=text, subject=text, static=missing, walk=missing, mass=60.0, condition=text)
        actions: tuple[Callable[[], object], ...] = (
            lambda: run_batch([row], out=cage.out / "batch"),
            lambda: write_tables(dataclasses.replace(trial, name=text), cage.out),
            *(lambda kind=kind: new_file(kind, text, out=None) for kind in TEMPLATES),
            *(lambda kind=kind: find(kind, text) for kind in ("devices", "deficits", "policies", "studies")),
            lambda: find_folder("policies", text),
            lambda: plan(StudyConfig(name=text, device="hip_ankle")),
        )
        refused: list[ExogaitError] = []
        for action in actions:
            try:
                cage.run([], action)
            except ExogaitError as error:
                refused.append(error)
        if len(refused) == len(actions):
            raise refused[0]

    return Kind(name, share, file, damage, use)


BASE: dict[str, dict[str, str | None]] = {
    "model build": {"out": "out/mine.osim"}, "model show": {}, "model list": {}, "verify": {"states": "2"},
    "new device": {"name": "mine"}, "new deficit": {"name": "mine"}, "new subject": {"name": "mine"},
    "new marker-map": {"name": "mine"},
    "lab run": {"static": "small.c3d", "trial": "small.c3d", "mass": "60", "out": "out/lab"},
    "lab batch": {"manifest": "manifest.csv", "out": "out/batch"}, "lab maps": {}, "lab labels": {"file": "small.c3d"},
    "session run": {"source": "day.csv", "out": "out/session"},
    "session compare": {"folder": "day", "first": "bare", "second": "brace", "out": "out/compared"},
    "simulate": {"policy": "reference-feedback", "out": "out/walk", "seconds": "0.04"},
    "replay": {"folder": "walk", "out": "out/replay.html", "model": "gait.npz"},
    "video": {"folder": "walk", "film": "out/film.gif", "model": "gait.npz"},
    "compare": {"first": "walk", "second": "walk", "out": "out/compared"}, "policies": {},
    "train": {"config": "tiny.yaml", "out": "out/run", "threads": "1"},
    "controller": {"policy": "hip_ankle/1-healthy_device", "out": "out/controller"},
    "reference": {"out": "out/mine.json", "manifest": "manifest.csv"},
    "study": {"config": "hip_ankle", "out": "out/study", "policies": "folder"},
    "optimum": {"policies": "folder", "out": "out/optimum"},
    "personalize": {"lab": "walk", "out": "out/person"}, "report": {"folder": "folder"},
    "demo": {"out": "out/demo", "policies": "folder"}, "doctor": {},
}  # fmt: skip
"""Each command as it is before one thing of it is made hostile, so that it ends soon."""
OTHERWISE: dict[str, tuple[dict[str, str | None], ...]] = {
    "lab run": (
        {"static": "small.c3d", "trial": "small.c3d", "mass": "60", "out": "out/lab", "forces": "forces.csv",
         "force-columns": "columns.yaml"},
        {"static": "small.c3d", "trial": "small.c3d", "mass": "60", "out": "out/lab", "forces": "loads.xml"},
        {"folder": "lab", "trial": "walk1", "out": "out/lab"},
        {"setup": "setup.xml", "out": "out/lab"},
        {"trial": "small.mot", "model": "body.osim", "forces": "forces.mot", "out": "out/lab"},
    ),
    "session run": ({"source": "lab", "out": "out/session"},),
}  # fmt: skip
"""Other ways to call a command that takes several kinds of files."""


LIMITS = ("policies", "states", "seconds", "threads", "model", "config")
"""Arguments without which a command would do the work of minutes."""
OUTPUTS = ("out", "film", "table", "export", "draft")
"""Arguments that name what is written."""


def _options(name: str, share: float, folder: Path) -> Kind:
    """Command lines of every command, one argument hostile, missing, unknown or twice."""
    known = commands()
    cage = Cage(folder)
    file = cage.root / "line.json"
    file.write_text(json.dumps(["policies"]))
    (cage.root / "folder").mkdir()
    (cage.root / "small.c3d").write_bytes(small_file(n_frames=30, labels=("RHEE", "LHEE", "RTOE", "LTOE", "SACR")))
    (cage.root / "manifest.csv").write_text("static,trial,mass\nsmall.c3d,small.c3d,60\n")
    for noise in ("noise.yaml", "noise.c3d", "noise.csv"):
        (cage.root / noise).write_bytes(bytes(range(256)) * 20)
    (cage.root / "empty.yaml").write_bytes(b"")
    os.mkfifo(cage.root / "pipe")
    small_trial(Model.load(COMPILED["hip_ankle"])).write_parquet(cage.root / "walk" / "trial")
    (cage.root / "gait.npz").write_bytes(COMPILED["hip_ankle"].read_bytes())
    lay_side_doors(cage.root, folder.parent)
    tiny = {"name": "tiny", "n_envs": 4, "n_steps": 4, "stages": [{"samples": 16}], "evaluate_every": 1e9,
            "human": {"layers": [8], "minibatch": 16, "epochs": 1},
            "evaluation": {"starts": 1, "n_speeds": 1, "seconds": 0.04, "settle": 0.0}}  # fmt: skip
    (cage.root / "tiny.yaml").write_text(yaml.safe_dump(tiny))
    cage.close()

    def damage(rng: Rng) -> tuple[str, bytes]:
        command = pick(rng, list(known))
        given, options = dict(pick(rng, (BASE[command], *OTHERWISE.get(command, ())))), known[command]
        action = rng.random()
        if not options or action < 0.06:
            line = [
                *command_line(command, given),
                pick(rng, ("--unknown", "--out", "-x", "--", "extra", "--nam=3", "")),
            ]
            return f"{command} more", json.dumps(line).encode()
        option = pick(rng, options)
        if action < 0.12 and set(given) - set(LIMITS):
            gone = pick(rng, [name for name in given if name not in LIMITS])
            del given[gone]
            what = f"{command} without {gone}"
        elif option.kind == "flag":
            given[option.name] = None if action < 0.6 else "text"
            what = f"{command} {option.name}"
        else:
            words = NUMBERS if option.kind == "number" else PLACES if option.kind == "path" else (*HOSTILE, *PLACES)
            if rng.random() < 0.1:
                words = (*NUMBERS, *PLACES, *HOSTILE)
            if option.name in OUTPUTS:  # what is named may be written, but not all over this machine
                words = [word for word in words if not word.startswith(("/", ".."))]
            given[option.name] = pick(rng, words)
            what = f"{command} {option.name}={ascii(given[option.name])[:60]}"
        return what, json.dumps(command_line(command, given)).encode()

    def use() -> None:
        line = json.loads(file.read_text())
        named = {word for word in line if not word.startswith("--") or word.partition("=")[0][2:] in OUTPUTS}
        cage.run(line, named={word.rpartition("=")[2] for word in named})

    return Kind(name, share, file, damage, use)


MAKERS: dict[str, tuple[Callable[[str, float, Path], Kind], float]] = lab_kinds.MAKERS | {
    "device": (_device, 0.08), "deficit": (_deficit, 0.07), "subject": (_subject, 0.06),
    "marker map": (_marker_map, 0.09), "training": (_training, 0.14), "study": (_study, 0.09),
    "settings": (_settings, 0.08), "manifest": (_manifest, 0.05), "overrides": (_overrides, 0.04),
    "trial numbers": (_trial_numbers, 0.08), "names": (_names, 0.06), "options": (_options, 0.16),
}  # fmt: skip
"""Kind of input to what makes it and its share; policies and models are those of :mod:`.kinds`."""
HOSTILE_KINDS = (*MAKERS, "policy", "model")
