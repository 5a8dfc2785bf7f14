"""What is installed, whether it works, and whether this machine is like those that the suite was tried on."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from exogait.data.errors import ExogaitError
from exogait.data.extras import EXTRAS, Extra
from exogait.data.home import home

PYTHON = ((3, 11), (3, 14))
"""First version, and the first one that is too new."""
TRIED_PYTHON = (3, 11)
"""The version that continuous integration runs."""
TRIED = "Linux on x86-64 with AVX-512"
"""The platform and processor that the suite's numbers were measured on."""

State = Literal["ok", "absent", "untested", "PROBLEM"]


@dataclass(frozen=True)
class Finding:
    """One line of the check-up.

    Attributes:
        state: ``absent`` and ``untested`` are no problem, but worth knowing.
        what: What was looked at.
        detail: What was found, and what to do about it.
    """

    state: State
    what: str
    detail: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.state:8s} {self.what:20s} {self.detail}"


def check_installation() -> Iterator[Finding]:
    """Look at Python, packages, OpenSim, the compiler, the extras, the platform and the data folder, one by one."""
    version = sys.version_info[:3]
    told = ".".join(map(str, version))
    good = PYTHON[0] <= version[:2] < PYTHON[1]
    wanted = " to ".join(f"{major}.{minor}" for major, minor in (PYTHON[0], (PYTHON[1][0], PYTHON[1][1] - 1)))
    if not good:
        yield Finding("PROBLEM", "Python", f"{told}; the suite needs {wanted}")
    elif version[:2] != TRIED_PYTHON:
        yield Finding("untested", "Python", f"{told}; continuous integration runs {'.'.join(map(str, TRIED_PYTHON))}")
    else:
        yield Finding("ok", "Python", told)
    yield from map(_package, base_packages())
    yield _model()
    yield _compiler()
    yield check_platform(platform.system(), platform.machine(), processor_flags())
    yield from map(check_extra, EXTRAS.values())
    yield Finding("ok", "EXOGAIT_HOME", f"{home()} (your own devices, deficits, subjects, maps, policies)")
    folder = os.environ.get("EXOGAIT_DATA")
    if folder is None:
        yield Finding("ok", "EXOGAIT_DATA", "not set (optional: a folder of laboratory data)")
    else:
        there = Path(folder).is_dir()
        yield Finding("ok" if there else "PROBLEM", "EXOGAIT_DATA", folder if there else f"{folder}: no such folder")


def base_packages() -> list[str]:
    """Packages of the base installation, as the installed suite names them."""
    try:
        stated = [text for text in metadata.requires("exogait") or () if "extra ==" not in text]
    except metadata.PackageNotFoundError:  # run from its sources
        return []
    return sorted(re.split(r"[\s<>=!~;\[]", text, maxsplit=1)[0] for text in stated)


def check_extra(extra: Extra) -> Finding:
    """Whether an extra is installed, and what it is for."""
    what = f"extra {extra.name}"
    if extra.missing:
        pip = f'pip install "exogait[{extra.name}]"'
        return Finding("absent", what, f"for {extra.purpose}; without {', '.join(extra.missing)}: {pip}")
    without = f"; without {', '.join(extra.missing_helpful)}" if extra.missing_helpful else ""
    here = [package for package in extra.packages if package not in extra.missing_helpful]
    versions = ", ".join(f"{package} {_version(package)}" for package in here)
    return Finding("ok", what, f"for {extra.purpose}: {versions}{without}")


def check_platform(system: str, machine: str, flags: frozenset[str]) -> Finding:
    """Whether this machine is like those that the suite was tried on.

    Args:
        system: As :func:`platform.system` names it.
        machine: As :func:`platform.machine` names it.
        flags: What the processor can do, as Linux names it.

    Example:
        >>> check_platform("Darwin", "arm64", frozenset()).state
        'untested'
    """
    vector = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "")
    here = f"{system} on {machine.replace('x86_64', 'x86-64').replace('AMD64', 'x86-64')}"
    here += f" with {vector}" if vector else ""
    if here == TRIED:
        return Finding("ok", "platform", f"{here}, as was tried")
    todo = "compare with `exogait verify`; last digits and speed may differ"
    return Finding("untested", "platform", f"{here} is untested (tried: {TRIED}); {todo}")


def processor_flags(file: str | Path = "/proc/cpuinfo") -> frozenset[str]:
    """What the processor can do, as Linux names it; empty elsewhere."""
    try:
        lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), []))


def compiled_tier(processor: str, features: str) -> str:
    """Which vector instructions compiled code uses, and whether the suite was tried on them.

    Args:
        processor: The processor that numba compiles for, as LLVM names it (``NUMBA_CPU_NAME`` replaces this machine's).
        features: What it may use, as LLVM lists it: ``+avx2,-avx512f``; empty where the processor's name decides.

    Example:
        >>> compiled_tier("znver3", "+avx,+avx2,-avx512f")
        'AVX2 code for znver3 (accelerations and speed tried, walks and learning not)'
    """
    known = features.split(",")
    if "+avx512f" in known:
        return f"AVX-512 code for {processor}, as was tried"
    if "+avx2" in known:
        return f"AVX2 code for {processor} (accelerations and speed tried, walks and learning not)"
    return f"code for {processor} " + ("without AVX2 (untested)" if features else "(what it may use follows its name)")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "(version unknown)"


def _package(package: str) -> Finding:
    try:
        return Finding("ok", package, metadata.version(package))
    except metadata.PackageNotFoundError:
        return Finding("PROBLEM", package, f"not installed; pip install {package}")


def _model() -> Finding:
    try:
        from exogait import models

        model = models.read(models.model_path())
        state = model.initSystem()
        return Finding("ok", "OpenSim model", f"{models.model_path().name}: {state.getNQ()} coordinates")
    except (ExogaitError, ImportError, RuntimeError) as error:
        return Finding("PROBLEM", "OpenSim model", _first_line(error))


def _compiler() -> Finding:
    try:
        import numba
        from numba.core.registry import cpu_target

        numba.njit(lambda x: x + 1)(1)
        target: Any = cpu_target.target_context  # its decorators hide its type
        *_, name, features = target.codegen().magic_tuple()
        tier = compiled_tier(name, features)
        return Finding("ok", "compiler", f"numba on {numba.get_num_threads()} threads, {tier}")
    except Exception as error:  # whatever a broken LLVM raises is the finding here
        return Finding("PROBLEM", "compiler", _first_line(error))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
