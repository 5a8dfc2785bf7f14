"""What is asked of a body: a speed, a stride rate, a slope, a load to carry; drawn anew now and then."""

from __future__ import annotations

import math

from ..engine.lanes import jit
from .random import uniform

SLOPE_RATE = 0.05
"""Change of grade while a body walks onto a slope, a second."""
NEVER = 1e9
"""Time at which a task changes that stays, s; finite, as everything in a checkpoint is."""
WAIST, SHANKS, FEET = range(3)
"""Places of loads; on shanks and feet each side carries as much."""
PLACES = {"waist": WAIST, "shanks": SHANKS, "feet": FEET}
"""Their names."""


@jit
def between(span, chance):
    """A number of a range, for a chance in [0, 1)."""
    return span[0] + chance * (span[1] - span[0])


@jit
def draw_task(b, s, draw, i):
    """Draw a walking speed, and where the settings ask for it an imposed stride rate and a slope."""
    chance, bin_ = uniform(b.random, i), 0
    while bin_ < draw.speed_share.shape[0] - 1 and chance >= draw.speed_share[bin_]:
        bin_ += 1
    low, high = draw.speed_edges[bin_], draw.speed_edges[bin_ + 1]
    b.speed[i] = low + uniform(b.random, i) * (high - low)
    if s.imposed_share > 0.0:
        imposed = uniform(b.random, i) < s.imposed_share
        rate = between(s.stride_rates, uniform(b.random, i))
        b.stride_rate[i] = rate if imposed else 0.0
    if s.slope_share > 0.0:
        steep = uniform(b.random, i) < s.slope_share
        grade = between(s.slopes, uniform(b.random, i))
        b.slope_ahead[i] = grade if steep else 0.0
    b.next_task[i] = b.time[i] + s.task_interval * (0.5 + uniform(b.random, i)) if s.task_interval > 0.0 else NEVER


@jit
def draw_load(a, c, b, s, i):
    """Draw what a body carries, at one of three places."""
    if s.load_share > 0.0:
        loaded = uniform(b.random, i) < s.load_share
        place = min(int(3.0 * uniform(b.random, i)), 2)
        mass = uniform(b.random, i) * s.loads[place]
        for p in range(3):
            carry(a, c, b, i, p, mass if loaded and p == place else 0.0)


@jit
def carry(a, c, b, i, place, mass):
    """Let a body carry ``mass`` (kg, on shanks and feet each side) at one place, whatever it carried there before."""
    # From the masses themselves, not from what was carried before: a body that lays a load down is the one it was.
    b.load[i, place] = mass
    b.body_mass[i] = b.person_mass[i] + b.worn[i] * a.device_mass
    for p in range(a.load_columns.shape[0]):
        for k in range(a.load_columns.shape[1]):
            if a.load_columns[p, k] >= 0:
                b.parameters[i, a.load_columns[p, k]] = b.load[i, p] - (1.0 - b.worn[i]) * a.device_parts[p, k]
                b.body_mass[i] += b.load[i, p]


@jit
def set_slope(c, b, gravity, i, grade):
    """Tilt gravity against the ground by a grade (rise over run, uphill positive)."""
    b.slope[i] = grade
    along, across = grade / math.sqrt(1.0 + grade * grade), 1.0 / math.sqrt(1.0 + grade * grade)
    b.parameters[i, c.gravity] = gravity[0] * across + gravity[1] * along
    b.parameters[i, c.gravity + 1] = gravity[1] * across - gravity[0] * along
    b.parameters[i, c.gravity + 2] = gravity[2]


@jit
def walk_onto_slope(c, b, gravity, dt, i):
    """Change the grade under a body towards the one ahead, for one control step."""
    ahead = b.slope_ahead[i] - b.slope[i]
    if ahead != 0.0:
        step = SLOPE_RATE * dt
        set_slope(c, b, gravity, i, b.slope[i] + min(max(ahead, -step), step))
