"""Placement groups: the machines of a pool that is spread stand on hardware of their own, ten in a group at most."""

import contextlib
import threading
from collections.abc import Collection, Iterator
from itertools import count

from hcloud import APIException, Client
from hcloud.placement_groups import BoundPlacementGroup

from executors.cloud_settling import settle

MOST_SERVERS = 10
FULL = "placement_group_member_limit_reached"
# Somebody else has deleted it, or has a server in it meanwhile.
_NOT_OURS_TO_DELETE = frozenset({"not_found", "resource_in_use"})

# A group is chosen and a server put in it, or one without servers is deleted, but not both at once.
_placing = threading.Lock()


class PlacementGroups:
    """Those of one cluster: `<cluster>-<pool>`, then `<cluster>-<pool>-2` and so on."""

    def __init__(self, client: Client, cluster: str) -> None:
        self._client = client
        self._cluster = cluster

    @contextlib.contextmanager
    def room(self, pool: str, full: Collection[int]) -> Iterator[BoundPlacementGroup]:
        """A group of the pool with room for one more, made where there is none; it is nobody else's until the end.

        `full` are ids of groups that have no room, whatever they say.
        """
        with _placing:
            yield settle(lambda: self._with_room(pool, full))

    def drop_unused(self) -> bool:
        """Delete those without servers; says whether there were any."""
        with _placing:
            unused = [group for group in self._all() if not group.servers]
            for group in unused:
                try:
                    group.delete()
                except APIException as error:
                    if error.code not in _NOT_OURS_TO_DELETE:
                        raise
        return bool(unused)

    def _with_room(self, pool: str, full: Collection[int]) -> BoundPlacementGroup:
        groups = [group for group in self._all() if (group.labels or {}).get("pool") == pool]
        for group in sorted(groups, key=lambda group: group.id or 0):
            if len(group.servers or []) < MOST_SERVERS and group.id not in full:
                return group
        return self._client.placement_groups.create(
            name=self._free_name(pool), type="spread", labels={"cluster": self._cluster, "pool": pool}
        ).placement_group

    def _free_name(self, pool: str) -> str:
        taken = {group.name for group in self._client.placement_groups.get_all()}
        first = f"{self._cluster}-{pool}"
        names = (first if number == 1 else f"{first}-{number}" for number in count(1))
        return next(name for name in names if name not in taken)

    def _all(self) -> list[BoundPlacementGroup]:
        return self._client.placement_groups.get_all(label_selector=f"cluster={self._cluster}")
