"""Learning in the excitation world: one excitation a muscle, a hundred decisions a second, everything on all cores.

A teacher from the recruitment scheme is imitated first (:mod:`.imitation`), then PPO goes on (:mod:`.learner`).
"""
