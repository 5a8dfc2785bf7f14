"""Millard 2012 and Thelen 2003 muscles with their own curves, rigid and elastic tendons."""
