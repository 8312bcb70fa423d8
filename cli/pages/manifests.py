"""`docs/manifests.md`, from the models of the manifests and the example."""

from collections.abc import Iterator

from cli.cluster_repo import EXAMPLE
from cli.pages.services import services_section
from cli.pages.tables import Parts, tables
from model.app import App, Env, Health, IngressBinding, Publish, Update
from model.cluster import Backups, Cluster, ClusterSecrets
from model.freezes import FreezeWindow, Weekly
from model.hardening import COSTS, KEPT, Hardening
from model.networks import Dns, Flanneld, FloatingIp, Mesh, Overlay
from model.people import Approvals, Escalation, Person, Team
from model.pools import Cloud, Elsewhere, Pool, ScheduledCount

HEAD = """# Manifests

Made from `model/cluster.py`, `model/app.py` and `model/service.py` by `make docs`.

A cluster repo holds `cluster.yaml`, a file for each app, `apps/<name>.yaml`, and one for each service,
`services/<name>.yaml`, with the playbooks of its own that they name under `playbooks/`; other files are left alone. A
field that is not in these tables is refused, with the one that was probably meant. `flstr lint DIR` says everything
that is wrong with a folder, each with its file and line; flstr says the same of a revision before it follows any of it.
`.schema/` holds the tables as JSON Schemas: the first line of a manifest leads an editor's YAML language server there.
"""

RULES = """
## What the files must agree on

- Every mesh has its own port and subnet, and room for its machines; so has the overlay. Their addresses are private
  ones (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10). A mesh with machines in it has one that is a hub.
- An app is called as its file is. Its published port is its own: no other app's, no mesh's, none that the machine
  uses itself (22, 80, 443, 2379, 2380, and 20000 to 29999, from which instances get theirs). A mesh's port neither.
  The overlay's is one of UDP alone, so that only a mesh's is in its way.
- An app with instances needs a pool of role `worker` and a network with the workers in it: the overlay, or else a mesh.
  One with `ingress` needs a pool of role `ingress` in the same network. What an app `needs` has a manifest too, and an
  `env_prefix` of its own.
- A service is called as its file is, and runs on machines of role `service` that are in the network of the apps. Its
  published port is its own, as an app's is; at that port each machine's own HAProxy offers it, to that machine alone.
  The port at which it listens, and the one where its machines talk to one another, is no app's, no mesh's, not the
  machine's own, and none of another service on the same machine.
  Its `variables` are options of its playbook, with what the tables above say. `nginx_uploads` needs a service of one
  machine without an `nginx_spa_fallback`, and `redis_replicas_to_write` more machines than that. A user's `apps` have
  the service among their `needs`, and an app comes as one user. No secret of an app is called as a password of a
  service that it needs.
- `variables` of an app have names that flstr does not set itself: not `HOST`, `PORT`, `HOME`, `CREDENTIALS_DIRECTORY`,
  nothing that begins with `FLSTR_`, and no `<PREFIX>_HOST` and the like of the app or of one that it needs; of a
  service that it comes to as one of its `users` no `<PREFIX>_USER` either.
- The cluster can decrypt every secret.
- No two apps have the same public host, port and location. A public port is 80, 443, or one that no app, no mesh and
  not the machine itself uses.
- The commit exists in the app's repository.

While machines stand, a revision is also refused if it gives one another role, takes from a mesh or the overlay a role
whose machines are in it, changes a mesh's `subnet` or `port` (make a mesh of another name instead) or the overlay's
`network`, `subnet_length` or `port` (take it out first), or gives an app the port of one that still waits for its
removal.

## Sizes by the clock

At each time of a pool's `schedule` flstr commits the size, as `scale` would: it stands in the history, and the channel
hears of it. Times are cron's, in the cluster's `time_zone`: 0 and 7 are Sunday, and where both the day of the month and
that of the week are said, either will do. Of two lines at the same time, the one further down counts.

- Where the pool has that size already, nothing is committed. What somebody says afterwards stays until the next time.
- Of the times that passed while flstr was away, only the newest counts. One that was over before its line was written
  counts never.
- Fewer machines wait for an approval, as any removal does; where nobody has approved until the next time asks for more,
  the card is void, and the machines stay.
- While frozen, locked or suspended, the commit is made at its time all the same, and waits as those of people do.

```yaml
time_zone: Europe/Berlin
pools:
  worker:
    role: worker
    count: 2
    schedule:
      - {at: 0 8 * * mon-fri, count: 5}
      - {at: 0 20 * * *, count: 2}
    otherwise:
      - {server_type: cpx21}
      - {location: nbg1}
```

## What an instance is told

By environment variables:

- `HOST`, `PORT`: where it has to listen. Its machine's address in the overlay, or else in the mesh, and a port that is
  its own.
- `<PREFIX>_PROTOCOL`, `<PREFIX>_HOST`, `<PREFIX>_PORT`, `<PREFIX>_PATH`: where to find an app, for itself and for each
  app and service that it `needs`. The prefix is that one's `env_prefix`; HOST is always `127.0.0.1`, the machine's own
  HAProxy.
- `<PREFIX>_USER`: as whom to come to a service, where one of its `users` lists the app.
- `FLSTR_APP`, `FLSTR_COMMIT`, `FLSTR_INSTANCE`: who it is.
- `HOME`: `/tmp`, which is its own. Nothing else can be written to, and its release is read-only.
- What its manifest has under `variables`, of any other name.

By files: `$CREDENTIALS_DIRECTORY/<name>` for each of its `secrets`, byte for byte what was given to `flstr secret set`,
for the instance's user alone. The manifest has a secret of at most 4096 bytes as a text that age has encrypted, and
only the cluster has the key; it is decrypted when an instance starts and goes to the instance's machine by SSH.

So do the passwords of services that the app `needs`, which flstr made: `<PREFIX>_PASSWORD` is that of its user where it
comes as one, and the only one then. Otherwise it is the one that the service has for everybody; of a playbook of the
cluster repo there is a file `<PREFIX>_<NAME>` for each of its `passwords`.

```yaml
secrets:
  db-password: |
    -----BEGIN AGE ENCRYPTED FILE-----
    …
    -----END AGE ENCRYPTED FILE-----
```
"""

PARTS_OF_CLUSTER: Parts = (
    ("cloud", "`cloud`", Cloud),
    ("pools", "`pools.<name>`", Pool),
    ("pools.name.otherwise", "`pools.<name>.otherwise`, a list", Elsewhere),
    ("pools.name.schedule", "`pools.<name>.schedule`, a list", ScheduledCount),
    ("meshes", "`meshes.<name>`", Mesh),
    ("overlay", "`overlay`", Overlay),
    ("overlay.flanneld", "`overlay.flanneld`", Flanneld),
    ("dns", "`dns`", Dns),
    ("floating_ips", "`floating_ips.<name>`", FloatingIp),
    ("people", "`people.<name>`", Person),
    ("teams", "`teams.<name>`", Team),
    ("approvals", "`approvals`", Approvals),
    ("approvals.escalate", "`approvals.escalate`", Escalation),
    ("secrets", "`secrets`", ClusterSecrets),
    ("backups", "`backups`", Backups),
    ("freezes", "`freezes`, a list", FreezeWindow),
    ("freezes.weekly", "`freezes[].weekly`", Weekly),
)
PARTS_OF_APP: Parts = (
    ("health", "`health`", Health),
    ("publish", "`publish`", Publish),
    ("env", "`env`", Env),
    ("update", "`update`", Update),
    ("hardening", "`hardening`", Hardening),
    ("ingress", "`ingress`, a list", IngressBinding),
)


def manifests_page() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            "## cluster.yaml",
            "",
            *tables(Cluster, PARTS_OF_CLUSTER),
            "An example:",
            "",
            _yaml("cluster.yaml"),
            "",
            "## apps/&lt;name&gt;.yaml",
            "",
            *tables(App, PARTS_OF_APP),
            *_costs(),
            "An example:",
            "",
            _yaml("apps/influencer.yaml"),
            "",
            *services_section(),
            RULES,
        ]
    )


def _costs() -> Iterator[str]:
    yield "### What `hardening` costs"
    yield ""
    yield "`flstr lint` says the same of each setting that an app has looser."
    yield ""
    yield "| Setting | Value | What it costs |"
    yield "|---|---|---|"
    for (name, value), cost in COSTS.items():
        yield f"| `{name}` | `{'false' if value == 'no' else value}` | {cost} |"
    yield ""
    yield "The rest of the sandbox stays:"
    yield ""
    yield from (f"- `{name}`: {why}" for name, why in KEPT.items())
    yield ""


def _yaml(path: str) -> str:
    return f"```yaml\n{(EXAMPLE / path).read_text()}```"
