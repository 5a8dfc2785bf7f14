"""Gait cycles: strides cut at heel strikes, brought to 0-100 %, and their ensemble mean and spread.

A cycle runs from one heel strike to the next of the same foot; 0 % and 100 % are both on the grid, so 101 points have a
step of 1 %. Cycles of the left leg start at left heel strikes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.errors import InputError, UnknownNameError
from exogait.data.show import Card, Curve, Shown, names
from exogait.data.trial import SIDES, GaitEvent, GaitTrial, Side

N_POINTS = 101
"""Points of a normalised cycle, 0 to 100 % in steps of 1 %."""
MIN_STRIDE, MAX_STRIDE = 0.3, 4.0
"""Shortest and longest time between two heel strikes of one foot that counts as a stride, s."""


@dataclass(frozen=True)
class Stride:
    """One gait cycle of one foot."""

    side: Side
    """``"r"`` or ``"l"``."""
    start: float
    """Heel strike, s."""
    stop: float
    """Next heel strike of the same foot, s."""
    toe_off: float
    """Toe off between the two, s; NaN where none was found."""
    other_toe_off: float
    """First toe off of the other foot in the cycle (end of the first double support), s; NaN where none was found."""
    other_heel_strike: float
    """Heel strike of the other foot in the cycle, s; NaN where none was found."""

    @property
    def duration(self) -> float:
        """Length of the cycle, s."""
        return self.stop - self.start

    @property
    def stance(self) -> float:
        """Length of the stance, s; NaN without a toe off."""
        return self.toe_off - self.start

    @property
    def toe_off_pct(self) -> float:
        """Toe off, % of the cycle."""
        return 100.0 * self.stance / self.duration


@dataclass(frozen=True)
class CycleStack(Shown):
    """Channels over several gait cycles."""

    channels: tuple[str, ...]
    """Names of the channels."""
    values: NDArray[np.float64]
    """Shape (n_cycles, n_points, n_channels); NaN where nothing was measured."""
    strides: tuple[Stride, ...]
    """The cycles; empty where the stack was made without them."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Channel to unit."""

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[2] != len(self.channels):
            raise ValueError(
                f"values have shape {self.values.shape}, expected (n_cycles, n_points, {len(self.channels)} channels)"
            )

    @property
    def n_cycles(self) -> int:
        """Number of cycles."""
        return self.values.shape[0]

    @property
    def percent(self) -> NDArray[np.float64]:
        """The grid, shape (n_points,), % of the cycle."""
        return np.linspace(0.0, 100.0, self.values.shape[1])

    def mean(self) -> NDArray[np.float64]:
        """Ensemble mean over the cycles in which a point is known, shape (n_points, n_channels)."""
        known = np.isfinite(self.values)
        total = np.where(known, self.values, 0.0).sum(axis=0)
        count = known.sum(axis=0)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def sd(self) -> NDArray[np.float64]:
        """Standard deviation over the cycles (n - 1), shape (n_points, n_channels); NaN below two cycles."""
        known = np.isfinite(self.values)
        count = known.sum(axis=0)
        squares = np.where(known, (self.values - self.mean()) ** 2, 0.0).sum(axis=0)
        return np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)

    def channel(self, name: str) -> NDArray[np.float64]:
        """All cycles of one channel.

        Args:
            name: The channel.

        Returns:
            Shape (n_cycles, n_points).

        Raises:
            UnknownNameError: There is no such channel.
        """
        if name not in self.channels:
            raise UnknownNameError("channel", name, self.channels)
        return self.values[:, :, self.channels.index(name)]

    def range_of_motion(self) -> NDArray[np.float64]:
        """Range of each channel in each cycle, shape (n_cycles, n_channels); NaN where a point is missing."""
        return self.values.max(axis=1) - self.values.min(axis=1)

    def to_frame(self) -> pd.DataFrame:
        """Mean and SD as a table with the index ``percent`` and the columns ``<channel>_mean`` and ``<channel>_sd``."""
        columns = [f"{name}_{part}" for name in self.channels for part in ("mean", "sd")]
        data = np.stack([self.mean(), self.sd()], axis=2).reshape(self.values.shape[1], -1)
        return pd.DataFrame(data, columns=columns, index=pd.Index(self.percent, name="percent"))

    def join(self, other: CycleStack) -> CycleStack:
        """Put the cycles of another stack of the same channels behind one's own.

        Args:
            other: The other stack.

        Returns:
            A stack of both.

        Raises:
            ValueError: The channels or the grids differ.
        """
        if self.channels != other.channels or self.values.shape[1] != other.values.shape[1]:
            raise ValueError("only stacks of the same channels and the same grid can be joined")
        return replace(
            self, values=np.concatenate([self.values, other.values]), strides=(*self.strides, *other.strides)
        )

    def card(self) -> Card:
        """How many cycles of what, and the mean of the first channels."""
        n_cycles, n_points, _ = self.values.shape
        facts = (
            ("cycles", f"{n_cycles}, {n_points} points each"),
            ("channels", f"{len(self.channels)}: {names(self.channels)}"),
            ("units", names(dict.fromkeys(self.units.values()))),
            ("sides", names(dict.fromkeys(stride.side for stride in self.strides))),
        )
        mean = self.mean() if n_cycles else self.values.reshape(0, len(self.channels))
        curves = (
            Curve(f"{name}, {self.units.get(name, '')}".rstrip(", "), (("", mean[:, k]),))
            for k, name in enumerate(self.channels[:4])
        )
        return Card(f"CycleStack of {n_cycles} cycles", facts, tuple(curves) if n_cycles else ())


def find_strides(events: Iterable[GaitEvent], side: Side) -> list[Stride]:
    """Cut a walk into the gait cycles of one foot.

    Args:
        events: Heel strikes and toe offs of both feet.
        side: ``"r"`` or ``"l"``.

    Returns:
        The cycles in order of time; intervals shorter than 0.3 s or longer than 4 s, or more than 1.6 times the median
        cycle (a heel strike is missing), are left out, and so are those with two toe offs of the foot, or two heel
        strikes of the other one, inside.

    Raises:
        InputError: ``side`` is neither.

    Example:
        >>> events = [GaitEvent(t, "r", "heel_strike") for t in (0.0, 1.0, 2.1)]
        >>> [round(s.duration, 2) for s in find_strides(events, "r")]
        [1.0, 1.1]
    """
    if side not in SIDES:
        raise InputError("side", side, "r or l")
    events = sorted(events)
    strikes = [e.time for e in events if e.side == side and e.kind == "heel_strike"]
    own_off = np.array([e.time for e in events if e.side == side and e.kind == "toe_off"])
    other_strikes = np.array([e.time for e in events if e.side != side and e.kind == "heel_strike"])
    spans = [
        (a, b)
        for a, b in itertools.pairwise(strikes)
        if MIN_STRIDE <= b - a <= MAX_STRIDE
        and all(np.count_nonzero((times > a) & (times < b)) < 2 for times in (own_off, other_strikes))
    ]
    if len(spans) > 1:
        usual = float(np.median([b - a for a, b in spans]))
        spans = [(a, b) for a, b in spans if b - a <= 1.6 * usual]

    def first(own: bool, kind: str, a: float, b: float) -> float:
        times = [e.time for e in events if (e.side == side) == own and e.kind == kind and a <= e.time < b]
        return times[0] if times else float("nan")

    return [
        Stride(
            side, a, b, first(True, "toe_off", a, b), first(False, "toe_off", a, b), first(False, "heel_strike", a, b)
        )
        for a, b in spans
    ]


def normalize_cycles(
    time: NDArray[np.float64],
    values: NDArray[np.float64],
    strides: Sequence[Stride],
    *,
    channels: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    n_points: int = N_POINTS,
) -> CycleStack:
    """Bring signals to percent of the gait cycle by linear interpolation.

    A point is NaN where it lies outside the signal or next to a missing sample; nothing is extrapolated beyond half a
    sample.

    Args:
        time: Shape (n_samples,), s, increasing.
        values: Signals, shape (n_samples,) or (n_samples, n_channels).
        strides: The cycles.
        channels: Names of the channels.
        units: Channel to unit.
        n_points: Points of a cycle, both ends included.

    Returns:
        The stack; with zero cycles where there is no stride.

    Raises:
        InputError: Fewer than two points are asked for.
        ValueError: Time and values do not match.

    Example:
        >>> import numpy as np
        >>> t = np.arange(201) / 100.0
        >>> stack = normalize_cycles(t, t % 1.0, [Stride("r", 0.0, 0.5, np.nan, np.nan, np.nan)])
        >>> stack.values.shape, float(stack.mean()[50, 0])
        ((1, 101, 1), 0.25)
    """
    if n_points < 2:
        raise InputError("n_points", n_points, "a cycle needs at least two points")
    time = np.asarray(time, dtype=np.float64)
    values = np.asarray(values, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != len(time):
        raise ValueError(f"time has {len(time)} samples, values have shape {values.shape}")
    names = tuple(channels) if channels is not None else tuple(f"channel{i + 1}" for i in range(values.shape[1]))
    cycles = np.full((len(strides), n_points, values.shape[1]), np.nan)
    slack = 0.5 * float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    for i, stride in enumerate(strides if len(time) else ()):  # of an empty table nothing is known
        at = np.linspace(stride.start, stride.stop, n_points)
        inside = (at >= time[0] - slack) & (at <= time[-1] + slack)
        for j in range(values.shape[1]):
            cycles[i, inside, j] = np.interp(at[inside], time, values[:, j])
    return CycleStack(names, cycles, tuple(strides), dict(units or {}))


def trial_cycles(
    trial: GaitTrial, table: str, columns: Sequence[str], side: Side, *, n_points: int = N_POINTS
) -> CycleStack:
    """Cut columns of a trial's table into the gait cycles of one foot.

    Args:
        trial: Measured or simulated.
        table: Name of the table, as :meth:`GaitTrial.require` knows it, for example ``"coordinates"``.
        columns: Columns of it; ``{side}`` in a name is replaced by the side.
        side: The foot whose heel strikes cut the cycles.
        n_points: Points of a cycle.

    Returns:
        The stack, with the columns' own names and units.

    Raises:
        UnknownNameError: A column is not in the table.
        InputError: The trial has no such table.
    """
    frame = trial.require(table)
    names = [column.format(side=side) for column in columns]
    for name in names:
        if name not in frame.columns:
            raise UnknownNameError("column", name, frame.columns, where=f"{trial.name}: {table}")
    units = {name: trial.unit_of(table, name) for name in names}
    strides = find_strides(trial.events, side)
    values = frame[names].to_numpy(dtype=np.float64)
    time = frame.index.to_numpy(dtype=np.float64)
    return normalize_cycles(time, values, strides, channels=names, units=units, n_points=n_points)
