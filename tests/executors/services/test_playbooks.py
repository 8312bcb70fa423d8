"""A playbook of a cluster repo, run by Ansible over SSH."""

from tests.executors.services.field import Field


def test_a_playbook_finds_its_roles_and_collections_and_what_it_is_told(field: Field) -> None:
    field.run(queue_text="{{ 1 + 1 }} {% raw %} \u00e9\u2028\U0001f600 \"'")
    assert field.read("service101", "told").splitlines()[0] == "apply queue 5672 10.111.0.1 leader=service101"
    assert field.read("service102", "told").startswith("apply queue 5672 10.111.0.2")
    assert field.read("service102", "note") == "NOTED\n"
    print(field.told, field.reports, field.tasks[-1])
    assert 0
