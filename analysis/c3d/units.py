"""Units of force and moment as laboratories write them beside their analog channels."""

from __future__ import annotations

import re

from exogait.data.constants import GRAVITY

_FORCE = {
    **dict.fromkeys(("n", "newton", "newtons"), 1.0),
    **dict.fromkeys(("kn", "kilonewton", "kilonewtons"), 1e3),
    **dict.fromkeys(("lbf", "lb", "lbs", "pound", "pounds", "poundforce", "poundsforce"), 4.4482216152605),
    **dict.fromkeys(("kgf", "kp", "kilopond"), GRAVITY),
}
_LENGTH = {
    **dict.fromkeys(("mm", "millimeter", "millimeters", "millimetre", "millimetres"), 1e-3),
    **dict.fromkeys(("cm", "centimeter", "centimeters", "centimetre", "centimetres"), 1e-2),
    **dict.fromkeys(("m", "meter", "meters", "metre", "metres", "mete"), 1.0),
    **dict.fromkeys(("in", "inch", "inches"), 0.0254),
    **dict.fromkeys(("ft", "foot", "feet"), 0.3048),
}
_MOMENT = {
    word: force * length
    for first, force in _FORCE.items()
    for second, length in _LENGTH.items()
    for word in (first + second, second + first)
}


def force_scale(text: str) -> float | None:
    """Newtons a unit of force; ``None`` where the unit is not known.

    Example:
        >>> force_scale("lbf"), force_scale("Newtons"), force_scale("V")
        (4.4482216152605, 1.0, None)
    """
    return _FORCE.get(_letters(text))


def moment_scale(text: str) -> float | None:
    """Newton metres a unit of moment; ``None`` where the unit is not known.

    Example:
        >>> moment_scale("N.mm"), moment_scale("Newton-meter"), round(moment_scale("in-lbf"), 4)
        (0.001, 1.0, 0.113)
    """
    return _MOMENT.get(_letters(text))


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.lower())
