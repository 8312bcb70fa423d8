import pytest
from hcloud import APIException

from tests.lab.cloud.running_cloud import AnyClient, RunningCloud


@pytest.fixture
def many(client: AnyClient) -> AnyClient:
    """120 placement groups, every third one red."""
    for number in range(120):
        labels = {"color": "red"} if number % 3 == 0 else {}
        client.placement_groups.create(f"g{number:03}", "spread", labels=labels)
    return client


def test_every_page_is_fetched_once(many: AnyClient, cloud: RunningCloud) -> None:
    cloud.control("DELETE", "/requests")
    names = [group.name for group in many.placement_groups.get_all()]
    assert names == [f"g{number:03}" for number in range(120)]
    pages = cloud.control("GET", "/requests")["requests"]
    assert [page["query"] for page in pages] == [f"page={page}&per_page=50" for page in (1, 2, 3)]


def test_the_first_page_is_25_long(many: AnyClient) -> None:
    page = many.placement_groups.get_list()
    assert len(page.placement_groups) == 25
    assert vars_of(page.meta.pagination) == (1, 25, None, 2, 5, 120)


def test_a_page_is_at_most_50_long(many: AnyClient) -> None:
    page = many.placement_groups.get_list(page=3, per_page=1000)
    assert len(page.placement_groups) == 20
    assert vars_of(page.meta.pagination) == (3, 50, 2, None, 3, 120)


def test_a_page_behind_the_last_is_empty(many: AnyClient) -> None:
    page = many.placement_groups.get_list(page=4, per_page=50)
    assert page.placement_groups == []
    assert page.meta.pagination.next_page is None


def test_filters_count_before_the_pages_are_cut(many: AnyClient) -> None:
    page = many.placement_groups.get_list(label_selector="color in (red,blue)", per_page=10)
    assert [group.name for group in page.placement_groups][:2] == ["g000", "g003"]
    assert page.meta.pagination.total_entries == 40
    assert [group.name for group in many.placement_groups.get_all(name="g007")] == ["g007"]


def test_sort(many: AnyClient) -> None:
    page = many.placement_groups.get_list(sort=["name:desc"], label_selector="color=red", per_page=2)
    assert [group.name for group in page.placement_groups] == ["g117", "g114"]


def test_a_second_criterion_orders_what_the_first_leaves_equal(cloud: RunningCloud) -> None:
    actions = [*cloud.server("a").get_actions(), *cloud.server("b").get_actions()]
    listed = cloud.client.servers.actions.get_list(sort=["command", "id:desc"]).actions
    assert [action.id for action in listed] == [actions[number].id for number in (2, 0, 3, 1)]


@pytest.mark.parametrize(
    ("query", "field"),
    [("sort=size", "sort"), ("sort=name:up", "sort"), ("page=0", "page"), ("per_page=-1", "per_page"),
     ("page=x", "page"), ("label_selector=a%3D%3D%3Db", "label_selector")],
)  # fmt: skip
def test_a_wrong_query_is_refused(cloud: RunningCloud, query: str, field: str) -> None:
    response = cloud.raw("GET", f"/servers?{query}")
    assert response.status_code == 422
    assert response.json()["error"]["details"]["fields"][0]["name"] == field


def test_the_catalog_is_listed(client: AnyClient) -> None:
    assert [location.name for location in client.locations.get_all()] == ["fsn1", "nbg1", "hel1"]
    cx22 = client.server_types.get_by_name("cx22")
    assert cx22 is not None
    assert (cx22.cores, cx22.memory, cx22.architecture) == (2, 4, "x86")
    assert {price["location"] for price in cx22.prices} == {"fsn1", "nbg1", "hel1"}
    image = client.images.get_by_name_and_architecture("debian-12", "arm")
    assert image is not None
    assert image.architecture == "arm"
    with pytest.raises(APIException, match="not found"):
        client.locations.get_by_id(99)


def vars_of(pagination: object) -> tuple[object, ...]:
    names = ("page", "per_page", "previous_page", "next_page", "last_page", "total_entries")
    return tuple(getattr(pagination, name) for name in names)
