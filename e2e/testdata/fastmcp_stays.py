"""Uses a tool with FastMCP's client for a while, longer than an access token lives, and prints how often as JSON.

Arguments: the URL of the MCP endpoint, the protocol mode, and the seconds.
"""

import asyncio
import json
import sys
import time

from fastmcp import Client


async def main(url, mode, seconds):
    calls = 0
    async with Client(url, auth="oauth", mode=mode) as client:
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            greeting = await client.call_tool("greet", {"name": "Ada"})
            assert greeting.content[0].text == "Hello! Ada", greeting
            calls += 1
            await asyncio.sleep(1)
    print(json.dumps({"calls": calls}))


asyncio.run(main(*sys.argv[1:]))
