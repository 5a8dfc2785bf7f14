"""The replay page: everything inside, numbers unchanged, drawn by a real browser; films; files that OpenSim plays."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from exogait.data import FileFormatError, GaitTrial, InputError
from exogait.osim_env.engine import Model
from exogait.osim_env.gait.setup import COMPILED
from exogait.osim_env.viewing.replay_page import Replay, load_scene, replay, replay_page
from exogait.osim_env.viewing.scene import make_scene
from exogait.osim_env.viewing.video import Film, write_video

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(COMPILED["hip_ankle"])


@pytest.fixture(scope="module")
def page(walk: GaitTrial, model: Model) -> str:
    torques = walk.require("device_torques").copy()
    torques.loc[:] = 40.0 * np.sin(np.arange(len(torques)))[:, None]
    return replay(walk.replace(device_torques=torques), model, begin={"t": 0.3, "view": "right", "paused": 1}).page


def part(page: str, identifier: str) -> str:
    found = re.search(rf'id="{identifier}">(.*?)</script>', page, re.S)
    assert found
    return found.group(1)


def arrays(page: str) -> dict[str, np.ndarray]:
    raw = base64.b64decode(part(page, "arrays"))
    directory = json.loads(part(page, "facts"))["arrays"]
    return {name: np.frombuffer(raw, f"<{kind}", count, offset) for name, (kind, offset, count) in directory.items()}


def test_page_holds_the_poses_and_activations_of_the_walk(page: str, walk: GaitTrial, model: Model) -> None:
    scene, held = make_scene(walk, model), arrays(page)
    np.testing.assert_allclose(held["position"].reshape(scene.position.shape), scene.position, atol=1e-6)
    rotation = held["rotation"].reshape(scene.rotation.shape) / 32767
    np.testing.assert_allclose(rotation, scene.rotation, atol=2e-5)
    assert scene.activation is not None and scene.force is not None
    activation = held["activation"].reshape(scene.activation.shape) / 254
    np.testing.assert_allclose(activation, scene.activation, atol=0.5 / 254 + 1e-9)
    np.testing.assert_allclose(held["force"].reshape(scene.force.shape), scene.force, rtol=1e-6, atol=1e-3)


def test_page_needs_no_network_and_is_small(page: str, walk: GaitTrial, model: Model) -> None:
    assert not re.search(r"https?://|//cdn|<link|@import|fetch\(|XMLHttpRequest|import\(", page)
    table = walk.require("coordinates")
    long = pd.DataFrame(np.resize(table.to_numpy(), (251, table.shape[1])), columns=table.columns,
                        index=pd.Index(np.arange(251) / 50.0, name="time"))  # fmt: skip
    activation = pd.DataFrame(np.random.default_rng(0).random((251, model.n_muscles)), index=long.index,
                              columns=list(model.muscle_names))  # fmt: skip
    trial = walk.replace(
        coordinates=long, muscles={"activation": activation}, device_torques=None, ground_reactions=None
    )
    size = len(replay(trial, model).page.encode())
    # 5 s at 50 frames a second; the aim is 15 MB, this is what it takes.
    assert size < 0.5e6, f"{size / 1e6:.2f} MB"


def test_page_says_that_a_simulation_is_one(page: str, walk: GaitTrial, model: Model) -> None:
    facts = json.loads(part(page, "facts"))
    assert facts["simulated"] and facts["kind"] == "Simulated walk"
    measured = walk.replace(metadata={"source": "lab", "subject_mass": 75.0})
    facts = json.loads(part(replay(measured, model).page, "facts"))
    assert not facts["simulated"] and facts["kind"] == "Measured walk"


def test_names_cannot_break_out_of_the_page(walk: GaitTrial, model: Model) -> None:
    evil = '</script><script>alert("x")</script> $SCRIPT'
    text = replay(walk.replace(name=evil), model).page
    assert "<script>alert" not in text
    assert json.loads(part(text, "facts"))["title"] == evil


def test_replay_shows_itself_in_a_notebook(page: str) -> None:
    shown = Replay(page)._repr_html_()
    inside = re.search(r'srcdoc="([^"]*)"', shown)
    assert inside and html.unescape(inside.group(1)) == page


def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium or Chrome on this machine: the replay page was NOT drawn; install one to test it")
    return found


def open_page(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        browser(), "--headless", "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader", "--hide-scrollbars", "--window-size=800,600", "--virtual-time-budget=400",
        *options, path.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def picture(page: str, folder: Path, name: str, **begin: Any) -> np.ndarray:
    from PIL import Image

    file, shot = folder / f"{name}.html", folder / f"{name}.png"
    facts = json.loads(part(page, "facts"))
    facts["begin"] = "&".join(f"{key}={value}" for key, value in begin.items())
    text = json.dumps(facts).replace("<", "\\u003c")
    file.write_text(page.replace(part(page, "facts"), text))
    result = open_page(file, f"--screenshot={shot}")
    assert shot.is_file(), result.stderr
    return np.asarray(Image.open(shot).convert("RGB")).astype(int)


def test_browser_draws_the_page_and_time_moves_it(page: str, tmp_path: Path) -> None:
    file = tmp_path / "replay.html"
    file.write_text(page)
    dump = open_page(file, "--dump-dom").stdout
    assert 'data-state="drawn"' in dump, "the script did not get to its first frame"
    assert "Simulated walk" in dump and 'id="time"' in dump and "0.30 s of" in dump
    early = picture(page, tmp_path, "early", t=0.1, view="right", paused=1)
    late = picture(page, tmp_path, "late", t=0.5, view="right", paused=1)
    stage = (slice(40, 430), slice(250, 590))
    blue = (early[..., 2] - early[..., 0] > 60)[stage].sum()
    green = ((early[..., 1] - early[..., 0] > 40) & (early[..., 1] - early[..., 2] > 15))[stage].sum()
    violet = ((early[..., 2] - early[..., 1] > 60) & (early[..., 0] - early[..., 1] > 30))[stage].sum()
    assert blue > 300, "no muscles"
    assert green > 30, "no ground reaction"
    assert violet > 50, "no device torque"
    moved = (np.abs(early - late).sum(axis=2) > 60)[stage].mean()
    assert moved > 0.01, "another time shows the same picture"


def test_folder_of_results_is_replayed(walk: GaitTrial, tmp_path: Path) -> None:
    walk.write_parquet(tmp_path / "trial")
    (tmp_path / "opensim").mkdir()
    shutil.copyfile(COMPILED["hip_ankle"], tmp_path / "opensim" / "model.npz")
    file = replay(tmp_path).save(tmp_path / "replay.html")
    assert file.stat().st_size > 50_000


def test_bad_folders_are_one_clear_error(walk: GaitTrial, tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no trial"):
        replay(tmp_path)
    walk.write_parquet(tmp_path / "trial")
    with pytest.raises(FileFormatError, match="no model"):
        replay(tmp_path)
    (tmp_path / "opensim").mkdir()
    for name in ("a", "b"):
        shutil.copyfile(COMPILED["hip_ankle"], tmp_path / "opensim" / f"{name}.npz")
    with pytest.raises(FileFormatError, match="several models"):
        replay(tmp_path)
    with pytest.raises(InputError, match="model"):
        replay(walk)


def test_unknown_ends_of_a_measured_walk_are_cut(walk: GaitTrial, model: Model) -> None:
    table = walk.require("coordinates").copy()
    table.iloc[:5] = np.nan
    scene = load_scene(walk.replace(coordinates=table), model)
    assert scene.time[0] == pytest.approx(table.index[5])


def test_film_shows_bones_muscles_and_force(walk: GaitTrial, model: Model) -> None:
    image = Film(make_scene(walk, model)).frame(15).astype(int)
    assert image.shape[2] == 3 and image.shape[0] % 2 == 0 and image.shape[1] % 2 == 0
    assert ((image[..., 2] - image[..., 0]) > 80).sum() > 500, "no muscles"
    assert ((image[..., 1] - image[..., 0]) > 60).sum() > 50, "no ground reaction"


def test_films_have_their_frames(walk: GaitTrial, model: Model, tmp_path: Path) -> None:
    from PIL import Image

    scene = make_scene(walk.crop(0.0, 0.3), model)
    with Image.open(write_video(scene, tmp_path / "walk.gif")) as film:
        assert film.n_frames == round((scene.time[-1] - scene.time[0]) * 25)
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is missing: no .mp4 was written")
    path = write_video(scene, tmp_path / "walk.mp4", speed=0.5)
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert frames == round((scene.time[-1] - scene.time[0]) * 2 * 25) and seconds > 0.3
    with pytest.raises(InputError, match="mp4"):
        write_video(scene, tmp_path / "walk.avi")


def test_page_template_takes_a_scene(walk: GaitTrial, model: Model) -> None:
    assert replay_page(make_scene(walk, model)).startswith("<!doctype html>")
