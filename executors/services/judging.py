"""Whether a run came to its end, and the sentence of one that did not. Pure."""

from executors.services.ansible import Ending
from executors.services.hearing import Heard
from gitops.executor import Cancellation
from model.errors import Cancelled, StepFailed
from model.names import AppName

OUTPUT_LINES = 40


def judge(service: AppName, heard: Heard, ending: Ending, cancellation: Cancellation) -> None:
    """Raises `StepFailed` where a run failed, and `Cancelled` where it was given up."""
    if ending.status == 0:
        # A task that failed and was rescued by its playbook is no failure of that.
        return
    output = "\n".join(heard.said[-OUTPUT_LINES:]) or heard.hide(ending.said)
    if cancellation.cancelled:
        raise Cancelled(f"the playbook of {service} was given up, since its end is not wanted any more", output)
    if ending.too_long is not None:
        at = f" in the task '{heard.newest()}'" if heard.newest() else ""
        raise StepFailed(
            f"the playbook of {service} was not done after {ending.too_long:.0f} s and was stopped{at}", output
        )
    if heard.failures:
        first = heard.failures[0]
        others = {failure.node for failure in heard.failures} - {first.node}
        more = f" (and {len(others)} more machine{'' if len(others) == 1 else 's'} failed)" if others else ""
        raise StepFailed(f"{first.sentence}{more}", "\n".join(failure.sentence for failure in heard.failures))
    raise StepFailed(f"the playbook of {service} cannot be run: {_why(heard, ending)}", output)


def _why(heard: Heard, ending: Ending) -> str:
    errors = [line for line in heard.said if "ERROR" in line]
    last = heard.hide(ending.said).splitlines()[-1:]
    return next(iter(errors or heard.said[-1:] or last), f"Ansible ended with status {ending.status}")
