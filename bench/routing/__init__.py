"""How soon a change of who serves is in the HAProxy of every machine, and in its file."""
