"""Studies: what is planned, what is never lost, and that the comparisons are paired."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from exogait.data.errors import ExogaitError, InputError, MissingDependencyError, UnknownNameError
from exogait.data.home import find
from exogait.data.processes import LocalWorkers, WorkerLostError
from exogait.models.energetics import ACCOUNTINGS
from exogait.osim_env.gait.population import CONDITIONS
from exogait.osim_env.gait.strategy import load_strategies
from exogait.osim_env.learning import rollout
from exogait.osim_env.learning.checkpoint import read_checkpoint
from exogait.osim_env.learning.policy import PolicyMismatchError, load_policy
from exogait.osim_env.learning.run import find_config
from exogait.osim_env.study.files import export_policies, policy_files, result_of
from exogait.osim_env.study.plan import (
    SearchConfig,
    StudyBody,
    StudyConfig,
    Task,
    Variant,
    inputs_of_task,
    plan,
)
from exogait.osim_env.study.ray_backend import RayBackend
from exogait.osim_env.study.run import (
    run_study,
)
from exogait.osim_env.study.tasks import run_task
from exogait.osim_env.study.tune import training_config
from tests.kit.study_functions import die, die_once, divide, fail, numbers, train_and_die, wait_for

SETTINGS = {
    "study", "device", "seed", "body", "side", "variant", "strength", "condition", "speed", "start",
    "imitation_weight", "imitation_dead_zone", "deficit",
}  # fmt: skip
TRAIN = Task("train-1", "train", 1)


class Inline:
    """A backend that does everything at once in this process, and counts."""

    workers = 1

    def __init__(self) -> None:
        self.done: list[str] = []

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.done.append(arguments[1].name)
        return object(), functools.partial(function, *arguments)

    def wait_for_one(self, handles: Sequence[Any]) -> list[Any]:
        return list(handles)[:1]

    def result(self, handle: Any) -> Any:
        return handle[1]()

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> StudyConfig:
    """A study of seconds: 24 bodies, two updates of a generalist, one of each fine-tune, walks of 0.4 s."""
    content = yaml.safe_load(find_config("assistance").read_text())
    content |= {"n_envs": 24, "n_steps": 21, "start_human": "healthy", "checkpoint_minutes": 0.0}
    content["stages"] = [{"samples": 1000, "learn": "both", "speeds": [1.0, 1.5]}]
    for role in ("human", "device"):
        content[role] |= {"minibatch": 168, "epochs": 1, "critic_warmup": 0}
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(yaml.safe_dump(content))
    return StudyConfig(
        name="tiny",
        training=str(path),
        seeds=(1,),
        bodies=(StudyBody(), StudyBody("plantarflexors", (50.0,))),
        speeds=(1.25,),
        tune_samples=500,
        starts=1,
        seconds=0.4,
    )


@pytest.fixture(scope="module")
def study(tiny: StudyConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, pd.DataFrame]]:
    """The finished study."""
    folder = tmp_path_factory.mktemp("study")
    return folder, run_study(tiny, folder, numbers, backend=Inline())


@pytest.fixture
def copy(study, tmp_path: Path) -> Path:
    """A copy of the finished study, to break."""
    return Path(shutil.copytree(study[0], tmp_path / "study"))


def test_from_finished_generalists_nothing_is_trained_but_fine_tunes(tiny: StudyConfig, study, tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    export_policies(tiny, study[0], policies)
    config = dataclasses.replace(tiny, generalists=str(policies), tune_human={"start_std": 0.04})
    tasks = plan(config)
    assert [task.kind for task in tasks] == ["tune", "walk"] * 2
    for task in tasks:
        if task.kind == "tune":
            tuned = training_config(config, task, tmp_path)
            assert tuned.start_checkpoint is None and tuned.human.start_std == 0.04
            assert tuned.share_legs == (tuned.setup.population.bodies[0].deficit is None)
            assert tuned.start_human == str(policies / "generalist_1_human")
            assert tuned.human.critic_warmup > 0
    tables = run_study(config, tmp_path / "again", numbers, backend=Inline())
    assert tables["tasks"]["done"].all()
    with pytest.raises(InputError, match="policies"):
        run_study(dataclasses.replace(config, generalists="nowhere"), tmp_path / "no", numbers, backend=Inline())


def test_a_variant_may_be_for_some_seeds_and_speeds_only(tiny: StudyConfig) -> None:
    slow = Variant("slow", bodies=("healthy",), seeds=(2,), speeds=(0.8,))
    config = dataclasses.replace(tiny, seeds=(1, 2), variants=(slow,))
    names = [task.name for task in plan(config)]
    assert "walk-2-healthy-slow" in names and "walk-1-healthy-slow" not in names
    assert names[:2] == ["train-1", "train-2"]  # the long ones first
    assert config.speeds_of(config.bodies[0], slow) == (0.8,)
    assert config.speeds_of(StudyBody("quadriceps", (50.0,), speeds=(1.0,)), None) == (1.0,)


# ---- the plan ------------------------------------------------------------------------------------------------------


def test_the_plan_names_every_task_after_what_it_needs() -> None:
    config = StudyConfig(
        "s",
        seeds=(1, 2),
        bodies=(StudyBody(), StudyBody("plantarflexors", (50.0, 30.0))),
        variants=(Variant("imitation 1.0", bodies=("plantarflexors",)),),
    )
    tasks = plan(config)
    before: set[str] = set()
    for task in tasks:
        assert set(task.needs) <= before
        before.add(task.name)
    kinds = [task.kind for task in tasks]
    assert (kinds.count("train"), kinds.count("tune"), kinds.count("walk")) == (2, 6, 6) and len(before) == 14
    one = {task.name: task for task in tasks}
    assert one["walk-2-plantarflexors"].needs == ("tune-2-plantarflexors",)
    assert one["tune-2-plantarflexors"].needs == ("train-2",)
    variants = [task.name for task in tasks if task.variant is not None]
    assert variants == [f"{kind}-{s}-plantarflexors-imitation_1_0" for s in (1, 2) for kind in ("tune", "walk")]


def test_with_policies_only_bodies_that_have_them_walk(tmp_path: Path) -> None:
    config = StudyConfig("s", seeds=(1, 2), bodies=(StudyBody(), StudyBody("quadriceps")))
    for label in ("1-quadriceps_human", "1-quadriceps_device", "2-healthy_human", "2-healthy_device"):
        (tmp_path / f"{label}.json").write_text("{}")
    tasks = plan(config, tmp_path)
    assert [task.name for task in tasks] == ["walk-2-healthy", "walk-1-quadriceps"]
    assert not any(task.needs for task in tasks)


def test_where_the_device_alone_is_tuned_the_generalists_human_walks(tiny: StudyConfig, study, tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    export_policies(tiny, study[0], policies)
    elastic = Variant("elastic", bodies=("healthy",), setup={"tendon": "compliant_plantarflexors"})
    profile = Variant("profile", bodies=("healthy",), device_profile="franks2021_hip_ankle")
    config = dataclasses.replace(tiny, generalists=str(policies), tune="device", variants=(elastic, profile))
    tasks = {task.name: task for task in plan(config)}
    assert "tune-1-healthy-profile" not in tasks and tasks["walk-1-healthy-profile"].needs == ()
    tuned = training_config(config, tasks["tune-1-healthy"], tmp_path)
    assert tuned.stages[0].learn == "device" and tuned.setup.population.conditions == {"powered": 1.0}
    folder = tmp_path / "study"
    tables = run_study(config, folder, numbers, backend=Inline())
    assert tables["tasks"]["done"].all() and set(tables["walks"]["condition"]) == set(CONDITIONS)
    assert not (folder / "tune-1-healthy" / "human.json").exists()
    assert (folder / "tune-1-healthy-elastic" / "human.json").exists()  # the same, at home on another model
    human, device = policy_files(config, tasks["walk-1-healthy"], folder, False)
    assert human == policies / "generalist_1_human" and device == folder / "tune-1-healthy" / "device"
    exported = tmp_path / "exported"
    export_policies(config, folder, exported)
    shutil.copy(policies / "generalist_1_human.json", exported)
    shutil.copy(policies / "generalist_1_human.safetensors", exported)
    again = run_study(config, tmp_path / "again", numbers, backend=Inline(), policies=exported)
    assert len(again["walks"]) == len(tables["walks"])


def test_variants_change_their_settings_and_nothing_else(tiny: StudyConfig) -> None:
    variant = Variant("free", world={"imitation_weight": 0.0}, setup={"reference": "other"}, tune_samples=77)
    config = dataclasses.replace(tiny, variants=(variant,))
    main = training_config(config, Task("tune-1-healthy", "tune", 1, 0), Path("out"))
    free = training_config(config, Task("tune-1-healthy-free", "tune", 1, 0, 0), Path("out"))
    assert (free.world.imitation_weight, free.setup.reference, free.samples) == (0.0, "other", 77)
    assert dataclasses.replace(free.world, imitation_weight=main.world.imitation_weight) == main.world
    assert dataclasses.replace(free.setup, reference=main.setup.reference) == main.setup
    assert main.samples == 500 and main.start_checkpoint == str(Path("out/train-1/checkpoint.npz"))
    assert main.setup.population is not None and main.setup.population.conditions == dict.fromkeys(CONDITIONS, 1)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"seeds": ()}, InputError),
        ({"bodies": (StudyBody(), StudyBody())}, InputError),
        ({"variants": (Variant("a", bodies=("nobody",)),)}, InputError),
        ({"variants": (Variant("1.0"), Variant("1 0"))}, InputError),
        ({"variants": (Variant("main"),)}, InputError),
        ({"variants": (Variant("a", world={"imitation": 1.0}),)}, UnknownNameError),
        ({"variants": (Variant("a", setup={"modle": "x"}),)}, UnknownNameError),
        ({"training": "healthy"}, ExogaitError),
    ],
)
def test_impossible_studies_are_refused_before_any_work(tiny, tmp_path, change, error) -> None:
    backend = Inline()
    with pytest.raises(error):
        run_study(dataclasses.replace(tiny, **change), tmp_path, numbers, backend=backend)
    assert not backend.done


# ---- the walks -----------------------------------------------------------------------------------------------------


def test_tables_say_everything_about_every_walk(study) -> None:
    folder, tables = study
    walks = tables["walks"]
    assert SETTINGS <= set(walks.columns) and not walks[sorted(SETTINGS)].isna().any().any()
    assert len(walks) == 6 and set(walks["condition"]) == set(CONDITIONS)
    assert (walks["device"] == "hip_ankle").all()
    weak = walks[walks["body"] == "plantarflexors"]
    assert set(weak["strength"]) == {50.0} and set(weak["side"]) == {"right"}
    assert tables["tasks"]["done"].all() and set(tables["tasks"]["kind"]) == {"train", "tune", "walk"}
    assert tables["tasks"].set_index("task").loc["train-1", "samples"] == 1008
    for name, table in tables.items():
        pd.testing.assert_frame_equal(pd.read_parquet(folder / f"{name}.parquet"), table)


def test_conditions_start_from_the_same_state(tiny: StudyConfig, copy: Path, monkeypatch) -> None:
    config = dataclasses.replace(tiny, starts=2, speeds=(1.0, 1.5))
    seen: dict[str, Any] = {}

    def look(world, human, seconds, *, device_policy):
        seen.update(q=world.q.copy(), u=world.u.copy(), phase=world.phase.copy(), speed=world.speed.copy())
        seen.update(worn=world.physics.device_worn.copy(), powered=world.exoskeleton.powered.copy())
        seen.update(strength=world.strength.copy())
        return []

    monkeypatch.setattr(rollout, "roll_out", look)
    walk = next(task for task in plan(config) if task.name == "walk-1-plantarflexors")
    (copy / walk.name / "result.json").unlink()
    run_task(config, walk, copy, numbers, None)
    thirds = {name: np.split(values, 3) for name, values in seen.items()}
    for name in ("q", "u", "phase", "speed", "strength"):
        for other in thirds[name][1:]:
            np.testing.assert_array_equal(other, thirds[name][0], err_msg=name)
    assert len(np.unique(thirds["phase"][0])) == 4 and thirds["speed"][0].tolist() == [1.0, 1.0, 1.5, 1.5]
    assert (thirds["strength"][0] < 1).any()
    switches = [(worn.mean(), (worn * on).mean()) for worn, on in zip(thirds["worn"], thirds["powered"], strict=True)]
    assert switches == [(0, 0), (1, 0), (1, 1)] and CONDITIONS == ("none", "unpowered", "powered")


# ---- what is never lost --------------------------------------------------------------------------------------------


def test_a_second_run_does_nothing_and_gives_the_same(tiny: StudyConfig, study) -> None:
    folder, tables = study
    backend = Inline()
    again = run_study(tiny, folder, numbers, backend=backend)
    assert not backend.done
    for name, table in tables.items():
        pd.testing.assert_frame_equal(again[name], table)


def test_only_what_is_missing_is_done(tiny: StudyConfig, study, copy: Path) -> None:
    (copy / "walk-1-healthy" / "result.json").unlink()
    backend = Inline()
    again = run_study(tiny, copy, numbers, backend=backend)
    assert backend.done == ["walk-1-healthy"]
    pd.testing.assert_frame_equal(again["walks"], study[1]["walks"])


@pytest.mark.parametrize("noted", [None, ["umberger2010", "bhargava2004"]])
def test_walks_that_were_counted_otherwise_walk_again_and_nothing_else(
    tiny: StudyConfig, study, copy: Path, noted: list[str] | None
) -> None:
    path = copy / "walk-1-healthy" / "result.json"
    done = json.loads(path.read_text())
    done.pop("accountings")
    path.write_text(json.dumps(done if noted is None else {**done, "accountings": noted}))
    backend = Inline()
    again = run_study(tiny, copy, numbers, backend=backend)
    assert backend.done == ["walk-1-healthy"]
    assert json.loads(path.read_text())["accountings"] == list(ACCOUNTINGS)
    pd.testing.assert_frame_equal(again["walks"], study[1]["walks"])


def test_a_file_of_the_users_that_was_edited_is_another_setting(tiny: StudyConfig, copy: Path, tmp_path: Path) -> None:
    source = find("deficits", "plantarflexors").read_text()
    own = tmp_path / "plantarflexors.yaml"
    own.write_text(source)
    config = dataclasses.replace(tiny, bodies=(tiny.bodies[0], dataclasses.replace(tiny.bodies[1], deficit=str(own))))
    for task in plan(config):
        path = copy / task.name / "result.json"
        done = json.loads(path.read_text())
        path.write_text(json.dumps({**done, "inputs": inputs_of_task(config, task)}))
    run_study(config, copy, numbers)
    own.write_text(source + "# stronger\n")
    with pytest.raises(InputError, match=r"^files: .*plantarflexors\.yaml.* was done with "):
        run_study(config, copy, numbers)


def test_results_of_other_settings_are_not_mixed(tiny: StudyConfig, copy: Path) -> None:
    for change in ({"seconds": 1.0}, {"tune_samples": 600.0}, {"bodies": (StudyBody(strengths=(90.0,)),)}):
        backend = Inline()
        with pytest.raises(InputError, match=r"was done with"):
            run_study(dataclasses.replace(tiny, **change), copy, numbers, backend=backend)
        assert not backend.done


def test_a_killed_training_goes_on_from_its_checkpoint(tiny: StudyConfig, study, tmp_path: Path) -> None:
    process = get_context("spawn").Process(target=train_and_die, args=(tiny, TRAIN, tmp_path, 1))
    process.start()
    process.join()
    assert process.exitcode == -9 and result_of(tmp_path, TRAIN) is None
    checkpoint = tmp_path / "train-1" / "checkpoint.npz"
    first = read_checkpoint(checkpoint)
    assert len((tmp_path / "train-1" / "progress.csv").read_text().splitlines()) == 2  # names and one update
    run_task(tiny, TRAIN, tmp_path, numbers, None)
    assert len((tmp_path / "train-1" / "progress.csv").read_text().splitlines()) == 3
    last, whole = read_checkpoint(checkpoint), read_checkpoint(study[0] / "train-1" / "checkpoint.npz")
    for name in (n for n in last if n != "facts"):  # facts hold times
        np.testing.assert_array_equal(last[name], whole[name], err_msg=name)
    assert any(not np.array_equal(last[name], first[name]) for name in last if name.startswith("device/"))


def test_a_killed_worker_loses_nothing(tiny: StudyConfig, study, copy: Path) -> None:
    """Both walks run at a time; one kills its process, the other goes on, and the first is done again."""
    for name in ("walk-1-healthy", "walk-1-plantarflexors"):
        (copy / name / "result.json").unlink()
    lines: list[str] = []
    summarise = functools.partial(die_once, folder=copy, body="plantarflexors")
    tables = run_study(tiny, copy, summarise, backend=LocalWorkers(2), report=lines.append)
    assert (copy / "died").is_file()
    assert sorted(line.split(":")[0] for line in lines) == ["walk-1-healthy", "walk-1-plantarflexors"]
    pd.testing.assert_frame_equal(tables["walks"], study[1]["walks"])


def test_a_dying_worker_takes_no_other_with_it(tmp_path: Path) -> None:
    backend = LocalWorkers(2)
    try:
        waiting, dying = backend.submit(wait_for, tmp_path / "go"), backend.submit(die)
        assert backend.wait_for_one([waiting, dying]) == [dying]
        with pytest.raises(WorkerLostError):
            backend.result(dying)
        (tmp_path / "go").touch()
        first = backend.result(waiting)
        assert backend.result(backend.submit(wait_for, tmp_path / "go")) == first  # the same process
    finally:
        backend.close()


def test_a_task_that_kills_its_workers_again_and_again_fails_alone(tiny: StudyConfig, copy: Path) -> None:
    for name in ("walk-1-healthy", "walk-1-plantarflexors"):
        (copy / name / "result.json").unlink()
    backend = Lossy()
    with pytest.raises(ExogaitError, match="1 of 5 tasks failed, first walk-1-healthy: its worker died 3 times"):
        run_study(tiny, copy, numbers, backend=backend)
    assert backend.done.count("walk-1-healthy") == 3
    assert result_of(copy, Task("walk-1-plantarflexors", "walk", 1)) is not None


class Lossy(Inline):
    """Loses its worker in every walk of the healthy body."""

    def result(self, handle: Any) -> Any:
        if handle[1].args[1].name == "walk-1-healthy":
            raise WorkerLostError("lost")
        return super().result(handle)


def test_a_failing_task_is_named_and_the_others_are_done(tiny: StudyConfig, copy: Path) -> None:
    for name in ("walk-1-healthy", "walk-1-plantarflexors"):
        (copy / name / "result.json").unlink()
    lines: list[str] = []
    summarise = functools.partial(fail, body="healthy")
    with pytest.raises(ExogaitError, match=r"first walk-1-healthy: ArithmeticError: nothing to say about healthy"):
        run_study(tiny, copy, summarise, backend=Inline(), report=lines.append)
    assert result_of(copy, Task("walk-1-plantarflexors", "walk", 1)) is not None
    assert lines[0].startswith("walk-1-healthy: failed, ArithmeticError")
    assert "in fail" in (copy / "walk-1-healthy" / "error.txt").read_text()
    tasks = pd.read_parquet(copy / "tasks.parquet").set_index("task")
    assert tasks["done"].to_dict() == {name: name != "walk-1-healthy" for name in tasks.index}
    assert set(pd.read_parquet(copy / "walks.parquet")["body"]) == {"plantarflexors"}
    tables = run_study(tiny, copy, numbers, backend=Inline())
    assert len(tables["walks"]) == 6 and not (copy / "walk-1-healthy" / "error.txt").exists()


def test_what_needs_a_failed_task_is_not_tried(tiny: StudyConfig, tmp_path: Path) -> None:
    class Broken(Inline):
        def result(self, handle: Any) -> Any:
            raise RuntimeError("no")

    backend = Broken()
    with pytest.raises(ExogaitError, match="1 of 5 tasks failed, first train-1: RuntimeError: no"):
        run_study(tiny, tmp_path, numbers, backend=backend)
    assert backend.done == ["train-1"]


# ---- without training ----------------------------------------------------------------------------------------------


def test_exported_policies_walk_the_same_walks(tiny: StudyConfig, study, tmp_path: Path) -> None:
    variants = (Variant("imitation 1.0", bodies=("healthy",)),)
    folder, tables = study
    files = export_policies(tiny, folder, tmp_path / "policies")
    assert sorted(file.name for file in files) == [
        f"{label}_{role}.json"
        for label in ("1-healthy", "1-plantarflexors", "generalist_1")
        for role in ("device", "human")
    ]
    backend = Inline()
    config = dataclasses.replace(tiny, variants=variants)  # whose policies are not there
    again = run_study(config, tmp_path / "walks", numbers, backend=backend, policies=tmp_path / "policies")
    assert backend.done == ["walk-1-healthy", "walk-1-plantarflexors"]
    pd.testing.assert_frame_equal(again["walks"], tables["walks"])


def test_policies_of_a_variant_keep_their_roles_apart(tiny: StudyConfig, copy: Path, tmp_path: Path) -> None:
    """A point in a variant's name is no suffix."""
    config = dataclasses.replace(tiny, variants=(Variant("imitation 1.0", bodies=("healthy",)),))
    task = next(task for task in plan(config) if task.kind == "tune" and task.variant == 0)
    shutil.copytree(copy / "tune-1-healthy", copy / task.name)
    export_policies(config, copy, tmp_path / "policies")
    roles = {
        role: load_policy(tmp_path / "policies" / f"1-healthy-imitation_1_0_{role}").metadata["role"]
        for role in ("human", "device")
    }
    assert roles == {"human": "human", "device": "device"}
    assert "walk-1-healthy-imitation_1_0" in [task.name for task in plan(config, tmp_path / "policies")]


def test_swapped_or_missing_policies_are_refused(tiny: StudyConfig, study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="policies"):
        run_study(tiny, tmp_path / "none", numbers, backend=Inline(), policies=tmp_path / "nothing")
    policies = tmp_path / "policies"
    export_policies(tiny, study[0], policies)
    human = load_policy(policies / "1-healthy_human")
    human.save(policies / "1-healthy_device")
    walk = next(task for task in plan(tiny) if task.name == "walk-1-healthy")
    with pytest.raises(PolicyMismatchError, match="role is 'human', here it is 'device'"):
        run_task(tiny, walk, tmp_path, numbers, policies)


# ---- on Ray ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def local_ray():
    """A Ray of two processors on this machine."""
    ray = pytest.importorskip("ray", reason="the extra ray is not installed: studies on Ray were NOT tested")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    yield ray
    ray.shutdown()


def test_a_worker_killed_under_ray_loses_nothing(local_ray, tiny: StudyConfig, study, copy: Path) -> None:
    for name in ("walk-1-healthy", "walk-1-plantarflexors"):
        (copy / name / "result.json").unlink()
    lines: list[str] = []
    summarise = functools.partial(die_once, folder=copy, body="plantarflexors")
    backend = RayBackend()
    assert backend.workers == 2
    tables = run_study(tiny, copy, summarise, backend=backend, report=lines.append)
    assert (copy / "died").is_file() and local_ray.is_initialized()  # whoever started it stops it
    assert sorted(line.split(":")[0] for line in lines) == ["walk-1-healthy", "walk-1-plantarflexors"]
    pd.testing.assert_frame_equal(tables["walks"], study[1]["walks"])


def test_ray_tells_a_lost_worker_from_a_failing_task(local_ray, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    backend = RayBackend(workers=1)
    assert backend.workers == 1
    dying, failing = backend.submit(die), backend.submit(divide, 1, 0)
    handles = [dying, failing]
    while handles:
        done = backend.wait_for_one(handles)
        assert done
        handles = [handle for handle in handles if handle not in done]
    with pytest.raises(WorkerLostError):
        backend.result(dying)
    with pytest.raises(ZeroDivisionError):
        backend.result(failing)
    assert backend.result(backend.submit(Path.cwd)) == tmp_path
    backend.submit(wait_for, tmp_path / "never")
    backend.close()
    again = RayBackend()  # the processor of what was stopped is free again
    assert again.result(again.submit(divide, 6, 3)) == 2


def test_without_ray_the_backend_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r"exogait\[ray\]"):
        RayBackend()


def test_bodies_search_for_strategies_of_their_own_once_for_all_seeds(tiny: StudyConfig, study, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(study[0], tmp_path / "study"))
    for path in (*folder.glob("walk-*"), folder / "tune-1-plantarflexors"):
        shutil.rmtree(path)
    quick = SearchConfig(
        generations=2, healthy_generations=1, candidates=4, seconds=0.1, late_seconds=0.1, settle=0.0
    )  # fmt: skip
    unadapted = Variant("unadapted", bodies=("healthy",), human="healthy")
    free = Variant("free", bodies=("plantarflexors",), habit=0.0)
    config = dataclasses.replace(tiny, search=quick, variants=(unadapted, free))
    needs = {task.name: task.needs for task in plan(dataclasses.replace(config, seeds=(1, 2)))}
    assert needs["search-healthy"] == ("tune-1-healthy", "tune-2-healthy")
    assert needs["tune-2-plantarflexors"] == ("train-2", "tune-2-healthy", "search-healthy")
    assert needs["search-plantarflexors"] == ("tune-1-plantarflexors", "tune-2-plantarflexors")
    assert needs["walk-2-plantarflexors"] == ("search-plantarflexors",) and "search-healthy-unadapted" not in needs
    habits = [None if found is None else found.habit for found in map(config.search_of, (None, unadapted, free))]
    assert habits == [quick.habit, None, 0.0] and quick.habit > 0
    config = dataclasses.replace(config, variants=())
    backend = Inline()
    tables = run_study(config, folder, numbers, backend=backend)
    assert backend.done == [
        "search-healthy", "walk-1-healthy", "tune-1-plantarflexors", "search-plantarflexors", "walk-1-plantarflexors"
    ]  # fmt: skip
    assert set(tables["search"]["condition"]) == set(CONDITIONS) and "seed" not in tables["search"]
    healthy, weak = (
        load_strategies(folder / f"search-{name}" / "strategies.json") for name in ("healthy", "plantarflexors")
    )
    np.testing.assert_allclose(weak.healthy["none"], healthy.found["none"], atol=1e-6)
    assert weak.strength == 50 and len(weak.about["before_and_after"]) == 2 * len(CONDITIONS)
    tune = next(task for task in plan(config) if task.name == "tune-1-plantarflexors")
    tuned = training_config(config, tune, folder)
    assert tuned.share_legs and tuned.strategies == str(folder / "search-healthy" / "strategies.json")
    assert tuned.start_checkpoint == str(folder / "tune-1-healthy" / "checkpoint.npz")
    policies = tmp_path / "policies"
    export_policies(config, folder, policies)
    tuned = training_config(dataclasses.replace(config, generalists=str(policies)), tune, folder)
    assert tuned.start_checkpoint is None and tuned.start_device == str(folder / "tune-1-healthy" / "device")

    again = run_study(config, tmp_path / "again", numbers, policies=policies, backend=Inline())
    pd.testing.assert_frame_equal(
        again["walks"], tables["walks"], check_exact=False, rtol=1e-3, atol=1e-3
    )  # fmt: skip
    (policies / "plantarflexors_strategies.json").unlink()
    assert [task.name for task in plan(config, policies)] == ["walk-1-healthy"]
