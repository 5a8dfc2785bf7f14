"""exogait: from motion capture to a personalised exoskeleton controller.

import exogait as eg

model = eg.models.build(device="hip_ankle")
"""

from pathlib import Path

import lazy_loader as lazy

__version__ = "0.1.0"

if not (Path(__file__).parent / "models").is_dir():  # a checkout whose symbolic links became files (Windows, zip)
    __path__.append(str(Path(__file__).parents[1]))

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
