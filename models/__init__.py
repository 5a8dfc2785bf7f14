"""The model as data: tables, devices, deficits, and the builder that turns them into an OpenSim model."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
