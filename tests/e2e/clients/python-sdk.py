"""The Python package mcp: `python python-sdk.py SERVER_URL`. It prints and reads the same lines as flow.mjs."""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlparse

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

REDIRECT = "http://127.0.0.1:9/callback"


def show(line):
    print(json.dumps(line), flush=True)


class Memory:
    """A TokenStorage of the package."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def redirect_handler(url):
    show({"authorize": url})


async def callback_handler():
    line = await asyncio.to_thread(sys.stdin.readline)
    query = parse_qs(urlparse(line.strip()).query)
    first = {name: query[name][0] for name in ("code", "state", "iss") if name in query}
    return AuthorizationCodeResult(**first)


async def main(url):
    metadata = OAuthClientMetadata(
        client_name="tried client",
        redirect_uris=[REDIRECT],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        token_endpoint_auth_method="none",
    )
    auth = OAuthClientProvider(url, metadata, Memory(), redirect_handler, callback_handler)
    async with (
        httpx2.AsyncClient(auth=auth, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        tools = await client.list_tools()
        show({"tools": [tool.name for tool in tools.tools]})
        for name in ("read_file", "write_file", "read_file", "write_file"):
            result = await client.call_tool(name, {})
            show({"called": name, "text": result.content[0].text})
    show({"done": True})


def leaves(error):
    """The errors of a group of a task group, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


try:
    asyncio.run(main(sys.argv[1]))
except Exception as error:  # everything is reported
    show({"error": "; ".join(f"{type(leaf).__name__}: {leaf}" for leaf in leaves(error))})
    sys.exit(1)
