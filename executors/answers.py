"""What came back from machines that were worked on side by side."""

from collections.abc import Collection, Mapping

from gitops.executor import StepContext
from model.errors import StepFailed
from model.names import NodeName

Answers = Mapping[NodeName, str | StepFailed]


def report_the_silent(answers: Answers, but: Collection[NodeName], context: StepContext) -> None:
    """One that did not answer is reported and holds nobody up; of those in `but` something else is said."""
    for node, answer in sorted(answers.items()):
        if isinstance(answer, StepFailed) and node not in but:
            context.report(f"{node} was not brought up to date ({answer.sentence})")


def failure_of(failed: Mapping[NodeName, StepFailed], what: str) -> StepFailed:
    """Several failures as one: `worker101, worker102 did not join: …`."""
    sentences = "; ".join(failure.sentence for failure in failed.values())
    output = "\n".join(failure.output for failure in failed.values() if failure.output)
    return StepFailed(f"{', '.join(failed)} {what}: {sentences}", output)
