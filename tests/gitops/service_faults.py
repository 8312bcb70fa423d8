"""Services in words, and what is said to be wrong with them."""

from gitops.lint import check
from gitops.manifests import FaultyManifests
from tests.gitops.service_scene import files

MONGO = "service: db\nplaybook: mongodb\nnodes: [service101]\npublish: {port: 6381}\nenv_prefix: DB\n"
SEARCH = "service: search\nplaybook: elasticsearch\nnodes: [service101]\npublish: {port: 6383}\nenv_prefix: SEARCH\n"
QUEUE = (
    "service: queue\nplaybook: playbooks/queue.yml\nnodes: [service101]\nport: 5672\npublish: {port: 6382}\n"
    "env_prefix: QUEUE\nenv: {PROTOCOL: amqp}\n"
)


def faults(
    *services: str, cluster: str | None = None, needs: str = "", more: dict[str, str] | None = None
) -> list[str]:
    try:
        check({**files(*services, cluster=cluster, needs=needs), **(more or {})})
    except FaultyManifests as error:
        return [str(fault) for fault in error.faults]
    return []
