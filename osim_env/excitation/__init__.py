"""The excitation world: one excitation a muscle, one compiled kernel a control step.

Nothing is tabulated, fed forward or optimized: what a policy commands is what the muscles get. Bodies are advanced in
lanes (:mod:`exogait.osim_env.engine`), sensed, judged, and started anew where they ended, all in one call.
"""
