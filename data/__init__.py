"""What both roads share: gait trials, OpenSim storage files, reference numbers, errors.

Names are imported on first use, so that ``from exogait import data`` costs nothing.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
