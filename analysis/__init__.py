"""Measurement and comparison: from gait-lab files, or simulations, to the numbers a biomechanist knows.

Names are imported on first use, so that ``from exogait import analysis`` costs nothing.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
