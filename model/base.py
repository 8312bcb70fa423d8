"""The base of every record and manifest."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable, hashable by value where its fields are, and strict about unknown fields."""

    # What somebody wrote in a wrong place may be a secret, and such an error may end in a log.
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    def to_json(self) -> str:
        """The form kept in etcd: compact, keys by their written name."""
        return self.model_dump_json(by_alias=True)
