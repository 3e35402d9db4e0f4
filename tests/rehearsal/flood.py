"""Webhooks by the thousand, signed as GitHub signs them."""

import hashlib
import hmac
import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from codereview.adapters.system import RandomIds
from local.stack import LocalStack

_AT_ONCE = 4


def overtaken(payload: dict[str, Any], count: int) -> Iterator[bytes]:
    """Make up webhooks about heads that the pull request had before; none of them is to be debounced."""
    for number in range(count):
        older = json.loads(json.dumps(payload))
        sha = hashlib.sha1(f"{older['pull_request']['id']} {number}".encode(), usedforsecurity=False).hexdigest()
        older["pull_request"]["head"]["sha"] = sha
        yield json.dumps(older).encode()


def deliver(stack: LocalStack, bodies: list[bytes]) -> list[int]:
    """Send webhooks of pull requests, several at once, each with a GUID of its own; returns the answers' statuses."""
    guids = RandomIds()
    secret, address = stack.hub.app()["webhook_secret"].encode(), urlsplit(stack.api_url)

    def one(body: bytes) -> int:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        try:
            connection.request(
                "POST",
                "/webhooks/github",
                body=body,
                headers={
                    "Content-Type": "application/json",
                    "User-Agent": "GitHub-Hookshot/044aadd",
                    "X-GitHub-Delivery": str(guids.new()),
                    "X-GitHub-Event": "pull_request",
                    "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest(),
                },
            )
            return connection.getresponse().status
        finally:
            connection.close()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(one, bodies))
