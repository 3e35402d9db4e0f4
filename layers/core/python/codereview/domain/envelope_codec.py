"""The envelope as the queue carries it: compact ASCII JSON, checked field by field when it comes back."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from codereview.domain.envelope import ENVELOPE_VERSION, Envelope, Trigger
from codereview.domain.strict_json import parse_object
from codereview.domain.untrusted import guid_of, id_in, sha_in, text_in
from codereview.errors import PermanentError

MAX_ENVELOPE_BYTES = 1024

_NAME = re.compile(r"[a-z_]{1,50}")
_COMMAND = re.compile(r"[a-z][a-z ]{0,49}")
_HOST = re.compile(r"[a-z0-9.-]{1,100}(?::[0-9]{1,5})?")

# What each trigger must bring along, besides the fields that are never absent.
_NEEDED = {
    Trigger.PULL_REQUEST: {"repository_id", "number", "head_sha"},
    Trigger.COMMAND: {"repository_id", "number", "trigger_id", "command"},
    Trigger.RERUN: {"repository_id", "head_sha", "trigger_id"},  # a fork's check run names no pull request
    Trigger.REQUEST: {"repository_id", "number", "trigger_id", "command"},
    Trigger.INSTALLATION: set[str](),
}


class NewerVersionError(PermanentError):
    """A later release wrote the message; this one cannot read it, which does not make it worthless."""


def encode(envelope: Envelope) -> str:
    """Write the envelope without its absent fields.

    ASCII throughout, since SQS refuses a body with any of several control characters.
    """
    values = {field.name: getattr(envelope, field.name) for field in fields(envelope)}
    present = {name: value for name, value in values.items() if value is not None}
    return json.dumps(present, ensure_ascii=True, separators=(",", ":"))


def decode(body: str) -> Envelope:
    """Read an envelope back.

    Raises NewerVersionError for a later version, and PermanentError, with the reason, for anything else that `encode`
    cannot have written.
    """
    if len(body) > MAX_ENVELOPE_BYTES:
        raise PermanentError("the message is too long for an envelope")
    values = parse_object(body.encode("utf-8", errors="surrogatepass"))
    version = values.get("version")
    if type(version) is int and version > ENVELOPE_VERSION:
        raise NewerVersionError("the envelope is of a later version than this release knows")
    if type(version) is not int or version != ENVELOPE_VERSION:
        raise PermanentError("the envelope is of an unknown version")
    unknown = values.keys() - _READERS.keys() - {"version"}
    if unknown:
        raise PermanentError("the envelope has an unknown field")
    trigger = _trigger_in(values, "trigger")
    required = _ALWAYS | _NEEDED[trigger]
    missing = required - values.keys()
    if missing:
        raise PermanentError(f"the envelope lacks {', '.join(sorted(missing))}")
    return Envelope(version=version, **{name: read(values, name) for name, read in _READERS.items() if name in values})


def _trigger_in(values: Mapping[str, Any], name: str) -> Trigger:
    try:
        return Trigger(text_in(values, name))
    except ValueError as error:
        raise PermanentError("the envelope has an unknown trigger") from error


def _guid_in(values: Mapping[str, Any], name: str) -> str:
    return guid_of(text_in(values, name), name)


def _matching(pattern: re.Pattern[str]) -> Callable[[Mapping[str, Any], str], str]:
    def read(values: Mapping[str, Any], name: str) -> str:
        value = text_in(values, name)
        if not pattern.fullmatch(value):
            raise PermanentError(f"{name} has a form that no envelope has")
        return value

    return read


def _time_in(values: Mapping[str, Any], name: str) -> str:
    value = text_in(values, name)
    try:
        is_aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError as error:
        raise PermanentError(f"{name} is not a time") from error
    if not is_aware:
        raise PermanentError(f"{name} has no time zone")
    return value


_ALWAYS = {"delivery", "event", "action", "host", "installation_id", "owner_id", "trigger", "received_at"}
_READERS: Mapping[str, Callable[[Mapping[str, Any], str], Any]] = {
    "delivery": _guid_in,
    "event": _matching(_NAME),
    "action": _matching(_NAME),
    "host": _matching(_HOST),
    "installation_id": id_in,
    "owner_id": id_in,
    "trigger": _trigger_in,
    "repository_id": id_in,
    "number": id_in,
    "head_sha": sha_in,
    "trigger_id": id_in,
    "command": _matching(_COMMAND),
    "sender_id": id_in,
    "received_at": _time_in,
    "review_id": _guid_in,
}
