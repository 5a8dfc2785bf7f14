"""``python -m tests.mutation --seed 7 --count 130``: put small faults into the equations and count who notices.

Results are appended to ``out/mutation/results.jsonl``, so that an interrupted run goes on where it was. The table of
docs/reliability.md is written once every drawn mutant has a result. Needs EXOGAIT_DATA.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import tyro

from tests.mutation.report import read_explained, table
from tests.mutation.rooms import ROOMS, draw
from tests.mutation.run import RESULTS, read_results, run
from tests.validation.sections import write_section


def main(
    *, seed: int = 7, count: int = 130, again: tuple[str, ...] = (), only: str = "", write: bool = False, show: bool = False
) -> None:
    """Run what has no result yet, and print the table.

    Args:
        seed: Seed of the draw.
        count: How many mutants.
        again: Run these once more: names of mutants, or an outcome (survived, broken, timeout) for all that had it.
        only: One room alone.
        write: Put the table into docs/reliability.md.
        show: Only print what is drawn.
    """
    drawn = [item for item in draw(seed, count) if only in ("", item[0].name)]
    if show:
        for room, _, mutant in drawn:
            print(f"{mutant.name} {room.name}: {mutant.kind}: {mutant.describe()}")
        return
    if not os.environ.get("EXOGAIT_DATA"):
        raise SystemExit("EXOGAIT_DATA names no folder: without laboratory data half of the tests do not run")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    results = read_results()
    known = {name: r for name, r in results.items() if name not in again and r["outcome"] not in again}

    def keep(result: dict[str, Any]) -> None:
        results[result["mutant"]] = result
        with RESULTS.open("a") as file:
            file.write(json.dumps(result) + "\n")

    random.seed(seed)
    run(drawn, known=known, keep=keep, say=lambda line: print(line, flush=True))
    text = table([room.name for room in ROOMS], drawn, results, read_explained())
    print(text)
    if write:
        write_section("reliability.md", "mutation", text)


if __name__ == "__main__":
    tyro.cli(main, prog="python -m tests.mutation")
