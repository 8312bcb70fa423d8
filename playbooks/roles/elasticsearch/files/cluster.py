"""Brings the cluster to what wanted.json says (`arrange`), or says whether it is healthy (`health`).

What was changed is printed, a sentence a line; nothing is printed where nothing was to change. Around a restart,
`missing` prints how many copies of shards have no node, and `recovered COUNT` waits until no more than that have none.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from rest import UNAUTHORIZED, Rest, RestError, as_elastic, wanted

EXCLUDED = "cluster.routing.allocation.exclude._name"
# A role by one of these names is a privilege in the indices of its database; another one is a role of Elasticsearch.
PRIVILEGES = frozenset(
    [
        "all",
        "create",
        "create_index",
        "delete",
        "index",
        "maintenance",
        "manage",
        "monitor",
        "read",
        "view_index_metadata",
        "write",
    ]
)
POLL_SECONDS = 1.0
# Elasticsearch decides in the background what it moves next, and for a moment nothing may be on its way.
CALM_POLLS = 5
# What health counts of copies that are on their way to a node, or wait for one to come back.
UNDER_WAY = ("initializing_shards", "delayed_unassigned_shards", "number_of_in_flight_fetch")

Told = dict[str, Any]


def health(told: Told, rest: Rest) -> None:
    """End well if this node is in a cluster that is at least yellow."""
    status = rest.ask("GET", "_cluster", "health", within=10.0)["status"]
    if status not in ("yellow", "green"):
        sys.exit(f"the cluster is {status}")
    if told["self"] not in _names(rest):
        sys.exit("it is not in the cluster")


def missing(_: Told, rest: Rest) -> None:
    """Print how many copies of shards no node has, once none is on its way to one."""
    found: Told = {}

    def settled() -> bool:
        found.update(rest.ask("GET", "_cluster", "health", within=10.0))
        return _is_settled(found)

    _wait(settled)
    print(found["unassigned_shards"])


def recovered(_: Told, rest: Rest) -> None:
    """Wait until no more copies are missing than were before, as another node may have the only one that is whole."""
    before = int(sys.argv[2]) if sys.argv[2] else None

    def again() -> bool:
        try:
            return _is_recovered(rest.ask("GET", "_cluster", "health", within=10.0), before)
        except (OSError, RestError):
            # The cluster may elect another master meanwhile.
            return False

    _wait(again)


def _is_settled(found: Told) -> bool:
    return not any(found[count] for count in UNDER_WAY)


def _is_recovered(found: Told, before: int | None) -> bool:
    """`before` is unknown where the node did not answer before it was restarted."""
    if found["status"] == "green":
        return True
    return _is_settled(found) and (before is None or found["unassigned_shards"] <= before)


def arrange(told: Told, rest: Rest) -> None:
    """Nodes that leave give all they have to the others; users are those that are wanted."""
    _wait(lambda: set(told["nodes"]) <= set(_names(rest)))
    _settle_password(told, rest)
    _leave(told, rest)
    _roles(told, rest)
    _users(told, rest)


def _settle_password(told: Told, rest: Rest) -> None:
    """From now on it is the cluster's, and not that of each node's keystore."""
    users = rest.ask("GET", "_security", "user")
    if not any(_is_ours(user) for user in users.values()):
        rest.ask("POST", "_security", "user", "elastic", "_password", body={"password": told["password"]})


def _leave(told: Told, rest: Rest) -> None:
    leaving = sorted(set(told["leaving"]) & set(_names(rest)))
    _exclude(leaving, rest)
    _keep_from_voting(leaving, rest)
    if leaving:
        _wait(lambda: _is_given(_shards(rest), leaving), CALM_POLLS)


def _is_given(shards: list[dict[str, Any]], leaving: list[str]) -> bool:
    """Whether all that leaving nodes have is on others too; not all of it can go where too few stay for every copy."""
    held = {(one["index"], one["shard"]) for one in shards if one["node"] in leaving}
    safe = {(one["index"], one["shard"]) for one in shards if one["state"] == "STARTED" and one["node"] not in leaving}
    return held <= safe and all(one["state"] != "RELOCATING" for one in shards)


def _exclude(leaving: list[str], rest: Rest) -> None:
    settings = rest.ask("GET", "_cluster", "settings", flat_settings="true")["persistent"]
    excluded = ",".join(leaving)
    if settings.get(EXCLUDED, "") != excluded:
        rest.ask("PUT", "_cluster", "settings", body={"persistent": {EXCLUDED: excluded or None}})
        print(f"shards are kept from {excluded}" if excluded else "shards may be on every node")


def _keep_from_voting(leaving: list[str], rest: Rest) -> None:
    state = rest.ask("GET", "_cluster", "state", "metadata", filter_path="metadata.cluster_coordination")
    coordination = state.get("metadata", {}).get("cluster_coordination", {})
    there = sorted(one["node_name"] for one in coordination.get("voting_config_exclusions", ()))
    if set(there) - set(leaving):
        rest.ask("DELETE", "_cluster", "voting_config_exclusions", wait_for_removal="false")
        print(f"{','.join(there)} may vote")
        there = []
    if missing := sorted(set(leaving) - set(there)):
        rest.ask("POST", "_cluster", "voting_config_exclusions", node_names=",".join(missing), timeout="60s")
        print(f"{','.join(missing)} votes no more")


def _roles(told: Told, rest: Rest) -> None:
    there = rest.ask("GET", "_security", "role")
    roles = {
        _own_role(name): _indices(user["roles"]) for name, user in told["users"].items() if _indices(user["roles"])
    }
    for name, indices in roles.items():
        found = there.get(name, {}).get("indices", ())
        if _comparable(found) != _comparable(indices):
            rest.ask(
                "PUT", "_security", "role", name, body={"indices": indices, "metadata": {"flstr": told["service"]}}
            )
            print(f"the role {name} was set")


def _users(told: Told, rest: Rest) -> None:
    there = rest.ask("GET", "_security", "user")
    for name, user in told["users"].items():
        found = there.get(name)
        if found is not None and not _is_ours(found):
            sys.exit(f"Elasticsearch has a user {name} that flstr did not make: delete or rename it")
        roles = _role_names(name, user["roles"])
        if found is None or sorted(found["roles"]) != roles or not _comes_in(told, name, user["password"]):
            body = {"password": user["password"], "roles": roles, "metadata": {"flstr": told["service"]}}
            rest.ask("PUT", "_security", "user", name, body=body)
            print(f"the user {name} was {'made' if found is None else 'changed'}")
    for name in sorted(name for name, user in there.items() if _is_ours(user) and name not in told["users"]):
        rest.ask("DELETE", "_security", "user", name)
        print(f"the user {name} was deleted")
    kept = {_own_role(name) for name, user in told["users"].items() if _indices(user["roles"])}
    roles = rest.ask("GET", "_security", "role")
    for name in sorted(name for name, role in roles.items() if _is_ours(role) and name not in kept):
        rest.ask("DELETE", "_security", "role", name)
        print(f"the role {name} was deleted")


def _own_role(user: str) -> str:
    return f"flstr-{user}"


def _role_names(user: str, roles: list[dict[str, str]]) -> list[str]:
    names = {one["role"] for one in roles if one["role"] not in PRIVILEGES}
    return sorted({*names, _own_role(user)} if _indices(roles) else names)


def _indices(roles: list[dict[str, str]]) -> list[dict[str, list[str]]]:
    """The privileges in the indices of each database: of its name, or beginning with it and a dash."""
    dbs = sorted({one["db"] for one in roles if one["role"] in PRIVILEGES})
    return [
        {
            "names": [db, f"{db}-*"],
            "privileges": sorted({one["role"] for one in roles if one["db"] == db and one["role"] in PRIVILEGES}),
        }
        for db in dbs
    ]


def _comparable(indices: Any) -> list[tuple[list[str], list[str]]]:
    return sorted((sorted(one["names"]), sorted(one["privileges"])) for one in indices)


def _is_ours(thing: Mapping[str, Any]) -> bool:
    return "flstr" in (thing.get("metadata") or {})


def _comes_in(told: Told, user: str, password: str) -> bool:
    try:
        Rest(told["url"], user, password).ask("GET", "_security", "_authenticate")
    except RestError as error:
        if error.status != UNAUTHORIZED:
            raise
        return False
    return True


def _names(rest: Rest) -> list[str]:
    nodes = rest.ask("GET", "_nodes", filter_path="nodes.*.name", within=10.0)["nodes"]
    return [node["name"] for node in nodes.values()]


def _shards(rest: Rest) -> list[dict[str, Any]]:
    shards: list[dict[str, Any]] = rest.ask("GET", "_cat", "shards", format="json", h="index,shard,state,node")
    return [{**shard, "node": (shard["node"] or "").split(" ")[0]} for shard in shards]


def _wait(done: Callable[[], bool], polls: int = 1) -> None:
    """Until it is so at this many polls in a row; whoever runs the playbook says how long that may take."""
    in_a_row = 0
    while True:
        in_a_row = in_a_row + 1 if done() else 0
        if in_a_row == polls:
            return
        time.sleep(POLL_SECONDS)


def main() -> None:
    told = wanted()
    try:
        does = {"health": health, "missing": missing, "recovered": recovered, "arrange": arrange}
        does[sys.argv[1]](told, as_elastic(told))
    except (OSError, RestError) as error:
        sys.exit(f"Elasticsearch: {error}")


if __name__ == "__main__":
    main()
