"""exogait: from motion capture to a personalised exoskeleton controller.

    import exogait as eg

    model = eg.build_model(device="hip_ankle")   # an OpenSim model with an exoskeleton
    run = eg.run_lab("static.c3d", "walk.c3d", 70.0, out="walk")   # C3D to angles, moments, report
    walk = eg.simulate("healthy", speed=1.25)    # a policy walks
    eg.open("walk")                              # whatever lies there: shows itself

Verbs:
    open         a folder or file, whatever it is
    read_c3d     a C3D file
    build_model  the gait model with a device, a weakness, a person's size
    run_lab      one walk from C3D to report; ``analyse`` computes the same and writes no report
    session      many walks of persons and conditions: mean curves, spread, comparisons
    simulate     let a policy walk
    compare      two walks: curves, symmetry, metabolic rate
    replay       a walk in three dimensions, in a notebook or a file
    train        a muscle or exoskeleton policy
    policies     what there is to walk with
    verify       the compiled engine against OpenSim

Packages: ``models`` (the body, devices, deficits), ``osim_env`` (simulation and learning), ``analysis`` (the gait
laboratory), ``data`` (trials, files, norms). Everything is imported on first use.
"""

import ast
import importlib
import importlib.util
import sys
from pathlib import Path

__version__ = "0.1.0"

if not (Path(__file__).parent / "models").is_dir():  # a checkout whose symbolic links became files (Windows, zip)
    __path__.append(str(Path(__file__).parents[1]))


def _public():
    """Public names and where they live, as the typed twin beside this file says: name to (module, name there)."""
    found = {}
    for node in ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = (node.module, alias.name)
    return found


_NAMES = _public()
__all__ = sorted(_NAMES)


def __getattr__(name):
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, there = _NAMES[name]
    if module is None:
        return importlib.import_module(f".{there}", __name__)
    value = getattr(importlib.import_module(f".{module}", __name__), there)
    globals()[name] = value
    return value


def __dir__():
    return [*__all__, "__version__"]


class _WhenGymnasiumComes:
    """Registers the environment right after Gymnasium is imported, which itself would take too long here."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "gymnasium":
            return None
        sys.meta_path.remove(cls)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_register(module):
            load(module)
            _register()

        spec.loader.exec_module = load_and_register
        return spec


def _register():
    importlib.import_module(".osim_env.learning.outside.registration", __name__).register()


if "gymnasium" in sys.modules:
    _register()
else:
    sys.meta_path.insert(0, _WhenGymnasiumComes)
