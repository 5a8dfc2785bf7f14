"""OpenSim's own tools, driven without the GUI: scale, inverse kinematics, inverse dynamics, muscles, quality."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
