"""Who is a member of each app and service, by the names that HAProxy knows them by. Pure."""

import functools
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from executors.addresses import plain_address
from model.names import AppName, InstanceId, ServiceInstanceId
from model.registered import InstanceRecord, ServiceInstance

# By HAProxy's name of an app or service: its servers, each with address and port.
Members = Mapping[str, Mapping[str, tuple[str, int]]]

REMEMBERED = 4096
_NAME: TypeAdapter[str] = TypeAdapter(AppName)
_INSTANCES: Mapping[str, tuple[TypeAdapter[str], type[InstanceRecord] | type[ServiceInstance]]] = {
    "backend": (TypeAdapter(InstanceId), InstanceRecord),
    "frontend": (TypeAdapter(InstanceId), InstanceRecord),
    "service": (TypeAdapter(ServiceInstanceId), ServiceInstance),
}
KINDS = tuple(_INSTANCES)


def members(found: Mapping[str, str]) -> tuple[Members, dict[str, str]]:
    """The servers of everything that is registered with its `meta_data`; and the keys that nobody can read, with why.

    What has such a key is left out as a whole: who else serves there is not known.
    """
    known: dict[str, dict[str, tuple[str, int]]] = {}
    servers: dict[str, dict[str, tuple[str, int]]] = {}
    unread: dict[str, str] = {}
    unknown: set[str] = set()
    for key, value in sorted(found.items()):
        kind, _, rest = key.partition("/")
        name, _, rest = rest.partition("/")
        part, _, instance = rest.partition("/")
        if kind not in KINDS or part not in ("meta_data", "instance"):
            continue
        backend = f"{kind}-{name}"
        try:
            _NAME.validate_python(name)
            if part == "meta_data":
                known[backend] = servers.setdefault(backend, {})
            else:
                servers.setdefault(backend, {})[instance] = _member(kind, instance, value)
        except ValueError as error:
            unread[key] = _why(error)
            unknown.add(backend)
    return {backend: known[backend] for backend in sorted(known.keys() - unknown)}, unread


@functools.lru_cache(maxsize=REMEMBERED)
def _member(kind: str, instance: str, value: str) -> tuple[str, int]:
    instance_id, record_type = _INSTANCES[kind]
    instance_id.validate_python(instance)
    record = record_type.model_validate_json(value)
    return plain_address(record.ip), record.port


def _why(error: ValueError) -> str:
    return error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
