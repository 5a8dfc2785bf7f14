"""Whether the learner of the excitation scheme learns what others do from the same samples, over three seeds.

``python -m tests.validation.learner`` prints the share of the way from doing nothing to the best linear controller of
a task with a known answer, and fails where the learner is behind stable-baselines3's PPO, or bfloat16 products behind
float32 ones. Minutes.
"""

from __future__ import annotations

import sys

import numpy as np

from tests.kit.toy_learners import LEARNERS

SEEDS, UPDATES = (0, 1, 2), 80
CLOSE = 0.1
"""Share of the way that learners may differ by."""


def main() -> int:
    """Print the table; the exit code tells whether it holds."""
    mean = {}
    print(f"{'learner':20s} " + " ".join(f"seed {seed}" for seed in SEEDS) + "   mean")
    for name, learn in LEARNERS.items():
        found = [learn(seed, UPDATES) for seed in SEEDS]
        mean[name] = float(np.mean(found))
        print(f"{name:20s} " + " ".join(f"{value:6.3f}" for value in found) + f" {mean[name]:6.3f}", flush=True)
    well = mean["float32"] > mean["stable-baselines3"] - CLOSE and abs(mean["float32"] - mean["bfloat16"]) < CLOSE
    print("as good as others" if well else "BEHIND")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
