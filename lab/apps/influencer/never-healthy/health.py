def healthy() -> bool:
    """Whether requests can be answered: never, in this branch."""
    return False
