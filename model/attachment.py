"""A file that goes with an answer, such as a picture."""

from base64 import b64encode
from dataclasses import dataclass

from pydantic import Base64Bytes, Field

from model.base import Frozen


class Attachment(Frozen):
    """`flstr/attachment/<intent>`; etcd takes values of 1.5 MiB at most."""

    name: str = Field(description="File name, such as 'networks.png'")
    title: str
    alt: str = Field("", description="What it shows, for those who cannot see it")
    content: Base64Bytes

    @property
    def is_text(self) -> bool:
        """Whether a terminal can show it."""
        return self.name.endswith(".log")

    @classmethod
    def of(cls, name: str, title: str, alt: str, content: bytes) -> "Attachment":
        """An attachment of these bytes."""
        return cls(name=name, title=title, alt=alt, content=b64encode(content))


@dataclass(frozen=True)
class Reply:
    """An answer as Slack mrkdwn, and a file with it.

    `instead` is a line to offer, such as the one that confirms; `operation` the one under way that does what was asked
    for already.
    """

    text: str
    attachment: Attachment | None = None
    instead: str = ""
    operation: str = ""
