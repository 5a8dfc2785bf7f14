"""Gymnasium's names for the walking bodies, by strings: nothing is imported before somebody makes one.

Gymnasium calls :func:`register` itself where the suite is installed (an entry point of the package), ``import exogait``
does in any other place.
"""

from __future__ import annotations

ENVIRONMENT = "OsimGait-v0"
RECRUITMENT = "OsimGaitRecruitment-v0"
PLACES = {
    ENVIRONMENT: ("gait_env:OsimGaitEnv", "gait_env:OsimGaitVectorEnv"),
    RECRUITMENT: ("outside.recruitment_env:RecruitmentEnv", "outside.recruitment_env:RecruitmentVectorEnv"),
}
"""Name to where one body and a batch of them are found."""


def register() -> None:
    """Register ``OsimGait-v0`` and ``OsimGaitRecruitment-v0`` with Gymnasium."""
    # Not from gymnasium itself, which may still be at its own import when it calls this.
    from gymnasium.envs import registration

    for name, places in PLACES.items():
        if name not in registration.registry:
            one, many = (f"exogait.osim_env.learning.{place}" for place in places)
            registration.register(name, entry_point=one, vector_entry_point=many)
