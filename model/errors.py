"""What goes wrong, in sentences meant for a person."""


class Refused(Exception):
    """Input that cannot be carried out: one sentence saying what is wrong, where, and what would be right."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Unreadable(Refused):
    """Something outside that does not answer now. It says nothing about what was asked, which is tried again."""


class StepFailed(Exception):
    """A step that could not reach its end; `output` holds the last lines of what ran, if anything ran."""

    def __init__(self, sentence: str, output: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.output = output


class Fenced(Exception):
    """This controller no longer leads: another one holds a newer fencing token."""
