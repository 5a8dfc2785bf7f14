"""The page of a batch: all trials with their reports, the failures with their reasons, the group's numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..gait.metrics import METRICS, SPATIOTEMPORAL
from .markup import Cell, badge, escape, number, page, section, table

if TYPE_CHECKING:
    from ..lab.manifest import ManifestRow


def write_batch_page(
    rows: Sequence[ManifestRow],
    results: Mapping[str, Mapping[str, Any]],
    group: pd.DataFrame,
    failures: pd.DataFrame,
    out: Path,
) -> Path:
    """Write ``index.html`` of a batch.

    Args:
        rows: The manifest.
        results: Trial to what its run returned.
        group: Group statistics.
        failures: Trials that failed, with their reasons.
        out: The folder.
    """
    lines: list[list[object]] = []
    for row in rows:
        result = results[row.name]
        if result["error"]:
            lines.append([row.name, row.subject, row.condition, "–", "–", badge("fail"), escape(result["step"])])
            continue
        counts = result["quality"]
        link = Cell(f'<a href="{escape(row.name)}/report.html">{escape(row.name)}</a>')
        verdict = Cell(" ".join(f"{badge(v)} {counts[v]}" for v in ("fail", "warn", "pass") if counts.get(v)))
        lines.append(
            [link, row.subject, row.condition, number(result["speed"]), number(result["seconds"], 1), verdict, ""]
        )
    trials = table(
        ["trial", "subject", "condition", "speed (m/s)", "seconds", "data quality", "stopped at"], lines, numeric=[3, 4]
    )
    failed = table(["trial", "subject", "step", "reason"], failures.to_numpy().tolist()) if len(failures) else ""
    titles = {metric.name: metric.title for metric in METRICS} | {k: v[0] for k, v in SPATIOTEMPORAL.items()}
    parts = []
    for condition, part in group.groupby("condition", sort=False):
        body = [
            [titles.get(r["metric"], r["metric"]), number(r["mean"], 3), number(r["sd"], 3), r["unit"], r["n_subjects"]]
            for r in part.to_dict(orient="records")
        ]
        name = f"<h3>{escape(condition)}</h3>" if condition else ""
        parts.append(name + table(["", "mean", "SD", "unit", "subjects"], body, numeric=[1, 2, 4]))
    note = '<p class="note">A subject counts once, with the mean of its legs and trials.</p>'
    sections = [
        ("trials", "Trials", section("trials", "Trials", trials)),
        ("failures", "Failures", section("failures", "Failures", failed) if failed else ""),
        ("group", "Group", section("group", "Group", *parts, note) if parts else ""),
    ]
    done = len(rows) - len(failures)
    html = page(
        title=f"{len(rows)} walks of {len({row.subject for row in rows})} subjects", kicker="Gait analysis, batch",
        lead=f"{done} came through, {len(failures)} did not.", head="", sections=sections, footer="exogait",
    )  # fmt: skip
    path = out / "index.html"
    path.write_text(html, encoding="utf-8")
    return path
