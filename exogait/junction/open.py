"""Open anything that the suite reads or writes, whatever it is: by what a folder holds and how a file ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from exogait.data.errors import ExogaitError, FileFormatError, UnknownNameError
from exogait.data.home import expanded
from exogait.data.loading import read_json, read_table, read_yaml, regular_file
from exogait.data.names import BATCH_FILE, PERSON_FILE, SESSION_FILE, STUDY_FILE, TRIAL_FILE
from exogait.data.quality import Overall, overall, quality_rows
from exogait.data.results import read_result, result_model
from exogait.data.settings import from_mapping
from exogait.data.show import Card, Shown, brief, names
from exogait.data.trial import GaitTrial
from exogait.osim_env.learning.log import CONFIG

if TYPE_CHECKING:
    import opensim

    from exogait.analysis.c3d.reader import C3DFile
    from exogait.analysis.markers.map import MarkerMap
    from exogait.analysis.session.session import Session
    from exogait.models.deficit import Deficit
    from exogait.models.device import Device
    from exogait.models.subject import Subject
    from exogait.osim_env.engine.model import Model
    from exogait.osim_env.gait.reference import ReferenceMotion
    from exogait.osim_env.learning.config import TrainConfig
    from exogait.osim_env.learning.excitation.config import ExcitationTrainConfig
    from exogait.osim_env.learning.policy import Policy
    from exogait.osim_env.study.plan import StudyConfig


@dataclass(frozen=True)
class ResultFolder(Shown):
    """A folder that the suite wrote: its tables and pages by name."""

    folder: Path
    """Where it lies."""

    @property
    def tables(self) -> list[str]:
        """Names of the tables in it."""
        return sorted({path.stem for ending in ("parquet", "csv") for path in self.folder.glob(f"[!.]*.{ending}")})

    @property
    def pages(self) -> list[Path]:
        """Pages for a browser."""
        return sorted(self.folder.glob("*.html"))

    def table(self, name: str) -> pd.DataFrame:
        """One table.

        Raises:
            UnknownNameError: There is none of that name.
        """
        if name not in self.tables:
            raise UnknownNameError("table", name, self.tables, str(self.folder))
        path = self.folder / f"{name}.parquet"
        return _read_table(path if path.is_file() else path.with_suffix(".csv"))

    def card(self) -> Card:
        """Its tables and pages."""
        return Card(f"{type(self).__name__} {self.folder}", (*self._facts(), *self._places()))

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return ()

    def _places(self) -> tuple[tuple[str, str], ...]:
        return ("tables", names(self.tables)), ("pages", names(page.name for page in self.pages))


@dataclass(frozen=True)
class Walk(ResultFolder):
    """One walk: a folder of ``exogait lab run`` or ``exogait simulate``."""

    trial: GaitTrial
    """What is known about it."""

    @property
    def model(self) -> Path:
        """The model of the walk, compiled where it is there, else the .osim.

        Raises:
            FileFormatError: There is none, or more than one.
        """
        return result_model(self.folder)

    @property
    def verdict(self) -> Overall:
        """Whether the walk can be used, and what is withheld."""
        return overall(quality_rows(self.trial))

    def card(self) -> Card:
        """The trial, and what lies beside it."""
        inner = self.trial.card()
        return Card(
            f"Walk {self.trial.name}",
            (("verdict", self.verdict.headline()), *inner.facts, ("folder", str(self.folder)), *self._places()),
            inner.curves,
        )


@dataclass(frozen=True)
class Batch(ResultFolder):
    """A folder of ``exogait lab batch``."""

    trials: int
    """Walks that were asked for."""
    failed: int
    """Walks that did not come through; the table ``failures`` says why."""
    verdicts: dict[str, str] = field(default_factory=dict, repr=False)
    """Name of each walk that came through, and whether it can be used."""
    doubtful: int = 0
    """Walks that came through with a check failed."""

    def _facts(self) -> tuple[tuple[str, str], ...]:
        came = f"{self.trials - self.failed} of {self.trials} came through"
        return (("walks", f"{came}, a check failed in {self.doubtful}" if self.doubtful else came),)


@dataclass(frozen=True)
class Study(ResultFolder):
    """A folder of ``exogait study``."""

    settings: dict[str, Any] = field(repr=False)
    """What was asked for."""

    def _facts(self) -> tuple[tuple[str, str], ...]:
        facts = [(key, brief(self.settings[key])) for key in ("name", "device", "seeds") if self.settings.get(key)]
        bodies = [str(body.get("deficit") or "healthy") for body in self.settings.get("bodies", ())]
        facts.append(("bodies", names(bodies)))
        if "tasks" in self.tables:
            done = self.table("tasks")["done"].to_numpy(bool)
            facts.append(("tasks", f"{np.count_nonzero(done)} of {len(done)} done"))
        return tuple(facts)


@dataclass(frozen=True)
class Personal(ResultFolder):
    """A folder of ``exogait personalize``."""

    person: dict[str, Any] = field(repr=False)
    """Whose it is."""

    def _facts(self) -> tuple[tuple[str, str], ...]:
        wanted = ("subject", "synthetic", "mass", "height", "speed", "deficit", "deficit_from", "device", "policies")
        return tuple((key.replace("_", " "), brief(self.person[key])) for key in wanted if key in self.person)


@dataclass(frozen=True)
class Training(ResultFolder):
    """A folder of ``exogait train``: table ``progress`` is its curve."""

    settings: dict[str, Any] = field(repr=False)
    """Its configuration."""

    def policy(self, role: str = "human") -> Policy:
        """A policy as the training left it, or the best so far with ``best_human``, ``best_device``."""
        from exogait.osim_env.learning.policy import load_policy

        last = self.folder / f"last_{role}"  # tasks of a study name theirs by the role alone
        return load_policy(last if last.with_suffix(".json").is_file() else self.folder / role)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        found = [p.stem for p in sorted(self.folder.glob("*.json")) if p.with_suffix(".safetensors").is_file()]
        return ("name", brief(self.settings.get("name"))), ("policies", names(found))


if TYPE_CHECKING:
    Opened: TypeAlias = (
        Walk | Batch | Session | Study | Personal | Training | ResultFolder | GaitTrial | pd.DataFrame | C3DFile
        | Policy | Model | ReferenceMotion | Device | Deficit | Subject | MarkerMap | TrainConfig
        | ExcitationTrainConfig | StudyConfig | opensim.Model
    )  # fmt: skip
else:
    Opened = object

KNOWN = (
    "folders of lab run, lab batch, session, simulate, study, personalize and train, and files .c3d .trc .sto .mot "
    ".csv .parquet .osim .npz .json .safetensors .yaml"
)


def open(path: str | Path) -> Opened:
    """Open a folder or a file of the suite or of the gait laboratory, whatever it is.

    Args:
        path: A folder that a command wrote; or a recording (.c3d), table (.trc .sto .mot .csv .parquet), model (.osim,
            compiled .npz), policy (.json, .safetensors), reference motion (.json), or a device, deficit, subject,
            marker map, training configuration or study (.yaml).

    Returns:
        A :class:`Walk` (lab or simulation), :class:`Batch`, a
        :class:`~exogait.analysis.session.session.Session`, :class:`Study`, :class:`Personal`, :class:`Training`; a
        :class:`~exogait.data.trial.GaitTrial`; a table; or what the file describes. Each shows itself when printed.

    Raises:
        FileFormatError: Nothing is there, or it is nothing that the suite knows.

    Example:
        >>> open(device_file).name  # doctest: +SKIP
        'hip_ankle'
    """
    path = expanded(path)
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise FileFormatError(path, "no such file or folder", _neighbours(path))
    return _file(path)


def _folder(path: Path) -> Opened:
    if (path / "trial" / TRIAL_FILE).is_file():
        return Walk(path, read_result(path))
    if (path / TRIAL_FILE).is_file():
        return read_result(path)
    if (path / PERSON_FILE).is_file():
        return Personal(path, _json(path / PERSON_FILE))
    if (path / STUDY_FILE).is_file():
        return Study(path, _json(path / STUDY_FILE))
    if (path / SESSION_FILE).is_file():
        from exogait.analysis.session.session import read_session

        return read_session(path)
    if (path / BATCH_FILE).is_file():
        content = _json(path / BATCH_FILE)
        trials, failed, doubtful = (int(content.get(key, 0)) for key in ("trials", "failed", "doubtful"))
        return Batch(path, trials, failed, dict(content.get("verdicts", {})), doubtful)
    if (path / CONFIG).is_file():
        return Training(path, _json(path / CONFIG))
    found = ResultFolder(path)
    if found.tables:
        return found
    raise FileFormatError(path, "a folder that the suite does not know", f"known: {KNOWN}")


def _file(path: Path) -> Opened:
    ending = path.suffix.lower()
    if ending == ".c3d":
        from exogait.analysis.c3d.reader import read_c3d

        return read_c3d(path)
    if ending in (".trc", ".sto", ".mot", ".csv", ".parquet"):
        return _read_table(path)
    if ending == ".npz":
        from exogait.osim_env.engine.model import Model

        return Model.load(path)
    if ending == ".osim":
        from exogait.models import read

        return read(path)
    if ending == ".safetensors":
        from exogait.osim_env.learning.policy import load_policy

        return load_policy(path)
    if ending == ".json":
        return _described(path)
    if ending in (".yaml", ".yml"):
        return _settings(path)
    todo = "open it in a browser" if ending in (".html", ".htm") else f"known: {KNOWN}"
    raise FileFormatError(path, f"a file of a kind that the suite does not know ({ending or 'no ending'})", todo)


def _read_table(path: Path) -> pd.DataFrame:
    from exogait.data.storage import read_mot, read_sto
    from exogait.data.trc import read_trc

    ending = path.suffix.lower()
    if ending in (".sto", ".mot", ".trc"):
        return {".sto": read_sto, ".mot": read_mot, ".trc": read_trc}[ending](path)
    if ending != ".csv":
        return read_table(path, "cannot be read as a table", "write it again")
    try:
        regular_file(path)
        return pd.read_csv(path)
    except FileFormatError:
        raise
    except Exception as error:  # pandas and pyarrow raise whatever their parsers meet
        problem = " ".join(str(error).split())[:160]
        raise FileFormatError(path, f"cannot be read as a table ({problem})", "write it again") from error


def _described(path: Path) -> Opened:
    content = _json(path)
    kind = str(content.get("format", ""))
    if kind.startswith("exogait-policy"):
        from exogait.osim_env.learning.policy import load_policy

        return load_policy(path)
    if kind.startswith("exogait-reference"):
        from exogait.osim_env.gait.reference import load_reference

        return load_reference(path)
    if path.name in (TRIAL_FILE, PERSON_FILE, STUDY_FILE, SESSION_FILE, BATCH_FILE, CONFIG):
        return _folder(path.parent)
    raise FileFormatError(path, "a JSON file that is no policy and no reference motion", f"known: {KNOWN}")


def _settings(path: Path) -> Opened:
    """What a YAML file describes, by the fields that only one kind has."""
    content = read_yaml(path)
    if "joints" in content:
        from exogait.models.device import load_device

        return load_device(path)
    if "strength" in content:
        from exogait.models.deficit import load_deficit

        return load_deficit(path)
    if "mass_kg" in content:
        from exogait.models.subject import Subject

        return Subject.from_yaml(path)
    if "markers" in content or "base" in content:
        from exogait.analysis.markers.map import read_marker_map

        return read_marker_map(path)
    if "bodies" in content:
        from exogait.osim_env.study.plan import StudyConfig

        return from_mapping(StudyConfig, content, where=str(path))
    if "stages" in content:
        from exogait.osim_env.learning.run import training_of

        return training_of(content, path)
    raise FileFormatError(
        path, "a YAML file that is no device, deficit, subject, marker map, training or study",
        "see a commented one: exogait new device|deficit|subject|marker-map NAME",
    )  # fmt: skip


def _json(path: Path) -> dict[str, Any]:
    return read_json(path, "cannot be read as JSON", "write it again")


def _neighbours(path: Path) -> str:
    """What to try instead of a path that is not there."""
    import difflib

    from exogait.data.home import find

    try:
        return f"by its name it is opened as load_policy({str(path)!r}): {find('policies', path)}"
    except ExogaitError:
        pass  # no policy of that name either
    beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}?" if near else "check the path"
