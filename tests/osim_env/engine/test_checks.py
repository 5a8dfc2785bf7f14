"""A compiled model is checked whole: every array has its rule, and no wrong index, shape or type reaches a kernel."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from exogait.data.errors import FileFormatError
from exogait.osim_env.engine.checks import Index, Offsets
from exogait.osim_env.engine.groups import GROUPS, Couplers, Curves, Drives, Functions, Hills, Surfaces, Wraps
from exogait.osim_env.engine.model import Model, array_rules
from exogait.osim_env.gait import setup
from exogait.osim_env.gait.setup import COMPILED


def test_every_array_says_what_it_must_be() -> None:
    """A new array without a rule beside its declaration fails here."""
    wanted = {f"{name}.{key}" for name, kind in GROUPS.items() for key in kind._fields}
    wanted |= {one.name for one in fields(Model)} - {*GROUPS, "name", "source", "layout"}
    assert set(array_rules()) == wanted


def whole(model: Model) -> Model:
    """A model that has something of every group: a locked toe, one coupled to its ankle, a Millard muscle, a wrap."""
    names, mobility = model.coordinate_names, model.tree.mobility_of_coordinate
    left, right, ankle = (mobility[names.index(name)] for name in ("mtp_angle_l", "mtp_angle_r", "ankle_angle_r"))
    f = model.functions
    count, pieces = len(f.mobility), len(f.knot)
    rows = {"knot": [-np.inf] * 2, "y": [0.1, 0.0], "b": [0.0, 0.5], **dict.fromkeys(("x0", "c", "d"), [0.0] * 2)}
    functions = Functions(
        mobility=np.append(f.mobility, [-1, ankle]),
        polynomial=np.append(f.polynomial, [0, 0]),
        start=np.append(f.start, [pieces + 1, pieces + 2]),
        **{name: np.append(getattr(f, name), values) for name, values in rows.items()},
    )
    drives = Drives(np.array([left]), np.array([count]))
    couplers = Couplers(np.array([right]), np.array([ankle]), np.array([count + 1]))
    zero = {name for name in Hills._fields if name in ("muscle", "kind") or name.endswith("_curve")}
    hills = Hills(**{name: np.array([0 if name in zero else 1.0]) for name in Hills._fields})
    straight = np.zeros((1, 30))
    straight[0, 1] = 1.0
    curves = Curves(np.array([1]), straight, straight, np.array([[0.0, 0.0, 0.0, 1.0, 1.0, 0.0]]))
    one, none = np.array([1]), np.array([0])
    surfaces = Surfaces(one, none, np.array([[0.02, 0.05]]), none, none, np.eye(3).reshape(1, 9), np.zeros((1, 3)))
    wraps = Wraps(muscle=none, surface=none, place=none, crowd=one, first_point=none, last_point=one)
    return replace(
        model, functions=functions, drives=drives, couplers=couplers, hills=hills, curves=curves,
        surfaces=surfaces, wraps=wraps,
    )  # fmt: skip


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    path = whole(Model.load(COMPILED["hip_ankle"])).save(tmp_path_factory.mktemp("whole") / "whole.npz")
    with np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def refused(arrays: dict[str, np.ndarray], path: Path) -> str:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    with pytest.raises(FileFormatError) as caught:
        Model.load(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1 and str(path) in message and "compile the .osim again" in message
    return message


@pytest.mark.parametrize("name", [name for name, rule in array_rules().items() if isinstance(rule, Index | Offsets)])
def test_an_index_out_of_range_is_refused_by_name(name: str, arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    for value in (-5, 10**6):
        wrong = arrays[name].copy()
        wrong.flat[wrong.size // 2] = value
        assert name in refused(arrays | {name: wrong}, tmp_path / "model.npz")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("tree.mass", lambda a: a.astype(np.float32)),
        ("tree.mass", lambda a: a[:-1]),
        ("tree.inertia", lambda a: np.full_like(a, np.nan)),
        ("tree.parent", lambda a: a[::-1]),
        ("paths.segment_kind", lambda a: 1 - a),
        ("muscles.max_speed", lambda a: -a),
        ("tree.row_column", lambda a: a[:0]),
        ("couplers.independent", lambda a: a + 1),
        ("couplers.function", lambda a: a - 2),
        ("couplers.dependent", lambda a: a * 0),
        ("drives.function", lambda a: a + 1),
        ("hills.kind", lambda a: a + 1),
        ("hills.tendon_curve", lambda a: a - 1),
        ("curves.sections", lambda a: a + 5),
    ],
)
def test_types_shapes_values_and_relations(name: str, change, arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    refused(arrays | {name: change(arrays[name])}, tmp_path / "model.npz")


def test_a_small_file_that_would_become_large_is_not_opened(arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez_compressed(path, **arrays, more=np.zeros(9 << 20))  # type: ignore[arg-type]
    assert path.stat().st_size < 1 << 20
    with pytest.raises(FileFormatError, match="at most 64 MiB"):
        Model.load(path)


def test_the_cache_mends_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, compiled = Model.load(COMPILED[None]), []
    monkeypatch.setattr(setup, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(setup, "compile_osim", lambda source: compiled.append(source) or whole)
    source = tmp_path / "mine.osim"
    source.write_text("<OpenSimDocument/>")
    target = setup.compiled_in_cache(source)
    assert setup.compiled_in_cache(source) == target and len(compiled) == 1
    target.write_bytes(target.read_bytes()[:5000])
    assert setup.compiled_in_cache(source) == target and len(compiled) == 2
    assert Model.load(target).content_hash == whole.content_hash
    monkeypatch.setattr(setup, "compiler_key", lambda: "another engine")
    assert setup.compiled_in_cache(source) != target
