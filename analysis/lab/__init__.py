"""The lab road: from the files of one walk to a gait trial, its tables, OpenSim files and report."""
