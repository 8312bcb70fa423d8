"""Services as flstr installs them, among the registered keys of tests."""

from collections.abc import Mapping

from model import service_keys
from model.registered import MetaData, ServiceInstance, ServiceRecord
from model.service import Service


def service(name: str = "cache", playbook: str = "redis", **changes: object) -> Service:
    """A service on two machines."""
    fields: dict[str, object] = {
        "service": name,
        "playbook": playbook,
        "nodes": ["service101", "service102"],
        "publish": {"port": 7000},
        "env_prefix": name.upper().replace("-", "_"),
    }
    return Service.model_validate(fields | changes)


def installed(
    one: Service, addresses: Mapping[str, str], leader: str | None = None, meta_data: bool = True
) -> dict[str, str]:
    """What is registered of a service that runs at these addresses, each a machine's."""
    meta = MetaData(publish=one.publish, env_prefix=one.env_prefix, env=one.env)
    record = ServiceRecord(service=one, nodes=tuple(addresses), leader=leader, digest="0" * 16)
    found = {
        service_keys.instance(one.service, node): ServiceInstance(node=node, ip=ip, port=one.listens_at).to_json()
        for node, ip in addresses.items()
    }
    found[service_keys.installed(one.service)] = record.to_json()
    return found | ({service_keys.meta_data(one.service): meta.to_json()} if meta_data else {})
