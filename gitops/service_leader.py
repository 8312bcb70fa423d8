"""What is noted of a service once another of its instances leads. Pure."""

from gitops.services import instances_of, nodes_of, told_digest
from model.cluster import Cluster
from model.names import NodeName
from model.registered import Registered, ServiceRecord


def led_by(record: ServiceRecord, leader: NodeName, cluster: Cluster, registered: Registered) -> ServiceRecord:
    """The record with another leader, and as its playbook would leave it: so that no run follows for that alone.

    One that is to be brought to something else anyway keeps its digest, which says so.
    """
    staying = [node for node in nodes_of(record.service, cluster) if node in record.nodes]
    leaving = [node for node in record.nodes if node not in staying]
    instances = instances_of(record.service, staying, cluster, registered)

    def digest(of: NodeName | None) -> str:
        # Only playbooks of the project lead, and those have no source in the cluster repo.
        return told_digest(record.service, instances, leaving, of, record.silent, "")

    known = record.digest == digest(record.leader)
    return record.model_copy(update={"leader": leader, "digest": digest(leader) if known else record.digest})
