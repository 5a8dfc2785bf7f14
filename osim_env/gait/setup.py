"""From names to a world: which model, device, deficit, subject, reference and engine."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from exogait import models
from exogait.data.errors import FileFormatError, InputError
from exogait.data.home import find, is_replaced
from exogait.data.loading import regular_file
from exogait.data.settings import check_ranges
from exogait.data.show import Shown
from exogait.models.deficit import Deficit, load_deficit
from exogait.models.device import Device, load_device
from exogait.models.muscles import TendonKind

from .. import engine
from ..engine import Model, compile_osim
from .config import WorldConfig
from .opensim_physics import OpenSimPhysics
from .physics import Physics
from .population import Population
from .reference import DEFAULT_REFERENCE, load_reference
from .twin_physics import TwinPhysics
from .world import GaitWorld

Array = NDArray[np.float64]

MODELS = Path(models.__file__).parent
COMPILED = {None: MODELS / "gait2392.npz", "hip_ankle": MODELS / "gait2392_exo.npz"}
"""The suite's own model by device, compiled and shipped: training from it needs no OpenSim."""


@dataclass(frozen=True)
class WorldSetup(Shown):
    """What is simulated.

    Attributes:
        engine: The compiled engine, or OpenSim itself (one body).
        device: Name or file of an exoskeleton; none without.
        deficit: Name or file of a muscle deficit.
        strength: Percent strength that replaces the deficit file's.
        side: Side that replaces the deficit file's.
        subject: File of a subject.
        tendon: Rigid tendons, or elastic ones of the plantarflexors, of published slack length or tuned to walking
            (built through OpenSim and kept in the cache).
        model: A finished .osim file to walk with instead of the suite's own.
        reference: Name or file of a reference motion.
        population: Bodies and device conditions of a training batch, instead of one deficit and the device on.
    """

    engine: Literal["twin", "opensim"] = "twin"
    device: str | None = None
    deficit: str | None = None
    strength: float | None = None
    side: Literal["left", "right", "both"] | None = None
    subject: str | None = None
    tendon: TendonKind = "rigid"
    model: str | None = None
    reference: str = DEFAULT_REFERENCE
    population: Population | None = None

    def __post_init__(self) -> None:
        check_ranges(self, {"strength": (0.0, 1000.0, "percent")})

    def load_device(self) -> Device | None:
        """The device, if any."""
        return None if self.device is None else load_device(self.device)

    def load_deficit(self) -> Deficit | None:
        """The deficit, if any."""
        return None if self.deficit is None else load_deficit(self.deficit, strength=self.strength, side=self.side)


def cache_folder() -> Path:
    """Where built and compiled models are kept: ``EXOGAIT_CACHE``, else the user's cache folder."""
    root = os.environ.get("EXOGAIT_CACHE")
    folder = Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "exogait"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def model_files(setup: WorldSetup) -> tuple[Path | None, Path]:
    """The .osim (None where only the compiled model is needed) and the compiled model of a setup.

    The strength of muscles is no part of either: it is a parameter of the world. A device is; its actuators and mass
    are in the file. What is not the suite's own model is built through OpenSim and kept in the cache.
    """
    own = setup.model is None and setup.subject is None and setup.tendon == "rigid" and setup.device in COMPILED
    own = own and not (setup.device and is_replaced("devices", setup.device))
    if own and setup.engine == "twin":
        return None, COMPILED[setup.device]
    if setup.model is not None:
        source = Path(setup.model)
    else:
        files = [find("devices", setup.device)] if setup.device else []
        files += [find("subjects", setup.subject)] if setup.subject else []
        stamp = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
        source = _built(setup.device or "", setup.subject or "", setup.tendon, stamp)
    return source, compiled_in_cache(source)


def compiled_in_cache(source: Path) -> Path:
    """The compiled model of an .osim file, kept in the cache; one that is missing or damaged is compiled again.

    The name tells the file's content, the engine's sources and the versions of what compiles: what another engine
    compiled is never taken for this one's.
    """
    regular_file(source)
    key = hashlib.sha256(source.read_bytes() + compiler_key().encode()).hexdigest()[:16]
    target = cache_folder() / f"{key}.npz"
    try:
        _loaded(target)
    except FileFormatError:
        # Written beside and renamed: another process that compiles the same meets none or the whole file.
        compile_osim(source).save(target)
    return target


@cache
def compiler_key() -> str:
    """SHA-256 of the engine's sources and the versions of numpy and opensim."""
    digest = hashlib.sha256()
    for file in sorted(Path(engine.__file__).parent.rglob("*.py")):
        digest.update(f"{file.name}:".encode() + file.read_bytes())
    for package in ("numpy", "opensim"):
        try:
            digest.update(f"{package}=={version(package)}".encode())
        except PackageNotFoundError:
            digest.update(f"no {package}".encode())
    return digest.hexdigest()


@lru_cache(maxsize=16)
def _built(device: str, subject: str, tendon: TendonKind, stamp: str) -> Path:
    """Build the model with a device, a subject and tendons into the cache.

    Args:
        device: Name or file, empty for none.
        subject: Name or file, empty for none.
        tendon: Rigid or elastic tendons.
        stamp: Digest of the files of both, so that one that was edited is read again.
    """
    built = models.build(
        device=device or None, subject=models.load_subject(subject) if subject else None, tendon=tendon
    )
    # The name tells the content, which only the written file shows.
    beside = models.write(built, cache_folder() / f".build-{os.getpid()}.osim")
    try:
        digest = hashlib.sha256(beside.read_bytes()).hexdigest()[:16]
        return beside.replace(cache_folder() / f"model-{digest}.osim")
    finally:
        beside.unlink(missing_ok=True)


def _loaded(path: Path) -> Model:
    """A compiled model, read once as long as its file is not written again."""
    return _read(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=8)
def _read(path: Path, stamp: int) -> Model:
    return Model.load(path)


def size_file(setup: WorldSetup, height: float, mass: float) -> Path:
    """The compiled model of a setup for a person of another size, kept in the cache.

    Args:
        setup: Device and tendons.
        height: m.
        mass: kg.
    """
    person = models.Subject(mass, height, name=f"height_{height:g}_mass_{mass:g}")
    target = cache_folder() / f"{person.name}.yaml"
    if not target.is_file() or models.load_subject(target) != person:
        person.to_yaml(target)
    return model_files(dataclasses.replace(setup, subject=str(target), population=None))[1]


def strength_of(model: Model, deficit: Deficit | None) -> Array:
    """Strength of every muscle as a fraction of the healthy one, shape (n_muscles,)."""
    weak = {} if deficit is None else deficit.strength
    return np.array([weak.get(name, 1.0) for name in model.muscle_names])


def make_world(
    setup: WorldSetup, config: WorldConfig, *, n_envs: int, seed: int = 0, auto_reset: bool = True
) -> GaitWorld:
    """Build the world of a setup.

    Args:
        setup: What is simulated.
        config: How.
        n_envs: Size of the batch; 1 with ``engine="opensim"``.
        seed: Of starts and pushes.
        auto_reset: Whether ended episodes start anew by themselves.

    Raises:
        InputError: The population has bodies of several sizes, which the excitation scheme alone knows.
    """
    if setup.population is not None and setup.population.sizes:
        raise InputError("sizes", setup.population.sizes, "none here: bodies of several sizes need scheme excitation")
    source, compiled = model_files(setup)
    model = _loaded(compiled)
    strength = np.tile(strength_of(model, setup.load_deficit()), (n_envs, 1))
    physics: Physics
    if setup.engine == "opensim":
        assert source is not None
        physics = OpenSimPhysics(model, source, strength)
    else:
        physics = TwinPhysics(model, n_envs, strength)
    if setup.subject is not None:
        person = models.load_subject(setup.subject)
        physics.person_height = person.height
        if setup.device is not None:
            physics.size_factors = person.body_factors()
    return GaitWorld(
        physics, load_reference(setup.reference), config, device=setup.load_device(), population=setup.population,
        seed=seed, auto_reset=auto_reset,
    )  # fmt: skip
