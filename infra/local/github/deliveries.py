"""Where the App's webhooks go, and its log of them: latest first, behind a cursor, to be had again for three days."""

import threading
from datetime import datetime, timedelta
from urllib.parse import urlencode

from local.github import webhooks
from local.github.routing import Answer, Call, Refusal, operation
from local.github.state import Json

_KEPT = timedelta(days=3)
_PER_PAGE, _MOST_PER_PAGE = 30, 100
_SHOWN = (
    "id", "guid", "delivered_at", "redelivery", "duration", "status", "status_code", "event", "action",
    "installation_id", "repository_id",
)  # fmt: skip


@operation("GET", "/app/hook/config", "apps/get-webhook-config-for-app")
def get_config(call: Call) -> Answer:
    """Say where deliveries go; the secret is never shown."""
    world = call.world
    return Answer(
        document={
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": "********",
            **({"url": world.webhook_url} if world.webhook_url is not None else {}),
        }
    )


@operation("PATCH", "/app/hook/config", "apps/update-webhook-config-for-app")
def change_config(call: Call) -> Answer:
    """Change where deliveries go, or what they are signed with from now on."""
    body = call.json()
    if "secret" in body:
        call.world.webhook_secret = str(body["secret"])
    if "url" in body:
        call.world.webhook_url = str(body["url"])
    return get_config(call)


@operation("GET", "/app/hook/deliveries", "apps/list-webhook-deliveries")
def list_deliveries(call: Call) -> Answer:
    """List the attempts; the cursor is the id of the last one that was shown."""
    records = sorted(_kept(call), key=lambda record: -record["id"])
    cursor = call.request.query.get("cursor", "")
    if cursor and not cursor.isdecimal():
        raise Refusal(422, "Invalid cursor")
    left = [record for record in records if not cursor or record["id"] < int(cursor)]
    wanted = call.request.query.get("per_page", "")
    size = min(int(wanted) if wanted.isdecimal() and int(wanted) else _PER_PAGE, _MOST_PER_PAGE)
    headers = dict[str, str]()
    if len(left) > size:
        query = urlencode(call.request.query | {"cursor": str(left[size - 1]["id"])})
        headers["Link"] = f'<{call.world.base_url}/app/hook/deliveries?{query}>; rel="next"'
    return Answer(document=[_shown(record) for record in left[:size]], headers=headers)


@operation("POST", "/app/hook/deliveries/{delivery_id}/attempts", "apps/redeliver-webhook-delivery")
def redeliver(call: Call) -> Answer:
    """Deliver again, after the answer: an attempt of its own in the log, under the same GUID."""
    number = call.number("delivery_id")
    record = next((record for record in _kept(call) if record["id"] == number), None)
    if record is None:
        raise Refusal(404, "Not Found")
    threading.Thread(target=webhooks.redeliver, args=(call.world, record["guid"]), daemon=True).start()
    return Answer(status=202, document={})


def _kept(call: Call) -> list[Json]:
    oldest = call.world.now() - _KEPT
    return [record for record in call.world.deliveries if datetime.fromisoformat(record["delivered_at"]) >= oldest]


def _shown(record: Json) -> Json:
    return {name: record[name] for name in _SHOWN} | {"throttled_at": None}
