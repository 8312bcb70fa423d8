"""What the lab says when it cannot do what it was asked."""


class LabError(Exception):
    """One clear sentence for the person: what failed, where, and what would be right."""
