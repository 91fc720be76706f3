"""How large input may be; the command line knows it before it loads anything."""

MAX_PIXELS = 100_000_000
"""Larger photos are refused by default: what claims to be larger is mostly a trap."""

MOST_COLORS = 64
"""More colours than this a palette cannot have: nobody could tell them apart."""
