"""Hostile inputs of the lab road's side doors: forces beside the markers, folders of other programs, sessions."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import yaml

from exogait.analysis.c3d.applied import ForceRecord
from exogait.analysis.c3d.force_files import read_forces
from exogait.analysis.lab.folders import find_walks, walk_of_setup
from exogait.analysis.lab.settings import LabSettings
from exogait.analysis.session.plan import plan_session, plan_table
from exogait.analysis.session.run import gather_session
from exogait.analysis.session.session import read_session
from exogait.analysis.signals.applied import device_loads, heed_statements, plates_of_table, table_loads
from exogait.analysis.signals.frame import LabFrame
from exogait.analysis.signals.stances import find_stances
from exogait.analysis.signals.strikes import PlateStrike
from exogait.data.storage import write_mot
from tests.kit.session_walks import made_up_session
from tests.safety.test_names import HOSTILE

from .commands import Cage
from .kinds import Kind
from .mutations import Rng, damage_bytes, damage_json, pick
from .words import BILLION, NUMBERS, PLACES, damage_csv, damage_settings

FRAME = LabFrame(np.eye(3), "+x", "+y", "", "", 0.0, ())
COLUMNS = {
    "time": "time", "length": "m",
    "plates": {"r": {"force": ["Fx", "Fy", "Fz"], "point": ["Px", "Py", "Pz"], "torque": ["Mx", "My", "Mz"]}},
}  # fmt: skip
LOADS = """<?xml version="1.0" encoding="UTF-8"?>
<OpenSimDocument Version="40000"><ExternalLoads name="loads"><objects>
<ExternalForce name="right"><applied_to_body>calcn_r</applied_to_body>
<force_expressed_in_body>ground</force_expressed_in_body><point_expressed_in_body>ground</point_expressed_in_body>
<force_identifier>F</force_identifier><point_identifier>P</point_identifier><torque_identifier>M</torque_identifier>
</ExternalForce>
<ExternalForce name="motor"><applied_to_body>femur_r</applied_to_body>
<force_identifier>Unassigned</force_identifier><torque_identifier>M</torque_identifier></ExternalForce>
</objects><datafile>forces.mot</datafile></ExternalLoads></OpenSimDocument>
"""


SETUP = """<?xml version="1.0" encoding="UTF-8"?>
<OpenSimDocument Version="40000"><InverseDynamicsTool name="walk">
<model_file>body.osim</model_file>
<coordinates_file>walk.mot</coordinates_file>
<external_loads_file>loads.xml</external_loads_file>
<lowpass_cutoff_frequency_for_coordinates>6</lowpass_cutoff_frequency_for_coordinates>
</InverseDynamicsTool></OpenSimDocument>
"""


def forces() -> pd.DataFrame:
    """One plate: 0.4 s, a foot on it for 0.3 s, moments about the plate's centre."""
    time = np.arange(40) / 100.0
    on = np.where((time > 0.05) & (time < 0.35), 1.0, 0.0)
    force = np.outer(on, [20.0, 700.0, -15.0])
    point = np.column_stack([0.1 + time, 0 * time, 0.2 + 0 * time])
    moment = np.cross(point - [0.4, 0.0, 0.3], force)
    names = [f"{what}{axis}" for what in "FPM" for axis in "xyz"]
    return pd.DataFrame(np.hstack([force, point, moment]), pd.Index(time, name="time"), columns=pd.Index(names))


def use_forces(record: ForceRecord) -> None:
    """Take forces down the road: the motion's clock, plates, stances, loads of feet and of a device."""
    recording: Any = SimpleNamespace(forces=record, n_frames=40, start=0.0, point_rate=100.0)
    plates = plates_of_table(recording, FRAME, threshold=20.0, cutoff=20.0)
    strikes = [
        PlateStrike(c.plate, c.start, c.stop, "r", True, "", c.complete, 0.0, 0.0) for p in plates for c in p.contacts
    ]
    find_stances(plates, heed_statements(strikes, record))
    table_loads(plates, strikes)
    device_loads(recording, FRAME)


def _rows(table: pd.DataFrame) -> list[list[str]]:
    return list(csv.reader(table.to_csv().splitlines()))


def _forces(name: str, share: float, folder: Path) -> Kind:
    """A table of forces, or the file that says which of its columns is what."""
    cage = Cage(folder)
    file, columns = cage.root / "forces.csv", cage.root / "columns.yaml"
    whole = forces().to_csv()
    rows = _rows(forces())
    columns.write_text(yaml.safe_dump(COLUMNS))
    file.write_text(whole)
    cage.close()

    def damage(rng: Rng) -> tuple[str, bytes]:
        if rng.random() < 0.4:
            what, data = damage_settings(COLUMNS, rng)
            columns.write_bytes(data)
            return f"columns {what}", whole.encode()
        columns.write_text(yaml.safe_dump(COLUMNS))
        return damage_csv(rows, rng)

    return Kind(name, share, file, damage, lambda: cage.run([], lambda: use_forces(read_forces(file, columns=columns))))


def damage_xml(text: str, rng: Rng) -> tuple[str, bytes]:
    """One word, element or byte of an XML file wrong, or another text instead."""
    action = rng.random()
    if action < 0.15:
        return damage_bytes(text.encode(), rng)
    if action < 0.25:
        bomb = "".join(f"<!ENTITY e{k + 1} '{f'&e{k};' * 10}'>" for k in range(12))
        other = (
            "<a>" * 50_000,
            f"<!DOCTYPE a [{bomb}]><a>&e12;</a>",
            "<a/>",
            "",
            BILLION,
            "<a>" + "x" * 10**6 + "</a>",
        )
        return "text", pick(rng, other).encode()
    lines = text.splitlines()
    row = int(rng.integers(1, len(lines)))
    if action < 0.4:
        lines[row : row + 1] = [lines[row]] * 2 if action < 0.32 else []
        return "line", "\n".join(lines).encode()
    words = [word for word in lines[row].replace("<", ">").split(">") if word]
    word = pick(rng, words) if words else "ExternalLoads"
    new = pick(rng, (*HOSTILE, *PLACES, *NUMBERS, "ground", "calcn_l", "nobody", "true"))
    return "word", text.replace(word, new, 1).encode("utf-8", "surrogatepass")


def _external_loads(name: str, share: float, folder: Path) -> Kind:
    """ExternalLoads of OpenSim, or the table that they name."""
    cage = Cage(folder)
    file, table = cage.root / "loads.xml", cage.root / "forces.mot"
    write_mot(forces(), table, rotational=(), in_degrees=False)
    whole = table.read_bytes()
    file.write_text(LOADS)
    cage.close()

    def damage(rng: Rng) -> tuple[str, bytes]:
        table.write_bytes(whole)
        if rng.random() < 0.3:
            what, data = damage_bytes(whole, rng)
            table.write_bytes(data)
            return f"table {what}", LOADS.encode()
        return damage_xml(LOADS, rng)

    return Kind(name, share, file, damage, lambda: cage.run([], lambda: use_forces(read_forces(file))))


def _setup(name: str, share: float, folder: Path) -> Kind:
    """A set-up of OpenSim's InverseDynamicsTool, which names all files of a walk and how angles are filtered."""
    cage = Cage(folder)
    file = cage.root / "setup.xml"
    for known in ("body.osim", "walk.mot", "loads.xml"):
        (cage.root / known).touch()
    file.write_text(SETUP)
    cage.close()

    def use() -> None:
        cutoff = walk_of_setup(file).coordinate_cutoff
        if cutoff is not None:
            LabSettings(coordinate_cutoff=cutoff)

    return Kind(name, share, file, lambda rng: damage_xml(SETUP, rng), lambda: cage.run([], use))


def _folder(name: str, share: float, folder: Path) -> Kind:
    """A folder as other programs leave it: names of its files, and what is said about the person."""
    cage = Cage(folder)
    place = cage.root / "lab"
    (place / "MarkerData").mkdir(parents=True)
    names = ("MarkerData/static.trc", "MarkerData/walk1.trc", "walk1_grf.mot", "body_scaled.osim", "walk1.mot")
    for known in names:
        (place / known).touch()
    content = {"mass_kg": 62.6, "height_m": 1.71, "subjectID": "s4"}
    persons = [["person", "mass", "height", "group", "marker_map"], ["MarkerData", "60", "1.7", "a", ""]]
    file = place / "sessionMetadata.yaml"
    file.write_text(yaml.safe_dump(content))
    cage.close()
    others: list[Path] = []

    def damage(rng: Rng) -> tuple[str, bytes]:
        while others:
            others.pop().unlink(missing_ok=True)
        action = rng.random()
        if action < 0.3:
            others.append(place / "persons.csv")
            what, data = damage_csv(persons, rng)
            others[0].write_bytes(data)
            return f"persons {what}", yaml.safe_dump(content).encode()
        if action < 0.5:
            word = pick(rng, (*HOSTILE, *PLACES, *NUMBERS)).replace("/", "_").replace("\x00", "")[:60]
            ending = pick(rng, (".trc", ".c3d", "_grf.mot", "_scaled.osim", "_ik.mot", "_grf.xml"))
            # Half of a pair is the name of no file; bytes that are no UTF-8 may be, and come as \udcff.
            word = os.fsdecode(word.encode("utf-8", "surrogateescape" if word == "\udcff" else "ignore"))
            others.append(place / f"{word}{ending}")
            others[0].touch()
            return "name", yaml.safe_dump(content).encode()
        return damage_settings(content, rng)

    def use() -> None:
        cage.close()  # with the file that the damage laid there
        cage.run([], lambda: (plan_table(plan_session(place)), find_walks(place)))

    return Kind(name, share, file, damage, use)


def _session_table(name: str, share: float, folder: Path) -> Kind:
    """Rows of a session: who walked, how, in which files."""
    rows = [["person", "condition", "walk", "static", "mass", "height", "group", "marker_map", "belt_speed", "name"],
            ["Anna", "bare", "w*.c3d", "s.c3d", "60", "1.7", "a", "", "1.2", ""],
            ["Bert", "brace", "done", "", "", "", "b", "plug_in_gait", "", "two"]]  # fmt: skip
    cage = Cage(folder)
    file = cage.root / "day.csv"
    (cage.root / "w1.c3d").touch()
    (cage.root / "done").mkdir()
    file.write_text("\n".join(",".join(row) for row in rows) + "\n")
    cage.close()

    def use() -> None:
        walks = plan_session(file)
        plan_table(walks)
        for walk in walks:
            walk.manifest_row()

    return Kind(name, share, file, lambda rng: damage_csv(rows, rng), lambda: cage.run([], use))


def lay_session(scratch: Path) -> Path:
    """A small session as ``exogait session`` writes it, made once for all kinds that share a folder."""
    place = scratch / "session-whole"
    if not place.exists():
        walks = made_up_session(scratch / "session-walks", persons=1, walks=1)
        gather_session(walks, out=place).write()
    return place


def lay_side_doors(place: Path, scratch: Path) -> None:
    """What command lines of these commands name, whole: forces, another program's folder, a session and its table."""
    forces().to_csv(place / "forces.csv")
    write_mot(forces(), place / "forces.mot", rotational=(), in_degrees=False)
    write_mot(forces().set_axis(list("abcdefghi"), axis=1), place / "small.mot", rotational=(), in_degrees=False)
    (place / "columns.yaml").write_text(yaml.safe_dump(COLUMNS))
    (place / "loads.xml").write_text(LOADS)
    (place / "body.osim").write_text("<OpenSimDocument><Body><mass>70</mass></Body></OpenSimDocument>")
    (place / "setup.xml").write_text(SETUP.replace("walk.mot", "small.mot"))
    (place / "lab").mkdir()
    (place / "lab" / "walk1.trc").touch()
    (place / "day.csv").write_text("person,condition,walk\nAnna,bare,walk\n")
    shutil.copytree(lay_session(scratch), place / "day")


def _session(name: str, share: float, folder: Path) -> Kind:
    """A finished session, one of its files wrong: read, looked at, compared."""
    cage = Cage(folder)
    place = cage.root / "day"
    shutil.copytree(lay_session(folder.parent), place)
    texts = {name: (place / name).read_text() for name in ("session.json", "walks.csv", "numbers.csv")}
    table = pd.read_parquet(place / "strides.parquet")
    whole = (place / "strides.parquet").read_bytes()
    file = place / "chosen"
    file.write_bytes(b"")
    cage.close()

    def of_strides(rng: Rng) -> tuple[str, bytes]:
        if rng.random() < 0.4:
            return damage_bytes(whole, rng)
        damaged = table.copy()
        column = pick(rng, list(damaged.columns))
        row = int(rng.integers(len(damaged)))
        value = pick(rng, (np.nan, np.inf, 1e300, -1e300, 0.0, -1.0, "text", ""))
        number = damaged[column].dtype.kind in "fib"
        if isinstance(value, float) and not number:
            damaged = damaged.drop(columns=column) if rng.random() < 0.5 else damaged.iloc[:row]
        else:
            damaged[column] = damaged[column].astype(float if isinstance(value, float) else str)
            rows = slice(row, row + 1) if rng.random() < 0.6 else slice(None)
            damaged.iloc[rows, list(damaged.columns).index(column)] = value
        path = place / "strides.parquet"
        damaged.to_parquet(path)
        return f"strides {column}", path.read_bytes()

    def damage(rng: Rng) -> tuple[str, bytes]:
        for known, text in texts.items():
            (place / known).write_text(text)
        (place / "strides.parquet").write_bytes(whole)
        chosen = pick(rng, (*texts, "strides.parquet", "strides.parquet"))
        if chosen == "strides.parquet":
            what, data = of_strides(rng)
        elif chosen == "session.json":
            what, data = damage_json(texts[chosen], rng)
        else:
            what, data = damage_csv(list(csv.reader(texts[chosen].splitlines())), rng)
        (place / chosen).write_bytes(data)
        return f"{chosen} {what}", b""

    def use() -> None:
        session = read_session(place)
        session.summary()
        str(session.card())
        str(session.compare("bare", "brace").card())

    return Kind(name, share, file, damage, lambda: cage.run([], use))


MAKERS: dict[str, tuple[Callable[[str, float, Path], Kind], float]] = {
    "forces": (_forces, 0.06), "external loads": (_external_loads, 0.05), "set-up": (_setup, 0.03),
    "folder": (_folder, 0.04), "session table": (_session_table, 0.04), "session": (_session, 0.02),
}  # fmt: skip
"""Kind of input to what makes it and its share."""
