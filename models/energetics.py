"""Metabolic rate of muscles: the equations of Umberger 2010 and Bhargava 2004, vectorised over time and muscles.

Plain arrays in, watts out; both roads use it. Fiber velocity is negative while a muscle shortens. The equations are
those of OpenSim's Umberger2010MuscleMetabolicsProbe and Bhargava2004MuscleMetabolicsProbe (4.6), with their options
and defaults, and give the same numbers on the same states. The heat of a muscle is reported by term, and
``minimum_heat`` is what the floor of 1 W/kg (Umberger 2003, p. 104) adds, so that the terms always sum to the total.

What is reported is one of :data:`ACCOUNTINGS`: equations, whose muscle masses, and whether lengthening muscles are
paid for the work they absorb. Masses and fibre shares of a person come from anatomy (:mod:`.anatomy`), not from cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exogait.data.constants import AEROBIC_FACTOR, MINIMUM_HEAT_RATE
from exogait.data.names import AS_PROBE, BHARGAVA_ACCOUNTING, HEADLINE_ACCOUNTING, UNCREDITED
from exogait.data.show import Shown

Array = NDArray[np.float64]

MUSCLE_DENSITY = 1059.7
"""kg/m3, mammalian muscle; default of both probes."""
PROBE_SLOW_TWITCH = 0.5
"""Share of slow fibers in every muscle; default of OpenSim's probes."""
SPECIFIC_TENSION = 0.25e6
"""Pa; default of both probes."""

IDLE_EXCITATION = 0.001
"""Excitation of a muscle at rest. If all muscles idled at 0.01 they would be paid 0.6 W/kg beside the basal rate, which
holds the heat of rest already; at 0.001 it is 0.15."""

# Umberger 2010: heat constants in W/kg.
_FAST_EXTRA, _SLOW_BASE = 128.0, 25.0
_FAST_SHORTENING, _SLOW_SHORTENING, _LARGEST_SHORTENING = 153.0, 100.0, 100.0
_SLOW_SPEED_RATIO = 2.5
"""Fast fibers shorten 2.5 times as fast as slow ones."""

# Bhargava 2004: fiber length dependence of maintenance heat, piecewise linear; the probe's default curve.
_MAINTENANCE_X = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
_MAINTENANCE_Y = np.array([0.5, 0.5, 1.0, 0.0, 0.0])


@dataclass(frozen=True, kw_only=True)
class MuscleParameters(Shown):
    """What the equations need to know about the muscles; every array has shape (n_muscles,)."""

    names: tuple[str, ...]
    mass: Array
    """kg."""
    max_isometric_force: Array
    """N."""
    optimal_fiber_length: Array
    """m."""
    max_contraction_velocity: Array
    """Optimal fiber lengths per second."""
    slow_twitch_ratio: Array
    """Share of slow-twitch fibers, 0 to 1."""

    def __post_init__(self) -> None:
        for name in (
            "mass",
            "max_isometric_force",
            "optimal_fiber_length",
            "max_contraction_velocity",
            "slow_twitch_ratio",
        ):
            values = np.asarray(getattr(self, name), np.float64)
            if values.shape != (len(self.names),):
                raise ValueError(f"{name} has shape {values.shape}, expected ({len(self.names)},), one value a muscle")
            object.__setattr__(self, name, values)
        if np.any((self.slow_twitch_ratio < 0) | (self.slow_twitch_ratio > 1)):
            raise ValueError("slow_twitch_ratio must lie between 0 and 1")
        if np.any(self.mass <= 0):
            raise ValueError("muscle masses must be positive")


def muscle_mass(
    max_isometric_force: ArrayLike,
    optimal_fiber_length: ArrayLike,
    *,
    specific_tension: float = SPECIFIC_TENSION,
    density: float = MUSCLE_DENSITY,
) -> Array:
    """Muscle mass from strength and fiber length, kg.

    Args:
        max_isometric_force: N.
        optimal_fiber_length: m.
        specific_tension: Pa.
        density: kg/m3.

    Example:
        >>> float(muscle_mass(1000.0, 0.1).round(4))
        0.4239
    """
    return np.asarray(max_isometric_force, np.float64) / specific_tension * density * np.asarray(optimal_fiber_length)


@dataclass(frozen=True, kw_only=True)
class UmbergerOptions:
    """Options of the Umberger 2010 model; defaults are the probe's."""

    aerobic_factor: float = AEROBIC_FACTOR
    """1.5 for primarily aerobic activity, 1.0 for anaerobic."""
    use_bhargava_recruitment: bool = True
    """Slow fibers first: the share of slow fibers at work follows excitation (Bhargava 2004)."""
    include_negative_work: bool = True
    """Count the work that lengthening muscles absorb as negative."""
    credit_negative_work: bool = True
    """Let the work that lengthening muscles absorb lower the rate; without, it is worth nothing and heat stays as it
    is. OpenSim's probes have no such option."""
    forbid_negative_power: bool = True
    """Raise the shortening heat until a muscle's rate is not negative."""
    minimum_heat_rate: bool = True
    """Keep the heat of each muscle at 1 W/kg at least."""
    effort_scaling: float = 1.0
    """Factor on excitation, activation and active force."""


@dataclass(frozen=True, kw_only=True)
class BhargavaOptions:
    """Options of the Bhargava 2004 model; defaults are the probe's."""

    activation_slow: float = 40.0
    """W/kg."""
    activation_fast: float = 133.0
    """W/kg."""
    maintenance_slow: float = 74.0
    """W/kg."""
    maintenance_fast: float = 111.0
    """W/kg."""
    force_dependent_shortening: bool = False
    """Shortening heat follows isometric and total force instead of a quarter of the total force."""
    include_negative_work: bool = True
    """Count the work that lengthening muscles absorb as negative."""
    credit_negative_work: bool = True
    """Let the work that lengthening muscles absorb lower the rate; without, it is worth nothing and heat stays as it
    is. OpenSim's probes have no such option."""
    forbid_negative_power: bool = True
    """Raise the shortening heat until a muscle's rate is not negative."""
    minimum_heat_rate: bool = True
    """Keep the heat of each muscle at 1 W/kg at least."""
    effort_scaling: float = 1.0
    """Factor on excitation, activation and active force."""


@dataclass(frozen=True, kw_only=True)
class MetabolicRates(Shown):
    """Metabolic rate of each muscle by term; every array has shape (..., n_muscles), W."""

    activation: Array
    """Activation heat; with Umberger 2010 activation and maintenance together."""
    maintenance: Array
    """Maintenance heat; zero with Umberger 2010, which does not separate it."""
    shortening: Array
    """Shortening and lengthening heat, after the total was kept from being negative."""
    minimum_heat: Array
    """What the floor of 1 W/kg adds."""
    work: Array
    """Mechanical power of the contractile element, positive when it shortens."""

    @property
    def heat(self) -> Array:
        """All heat, W."""
        return self.activation + self.maintenance + self.shortening + self.minimum_heat

    @property
    def total(self) -> Array:
        """Heat and work, W."""
        return self.heat + self.work

    def terms(self) -> dict[str, Array]:
        """Terms by name; they sum to :attr:`total`."""
        return {
            "activation": self.activation,
            "maintenance": self.maintenance,
            "shortening": self.shortening,
            "minimum_heat": self.minimum_heat,
            "work": self.work,
        }


def basal_rate(body_mass: ArrayLike, *, coefficient: float = 1.2, exponent: float = 1.0) -> Array:
    """Metabolic rate of the body at rest, W.

    Args:
        body_mass: kg.
        coefficient: W per kg to the power of ``exponent``; 1.2 for standing (Umberger et al. 2003, p. 105).
        exponent: Of body mass.

    Example:
        >>> float(basal_rate(75.0))
        90.0
    """
    return coefficient * np.asarray(body_mass, np.float64) ** exponent


def slow_twitch_share(excitation: ArrayLike, slow_twitch_ratio: ArrayLike) -> Array:
    """Share of slow fibers among those at work, by orderly recruitment.

    Args:
        excitation: Shape (..., n_muscles).
        slow_twitch_ratio: Shape (n_muscles,).

    Returns:
        Shape (..., n_muscles); 1 at rest.

    Source: Bhargava et al. 2004, doi 10.1016/S0021-9290(03)00239-2, equations 5 and 6.
    """
    angle = 0.5 * np.pi * np.asarray(excitation, np.float64)
    ratio = np.asarray(slow_twitch_ratio, np.float64)
    slow = ratio * np.sin(angle)
    both = slow + (1.0 - ratio) * (1.0 - np.cos(angle))
    return np.divide(slow, both, out=np.ones_like(slow), where=np.asarray(excitation) != 0)


def umberger2010(
    *,
    excitation: ArrayLike,
    activation: ArrayLike,
    normalized_fiber_length: ArrayLike,
    fiber_velocity: ArrayLike,
    active_fiber_force: ArrayLike,
    active_force_length_multiplier: ArrayLike,
    parameters: MuscleParameters,
    options: UmbergerOptions | None = None,
) -> MetabolicRates:
    """Metabolic rate of muscles after Umberger 2010.

    Args:
        excitation: Control signal, shape (..., n_muscles), 0 to 1.
        activation: Same shape, 0 to 1.
        normalized_fiber_length: Fiber length over optimal fiber length.
        fiber_velocity: m/s, negative while shortening.
        active_fiber_force: Force of the contractile element along the fiber, N.
        active_force_length_multiplier: Value of the active force-length curve.
        parameters: The muscles.
        options: Choices; default the probe's.

    Returns:
        Rates by term, W.

    Source: Umberger 2010, doi 10.1098/rsif.2010.0084; Umberger et al. 2003, doi 10.1080/1025584031000091678; OpenSim
    class Umberger2010MuscleMetabolicsProbe, whose default terms these equal.
    """
    o = options or UmbergerOptions()
    p = parameters
    e, a, length, velocity, force, iso = _broadcast(
        p,
        excitation,
        activation,
        normalized_fiber_length,
        fiber_velocity,
        active_fiber_force,
        active_force_length_multiplier,
    )
    e, a, force = o.effort_scaling * e, o.effort_scaling * a, np.maximum(o.effort_scaling * force, 0.0)
    scaling = np.where(e > a, e, 0.5 * (e + a))
    slow = (
        slow_twitch_share(e, p.slow_twitch_ratio)
        if o.use_bhargava_recruitment
        else np.broadcast_to(p.slow_twitch_ratio, e.shape)
    )
    long = length > 1.0

    activation_heat = o.aerobic_factor * scaling**0.6 * (_FAST_EXTRA * (1.0 - slow) + _SLOW_BASE)
    activation_heat = np.where(long, activation_heat * (0.4 + 0.6 * iso), activation_heat)

    speed = velocity / p.optimal_fiber_length
    alpha_fast = _FAST_SHORTENING / p.max_contraction_velocity
    alpha_slow = _SLOW_SHORTENING * _SLOW_SPEED_RATIO / p.max_contraction_velocity
    from_slow = np.minimum(-alpha_slow * speed, _LARGEST_SHORTENING)
    shortening = o.aerobic_factor * scaling**2 * (from_slow * slow - alpha_fast * speed * (1.0 - slow))
    lengthening = o.aerobic_factor * scaling * (4.0 if o.include_negative_work else 0.3) * alpha_slow * speed
    shortening_heat = np.where(speed <= 0.0, shortening, lengthening)
    shortening_heat = np.where(long, shortening_heat * iso, shortening_heat)

    work = -force * velocity / p.mass
    if not (o.include_negative_work and o.credit_negative_work):
        work = np.where(velocity <= 0.0, work, 0.0)
    if o.forbid_negative_power:
        shortening_heat = shortening_heat - np.minimum(activation_heat + shortening_heat + work, 0.0)
    floor = np.zeros_like(work)
    if o.minimum_heat_rate:
        floor = np.maximum(MINIMUM_HEAT_RATE - activation_heat - shortening_heat, 0.0)
    return MetabolicRates(
        activation=activation_heat * p.mass,
        maintenance=np.zeros_like(work),
        shortening=shortening_heat * p.mass,
        minimum_heat=floor * p.mass,
        work=work * p.mass,
    )


def bhargava2004(
    *,
    excitation: ArrayLike,
    activation: ArrayLike,
    normalized_fiber_length: ArrayLike,
    fiber_velocity: ArrayLike,
    active_fiber_force: ArrayLike,
    passive_fiber_force: ArrayLike,
    active_force_length_multiplier: ArrayLike,
    parameters: MuscleParameters,
    options: BhargavaOptions | None = None,
) -> MetabolicRates:
    """Metabolic rate of muscles after Bhargava 2004.

    Args:
        excitation: Control signal, shape (..., n_muscles), 0 to 1.
        activation: Same shape, 0 to 1.
        normalized_fiber_length: Fiber length over optimal fiber length.
        fiber_velocity: m/s, negative while shortening.
        active_fiber_force: Force of the contractile element along the fiber, N.
        passive_fiber_force: Force of the parallel element along the fiber, N.
        active_force_length_multiplier: Value of the active force-length curve.
        parameters: The muscles.
        options: Choices; default the probe's.

    Returns:
        Rates by term, W.

    Source: Bhargava et al. 2004, doi 10.1016/S0021-9290(03)00239-2; OpenSim class Bhargava2004MuscleMetabolicsProbe,
    which takes the decay function of the paper's equation 7 as 1, and so do we.
    """
    o = options or BhargavaOptions()
    p = parameters
    e, a, length, velocity, force, passive, iso = _broadcast(
        p,
        excitation,
        activation,
        normalized_fiber_length,
        fiber_velocity,
        active_fiber_force,
        passive_fiber_force,
        active_force_length_multiplier,
    )
    e, a, force = o.effort_scaling * e, o.effort_scaling * a, o.effort_scaling * force
    angle = 0.5 * np.pi * e
    slow = p.slow_twitch_ratio * np.sin(angle)
    fast = (1.0 - p.slow_twitch_ratio) * (1.0 - np.cos(angle))
    total_force = force + passive

    activation_heat = p.mass * (o.activation_slow * slow + o.activation_fast * fast)
    shape = np.interp(length, _MAINTENANCE_X, _MAINTENANCE_Y)
    maintenance = p.mass * shape * (o.maintenance_slow * slow + o.maintenance_fast * fast)
    if o.force_dependent_shortening:
        isometric = a * iso * p.max_isometric_force
        alpha = np.where(velocity <= 0.0, 0.16 * isometric + 0.18 * total_force, 0.157 * total_force)
    else:
        alpha = np.where(velocity <= 0.0, 0.25 * total_force, 0.0)
    shortening = -alpha * velocity
    work = -force * velocity
    if not (o.include_negative_work and o.credit_negative_work):
        work = np.where(velocity <= 0.0, work, 0.0)
    if o.forbid_negative_power:
        shortening = shortening - np.minimum(activation_heat + maintenance + shortening + work, 0.0)
    floor = np.zeros_like(work)
    if o.minimum_heat_rate:
        floor = np.maximum(MINIMUM_HEAT_RATE * p.mass - activation_heat - maintenance - shortening, 0.0)
    return MetabolicRates(
        activation=activation_heat, maintenance=maintenance, shortening=shortening, minimum_heat=floor, work=work
    )


def _broadcast(parameters: MuscleParameters, *arrays: ArrayLike) -> Sequence[Array]:
    """All arrays at one shape whose last axis is the muscles."""
    values = np.broadcast_arrays(*(np.asarray(array, np.float64) for array in arrays))
    if values[0].ndim == 0 or values[0].shape[-1] != len(parameters.names):
        raise ValueError(
            f"muscle states have shape {values[0].shape}; the last axis must be the {len(parameters.names)} muscles"
        )
    return values


@dataclass(frozen=True, kw_only=True)
class Accounting:
    """A way to count what muscles cost."""

    title: str
    """In words."""
    rates: Callable[..., MetabolicRates]
    """Equations: muscle states, ``parameters`` and ``options`` to rates."""
    options: UmbergerOptions | BhargavaOptions
    """Choices."""
    anatomical: bool
    """Muscle masses and fibre shares from anatomy; else as OpenSim's probe takes them, strength over 0.25 MPa and one
    half."""
    passive: bool = False
    """Whether the equations ask for the passive fibre force."""

    def uncredited(self) -> Accounting:
        """The same without credit for eccentric work: ``no credit`` in titles."""
        options = replace(self.options, credit_negative_work=False)
        return replace(self, title=f"{self.title}, no credit", options=options)


_PERSON = {
    HEADLINE_ACCOUNTING: Accounting(
        title="Umberger 2010", rates=umberger2010,
        options=UmbergerOptions(minimum_heat_rate=False), anatomical=True,
    ),
    BHARGAVA_ACCOUNTING: Accounting(
        title="Bhargava 2004", rates=bhargava2004,
        options=BhargavaOptions(minimum_heat_rate=False), anatomical=True, passive=True,
    ),
    HEADLINE_ACCOUNTING + AS_PROBE: Accounting(
        title="Umberger 2010 as OpenSim's probe", rates=umberger2010, options=UmbergerOptions(),
        anatomical=False,
    ),
}  # fmt: skip
ACCOUNTINGS: dict[str, Accounting] = {
    name + ending: one.uncredited() if ending else one for name, one in _PERSON.items() for ending in ("", UNCREDITED)
}
"""Accounting by name. The heat floor of 1 W/kg stands only in OpenSim's own: where the basal rate is added, it holds
that heat already."""
HEADLINE = HEADLINE_ACCOUNTING
"""What a walk costs, to be held against people."""
SAVINGS = HEADLINE + UNCREDITED
"""What a device saves is claimed in this one: a muscle that brakes a device is not paid for it."""


def claimed() -> list[str]:
    """Accountings in the order in which savings are told: those first that pay no muscle for braking a device."""
    return sorted(ACCOUNTINGS, key=lambda name: not name.endswith(UNCREDITED))


def accounting_title(name: str) -> str:
    """An accounting in words; its name where a file names one that is not known here.

    Example:
        >>> accounting_title("bhargava2004_uncredited"), accounting_title("margaria")
        ('Bhargava 2004, no credit', 'margaria')
    """
    return ACCOUNTINGS[name].title if name in ACCOUNTINGS else name
