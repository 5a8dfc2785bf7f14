"""Public data sets by name: where they come from, their licence, and a verified copy of each file on this machine.

A file is looked for in the folder that the environment variable EXOGAIT_DATA names, then in the cache, and only then
downloaded with pooch and checked against its SHA-256.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import yaml

from .errors import ExogaitError, FileFormatError, InputError, UnknownNameError
from .home import expanded
from .show import Shown

TABLES = Path(__file__).parent / "tables"
DATASET_FILES = TABLES / "dataset_files.csv"
STATIC_ENDING = "_ST.c3d"
"""End of a static trial of Schreiber & Moissenet 2019."""
VARIABLE = "EXOGAIT_DATA"
"""Environment variable that names a folder with copies of the data sets."""


@dataclass(frozen=True, kw_only=True)
class DatasetFile:
    """One file that can be fetched."""

    name: str
    """Path inside the data set's folder."""
    url: str
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Dataset(Shown):
    """One public data set."""

    name: str
    title: str
    folder: str
    """Where a copy lies under EXOGAIT_DATA."""
    address: str
    licence: str
    citation: str
    population: str
    files: Mapping[str, DatasetFile]
    """Files that can be fetched one by one; empty where the set has to be downloaded by hand."""


def data_folder() -> Path | None:
    """Folder of local data that EXOGAIT_DATA names, or ``None``.

    Raises:
        InputError: The variable names something that is no folder.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    folder = expanded(text)
    if not folder.is_dir():
        raise InputError(VARIABLE, text, "the path of an existing folder, or unset")
    return folder


@lru_cache(maxsize=1)
def datasets() -> Mapping[str, Dataset]:
    """All data sets by name.

    Example:
        >>> datasets()["schreiber2019"].licence
        'CC BY 4.0'
    """
    described = yaml.safe_load((TABLES / "datasets.yaml").read_text(encoding="utf-8"))
    files: dict[str, dict[str, DatasetFile]] = {name: {} for name in described}
    with (DATASET_FILES).open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            url = f"https://raw.githubusercontent.com/{row['repository']}/{row['commit']}/{quote(row['path'])}"
            files[row["dataset"]][row["file"]] = DatasetFile(
                name=row["file"], url=url, sha256=row["sha256"], bytes=int(row["bytes"])
            )
    return {name: Dataset(name=name, files=files[name], **facts) for name, facts in described.items()}


def dataset(name: str) -> Dataset:
    """One data set by name.

    Raises:
        UnknownNameError: There is no such data set.
    """
    known = datasets()
    if name not in known:
        raise UnknownNameError("data set", name, known)
    return known[name]


def find_dataset(name: str) -> Path | None:
    """Local folder of a data set under EXOGAIT_DATA, or ``None`` where it is not there."""
    root = data_folder()
    if root is None:
        return None
    folder = root / dataset(name).folder
    return folder if folder.is_dir() else None


def fetch(name: str, file: str, *, cache: str | Path | None = None) -> Path:
    """Local path of one file of a data set, downloaded where needed.

    Args:
        name: Data set.
        file: Path inside the data set's folder, for example ``2014001/2014001_ST.c3d``.
        cache: Folder for downloads; default the user's cache folder.

    Raises:
        UnknownNameError: There is no such data set or file.
        ExogaitError: The file is not here and cannot be downloaded; says where to put it by hand.
    """
    wanted = dataset(name)
    local = find_dataset(name)
    if local is not None and (local / file).is_file():
        return local / file
    if file not in wanted.files:
        if not wanted.files:
            raise ExogaitError(
                f"{name}: cannot be fetched file by file; download it from {wanted.address} and set {VARIABLE} so that "
                f"the file lies at ${VARIABLE}/{wanted.folder}/{file}"
            )
        raise UnknownNameError("file", file, wanted.files, f"data set {name}")
    import pooch

    entry = wanted.files[file]
    folder = Path(cache) if cache is not None else Path(pooch.os_cache("exogait"))
    target = folder / wanted.folder
    try:
        path = pooch.retrieve(
            entry.url, known_hash=f"sha256:{entry.sha256}", fname=Path(file).name, path=target / Path(file).parent
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ExogaitError(
            f"{name}/{file}: download failed ({reason}); get it from {wanted.address} and put it at {target / file} or "
            f"set {VARIABLE} to a folder that has {wanted.folder}/{file}"
        ) from error
    return Path(path)


def verify(name: str, folder: str | Path | None = None) -> dict[str, str]:
    """Compare a local copy of a data set with the registry.

    Args:
        name: Data set.
        folder: Where the copy lies; default under EXOGAIT_DATA.

    Returns:
        File to ``ok``, ``missing`` or ``differs``.

    Raises:
        InputError: There is no local copy.
    """
    wanted = dataset(name)
    root = Path(folder) if folder is not None else find_dataset(name)
    if root is None:
        raise InputError(VARIABLE, os.environ.get(VARIABLE), f"a folder that holds {wanted.folder}")
    result = {}
    for file, entry in wanted.files.items():
        path = root / file
        if not path.is_file():
            result[file] = "missing"
            continue
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise FileFormatError(path, f"cannot be read ({error.strerror})") from error
        result[file] = "ok" if digest == entry.sha256 else "differs"
    return result
