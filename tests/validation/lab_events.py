"""Gait events by every method against plates and against the events that files state, pathological walks apart.

``python -m tests.validation events`` writes its part of docs/validation.md. The choice between the methods is made
without the plates it is judged by, as for a walk that no plate saw.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from exogait.analysis.c3d.force_files import read_forces
from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.signals.event_choice import ERRORS, KINDS, MATCH_WINDOW, choose_methods
from exogait.analysis.signals.kinematic_events import METHODS
from exogait.analysis.signals.measured import process_trial
from exogait.data.trial import GaitEvent
from tests.validation.lab_files import WALKS
from tests.validation.sections import markdown_table, write_section

CHOSEN = "chosen by the walk"
PATHOLOGICAL = "pathological: MH, asymmetric"
STROKE = "stroke survivor TVC03"
SAME = 1e-3
"""Errors that differ by less are the same, s."""
_CAP, _S01, _ADULT = "trcmot_opencap_subject4", "opensim_models/gait2392/subject01", "opensim_walking_adult"
_CAMARGO = "trcmot_camargo/levelground_ccw_fast_01_01"


@dataclass(frozen=True)
class Walk:
    """One recording and the group it is counted with."""

    group: str
    path: str
    forces: str = ""


def walks(data: Path) -> Iterator[Walk]:
    """Every recorded walk at hand whose feet plates saw, or whose file states events."""
    for path in sorted((data / "schreiber2019").glob("*/*_C[45]_*.c3d")):
        yield Walk("healthy adults (Schreiber)", str(path.relative_to(data)))
    for path in WALKS:
        yield Walk(PATHOLOGICAL if "/MH/" in path else "other laboratories", path)
    for path in sorted((data / "biomechzoo_children").glob("*/turn/*.c3d")):
        yield Walk("a child that turns", str(path.relative_to(data)))
    for path in sorted((data / _CAP / "MarkerData").glob("walking*.trc")):
        modified = path.stem.rstrip("0123456789") != "walking"
        group = "toe-in, toe-out, trunk sway on purpose" if modified else "other laboratories"
        yield Walk(group, str(path.relative_to(data)), f"{_CAP}/ID/{path.stem}_grf.mot")
    yield Walk("other laboratories", f"{_ADULT}/markers_walk.trc", f"{_ADULT}/grf_walk.xml")
    yield Walk("a treadmill", f"{_S01}/subject01_walk1.trc", f"{_S01}/subject01_walk1_grf.xml")
    yield Walk("a walk in a loop", f"{_CAMARGO}.trc", f"{_CAMARGO}_external_forces.xml")


def events_of(data: Path, walk: Walk) -> Mapping[str, Sequence[GaitEvent]]:
    """Events by method, the choice among them, made without plates."""
    recording = read_recording(data / walk.path)
    if walk.forces:
        recording = replace(recording, forces=read_forces(data / walk.forces))
    found = process_trial(recording).events.by_method
    markers = {name: found[name] for name in METHODS}
    return {**found, CHOSEN: choose_methods([markers]).of(markers)}


@dataclass
class Tally:
    """Differences of one method from one reference."""

    n: int
    """Events of the reference."""
    errors: list[float]
    """Difference of those that were found within the window, s."""
    extra: int
    """Events of the method, within the time that the reference covers, that the reference lacks."""

    @property
    def cost(self) -> float:
        """Root of the mean squared error, s; what is not found counts as the window."""
        lost = MATCH_WINDOW**2 * (self.n - len(self.errors))
        return float(np.sqrt((np.sum(np.square(self.errors)) + lost) / self.n)) if self.n else np.nan


def compare(
    found: Sequence[tuple[str, Mapping[str, Sequence[GaitEvent]]]], reference: str, *, gaps: bool
) -> dict[tuple[str, str, str], Tally]:
    """Tallies by group, kind and method.

    Args:
        found: Group and events by method of each walk.
        reference: ``plate`` or ``c3d``.
        gaps: Whether the reference has gaps, as plates between their contacts: then nothing is extra.
    """
    tallies: dict[tuple[str, str, str], Tally] = {}
    for group, events in found:
        for kind in KINDS:
            for method in (*METHODS, CHOSEN):
                tally = tallies.setdefault((group, kind, method), Tally(0, [], 0))
                for side in "rl":
                    truth = [e.time for e in events[reference] if (e.side, e.kind) == (side, kind)]
                    own = [e.time for e in events[method] if (e.side, e.kind) == (side, kind)]
                    tally.n += len(truth)
                    for time in truth:
                        near = [t - time for t in own if abs(t - time) <= MATCH_WINDOW]
                        tally.errors += [min(near, key=abs)] if near else []
                    if truth and not gaps:
                        inside = [t for t in own if truth[0] <= t <= truth[-1]]
                        tally.extra += sum(min(abs(t - x) for x in truth) > MATCH_WINDOW for t in inside)
    return {key: tally for key, tally in tallies.items() if tally.n}


def table(tallies: Mapping[tuple[str, str, str], Tally], *, gaps: bool) -> str:
    """The table of one reference, pathological walks last."""
    rows = []
    for (group, kind, method), tally in sorted(tallies.items(), key=lambda item: ("path" in item[0][0], item[0])):
        d = 1e3 * np.array(tally.errors)
        rows.append([
            group, kind.replace("_", " "), method, f"{len(d)} of {tally.n}", "" if gaps else str(tally.extra),
            f"{d.mean():+.0f}" if len(d) else "–", f"{d.std(ddof=1):.0f}" if len(d) > 1 else "–",
            f"{np.abs(d).max():.0f}" if len(d) else "–", f"{1e3 * tally.cost:.0f}",
        ])  # fmt: skip
    window = f"{1e3 * MATCH_WINDOW:.0f} ms"
    head = ["walks", "event", "method", f"found within {window}", "not there", "mean (ms)", "SD (ms)", "largest (ms)",
            "RMS, missed = window (ms)"]  # fmt: skip
    drop = head.index("not there")
    if gaps:
        head, rows = head[:drop] + head[drop + 1 :], [row[:drop] + row[drop + 1 :] for row in rows]
    return markdown_table(head, rows)


def errors(tallies: Mapping[tuple[str, str, str], Tally]) -> str:
    """The error of each method on all walks with plates, against the one that the suite goes by."""
    said = []
    for kind in KINDS:
        pooled = {m: Tally(0, [], 0) for m in (*METHODS, CHOSEN)}
        for (_, own, method), tally in tallies.items():
            if own == kind:
                pooled[method].n += tally.n
                pooled[method].errors += tally.errors
        words = []
        for method in (*METHODS, CHOSEN):
            tally = pooled[method]
            found = float(np.sqrt(np.mean(np.square(tally.errors))))
            words.append(
                f"{method} {1e3 * found:.0f} ms, {1e3 * tally.cost:.0f} with what it misses as the whole window"
            )
            if method in METHODS and abs(found - ERRORS[kind][method]) > SAME:
                words[-1] += f" (**the suite goes by {1e3 * ERRORS[kind][method]:.0f} ms**)"
        said.append(f"{kind.replace('_', ' ')}s (n = {pooled[CHOSEN].n}): {'; '.join(words)}")
    return f"All walks with plates together, RMS error of what is found: {'. '.join(said)}."


def stroke(data: Path) -> str:
    """Slow hemiparetic walks: no plate saw them, so how the methods agree is all there is."""
    folder = data / "stroke_vancriekinge2023/trc"
    rows, said = [], []
    for person, group in (("TVC03", STROKE), ("SBJ05", "control SBJ05")):
        found = [events_of(data, Walk(group, str(p.relative_to(data)))) for p in sorted(folder.glob(f"{person}*.trc"))]
        choice = choose_methods([{name: walk[name] for name in METHODS} for walk in found])
        for record in choice.records:
            taken = getattr(choice, record.kind) == record.method
            kind = record.kind.replace("_", " ")
            rows.append(
                [
                    group,
                    kind,
                    record.method,
                    record.n,
                    record.missed,
                    record.alone,
                    f"{1e3 * record.spread:.0f}",
                    "chosen" if taken else "",
                ]
            )
        said.append(f"{group}, {len(found)} walks: {choice.describe()}")
    head = [
        "walks",
        "event",
        "method",
        "found",
        "lacks what two others agree on",
        "alone with",
        "spread about the others (ms)",
        "",
    ]
    return f"{markdown_table(head, rows)}\n\n{'. '.join(said)}."


def section(data: Path) -> str:
    """Compare all methods on all walks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [(walk.group, events_of(data, walk)) for walk in walks(data)]
        plates, stated = compare(found, "plate", gaps=True), compare(found, "c3d", gaps=False)
        parts = [
            "### Events", "Regenerate with `EXOGAIT_DATA=... python -m tests.validation events`.",
            f"Against the force plates (20 N rising, 10 N falling; {len(found)} walks). Here the choice is made "
            "without the plates it is judged by; a walk with plates chooses by them too, and its times are shifted by "
            "their mean difference from them.",
            table(plates, gaps=True), errors(plates),
            "Against the events that the C3D files state, marked by hand or by the laboratory's own program:",
            table(stated, gaps=False),
            "Walks that neither plate nor hand saw. What is printed is agreement between methods, not error:",
            stroke(data),
            "No walk at hand with plates is a toe walker's, or of a dropped or shuffling foot; one pathological walk "
            "has one clean contact. No threshold was set by any walk here.",
        ]  # fmt: skip
    return "\n\n".join(parts)


def main() -> None:
    """Write the section."""
    if not os.environ.get("EXOGAIT_DATA"):
        sys.exit("EXOGAIT_DATA must name the folder of laboratory data")
    print(write_section("validation.md", "events", section(Path(os.environ["EXOGAIT_DATA"]))))


if __name__ == "__main__":
    main()
