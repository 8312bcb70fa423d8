"""The story of the lab: what a team does with flstr in its first ten minutes, played and checked on real hosts."""
