"""The executors that bring apps to machines, by the kind of their step."""

from executors.draining import Draining
from executors.instances import Instances
from executors.registry_keys import write_keys
from executors.releases import Releases, ThinPack
from executors.remote import OnEnd, Remote
from executors.routing import Routing
from executors.watching import Watching
from gitops.executor import Executors
from gitops.secrets import Decrypt


def deploy_executors(
    remote: Remote, decrypt: Decrypt, thin_pack: ThinPack, on_routed: OnEnd | None = None
) -> Executors:
    """Everything between a commit and an app that answers; `on_routed` is the `on_end` of `Routing`."""
    releases, routing = Releases(remote, thin_pack), Routing(remote, decrypt, on_routed)
    instances = Instances(remote, decrypt, releases)
    return {
        "registry.write": write_keys,
        "release.build": releases.build,
        "instance.start": instances.start,
        "instance.watch": Watching(remote, decrypt).watch,
        "routing.apply": routing.apply,
        "instance.drain": Draining(remote, routing).drain,
        "instance.stop": instances.stop,
    }
