"""What flstr may not change."""

from model.errors import StepFailed


class NotOurs(StepFailed):
    """A name whose records are somebody else's, or that no zone holds: its owner has to do something about it."""
