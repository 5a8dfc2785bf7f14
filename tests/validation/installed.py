"""``python -m tests.validation.installed``: the wheel in processes of its own, outside the tree.

The wheel is built, installed without its dependencies into a virtual environment that sees this one's packages but not
its exogait, and used: every line of the README and of the how-tos, Gymnasium, stable-baselines3, a film, types. With
``--base`` it is installed once more, with what pip brings for it and nothing else, and a C3D file is analysed there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from tests.kit.howto import blocks_of, run_page
from tests.test_types import NAMES
from tests.test_wheel import ROOT, build_wheel

SECONDS = 900
README = {
    "source .venv/bin/activate": None,
    "exogait train healthy --out runs/healthy": "exogait train healthy --out runs/healthy --minutes 0.05 --threads 2",
    "exogait train device --out runs/device": "exogait train device --out runs/device --minutes 0.05 --threads 2",
    "exogait study hip_ankle --policies hip_ankle --out study": None,
    "exogait study short --out short": None,
    "exogait personalize --lab out/lab --deficit plantarflexors --strength 50 --side right --out device":
        "exogait personalize --lab lab --deficit plantarflexors --strength 50 --side right --out device "
        "--samples 64 --bodies 8 --seconds 0.5 --starts 1",
}  # fmt: skip
"""Lines of the README that take minutes or hours, and what is run in their place; ``None``: not run here."""
WALKS = "from exogait.analysis.made_up.person import make_synthetic_trial as m; t = m('.', seed=1); print(t.mass)"
MAKE = """
import gymnasium
assert "exogait" not in __import__("sys").modules
env = gymnasium.make("exogait:OsimGait-v0")
env.reset(seed=1)
assert env.step(env.action_space.sample())[0].shape == env.observation_space.shape
"""
VECTOR = """
import gymnasium, exogait
if __name__ == "__main__":
    for mode, more in ((None, {}), ("sync", {}), ("async", {"vector_kwargs": {"context": "spawn"}})):
        envs = gymnasium.make_vec("OsimGait-v0", 2, **({"vectorization_mode": mode} if mode else {}), **more)
        seen, _ = envs.reset(seed=1)
        seen = envs.step(envs.action_space.sample())[0]
        assert seen.shape[0] == 2, (mode, seen.shape)
        envs.close()
"""
PPO = """
import gymnasium, exogait
from stable_baselines3 import PPO
model = PPO("MlpPolicy", gymnasium.make("OsimGait-v0"), n_steps=512, batch_size=128, n_epochs=2, device="cpu", seed=1)
model.learn(2048)
assert model.num_timesteps == 2048
"""
CHECKS = """
import gymnasium, exogait, warnings
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_sb3
warnings.simplefilter("ignore")
check_env(gymnasium.make("OsimGait-v0").unwrapped, skip_render_check=True)
check_sb3(gymnasium.make("OsimGait-v0"))
"""
FILM = """
import gymnasium, exogait
from gymnasium.wrappers import RecordVideo
env = RecordVideo(gymnasium.make("OsimGait-v0", render_mode="rgb_array", max_episode_steps=5), "films")
env.reset(seed=1)
while not any(env.step(env.action_space.sample())[2:4]):
    pass
env.close()
import pathlib
assert next(pathlib.Path("films").glob("*.mp4")).stat().st_size > 1000
"""


@dataclass
class Table:
    """What was run, and how it ended."""

    rows: list[str] = field(default_factory=list)
    failed: int = 0

    def run(self, what: str, action: Callable[[], str]) -> None:
        """Run one, and note what it says of itself."""
        begin = time.monotonic()
        try:
            said = action()
        except (AssertionError, subprocess.SubprocessError) as error:
            self.failed += 1
            said = f"FAILED: {error}"
            print(said, file=sys.stderr)
            said = " ".join(said.split())[-300:].replace("|", "/")
        self.rows.append(f"| {what} | {said} | {time.monotonic() - begin:.0f} |")
        print(self.rows[-1], flush=True)


def call(python: Path, *arguments: str, cwd: Path, **more: str) -> str:
    """Run an interpreter where the tree cannot be seen; what it printed."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"MPLBACKEND": "agg", "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", **more}
    done = subprocess.run(
        [str(python), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, f"{' '.join(arguments)[:200]}: {done.stderr[-1500:]}"
    return done.stdout.strip()


def install(place: Path, wheel: Path, *, alone: bool) -> Path:
    """A virtual environment with the wheel; its interpreter.

    Args:
        place: Folder of the environment.
        wheel: The wheel.
        alone: With what pip brings for it, instead of what this environment has.
    """
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = place / "bin" / "python"
    more = [] if alone else ["--no-index", "--no-deps"]
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *more, str(wheel)], check=True)
    if not alone:
        # A path in a .pth file is searched, but .pth files in it are not read: the editable exogait stays hidden.
        here = call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place)
        (Path(here) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    found = call(python, "-c", "import exogait; print(exogait.__file__)", cwd=place)
    assert Path(found).is_relative_to(place), found
    return python


def readme(python: Path, folder: Path) -> str:
    """Run the README's lines; how many were run, and which not."""
    folder.mkdir()
    home = str(folder / "home")
    mass = call(python, "-c", WALKS, cwd=folder).splitlines()[-1]
    run, left = 0, []
    for block in blocks_of(ROOT / "README.md"):
        if block.language == "python":
            call(python, "-c", block.code.replace("mass=70.0", f"mass={mass}"), cwd=folder, EXOGAIT_HOME=home)
            run += 1
            continue
        for line in (part.split("#")[0].strip() for part in block.code.splitlines()):
            if line.startswith("make ") or not line:
                continue
            short = README.get(line, line)
            if short is None:
                left.append(line)
                continue
            call(python, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1], shell=True))", short,
                 cwd=folder, EXOGAIT_HOME=home)  # fmt: skip
            run += 1
    return f"{run} lines and blocks; not run: {'; '.join(left)}"


def howtos(python: Path, folder: Path) -> str:
    """Run the how-tos; how many blocks."""
    folder.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"MPLBACKEND": "agg", "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    pages = sorted((ROOT / "docs" / "how-to").glob("*.md"))
    blocks = 0
    for page in pages:
        (folder / page.stem).mkdir()
        blocks += run_page(page, folder / page.stem, python, environment)
    return f"{len(pages)} pages, {blocks} blocks"


def film(python: Path, folder: Path) -> str:
    """Film with Gymnasium's wrapper, for which moviepy and an older Pillow lie in a folder of their own."""
    folder.mkdir()
    wanted = ["moviepy>=2.2", "pillow<12", "imageio", "imageio-ffmpeg", "decorator", "proglog", "python-dotenv"]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder / "moviepy"), *wanted]
    if subprocess.run(pip, capture_output=True).returncode != 0:
        return "not run: moviepy could not be installed"
    call(python, "-c", FILM, cwd=folder, PYTHONPATH=str(folder / "moviepy"))
    return "an .mp4 (moviepy 2.2 and Pillow below 12 in a folder of their own)"


def types(python: Path, folder: Path) -> str:
    """Ask pyright for the public types of the installed wheel."""
    folder.mkdir()
    lines = ["import exogait as eg", *(f"reveal_type({name})" for name in NAMES)]
    (folder / "script.py").write_text("\n".join(lines) + "\n")
    (folder / "pyrightconfig.json").write_text(json.dumps({"include": ["script.py"], "typeCheckingMode": "standard"}))
    command = [sys.executable, "-m", "pyright", "--pythonpath", str(python), "--outputjson", "-p", str(folder)]
    found = json.loads(subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout)
    said = {one["range"]["start"]["line"]: one for one in found["generalDiagnostics"]}
    for number, (name, words) in enumerate(NAMES.items(), 1):
        message = said[number]["message"]
        assert said[number]["severity"] == "information" and words in message, message
        assert 'is "Any"' not in message and "Unknown" not in message, f"{name}: {message}"
    return f"{len(NAMES)} types"


def lab(python: Path, folder: Path) -> str:
    """Analyse a C3D file where there is no torch."""
    folder.mkdir()
    assert call(python, "-c", "import importlib.util as u; print(u.find_spec('torch'))", cwd=folder) == "None"
    mass = call(python, "-c", WALKS, cwd=folder).splitlines()[-1]
    line = ["lab", "run", "--static", "static.c3d", "--trial", "walk.c3d", "--mass", mass, "--out", "lab"]
    call(python, "-m", "exogait", *line, cwd=folder)
    assert "</html>" in (folder / "lab" / "report.html").read_text(encoding="utf-8")
    return "report and tables"


def size(place: Path) -> float:
    """Bytes of a folder's files, in MB."""
    return sum(path.lstat().st_size for path in place.rglob("*") if not path.is_dir()) / 1e6


def main(*, base: bool = True, scratch: Path | None = None) -> None:
    """Build the wheel, install it, use it.

    Args:
        base: Also install it with pip's dependencies alone, which are fetched.
        scratch: Empty folder to work in; a temporary one without.
    """
    table = Table()
    with tempfile.TemporaryDirectory() as temporary:
        place = scratch or Path(temporary)
        wheel = build_wheel(place / "tree", place / "dist")
        python = install(place / "venv", wheel, alone=False)
        print("| in the installed wheel | what came of it | s |\n|---|---|---|")
        for what, code in (
            ("`gymnasium.make`, exogait not imported before", MAKE), ("both `check_env`", CHECKS),
            ("`make_vec`: one batch, sync, async (spawn)", VECTOR), ("PPO of stable-baselines3", PPO),
        ):  # fmt: skip
            script = place / f"script{len(table.rows)}.py"
            script.write_text(code)
            said = "2,048 steps" if code == PPO else "passes"
            table.run(what, lambda script=script, said=said: (call(python, str(script), cwd=place) and said) or said)
        table.run("`RecordVideo`", lambda: film(python, place / "film"))
        table.run("pyright", lambda: types(python, place / "types"))
        table.run("README", lambda: readme(python, place / "readme"))
        table.run("how-tos", lambda: howtos(python, place / "howtos"))
        if base:
            alone = install(place / "base", wheel, alone=True)
            table.run("base installation: `lab run`, no torch", lambda: lab(alone, place / "base-lab"))
            table.run("base installation: pyright", lambda: types(alone, place / "base-types"))
            table.run("base installation: size", lambda: f"{size(place / 'base'):,.0f} MB")
    raise SystemExit(1 if table.failed else 0)


if __name__ == "__main__":
    tyro.cli(main, prog="python -m tests.validation.installed")
