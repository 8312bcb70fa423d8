"""The services that the pages and the example show can be written down as they are."""

import re
from collections.abc import Mapping

import pytest

from cli.cluster_repo import EXAMPLE
from cli.pages import DOCS
from cli.pages.services import EXAMPLES
from gitops.lint import check
from gitops.manifests import Manifests, service_path

CLUSTER = (EXAMPLE / "cluster.yaml").read_text()
APP = (EXAMPLE / "apps/influencer.yaml").read_text()
OPERATIONS = (DOCS / "operations.md").read_text()


def shown(page: str, beginning: str) -> str:
    """The YAML on a page that begins so."""
    (found,) = [text for text in re.findall(r"(?ms)^```yaml\n(.*?)^```$", page) if text.startswith(beginning)]
    return str(found)


def uncommented(text: str, *parts: str) -> str:
    """A manifest with parts of it that are there as comments."""
    for part in parts:
        commented = re.sub(r"(?m)^( *)# ", r"\1", part)
        assert part in text
        text = text.replace(part, commented)
    return text


def with_service_machines() -> str:
    """The example's cluster with what it has as comments: machines for services, and backups."""
    (pool,) = re.findall(r"(?m)^  # service:\n(?:  #   .*\n)+", CLUSTER)
    (backups,) = re.findall(r"(?m)^# backups:\n(?:#   .*\n)+", CLUSTER)
    return uncommented(CLUSTER, pool, backups)


def checked(cluster: str, services: Mapping[str, str]) -> Manifests:
    """What lint makes of a revision with an app that needs these services."""
    app = f"{APP}needs: [{', '.join(services)}]\n"
    play = {"playbooks/queue.yml": shown(OPERATIONS, "# playbooks/queue.yml\n")}
    files = {service_path(name): text for name, text in services.items()}
    return check({"cluster.yaml": cluster, "apps/influencer.yaml": app, **files, **play})


def test_those_on_the_page_of_manifests() -> None:
    assert checked(with_service_machines(), EXAMPLES).services.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_of_them_by_itself(name: str) -> None:
    assert list(checked(with_service_machines(), {name: EXAMPLES[name]}).services) == [name]


def test_that_of_the_example() -> None:
    text = shown((EXAMPLE / "README.md").read_text(), "# yaml-language-server: $schema=../.schema/service.json\n")
    assert list(checked(with_service_machines(), {"cache": text}).services) == ["cache"]


def test_that_on_the_page_of_operations() -> None:
    machines, service = shown(OPERATIONS, "# cluster.yaml\npools:\n  service:").split("# services/cache.yaml\n")
    (pool,) = re.findall(r"(?m)^  service: .*\n", machines)
    (backups,) = re.findall(r"(?m)^backups: .*\n", machines)
    cluster = CLUSTER.replace("pools:\n", f"pools:\n{pool}", 1) + backups
    assert list(checked(cluster, {"cache": service}).services) == ["cache"]
