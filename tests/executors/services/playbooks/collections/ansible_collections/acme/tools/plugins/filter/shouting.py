"""A filter of a collection: it runs where Ansible does."""


class FilterModule:
    """Filters."""

    def filters(self):
        return {"shouted": str.upper}
