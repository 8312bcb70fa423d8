"""Whoever reads is led somewhere: links between pages, and the contents of the page for bad days."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")))


def without_code(page: Path) -> str:
    return re.sub(r"(?ms)^( *)```.*?^\1```$", "", page.read_text())


def anchors(page: Path) -> set[str]:
    """Where a `#` may lead on a page, as Git hosts name it after a heading."""
    headings = re.findall(r"(?m)^#+ (.*)$", without_code(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    astray = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", without_code(page))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" in link or (target.exists() and (not anchor or anchor in anchors(target))):
            continue
        astray.append(link)
    assert astray == []


def test_the_contents_of_operations_name_every_section() -> None:
    text = without_code(ROOT / "docs/operations.md")
    sections = re.findall(r"(?m)^## (.*)$", text)
    contents = re.findall(r"\[([^]]+)\]\(#", "".join(re.findall(r"(?m)^\| .*$", text.partition("\n## ")[0])))
    assert sorted(contents) == sorted(sections)
