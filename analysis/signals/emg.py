"""Electromyography: band-pass, rectify, envelope, normalise, each step with its frequencies as arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from exogait.data.errors import InputError, UnknownNameError

from ..c3d.reader import C3DFile
from ..gait.cycle import CycleStack
from .filters import butterworth

BAND = (20.0, 400.0)
"""Band-pass of surface electromyography, Hz; the upper end gives way to the sampling rate."""
ENVELOPE = 6.0
"""Low-pass of the rectified signal, Hz."""
_NYQUIST_SHARE = 0.9
"""Highest usable frequency as a share of half the sampling rate."""
_VOLTS = frozenset({"v", "mv", "uv", "µv", "μv", "volts", "volt"})
"""Units of what an electrode gives, in small letters."""


@dataclass(frozen=True)
class EmgEnvelope:
    """Envelopes of several muscles."""

    names: tuple[str, ...]
    """Channels."""
    values: NDArray[np.float64]
    """Envelopes, shape (n_samples, n_channels), in ``unit``; NaN where a channel is not measured."""
    rate: float
    """Samples a second, Hz."""
    unit: str
    """Unit of the signal that came in, or ``"1"`` after normalisation."""
    band: tuple[float, float]
    """Band-pass that was used, Hz."""
    cutoff: float
    """Low-pass of the envelope, Hz."""
    normalized_by: str = "not normalised"
    """What 1 stands for."""
    notes: tuple[str, ...] = ()
    """What was odd, one sentence each."""

    @property
    def time(self) -> NDArray[np.float64]:
        """Time from the first sample, shape (n_samples,), s."""
        return np.arange(len(self.values)) / self.rate

    def to_frame(self) -> pd.DataFrame:
        """Envelopes as a table over time; ``attrs["units"]`` holds the unit."""
        table = pd.DataFrame(self.values, columns=list(self.names), index=pd.Index(self.time, name="time"))
        table.attrs["units"] = self.unit
        return table


def emg_channels(trial: C3DFile) -> tuple[str, ...]:
    """Find the channels that carry electromyography.

    These are channels in volts that no force plate uses and that move; a label with EMG in it always counts.

    Args:
        trial: The measurement.

    Returns:
        Their names.
    """
    used = {channel for plate in trial.platforms for channel in plate.channels}
    names = []
    for i, (name, unit) in enumerate(zip(trial.analog_names, trial.analog_units, strict=True)):
        if i in used:
            continue
        samples = trial.analog[:, i]
        alive = len(samples) > 1 and np.isfinite(samples).all() and np.ptp(samples) > 0
        if "emg" in name.lower() or (unit.strip().lower() in _VOLTS and alive and not _is_force_label(name)):
            names.append(name)
    return tuple(names)


def _is_force_label(name: str) -> bool:
    return bool(re.match(r"^(f|m)[xyz]?\d*[xyz]?\d*$|^(force|moment)|^f\d[xyz]|^pin\d", name.strip().lower()))


def process_emg(
    signal: NDArray[np.float64],
    rate: float,
    *,
    names: Sequence[str] | None = None,
    unit: str = "V",
    band: tuple[float, float] = BAND,
    cutoff: float = ENVELOPE,
    order: int = 4,
) -> EmgEnvelope:
    """Turn raw electromyography into envelopes: band-pass, rectify, low-pass; all zero-phase.

    The upper end of the band is lowered to 90 % of half the sampling rate where the rate is too low for it, and this is
    noted. Negative ripples of the low-pass are set to zero: an envelope has no sign.

    Args:
        signal: Raw signals, shape (n_samples,) or (n_samples, n_channels).
        rate: Samples a second, Hz.
        names: Names of the channels.
        unit: Unit of the signal.
        band: Band-pass, Hz.
        cutoff: Low-pass of the envelope, Hz.
        order: Effective order of each filter.

    Returns:
        The envelopes.

    Raises:
        InputError: The sampling rate is too low for any band, or the band is empty.

    Example:
        >>> import numpy as np
        >>> t = np.arange(4000) / 1000.0
        >>> burst = np.sin(2 * np.pi * 100.0 * t) * (np.abs(t - 2.0) < 0.5)
        >>> envelope = process_emg(burst, 1000.0).values[:, 0]
        >>> bool(envelope[2000] > 0.6), bool(envelope[500] < 0.01)
        (True, True)
    """
    signal = np.asarray(signal, dtype=np.float64)
    signal = signal[:, None] if signal.ndim == 1 else signal
    low, high = band
    notes = []
    limit = _NYQUIST_SHARE * rate / 2
    if not 0 < low < high:
        raise InputError("band", band, "give two rising frequencies in Hz")
    if low >= limit or cutoff >= limit:
        raise InputError("rate", rate, f"{rate:g} Hz is too slow for a band from {low:g} Hz; sample at 1000 Hz or more")
    if high > limit:
        notes.append(f"the band ends at {limit:.0f} Hz instead of {high:g} Hz: the sampling rate is {rate:g} Hz")
        high = limit
    labels = tuple(names) if names is not None else tuple(f"channel{i + 1}" for i in range(signal.shape[1]))
    if len(labels) != signal.shape[1]:
        raise ValueError(f"{len(labels)} names for {signal.shape[1]} channels")
    for i, label in enumerate(labels):
        column = signal[:, i]
        if not np.isfinite(column).all():
            notes.append(f"{label}: {int((~np.isfinite(column)).sum())} samples are missing")
        elif len(column) and np.ptp(column) == 0:
            notes.append(f"{label}: the channel is constant, no muscle was recorded")
        elif _clipped(column) > 0.01:
            notes.append(f"{label}: {100 * _clipped(column):.1f} % of the samples are at the limit of the converter")
    passed = butterworth(signal, rate, (low, high), order=order, kind="band")
    envelope = np.maximum(butterworth(np.abs(passed), rate, cutoff, order=order), 0.0)
    return EmgEnvelope(labels, envelope, float(rate), unit, (low, high), float(cutoff), notes=tuple(notes))


def _clipped(column: NDArray[np.float64]) -> float:
    """Share of samples that equal the extreme values in runs, as a saturated converter leaves them."""
    top = (column == column.max()) | (column == column.min())
    return float((top[1:] & top[:-1]).mean()) if len(column) > 1 else 0.0


def normalize_emg(
    envelope: EmgEnvelope, reference: Mapping[str, float] | None = None, *, percentile: float = 100.0
) -> EmgEnvelope:
    """Divide envelopes by a reference, so that 1 is the reference.

    Args:
        envelope: The envelopes.
        reference: Channel to its reference value in the envelope's unit (a maximal voluntary contraction, or the peak
            over several trials); if not given, the envelope's own peak.
        percentile: Which percentile of the trial counts as its peak, %.

    Returns:
        Normalised envelopes; NaN for a channel whose reference is zero.

    Raises:
        UnknownNameError: The reference names a channel that does not exist.
        InputError: A reference is negative, or a channel has none.
    """
    if reference is not None:
        for name, value in reference.items():
            if name not in envelope.names:
                raise UnknownNameError("EMG channel", name, envelope.names)
            if not value >= 0:
                raise InputError(f"reference of {name}", value, "give a positive value in the envelope's unit")
        missing = [name for name in envelope.names if name not in reference]
        if missing:
            raise InputError("reference", missing, "give a value for every channel")
        scale = np.array([reference[name] for name in envelope.names], dtype=np.float64)
        word = "the given reference values"
    else:
        scale = np.full(len(envelope.names), np.nan)
        for i in range(len(envelope.names)):
            column = envelope.values[:, i]
            if np.isfinite(column).any():
                scale[i] = np.percentile(column[np.isfinite(column)], percentile)
        word = f"each channel's own {percentile:g}th percentile in this trial"
    safe = np.where(scale > 0, scale, np.nan)
    return EmgEnvelope(
        names=envelope.names,
        values=envelope.values / safe,
        rate=envelope.rate,
        unit="1",
        band=envelope.band,
        cutoff=envelope.cutoff,
        normalized_by=word,
        notes=envelope.notes,
    )


def active_share(stack: CycleStack, *, threshold: float = 0.2) -> dict[str, float]:
    """Share of the gait cycle in which each muscle's mean envelope exceeds a threshold.

    Args:
        stack: Normalised envelopes over the cycle.
        threshold: Level that counts as active, as a share of the reference.

    Returns:
        Channel to share, %; NaN where nothing is known.
    """
    mean = stack.mean()
    shares = {}
    for j, name in enumerate(stack.channels):
        known = np.isfinite(mean[:, j])
        shares[name] = float(100.0 * (mean[known, j] > threshold).mean()) if known.any() else float("nan")
    return shares
