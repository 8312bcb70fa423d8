"""A small cluster as the executors' tests know it: two workers, an ingress, an app with two instances."""

from model.app import App
from model.cluster import Cluster
from model.registered import Registered

FIRST = "1" * 40
SECOND = "2" * 40

CLUSTER = Cluster.model_validate(
    {
        "cluster": "flstr-lab",
        "pools": {
            "controller": {"role": "controller", "count": 1, "first": 1},
            "worker": {"role": "worker", "count": 2},
            "ingress": {"role": "ingress", "count": 1, "first": 16},
        },
        "meshes": {
            "vpn_ctrl": {"subnet": "10.110.0.0/24", "port": 760, "hubs": ["controller"], "members": ["worker"]},
            "vpn_ingr": {"subnet": "10.111.0.0/24", "port": 762, "hubs": ["ingress"], "members": ["worker"]},
        },
    }
)


def influencer(**changes: object) -> App:
    """The app of the example cluster repo."""
    fields: dict[str, object] = {
        "app": "influencer",
        "kind": "backend",
        "repo": "git://git.example.com/influencer.git",
        "commit": FIRST,
        "instances": 2,
        "build": "build.sh",
        "run": "run.sh",
        "health": {"path": "/health", "within": "30s"},
        "publish": {"port": 5001},
        "env_prefix": "INFLUENCER",
        "env": {"PROTOCOL": "http", "PATH": "/"},
        "ingress": [{"host": "influencer.flstr.lab"}],
    }
    return App.model_validate(fields | changes)


def node(name: str, role: str, last: int, mesh: str = "vpn_ingr") -> dict[str, object]:
    """A registered machine."""
    return {
        "name": name,
        "ip": f"192.0.2.{last}",
        "services": ["backend"],
        "role": role,
        "pool": role,
        "addresses": {mesh: f"10.111.0.{last}"},
    }


def registered() -> Registered:
    """What etcd says once the app serves with two instances."""
    instances = {
        f"{number}-ab12cd34": {"node": f"worker10{number}", "ip": f"10.111.0.{number}", "port": 20000, "commit": FIRST}
        for number in (1, 2)
    }
    meta = {"publish": {"port": 5001}, "env_prefix": "INFLUENCER", "env": {"PROTOCOL": "http", "PATH": "/"}}
    return Registered.model_validate(
        {
            "nodes": {
                "controller001": node("controller001", "controller", 9, "vpn_ctrl"),
                "worker101": node("worker101", "worker", 1),
                "worker102": node("worker102", "worker", 2),
                "ingress016": node("ingress016", "ingress", 16),
            },
            "apps": {("backend", "influencer"): {"meta_data": meta, "instances": instances}},
            "ingress": {
                "influencer.flstr.lab:80": {
                    "publish": {"port": 80, "host_name": "influencer.flstr.lab"},
                    "location": [{"location": "/", "type": "backend", "name": "influencer"}],
                }
            },
        }
    )
