def healthy() -> bool:
    """Whether requests can be answered."""
    return True
