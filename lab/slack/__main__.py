"""`python -m lab.slack [PORT]`: the workspace by itself, for trying the page and the API by hand."""

import asyncio
import sys

from lab.slack.server import SlackApi


async def _serve(port: int) -> None:
    slack = SlackApi()
    url = await slack.start(port=port)
    print(f"page {url}\napi  {slack.api_url}\nbot  {slack.bot_token}\napp  {slack.app_token}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await slack.stop()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
