"""What goes wrong, in sentences meant for a person."""


class Refused(Exception):
    """Input that cannot be carried out: one sentence saying what is wrong, where, and what would be right."""

    def __init__(self, sentence: str, instead: str = "") -> None:
        """`instead` is the line that was probably meant, or that says it so that it is carried out."""
        super().__init__(sentence)
        self.sentence = sentence
        self.instead = instead


class Unreadable(Refused):
    """Something outside that does not answer now. It says nothing about what was asked, which is tried again."""


class EtcdSilent(Unreadable):
    """No member of etcd answers now; one does as soon as they have chosen who leads them."""


class StepFailed(Exception):
    """A step that could not reach its end; `output` holds the last lines of what ran, `status` the exit status of
    a script that said itself that it failed."""

    def __init__(self, sentence: str, output: str = "", status: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.output = output
        self.status = status


class ReleaseFailed(StepFailed):
    """The fault is the release's own: it does not build, start, get healthy or serve. It is not tried again."""


class Cancelled(StepFailed):
    """A step that was given up because nobody wants its end any more."""


class Fenced(Exception):
    """This controller no longer leads: another one holds a newer fencing token."""
