"""``python -m tests.mutation --seed 7 --count 130``: put small faults into the equations and count who notices.

Results are appended to ``out/mutation/results.jsonl``, so that an interrupted run goes on where it was. The table of
docs/reliability.md is written once every drawn mutant has a result. Needs EXOGAIT_DATA.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import tyro

from tests.mutation.report import read_explained, table
from tests.mutation.rooms import ROOMS, SHORT, Drawn, draw
from tests.mutation.run import RESULTS, read_results, run
from tests.validation.sections import write_section


def main(
    *,
    seed: int = 7,
    count: int = 130,
    again: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
    write: bool = False,
    show: bool = False,
    short: bool = False,
) -> None:
    """Run what has no result yet, print the table and whatever survived without an explanation (exit code 1).

    Args:
        seed: Seed of the draw.
        count: How many mutants.
        again: Run these once more: names of mutants, or an outcome (survived, broken, timeout) for all that had it.
        only: Draw all from these rooms.
        write: Put the table into docs/reliability.md.
        show: Only print what is drawn.
        short: Draw from a few quick files, and keep no results.
    """
    if unknown := set(only) - {room.name for room in ROOMS}:
        raise SystemExit(f"no room {', '.join(sorted(unknown))}; rooms: {', '.join(room.name for room in ROOMS)}")
    rooms = (SHORT,) if short else tuple(room for room in ROOMS if not only or room.name in only)
    drawn = draw(seed, count, rooms)
    if show:
        for room, _, mutant in drawn:
            print(f"{mutant.name} {room.name}: {mutant.kind}: {mutant.describe()}")
        return
    if not short and not os.environ.get("EXOGAIT_DATA"):
        raise SystemExit("EXOGAIT_DATA names no folder: without laboratory data half of the tests do not run")
    results = {} if short else read_results()
    known = {name: r for name, r in results.items() if name not in again and r["outcome"] not in again}

    def keep(result: dict[str, Any]) -> None:
        results[result["mutant"]] = result
        if short:
            return
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        with RESULTS.open("a") as file:
            file.write(json.dumps(result) + "\n")

    run(drawn, known=known, keep=keep, say=lambda line: print(line, flush=True))
    explained = read_explained()
    text = table([room.name for room in rooms], drawn, results, explained)
    print(text)
    if write:
        write_section("reliability.md", f"mutation {seed}", text)
    holes = unexplained(drawn, results, explained)
    if holes:
        raise SystemExit("\n".join(["survived:", *holes]))


def unexplained(
    drawn: Sequence[Drawn], results: Mapping[str, Mapping[str, Any]], explained: Mapping[str, Any]
) -> list[str]:
    """One line a mutant that no test noticed and nobody explained."""
    return [
        f"{mutant.name} {mutant.describe()}"
        for _, _, mutant in drawn
        if results[mutant.name]["outcome"] == "survived" and mutant.name not in explained
    ]


if __name__ == "__main__":
    tyro.cli(main, prog="python -m tests.mutation")
