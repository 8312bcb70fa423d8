"""What is asked for, and how often the cloud was asked."""

from model.steps import CreateNode
from tests.executors.clusters import public_key
from tests.lab.cloud.running_cloud import RunningCloud

NODE = "worker101"
KEYS = f"mesh vpn_ctrl\n\n{public_key('AAAA')}mesh vpn_ingr\n\n{public_key('BBBB')}"


def create(node: str = NODE) -> CreateNode:
    return CreateNode(node=node, pool="worker", role="worker", server_type="cx22", location="fsn1", image="debian-12")


def posts(cloud: RunningCloud, path: str = "/servers") -> int:
    return cloud.api.requests.count("POST", path)
