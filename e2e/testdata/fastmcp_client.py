"""Uses an MCP server with FastMCP's client, as its users write it, and prints what it got as one line of JSON.

Arguments: the URL of the MCP endpoint, the protocol mode, and a folder for tokens, or none to keep them in memory.
"""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.auth import OAuth
from key_value.aio.stores.filetree import (
    FileTreeStore,
    FileTreeV1CollectionSanitizationStrategy,
    FileTreeV1KeySanitizationStrategy,
)


def stored_in(folder):
    return OAuth(
        token_storage=FileTreeStore(
            data_directory=folder,
            key_sanitization_strategy=FileTreeV1KeySanitizationStrategy(folder),
            collection_sanitization_strategy=FileTreeV1CollectionSanitizationStrategy(folder),
        )
    )


async def main(url, mode, folder=None):
    auth = stored_in(folder) if folder else "oauth"
    async with Client(url, auth=auth, mode=mode) as client:
        await client.ping()
        greeting = await client.call_tool("greet", {"name": "Ada"})
        profile = await client.read_resource("resource://profile")
        prompt = await client.get_prompt("ask_about_topic", {"topic": "OAuth"})
        print(
            json.dumps(
                {
                    "version": client.protocol_version,
                    "greeting": greeting.content[0].text,
                    "profile": profile[0].text,
                    "prompt": prompt.messages[0].content.text,
                }
            )
        )


asyncio.run(main(*sys.argv[1:]))
