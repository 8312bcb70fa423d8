"""The names of what people can press or choose, as Slack sends them back."""

APPROVE = "approval.approve"
DENY = "approval.deny"
# Approve where machines are destroyed: it asks for their names first.
NAME = "approval.name"
# Carries out the line that is the button's value, as if this person had typed it.
RUN_LINE = "line.run"
# Says no to such a line; nothing comes of it.
LEAVE = "line.leave"
# Opens the modal, from App Home.
OPEN_MODAL = "modal.open"
# The modal itself, and what can be chosen in it.
MODAL = "modal"
CHOOSE_VERB = "modal.verb"
CHOOSE_APP = "modal.app"
CHOOSE_COMMIT = "modal.commit"
TYPE_COUNT = "modal.count"
PREVIEW = "modal.preview"
