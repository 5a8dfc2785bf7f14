"""Does it notice? Kinds of corruption, random sizes, on real walks and the computed one: what the road lets through.

``python -m tests.validation.corruptions [--walks N] [--sizes N] [--kinds A,B]`` computes what is missing in
``out/corruptions`` (ignored), one file a trial, judges every trial and writes the section of docs/validation.md; a run
that was stopped goes on. ``--table`` computes nothing more and judges what is there, ``--rows`` prints what became of
every trial too; with another ``--out`` the documents stay as they are. Data in the folder that ``EXOGAIT_DATA``
names.

A trial is computed once up to the judgement (:mod:`.corrupt.road`) and kept: a changed check is asked again in seconds.
What comes before the judgement has a digest: trials that were made by other code are computed anew, and the table says
by how many versions its trials were made.

A corruption counts where it pushes the road without its judgement beyond :data:`TOLERANCE`. It is caught where every
number that is reported lies within the tolerance of the clean result, and :data:`KEPT` of the numbers that it left
within tolerance are still reported. A refusal (one line, no result) reports nothing. Limits of the checks were set on
persons of the first half (:func:`half_of`) and are scored on the second.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.lab.manifest import ManifestRow
from tests.validation.corrupt.kinds import KINDS, NotPossible, Pair
from tests.validation.corrupt.road import Judged, Numbers, code_before_judgement, compute, judge, read, write
from tests.validation.lab_walks import manifest
from tests.validation.sections import markdown_table, write_section

TOLERANCE = {
    "°": 3.0, "N·m/kg": 0.1, "W/kg": 0.3, "J/kg": 0.05, "m/s": 0.05, "m": 0.03, "s": 0.05, "%": 3.0, "BW": 0.05,
    "steps/min": 4.0,
}  # fmt: skip
"""Unit to the largest difference from the clean result that is none. Times: events that a person placed in the file,
which stand in where plates are wrong, differ from those of plates by up to 44 ms on clean walks of the first half."""
KEPT = 0.8
"""Share of the untouched numbers that must still be reported."""
CAUGHT_ALL, CAUGHT_EACH, FALSE_ALARMS, TRIALS = 0.98, 0.9, 1, 1200
"""What is asked: share caught of all and of each kind, clean walks that may fail, trials that count."""
WALKS = 20
COMPUTED = "computed"
CLEAN = "clean"
OUT = Path("out/corruptions")


@dataclass(frozen=True)
class Outcome:
    """One trial that counts."""

    walk: str
    subject: str
    kind: str
    size: str
    refused: str
    """The line with which the road refused it; empty where it gave results."""
    verdict: str
    wrong: tuple[str, ...]
    """Reported numbers beyond the tolerance."""
    lost: tuple[str, ...]
    """Numbers within the tolerance that are not reported any more."""
    kept: float
    """Share of the untouched numbers that are still reported; NaN where there is none."""

    @property
    def caught(self) -> bool:
        """Whether nothing wrong was reported, and enough of what is right was."""
        return not self.wrong and not self.kept < KEPT


def half_of(subject: str) -> int:
    """Half of the persons, 0 (limits are set) or 1 (limits are scored), by a checksum of the name."""
    return crc32(subject.encode()) % 2


def choose_walks(data: Path, number: int) -> list[ManifestRow]:
    """Walks with plates, one a person first, and the computed one at the end."""
    rows = [row for row in manifest(data) if row.walk.suffix == ".c3d"]
    seen: set[str] = set()
    first = [row for row in rows if not (row.subject in seen or seen.add(row.subject))]
    real = [*first, *(row for row in rows if row not in first)][:number]
    cases = data / "trust_cases"
    computed = ManifestRow(
        name=COMPUTED, subject=COMPUTED, static=cases / "static.c3d", walk=cases / "walk_right.c3d", mass=74.9
    )  # fmt: skip
    return [*real, computed]


def compare(
    clean: Numbers, units: Mapping[str, str], raw: Numbers, shown: Numbers
) -> tuple[bool, tuple[str, ...], tuple[str, ...], float]:
    """Whether a corruption counts, reported numbers that are wrong, right ones that are blank, share of those left."""
    known = [name for name, value in clean.items() if np.isfinite(value)]
    limit = {name: TOLERANCE.get(units[name], np.inf) for name in known}
    near = {name: abs(raw[name] - clean[name]) <= limit[name] for name in known}
    pushed = any(np.isfinite(raw[name]) and not near[name] for name in known)
    wrong = tuple(
        f"{name}: {shown[name]:.3g} for {clean[name]:.3g} {units[name]}"
        for name in known
        if np.isfinite(shown[name]) and abs(shown[name] - clean[name]) > limit[name]
    )
    untouched = [name for name in known if near[name]]
    lost = tuple(name for name in untouched if not np.isfinite(shown[name]))
    return pushed, wrong, lost, 1 - len(lost) / len(untouched) if untouched else float("nan")


def run(chosen: Sequence[ManifestRow], sizes: int, kinds: Sequence[str], out: Path) -> None:
    """Compute every trial that is not in the folder yet, or was made by other code."""
    for place, row in enumerate(chosen):
        assert row.static is not None and row.mass is not None
        resting, recording = read_recording(row.static), read_recording(row.walk)
        others = (r for r in [*chosen[place + 1 :], *chosen[:place]] if r.subject != row.subject)
        twin = next((r for r in others if r.subject[:3] == row.subject[:3]), row)
        other = resting if twin is row or twin.static is None else read_recording(twin.static)
        pair = Pair(resting, recording, row.mass, other)
        folder = out / row.name
        if not _fresh(folder / f"{CLEAN}.gz"):
            write(compute(row, pair, "", folder / "steps"), folder / f"{CLEAN}.gz")
        for name in (name for name in KINDS if name in kinds):
            for size in range(sizes):
                file = folder / f"{name}_{size}.gz"
                if file.with_suffix(".none").is_file() or _fresh(file):
                    continue
                try:
                    changed, what = KINDS[name](
                        np.random.default_rng(crc32(f"{row.name} {name} {size}".encode())), pair
                    )
                except NotPossible:
                    file.with_suffix(".none").touch()
                    continue
                road = compute(row, changed, what, folder / "steps")
                write(road, file)
                print(row.name, name, what, f"{road.seconds:.0f} s", road.refused[:80], flush=True)


def _fresh(file: Path) -> bool:
    """Whether a trial is there, made by the code as it is."""
    return file.is_file() and read(file).code == code_before_judgement()


@dataclass(frozen=True)
class Found:
    """Everything that was computed, judged."""

    clean: Mapping[str, Judged | None]
    """Walk to what its clean recording gives; ``None`` where the road refused it."""
    outcomes: tuple[Outcome, ...]
    """Trials that count."""
    trials: int
    """All trials."""
    seconds: float
    """Their processor time, s."""
    versions: int
    """Versions of the code before the judgement by which they were made."""


def judge_all(chosen: Sequence[ManifestRow], kinds: Sequence[str], out: Path) -> Found:
    """Judge every trial in the folder by the checks as they are."""
    clean: dict[str, Judged | None] = {}
    outcomes: list[Outcome] = []
    seconds, codes, trials = 0.0, set(), 0
    for row in chosen:
        start = out / row.name / f"{CLEAN}.gz"
        if not start.is_file():
            continue
        reference = clean[row.name] = judge(read(start))
        if reference is None:
            continue
        for name, file in _files(out / row.name, kinds):
            road = read(file)
            trials, seconds = trials + 1, seconds + road.seconds
            codes.add(road.code)
            judged = judge(road)
            about = (row.name, row.subject, name, road.what, road.refused)
            if judged is None:
                outcomes.append(Outcome(*about, "", (), (), float("nan")))
                continue
            # Compared with what the clean walk is reported to be: what is blank there cannot be wrong.
            pushed, wrong, lost, kept = compare(reference.shown, reference.units, judged.raw, judged.shown)
            if pushed:
                outcomes.append(Outcome(*about, judged.overall.headline(), wrong, lost, kept))
    return Found(clean, tuple(outcomes), trials, seconds, len(codes))


def _files(folder: Path, kinds: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for name in KINDS:
        if name in kinds:
            yield from ((name, file) for file in sorted(folder.glob(f"{name}_[0-9].gz")))


def report(found: Found, walks: Sequence[ManifestRow]) -> str:
    """The section: the table by kind, false alarms, what it took, and the worst that slipped through."""
    rows, few = [], []
    for name in KINDS:
        own = [o for o in found.outcomes if o.kind == name]
        rows.append([name.replace("_", " "), *_counts(own)])
        if own and np.mean([o.caught for o in own]) < CAUGHT_EACH:
            few.append(name.replace("_", " "))
    rows.append(["**all**", *_counts(found.outcomes)])
    header = [
        "kind", "count", "refused", "nothing wrong reported", "right ones kept", "caught", "scored half: count",
        "nothing wrong reported", "caught",
    ]  # fmt: skip
    subjects = {row.name: row.subject for row in walks}
    halves = [sorted({subjects[name] for name in found.clean if half_of(subjects[name]) == half}) for half in (0, 1)]
    alarms = [f"{name} ({j.overall.headline()})" for name, j in found.clean.items() if j and j.failed]
    alarms += [f"{name} (refused)" for name, j in found.clean.items() if j is None]
    caught = float(np.mean([o.caught for o in found.outcomes])) if found.outcomes else float("nan")
    scored = [o for o in found.outcomes if half_of(o.subject) == 1]
    slipped = sorted((o for o in found.outcomes if o.wrong), key=lambda o: -len(o.wrong))
    worst = [f"- {o.walk}, {o.kind.replace('_', ' ')} ({o.size}): {'; '.join(o.wrong[:3])}" for o in slipped[:10]]
    asked = [
        f"{len(found.outcomes)} of {found.trials} corrupted trials of {len(found.clean)} walks went beyond the "
        f"tolerance and count (asked: {TRIALS}): {_met(len(found.outcomes) >= TRIALS)}",
        f"caught {caught:.1%} (asked: {CAUGHT_ALL:.0%}): {_met(caught >= CAUGHT_ALL)}; of the scored half "
        + (f"{np.mean([o.caught for o in scored]):.1%}" if scored else "no trial yet"),
        f"kinds of which fewer than {CAUGHT_EACH:.0%} are caught (asked: none): {len(few)}: {_met(not few)}",
        f"clean walks among these that fail falsely (asked: at most {FALSE_ALARMS} of 40): {len(alarms)} of "
        f"{len(found.clean)}{': ' * bool(alarms)}{'; '.join(alarms)}: {_met(len(alarms) <= FALSE_ALARMS)}",
    ]
    tolerances = ", ".join(f"{value:g} {unit}" for unit, value in TOLERANCE.items())
    each = found.seconds / max(found.trials, 1)
    return "\n\n".join([
        "## Does it notice?",
        "Regenerate with `EXOGAIT_DATA=... python -m tests.validation.corruptions`; it goes on where it was stopped. "
        f"{len(KINDS)} kinds of corruption with random sizes. One counts where the road without its judgement gives a "
        f"number that is off by more than: {tolerances}. It is caught where every number that is still reported is "
        f"within that of the clean result, and at least {KEPT:.0%} of the numbers that it left within are still "
        "reported. A refusal (one line, no result) is counted as caught, and stands in a column of its own. Limits of "
        f"checks were set on persons of the first half and are scored on the second. First: {', '.join(halves[0])}. "
        f"Second: {', '.join(halves[1]) or 'none yet'}.",
        "\n".join(f"- {line}" for line in asked),
        f"A trial takes {each:.1f} s of one processor, all of these {found.seconds / 3600:.1f} h; they were made by "
        f"{found.versions} version(s) of the code before the judgement.",
        markdown_table(header, rows),
        "The worst that slipped through:" if worst else "Nothing slipped through.",
        "\n".join(worst),
    ]).rstrip()  # fmt: skip


def _met(good: bool) -> str:
    return "met" if good else "**missed**"


def _counts(own: Sequence[Outcome]) -> list[str]:
    scored = [o for o in own if half_of(o.subject) == 1]
    return [
        str(len(own)), str(sum(bool(o.refused) for o in own)), _share(not o.wrong for o in own),
        _share(not o.kept < KEPT for o in own), _share(o.caught for o in own),
        str(len(scored)), _share(not o.wrong for o in scored), _share(o.caught for o in scored),
    ]  # fmt: skip


def _share(flags: Iterator[bool]) -> str:
    known = list(flags)
    return f"{np.mean(known):.0%}" if known else "–"


def main() -> None:
    """Compute what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, default=2, help="random sizes of each kind and walk")
    parser.add_argument("--walks", default=str(WALKS), help="how many real walks, or names separated by commas")
    parser.add_argument("--kinds", default=",".join(KINDS), help="kinds, separated by commas")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="compute nothing more, judge what is there")
    parser.add_argument("--rows", action="store_true", help="print what became of every trial too")
    asked = parser.parse_args()
    data, kinds = Path(os.environ["EXOGAIT_DATA"]), asked.kinds.split(",")
    if asked.walks.isdigit():
        chosen = choose_walks(data, int(asked.walks))
    else:
        names = asked.walks.split(",")
        chosen = [row for row in choose_walks(data, 10**6) if row.name in names]
    if not asked.table:
        run(chosen, asked.sizes, kinds, asked.out)
    found = judge_all(chosen, kinds, asked.out)
    if asked.rows:
        for o in found.outcomes:
            state = "caught" if o.caught else "WRONG" if o.wrong else "BLANK"
            print(f"{state:7s}{o.walk} {o.kind} ({o.size}) kept {o.kept:.0%}: {o.refused or o.verdict}")
            print("".join(f"        {line}\n" for line in (o.wrong or () if o.caught else o.wrong or o.lost)), end="")
    text = report(found, chosen)
    print(text)
    if asked.out == OUT:
        write_section("validation.md", "notice", text)


if __name__ == "__main__":
    main()
