"""Does it notice? Kinds of corruption, random sizes, on real walks and the computed one: what the road lets through.

``python -m tests.validation.corruptions [--sizes N] [--walks N] [--kinds A,B] [--table]`` runs what is missing in
``out/corruptions`` (ignored), one file a trial, and prints the table; a run that was stopped goes on. Data in the
folder that ``EXOGAIT_DATA`` names.

A corruption counts where it pushes the road without its judgement beyond :data:`TOLERANCE`. It is caught where every
number that is reported lies within the tolerance of the clean result, and :data:`KEPT` of the numbers that it left
within tolerance are still reported. A refusal (one line, no result) reports nothing. Limits of the checks were set on
persons of the first half (:func:`half_of`) and are scored on the second.
"""

from __future__ import annotations

import argparse
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from zlib import crc32

import numpy as np

from exogait.analysis.c3d.recording import read_recording
from exogait.analysis.gait.metrics import compute_metrics
from exogait.analysis.lab import sources
from exogait.analysis.lab.manifest import ManifestRow
from exogait.analysis.lab.pipeline import analyse_request
from exogait.analysis.lab.settings import LabSettings
from exogait.data import ExogaitError, GaitTrial, write_text_atomic
from exogait.data.quality import overall, quality_rows
from tests.validation.corrupt.kinds import KINDS, NotPossible, Pair
from tests.validation.lab_walks import manifest
from tests.validation.sections import markdown_table

TOLERANCE = {
    "°": 3.0, "N·m/kg": 0.1, "W/kg": 0.3, "J/kg": 0.05, "m/s": 0.05, "m": 0.03, "s": 0.03, "%": 3.0, "BW": 0.05,
    "steps/min": 4.0,
}  # fmt: skip
"""Unit to the largest difference from the clean result that is none."""
KEPT = 0.8
"""Share of the untouched numbers that must still be reported."""
WALKS = 20
COMPUTED = "computed"
OUT = Path("out/corruptions")
Numbers = dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """One corrupted trial."""

    walk: str
    subject: str
    kind: str
    size: str
    refused: str
    """The line with which the road refused it; empty where it gave results."""
    verdict: str
    pushed: bool
    """Whether the road without its judgement gives a number beyond the tolerance."""
    wrong: tuple[str, ...]
    """Reported numbers beyond the tolerance."""
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


def numbers_of(trial: GaitTrial) -> tuple[Numbers, dict[str, str]]:
    """Every reported number of a trial, and its unit."""
    table = compute_metrics(trial)
    values = {
        f"{row['metric']}, {side}": float(row[side]) for row in table.to_dict("records") for side in ("right", "left")
    }
    units = {f"{row['metric']}, {side}": row["unit"] for row in table.to_dict("records") for side in ("right", "left")}
    return values, units


def analyse(row: ManifestRow, pair: Pair, out: Path) -> tuple[GaitTrial, GaitTrial]:
    """One pair of recordings through the road: the trial with nothing withheld, and as reported."""
    request = row.request(LabSettings())
    object.__setattr__(request, "mass", pair.mass)

    def read(path: Path, *, units: str | None = None) -> object:
        return pair.resting if Path(path) == request.static else pair.recording

    with mock.patch.object(sources, "read_recording", read), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = analyse_request(request, out=out)
        return result.withheld, result.trial


def judge(
    clean: Numbers, units: Mapping[str, str], raw: Numbers, shown: Numbers
) -> tuple[bool, tuple[str, ...], float]:
    """Whether a corruption counts, which reported numbers are wrong, and how many of the right ones are still there."""
    known = [name for name, value in clean.items() if np.isfinite(value)]
    near = {name: abs(raw[name] - clean[name]) <= TOLERANCE.get(units[name], np.inf) for name in known}
    pushed = any(np.isfinite(raw[name]) and not near[name] for name in known)
    wrong = tuple(
        f"{name}: {shown[name]:.3g} for {clean[name]:.3g} {units[name]}"
        for name in known
        if np.isfinite(shown[name]) and abs(shown[name] - clean[name]) > TOLERANCE.get(units[name], np.inf)
    )
    untouched = [name for name in known if near[name]]
    kept = float(np.mean([np.isfinite(shown[name]) for name in untouched])) if untouched else float("nan")
    return pushed, wrong, kept


def run(data: Path, walks: int, sizes: int, kinds: Sequence[str], out: Path) -> None:
    """Run every trial that is not in the folder yet."""
    chosen = choose_walks(data, walks)
    for place, row in enumerate(chosen):
        resting, recording = read_recording(row.static), read_recording(row.walk)
        twin = next((r for r in chosen[place + 1 :] + chosen[:place] if r.subject != row.subject and
                     r.subject[:3] == row.subject[:3]), row)  # fmt: skip
        other = resting if twin is row else read_recording(twin.static)
        pair = Pair(resting, recording, row.mass, other)
        folder = out / row.name
        start = folder / "clean.json"
        if not start.is_file():
            trial = analyse(row, pair, folder / "road")[1]
            shown, units = numbers_of(trial)
            _write(start, {"shown": shown, "units": units, "verdict": _verdict(trial), "subject": row.subject})
        clean = json.loads(start.read_text())
        for name in kinds:
            for size in range(sizes):
                file = folder / f"{name}_{size}.json"
                if not file.is_file():
                    outcome = _one(row, pair, name, size, clean, folder / "road")
                    _write(file, asdict(outcome) if outcome else {})
                    print(
                        row.name, name, size, "not possible" if outcome is None else outcome.verdict or outcome.refused
                    )


def _one(row: ManifestRow, pair: Pair, name: str, size: int, clean: Mapping[str, Any], out: Path) -> Outcome | None:
    rng = np.random.default_rng(crc32(f"{row.name} {name} {size}".encode()))
    try:
        corrupted, what = KINDS[name](rng, pair)
    except NotPossible:
        return None
    reference = {key: np.nan if value is None else value for key, value in clean["shown"].items()}
    try:
        whole, trial = analyse(row, corrupted, out)
    except ExogaitError as error:
        return Outcome(row.name, row.subject, name, what, str(error), "", True, (), float("nan"))
    pushed, wrong, kept = judge(reference, clean["units"], numbers_of(whole)[0], numbers_of(trial)[0])
    return Outcome(row.name, row.subject, name, what, "", _verdict(trial), pushed, wrong, kept)


def _verdict(trial: GaitTrial) -> str:
    return overall(quality_rows(trial)).headline()


def _write(file: Path, content: Mapping[str, Any]) -> None:
    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        return None if isinstance(value, float) and not np.isfinite(value) else value

    file.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomic(file, json.dumps(plain(content), indent=1) + "\n")


def outcomes(out: Path) -> Iterator[Outcome]:
    """Every trial that was run."""
    for file in sorted(out.glob("*/*.json")):
        content = json.loads(file.read_text())
        if file.name != "clean.json" and content:
            kept = np.nan if content["kept"] is None else content["kept"]
            yield Outcome(**{**content, "kept": kept, "wrong": tuple(content["wrong"])})


def report(out: Path) -> str:
    """The table by kind, false alarms, and the worst that slipped through, as markdown."""
    found = [outcome for outcome in outcomes(out) if outcome.pushed]
    rows = []
    for name in KINDS:
        own = [outcome for outcome in found if outcome.kind == name]
        scored = [outcome for outcome in own if half_of(outcome.subject) == 1]
        rows.append([name.replace("_", " "), *_counts(own), *_counts(scored), str(sum(bool(o.refused) for o in own))])
    rows.append(["**all**", *_counts(found), *_counts([o for o in found if half_of(o.subject) == 1]),
                 str(sum(bool(o.refused) for o in found))])  # fmt: skip
    header = ["kind", "count", "nothing wrong reported", "caught", "scored half", "nothing wrong", "caught", "refused"]
    clean = [json.loads(file.read_text()) for file in sorted(out.glob("*/clean.json"))]
    alarms = [one for one in clean if one["verdict"].startswith(("not usable", "usable but", "usable, with"))]
    lines = [f"- {one['subject']}: {one['verdict']}" for one in alarms]
    slipped = sorted((o for o in found if o.wrong), key=lambda o: -len(o.wrong))[:10]
    worst = [f"- {o.walk}, {o.kind.replace('_', ' ')} ({o.size}): {'; '.join(o.wrong[:3])}" for o in slipped]
    return "\n".join([
        markdown_table(header, rows), "", f"Clean walks: {len(clean)}, failed falsely: {len(alarms)}.", *lines, "",
        "Worst that slipped through:", *worst,
    ])  # fmt: skip


def _counts(found: Sequence[Outcome]) -> list[str]:
    if not found:
        return ["0", "–", "–"]
    right = np.mean([not outcome.wrong for outcome in found])
    caught = np.mean([outcome.caught for outcome in found])
    return [str(len(found)), f"{right:.0%}", f"{caught:.0%}"]


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, default=2, help="random sizes of each kind and walk")
    parser.add_argument("--walks", type=int, default=WALKS, help="real walks")
    parser.add_argument("--kinds", default=",".join(KINDS), help="kinds, separated by commas")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--table", action="store_true", help="print the table of what was run")
    chosen = parser.parse_args()
    if not chosen.table:
        run(Path(os.environ["EXOGAIT_DATA"]), chosen.walks, chosen.sizes, chosen.kinds.split(","), chosen.out)
    print(report(chosen.out))


if __name__ == "__main__":
    main()
