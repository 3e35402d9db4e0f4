"""What a verified delivery of GitHub's means to us: work for the queue, nothing, or a refusal."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from codereview.domain.commands import command_of
from codereview.domain.envelope import Envelope, Trigger
from codereview.domain.review import CHECK_NAME
from codereview.domain.strict_json import parse_object
from codereview.domain.untrusted import guid_of, id_in, is_full_name, is_id, object_in, sha_in, text_in
from codereview.errors import PermanentError

DELIVERY_HEADER = "x-github-delivery"
EVENT_HEADER = "x-github-event"

_EVENT_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Work for the reviewer."""

    envelope: Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing for us; GitHub adds events and actions at any time, so that all others end here too."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """GitHub cannot have sent this, although the signature is right."""

    status: int
    reason: str


Verdict = Accepted | Ignored | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """What this deployment knows of itself; `app_slug` None: mentions are no commands."""

    host: str
    app_slug: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delivery:
    """One delivery on its way through this module."""

    guid: str
    event: str
    action: str
    payload: Mapping[str, Any]
    received_at: str
    receiver: Receiver


def interpret(headers: Mapping[str, str], body: bytes, *, receiver: Receiver, received_at: str) -> Verdict:
    """Decide what a delivery means, by lower-case headers and by the body whose signature was checked before.

    Pure. Nothing that GitHub's users can write reaches the envelope: it holds numbers, commit ids and words of ours.
    """
    try:
        guid = guid_of(headers.get(DELIVERY_HEADER), DELIVERY_HEADER)
        event = headers.get(EVENT_HEADER, "")
        if not _EVENT_NAME.fullmatch(event):
            return Rejected(status=400, reason=f"{EVENT_HEADER} is no event's name")
        payload = parse_object(body)
        if event == "ping":
            return Ignored(reason="ping")
        handler = _HANDLERS.get(event)
        if handler is None:
            return Ignored(reason="event not of interest")
        action = text_in(payload, "action")
        return handler(
            _Delivery(
                guid=guid,
                event=event,
                action=action,
                payload=payload,
                received_at=received_at,
                receiver=receiver,
            )
        )
    except PermanentError as error:
        return Rejected(status=400, reason=str(error))


_NOT_OF_INTEREST = Ignored(reason="action not of interest")


def _pull_request(delivery: _Delivery) -> Verdict:
    payload = delivery.payload
    pull_request = object_in(payload, "pull_request")
    if delivery.action == "edited":
        changes = payload.get("changes")
        if not isinstance(changes, dict) or "base" not in changes:
            return Ignored(reason="edited, but not the base branch")
    elif delivery.action not in _PULL_REQUEST_ACTIONS:
        return _NOT_OF_INTEREST
    number = id_in(payload, "number")
    if id_in(pull_request, "number") != number:
        raise PermanentError("the payload names two pull requests")
    head_sha = sha_in(object_in(pull_request, "head"), "sha")
    return _accepted(delivery, Trigger.PULL_REQUEST, number=number, head_sha=head_sha)


# The last two end work: the reviewer reads the pull request's state and says so in the check run.
_PULL_REQUEST_ACTIONS = {"opened", "reopened", "ready_for_review", "synchronize", "converted_to_draft", "closed"}


def _issue_comment(delivery: _Delivery) -> Verdict:
    issue = object_in(delivery.payload, "issue")
    if not isinstance(issue.get("pull_request"), dict):
        return Ignored(reason="comment on an issue")
    return _comment(delivery, issue)


def _review_comment(delivery: _Delivery) -> Verdict:
    return _comment(delivery, object_in(delivery.payload, "pull_request"))


def _comment(delivery: _Delivery, numbered: Mapping[str, Any]) -> Verdict:
    """Take a command; only newly made comments count, since an edit would run an old command again."""
    comment = object_in(delivery.payload, "comment")
    if delivery.action != "created":
        return _NOT_OF_INTEREST
    if _is_bot(delivery.payload.get("sender")) or _is_bot(comment.get("user")):
        return Ignored(reason="comment of a bot")
    body = comment.get("body")
    command = command_of(body if isinstance(body, str) else None, app_slug=delivery.receiver.app_slug)
    if command is None:
        return Ignored(reason="comment without a command")
    return _accepted(
        delivery,
        Trigger.COMMAND,
        number=id_in(numbered, "number"),
        trigger_id=id_in(comment, "id"),
        command=command,
    )


def _is_bot(account: object) -> bool:
    return isinstance(account, dict) and account.get("type") == "Bot"


def _check_run(delivery: _Delivery) -> Verdict:
    """Take a re-request of our check. GitHub sends it to the check's own App only; the name is a second proof."""
    check_run = object_in(delivery.payload, "check_run")
    if delivery.action != "rerequested":
        return _NOT_OF_INTEREST
    if check_run.get("name") != CHECK_NAME:
        return Ignored(reason="check run of another name")
    return _accepted(
        delivery,
        Trigger.RERUN,
        number=_only_pull_request(delivery.payload, check_run),
        head_sha=sha_in(check_run, "head_sha"),
        trigger_id=id_in(check_run, "id"),
    )


def _check_suite(delivery: _Delivery) -> Verdict:
    """Take a re-request of all our checks of a commit.

    A suite keeps its id for ever, so the id of the request is derived from the suite and the time of its last change:
    the same for a redelivery, another one when somebody asks again.
    """
    suite = object_in(delivery.payload, "check_suite")
    if delivery.action != "rerequested":
        return _NOT_OF_INTEREST
    request = f"{id_in(suite, 'id')}\n{suite.get('updated_at')}".encode("utf-8", errors="replace")
    return _accepted(
        delivery,
        Trigger.RERUN,
        number=_only_pull_request(delivery.payload, suite),
        head_sha=sha_in(suite, "head_sha"),
        trigger_id=int.from_bytes(hashlib.sha256(request).digest()[:6]) + 1,
    )


def _only_pull_request(payload: Mapping[str, Any], check: Mapping[str, Any]) -> int | None:
    """Return the one pull request of this repository that the check names; None if there are none or several.

    GitHub leaves the list empty for forks, and puts other repositories' pull requests of the same branch into it. The
    reviewer then goes by `head_sha`.
    """
    listed = check.get("pull_requests")
    repository_id = id_in(object_in(payload, "repository"), "id")
    numbers: set[int] = set()
    for entry in listed if isinstance(listed, list) else []:
        base = entry.get("base") if isinstance(entry, dict) else None
        repository = base.get("repo") if isinstance(base, dict) else None
        if isinstance(repository, dict) and repository.get("id") == repository_id and is_id(entry.get("number")):
            numbers.add(entry["number"])
    return numbers.pop() if len(numbers) == 1 else None


def _installation(delivery: _Delivery) -> Verdict:
    """Pass on that the App's reach changed; these come unasked to every App."""
    payload = delivery.payload
    installation = object_in(payload, "installation")
    if delivery.action not in _INSTALLATION_ACTIONS[delivery.event]:
        return _NOT_OF_INTEREST
    account = object_in(payload if delivery.event == "installation_target" else installation, "account")
    return Accepted(
        envelope=Envelope(
            delivery=delivery.guid,
            event=delivery.event,
            action=delivery.action,
            host=delivery.receiver.host,
            installation_id=id_in(installation, "id"),
            owner_id=id_in(account, "id"),
            trigger=Trigger.INSTALLATION,
            sender_id=_sender_id(payload),
            received_at=delivery.received_at,
        )
    )


_INSTALLATION_ACTIONS = {
    "installation": {"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"},
    "installation_repositories": {"added", "removed"},
    "installation_target": {"renamed"},
}


def _accepted(
    delivery: _Delivery,
    trigger: Trigger,
    *,
    number: int | None = None,
    head_sha: str | None = None,
    trigger_id: int | None = None,
    command: str | None = None,
) -> Accepted:
    """Make the envelope of work in one repository."""
    repository = object_in(delivery.payload, "repository")
    if not is_full_name(text_in(repository, "full_name")):
        raise PermanentError("full_name is no repository's name")
    return Accepted(
        envelope=Envelope(
            delivery=delivery.guid,
            event=delivery.event,
            action=delivery.action,
            host=delivery.receiver.host,
            installation_id=id_in(object_in(delivery.payload, "installation"), "id"),
            owner_id=id_in(object_in(repository, "owner"), "id"),
            trigger=trigger,
            repository_id=id_in(repository, "id"),
            number=number,
            head_sha=head_sha,
            trigger_id=trigger_id,
            command=command,
            sender_id=_sender_id(delivery.payload),
            received_at=delivery.received_at,
        )
    )


def _sender_id(payload: Mapping[str, Any]) -> int | None:
    """Return who caused the event; None where GitHub does not say, and a command then has nobody's permission."""
    sender = payload.get("sender")
    value = sender.get("id") if isinstance(sender, dict) else None
    return value if is_id(value) else None


_HANDLERS: Mapping[str, Callable[[_Delivery], Verdict]] = {
    "pull_request": _pull_request,
    "issue_comment": _issue_comment,
    "pull_request_review_comment": _review_comment,
    "check_run": _check_run,
    "check_suite": _check_suite,
    "installation": _installation,
    "installation_repositories": _installation,
    "installation_target": _installation,
}
