"""Processes: signals that a run heeds, workers that end with whoever started them.

Names are imported on first use: whoever heeds a signal at its very start does not wait for pools of workers.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
