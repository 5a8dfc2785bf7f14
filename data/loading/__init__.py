"""Files from elsewhere, measured before they are read and checked before they are used.

Names are imported on first use: a YAML file needs no numpy.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
