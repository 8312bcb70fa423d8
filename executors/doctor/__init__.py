"""The doctor: every machine is looked at from both ends of its tunnels, and what was seen is told in findings."""
