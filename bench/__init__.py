"""Figures of flstr beside the floor under them and their peers, measured in the same run. Nothing is asserted."""
