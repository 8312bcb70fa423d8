"""Takes the README's pictures, after a story on real hosts: `python -m lab.story.picture`."""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from lab.errors import LabError
from lab.story.chapters import TWO_WORKERS, Story
from lab.story.chat import OPERATOR
from lab.story.narrator import Terminal
from lab.story.stage import Stage

DOCS = Path(__file__).parents[2] / "docs"
ONE_WORKER = "    count: 1\n    first: 101"
WIDTH, HEIGHT, SCALE = 1280, 1220, 1.4


def take_pictures(folder: Path) -> None:
    """Play the story up to a removal that waits for an approval; write the page and the picture of the networks that
    was posted there into `folder`. Raises LabError."""
    with Stage("picture") as stage:
        story = Story(stage, Terminal(Console(highlight=False, soft_wrap=True)))
        story.build_up()
        story.deploy()
        stage.merge("one-worker", {TWO_WORKERS: ONE_WORKER}, person="operator")
        stage.chat.await_card(lambda card: card.waits, "a card that asks for an approval")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE)
            _compose(page, stage.around.slack.url)
            page.screenshot(path=folder / "slack.png")
            browser.close()
        stage.chat.command(OPERATOR, "/flstr graph")
        networks = stage.chat.await_file(known=0)
        (folder / "networks.png").write_bytes(stage.chat.download(networks))


def _compose(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("radio", name="reviewer").click()
    page.get_by_role("button", name="Approve").wait_for()


if __name__ == "__main__":
    try:
        take_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
    except LabError as error:
        sys.exit(f"flstr: {error}")
