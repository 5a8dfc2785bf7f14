"""Simulation and learning: the compiled engine, the environment, rewards, training.

``gymnasium.make("OsimGait-v0")`` works after ``import exogait``, ``"exogait:OsimGait-v0"`` without.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
