"""The front page of the demonstration says in words what was found."""

from __future__ import annotations

import pytest

from exogait.analysis.outcomes.headline import Headline, RateChange
from exogait.analysis.report.demo import change_in_words, found_in_words

NAN = float("nan")


def headline(*, synthetic: bool = True) -> Headline:
    return Headline(
        subject="patient_1", synthetic=synthetic, speed=1.2,
        rate={"generic": RateChange(-6.2, 0.4, 4), "personalised": RateChange(-7.0, 0.5, 4),
              "between": RateChange(-0.8, 1.1, 4)},
        asymmetry={"none": 8.0, "generic": 6.0, "personalised": NAN},
        falls={"generic": (1, 4), "personalised": (0, 4), "none": (2, 8)},
        samples=30_000, full_samples=3_000_000, seconds=20.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (RateChange(-7.0, 0.5, 4),
         "7.0 % lower than without a device (SD between walks 0.5 %, 4 pairs of walks)"),
        (RateChange(3.25, 4.0, 2),
         "3.2 % higher than without a device (SD between walks 4.0 %, 2 pairs of walks; a difference within its "
         "spread)"),
        (RateChange(-0.01, NAN, 1),
         "the same as without a device (one pair of walks, so no spread is known)"),
        (RateChange(),
         "not comparable with that without a device (no pair of walks without a fall at the same speed)"),
    ],
)  # fmt: skip
def test_a_change_is_said_with_its_direction_and_spread(change: RateChange, words: str) -> None:
    assert change_in_words(change, "without a device") == words


def test_what_was_found_is_said_in_sentences() -> None:
    who, power, symmetry, falls, simulated = found_in_words(headline(), "1.70 m, 66 kg, full strength")
    assert who.startswith("A simulated patient (1.70 m, 66 kg, full strength) walked at 1.20 m/s without a device")
    assert "7.0 % lower than without a device" in power and "6.2 % lower than without a device" in power
    assert "0.8 % lower than with the generic device" in power and power.count("SD between walks") == 3
    assert "8.0 % without a device" in symmetry and "an unknown amount with the tuned" in symmetry
    assert falls.startswith("Walks that ended in a fall: 0 of 4 with the tuned device, 1 of 4")
    assert "2 of 8 without a device" in falls and "Nobody wore a device" in simulated


def test_a_measured_person_is_not_called_simulated() -> None:
    who = found_in_words(headline(synthetic=False))[0]
    assert who.startswith("A computer model of patient 1, scaled to measured markers, walked")
