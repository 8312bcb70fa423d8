"""The names of what people can press or choose, as Slack sends them back."""

APPROVE = "approval.approve"
DENY = "approval.deny"
# Approve where machines are destroyed: it asks for their names first.
NAME = "approval.name"
# Carries out the line that is the button's value, as if this person had typed it.
RUN_LINE = "line.run"
# Says no to such a line; nothing comes of it.
LEAVE = "line.leave"
