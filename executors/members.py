"""Who is a member of each app and service, by the names that HAProxy knows them by. Pure."""

import functools
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from executors.addresses import plain_address
from gitops.routed import routed_instances
from model import keys
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
    """The servers of everything that is registered with its `meta_data`, without those of machines that are NotReady;
    and the keys that nobody can read, with why.

    What has such a key is left out as a whole: who else serves there is not known.
    """
    known: set[str] = set()
    servers: dict[str, dict[str, InstanceRecord | ServiceInstance]] = {}
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
                known.add(backend)
            else:
                servers.setdefault(backend, {})[instance] = _instance(kind, instance, value)
        except ValueError as error:
            unread[key] = _why(error)
            unknown.add(backend)
    silent = {key.removeprefix(keys.NOT_READY) for key in found if key.startswith(keys.NOT_READY)}
    return {
        backend: {
            name: (plain_address(record.ip), record.port)
            for name, record in routed_instances(servers.get(backend, {}), silent).items()
        }
        for backend in sorted(known - unknown)
    }, unread


@functools.lru_cache(maxsize=REMEMBERED)
def _instance(kind: str, instance: str, value: str) -> InstanceRecord | ServiceInstance:
    instance_id, record_type = _INSTANCES[kind]
    instance_id.validate_python(instance)
    record = record_type.model_validate_json(value)
    plain_address(record.ip)
    return record


def _why(error: ValueError) -> str:
    return error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
