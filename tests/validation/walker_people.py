"""The walker beside people, by the aims of a person: moments, loading, push-off, when muscles act.

What the recruitment baseline is judged by stands in :mod:`.walking_gait`; these aims are narrower, and of the same
walk. Nobody here entered a fit: two adults with moments and electromyography, the knee's loading of the adults of a
published table.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from exogait.data.norms import CYCLE
from tests.validation.sections import markdown_table
from tests.validation.walking_gait import MOMENTS, PROMINENCE, GaitFacts, both_legs, judge_r
from tests.validation.walking_references import emg_envelopes
from tests.validation.walking_world import MAIN_SPEED, Aim, Found

LEAST_R = {"hip_extension_moment": 0.9, "knee_extension_moment": 0.85, "ankle_plantarflexion_moment": 0.9}
KNEE_LOADING = ((1.10, 0.33), (1.56, 0.64))
"""Peak knee extension moment in loading of 14 adults over speed, (m/s, N m/kg); its SD is 0.27 at both."""
KNEE_SD = 0.27
LOADING = 30
"""Last percent of the cycle that counts as loading."""
FIRST_PEAK, LARGEST = (0.95, 1.25), 1.3
"""Range of the first peak of the vertical force and largest value of it anywhere, body weights."""
EARLY = 20
"""Percent of the cycle before which the calf acts."""


def beside_people(facts: GaitFacts) -> Found:
    """Aims of a person for a steady walk, and its muscles beside measured envelopes."""
    aims = []
    for key in MOMENTS:
        adults = [n for n in facts.norms[key] if n.population == "adults"]
        aims.append(judge_r(key, both_legs(facts.trial, key), adults, LEAST_R[key]))
    knee = float(both_legs(facts.trial, "knee_extension_moment")[:LOADING].max())
    theirs = float(np.interp(MAIN_SPEED, *np.array(KNEE_LOADING).T))
    aims.append(Aim("peak knee extension moment in loading", f"{knee:.2f} N m/kg",
                    f"{theirs:.2f} +- {KNEE_SD:.2f}", abs(knee - theirs) <= KNEE_SD))  # fmt: skip
    aims += _force(facts)
    compared = [m for m in facts.muscles if m.intervals]
    better = sum(m.agreement > m.constant for m in compared)
    aims.append(Aim("muscle on/off agrees with EMG better than any constant", f"{better} of {len(compared)} muscles",
                    "at least 10 of 12", better >= 10 if compared else None))  # fmt: skip
    for muscle in facts.muscles:
        if muscle.name in ("soleus", "gastrocnemius"):
            begins = _stance_onset(muscle.on)
            aims.append(Aim(f"{muscle.name} on", f"from {begins}% of the cycle", f"before {EARLY}%", begins < EARLY))
    return aims, _envelopes(facts)


def _force(facts: GaitFacts) -> list[Aim]:
    """Shape, peaks and largest value of the vertical force."""
    curve = both_legs(facts.trial, "grf_vertical")
    adults = [n for n in facts.norms["grf_vertical"] if n.population == "adults"]
    peaks, _ = find_peaks(curve, prominence=PROMINENCE)
    first = float(curve[peaks[0]]) if len(peaks) else float("nan")
    columns = [f"ground_force_{side}_vy" for side in "rl"]
    weight = 9.80665 * float(facts.trial.subject_mass or np.nan)
    largest = float(facts.trial.require("ground_reactions")[columns].to_numpy(float).max()) / weight
    low, high = FIRST_PEAK
    return [
        judge_r("vertical ground reaction", curve, adults, 0.97),
        Aim("peaks of the vertical force", f"{len(peaks)}, the first {first:.2f} BW", f"2, the first {low:g}-{high:g}",
            len(peaks) == 2 and low <= first <= high),
        Aim("largest vertical force of a foot at any time", f"{largest:.2f} BW", f"below {LARGEST:g} BW",
            largest < LARGEST),
    ]  # fmt: skip


def _stance_onset(on: np.ndarray) -> int:
    """First percent of the cycle's longest activity, from the heel strike on."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(int), [0]])))
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    return int(max(spans, key=lambda span: span[1] - span[0])[0]) if spans else 100


def _envelopes(facts: GaitFacts) -> str:
    """Correlation of each muscle's activation with the envelopes of each adult."""
    measured, rows = emg_envelopes(), []
    if not measured:
        return "Electromyographic envelopes: not at hand (EXOGAIT_DATA)."
    people = sorted({person for curves in measured.values() for person in curves})
    for muscle in facts.muscles:
        curves = measured.get(muscle.name, {})
        cells = [f"{np.corrcoef(muscle.activation, curves[p])[0, 1]:+.2f}" if p in curves else "" for p in people]
        peak = f"{CYCLE[int(np.argmax(muscle.activation))]:.0f}%"
        theirs = ", ".join(f"{CYCLE[int(np.argmax(c))]:.0f}%" for c in curves.values())
        rows.append([muscle.name, *cells, peak, theirs])
    return (
        "Activation over the cycle beside measured envelopes, one adult each: correlation, and where each peaks.\n\n"
        + markdown_table(["muscle", *[f"r, {p}" for p in people], "own peak at", "their peaks at"], rows)
    )
