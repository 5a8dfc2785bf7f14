"""What an editor knows of the public names, asked from outside the tree as a user's script would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import exogait as eg
from tests.house import ROOT

NAMES = {
    "eg.open": "(path: str | Path) -> (Walk | Batch | Session",
    "eg.read_c3d": "-> C3DFile",
    "eg.build_model": "(device: str | Path | Device | None = None",
    "eg.run_lab": "-> LabRun",
    "eg.session": "-> Session",
    "eg.simulate": "-> GaitTrial",
    "eg.compare": "-> DataFrame",
    "eg.replay": "-> Replay",
    "eg.train": "-> TrainingRun",
    "eg.policies()": "DataFrame",
    "eg.models.load_device('x').actuation": "tuple[JointActuation, ...]",
    "eg.data.GaitTrial.read_parquet": "-> GaitTrial",
    "eg.analysis.trial_cycles": "-> CycleStack",
    "eg.osim_env.load_policy('x').metadata": "dict[str, Any]",
    "eg.osim_env.engine.Model.load": "-> Model",
}
"""Expression and what its type must say."""


@pytest.fixture(scope="module")
def revealed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Line of the script to what pyright says of it."""
    folder = tmp_path_factory.mktemp("outside")
    lines = ["import exogait as eg", *(f"reveal_type({name})" for name in NAMES)]
    (folder / "script.py").write_text("\n".join(lines) + "\n")
    settings = {"include": ["script.py"], "extraPaths": [str(ROOT)], "typeCheckingMode": "standard"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(folder)]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    diagnostics = json.loads(found.stdout)["generalDiagnostics"]
    assert not [one for one in diagnostics if one["severity"] == "error"], diagnostics
    return {one["range"]["start"]["line"]: one["message"] for one in diagnostics}


@pytest.mark.parametrize("line", range(1, len(NAMES) + 1), ids=list(NAMES))
def test_a_public_name_has_a_type(revealed: dict[int, str], line: int) -> None:
    name = list(NAMES)[line - 1]
    message = revealed[line]
    assert NAMES[name] in message, message
    assert 'is "Any"' not in message and "Unknown" not in message, message


def test_the_typed_twin_is_what_is_there() -> None:
    assert set(eg.__all__) <= set(dir(eg))
    for name in eg.__all__:
        assert getattr(eg, name) is not None
    assert len(eg.__all__) <= 20
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        eg.opne  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_importing_and_completing_import_nothing_heavy() -> None:
    script = "import sys, exogait as eg; dir(eg); eg.open; bad = {'torch', 'numba', 'opensim', 'matplotlib'}; "
    script += "found = bad & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=120)


def test_the_docstring_names_every_verb_and_package() -> None:
    text = eg.__doc__ or ""
    assert not [name for name in eg.__all__ if name not in text]
    assert Path(eg.__file__).with_suffix(".pyi").is_file()
