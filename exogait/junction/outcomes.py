"""What a walk of a study is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from exogait.data.trial import GaitTrial


def summarise_walk(trial: GaitTrial, about: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Outcome tables of one walk of a study; studies call it in their workers.

    Args:
        trial: The walk.
        about: Its settings, see :mod:`exogait.osim_env.study.run`.

    Returns:
        The tables ``walks`` (one row) and ``curves``.
    """
    from exogait.analysis.outcomes.device import device_limits
    from exogait.analysis.outcomes.tables import WalkSettings, outcome_tables
    from exogait.analysis.outcomes.walk import walk_outcomes
    from exogait.models.deficit import load_deficit

    side = about["side"] or "right"
    strength = None
    if about["body"] != "healthy":
        strength = load_deficit(about["deficit"], strength=about["strength"], side=side).strength
    settings = WalkSettings(
        seed=about["seed"], body=about["body"], strength=about["strength"], side=side, condition=about["condition"],
        speed=about["speed"], start=about["start"], variant=about["variant"],
    )  # fmt: skip
    outcomes = walk_outcomes(trial, strength=strength, limits=device_limits(about["device"]))
    walks, curves = outcome_tables([(settings, outcomes)])
    for name in ("study", "device", "imitation_weight", "imitation_dead_zone"):
        walks[name] = about[name]
    return {"walks": walks, "curves": curves}
