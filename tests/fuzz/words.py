"""What is hostile: values, texts, words for numbers and paths, and a file of settings or a table with one of them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import yaml

from tests.safety.test_names import HOSTILE

from .mutations import Rng, damage_bytes, pick

VALUES: tuple[Any, ...] = (
    float("nan"), float("inf"), float("-inf"), 1e300, -1e300, -1, 0, -0.0, 1e-300, 10**400, -(10**400), 2**63, True,
    "text", "", "nan", "1e999", "..", "a\nb", "\x00", None, [], {}, [[]], [float("nan")] * 2, [1], {"x": 1}, {1: 2},
    [1, 2, 3, 4, 5, 6, 7], "x" * 5000, 0.5,
)  # fmt: skip
"""What stands where something else belongs."""
BILLION = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
)
"""Nine lines that stand for a billion values."""
TEXTS: tuple[bytes, ...] = (
    b"", b"null\n", b"- 1\n- 2\n", b"just text", b"[" * 100_000, b"{a: " * 5_000, b"\xff\xfe\x00a", b"a: \x00\n",
    "a: é".encode("utf-16"), b"\tname: x", b"a: !!python/object/apply:os.system ['true']\n", b"a: !!int x\n",
    b"a: 2020-13-45\n", b"a: " + b"9" * 5000, b"a: &a [*a]\n", b"a: *b\n", b"--- 1\n--- 2\n", b"? [1, 2]\n: 3\n",
    b"? {a: b}\n: 3\n", b"name: x\nname: y\n", b"<<: 3\n", b"a: !!binary x\n", b"a: 1:99:99\n", BILLION.encode(),
    b"#" * 1_000_000, b"a: '" + b"x" * 200_000 + b"'\n", b"a" * 2000 + b": 1\n", b"a: |\n" + b" x\n" * 50_000,
)  # fmt: skip
"""Files that are no settings."""
NUMBERS = (
    "nan", "inf", "-inf", "1e300", "-1e300", "-1", "0", "-0.0", "1e-300", "9" * 400, "", "text", "1e999", "0x10", "1,5",
    "None", "[]", "1 2", "\u0661", "1_000", "1e5", "0.3", " 3",
)  # fmt: skip
"""Words where a number belongs."""
PLACES = (
    "", ".", "..", "/", "/dev/null", "/dev/zero", "/dev/full", "/proc/self/mem", "/proc/1/root", "missing",
    "missing.yaml", "missing.c3d", "x" * 300, "x/" * 2000, "folder", "pipe", "noise.yaml", "noise.c3d", "noise.csv",
    "empty.yaml", "a\nb", "~nobody", "*", "walk", "\udcff", "\U0001f9b5.yaml", "walk/trial/trial.json", "walk.mp4",
)  # fmt: skip
"""Words where a path belongs."""


def damage_settings(content: dict[str, Any], rng: Rng) -> tuple[str, bytes]:
    """One value, field or byte of a file of settings wrong, or another text instead."""
    action = rng.random()
    if action < 0.15:
        place = int(rng.integers(len(TEXTS)))
        return f"text {place}", TEXTS[place]
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
    if action < 0.25:
        what, data = damage_bytes(text.encode(), rng)
        return what, data
    if action < 0.28:
        return "aliases", (BILLION + "\n" + text + "x: *a9\n").encode()
    changed = json.loads(json.dumps(content))
    node, key = _somewhere(changed, rng)
    if action < 0.36:
        del node[key]
        what = "gone"
    elif action < 0.44 and isinstance(node, dict):
        node[pick(rng, ("unknown", str(key) + "s", 1, None, True, "x" * 3000, "a\nb", 0.5))] = node.pop(key)
        what = "unknown"
    else:
        node[key] = pick(rng, VALUES)
        what = f"value {str(key)[:40]}"
    return what, yaml.safe_dump(changed, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


def _somewhere(content: Any, rng: Rng) -> tuple[Any, Any]:
    """A place in nested settings: what holds it, and its key."""
    node = content
    while True:
        key = pick(rng, list(node) if isinstance(node, dict) else list(range(len(node))))
        if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.85:
            node = node[key]
            continue
        return node, key


def damage_csv(rows: list[list[str]], rng: Rng) -> tuple[str, bytes]:
    """One cell, row, column or byte of a CSV file wrong."""
    rows = [list(row) for row in rows]
    action = rng.random()
    row = int(rng.integers(len(rows)))
    column = int(rng.integers(len(rows[row])))
    if action < 0.6:
        rows[row][column] = pick(rng, (*NUMBERS, *PLACES[:-1], "=1+1", 'a"b', "x" * 200_000, "\x00", *HOSTILE[:20]))
        what = "cell"
    elif action < 0.7:
        del rows[row][column]
        what = "column"
    elif action < 0.8:
        rows.insert(row, rows[row])
        what = "row"
    else:
        text = "\n".join(",".join(row) for row in rows) + "\n"
        return damage_bytes(text.encode(), rng)
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return what, stream.getvalue().encode("utf-8", "surrogateescape")
