"""Who is a member of each app and service, by the names that HAProxy knows them by. Pure."""

import functools
from collections.abc import Collection, Mapping

from pydantic import TypeAdapter, ValidationError

from executors.addresses import plain_address
from executors.service_checks import check_of
from gitops.routed import routed_instances
from model import keys, service_keys
from model.names import AppName, InstanceId, NodeName, ServiceInstanceId
from model.registered import InstanceRecord, ServiceInstance, ServiceRecord

# By HAProxy's name of an app or service: its servers, each with address, port, and options that others have not.
Members = Mapping[str, Mapping[str, tuple[str, int, *tuple[str, ...]]]]

REMEMBERED = 4096
_NAME: TypeAdapter[str] = TypeAdapter(AppName)
_INSTANCES: Mapping[str, tuple[TypeAdapter[str], type[InstanceRecord] | type[ServiceInstance]]] = {
    "backend": (TypeAdapter(InstanceId), InstanceRecord),
    "frontend": (TypeAdapter(InstanceId), InstanceRecord),
    "service": (TypeAdapter(ServiceInstanceId), ServiceInstance),
}
KINDS = tuple(_INSTANCES)


def members(found: Mapping[str, str]) -> tuple[Members, dict[str, str]]:
    """The servers of everything that is registered with its `meta_data`, without those of machines that are NotReady,
    and of services that have a leader the leader alone; and the keys that nobody can read, with why.

    What has such a key is left out as a whole: who else serves there is not known.
    """
    known: set[str] = set()
    records: dict[str, ServiceRecord] = {}
    servers: dict[str, dict[str, InstanceRecord | ServiceInstance]] = {}
    unread: dict[str, str] = {}
    unknown: set[str] = set()
    for key, value in sorted(found.items()):
        if key.startswith(service_keys.INSTALLED):
            backend = f"service-{key.removeprefix(service_keys.INSTALLED)}"
            try:
                records[backend] = _record(value)
            except ValueError as error:
                unread[key] = _why(error)
                unknown.add(backend)
            continue
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
        backend: _servers(servers.get(backend, {}), records.get(backend), silent) for backend in sorted(known - unknown)
    }, unread


def _servers(
    instances: Mapping[str, InstanceRecord | ServiceInstance],
    record: ServiceRecord | None,
    silent: Collection[NodeName],
) -> dict[str, tuple[str, int, *tuple[str, ...]]]:
    leader, options = (None, ()) if record is None else (record.leader, check_of(record.service).options)
    serving = {name: one for name, one in instances.items() if leader is None or one.node == leader}
    routed = routed_instances(serving, silent)
    return {name: (plain_address(one.ip), one.port, *options) for name, one in routed.items()}


@functools.lru_cache(maxsize=REMEMBERED)
def _instance(kind: str, instance: str, value: str) -> InstanceRecord | ServiceInstance:
    instance_id, record_type = _INSTANCES[kind]
    instance_id.validate_python(instance)
    record = record_type.model_validate_json(value)
    plain_address(record.ip)
    return record


@functools.lru_cache(maxsize=REMEMBERED)
def _record(value: str) -> ServiceRecord:
    return ServiceRecord.model_validate_json(value)


def _why(error: ValueError) -> str:
    return error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
