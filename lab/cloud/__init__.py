"""A Hetzner Cloud API on loopback, for the real clients: creating a server there boots a machine."""
