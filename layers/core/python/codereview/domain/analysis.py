"""What the reviewer and the analyzer function say to each other: JSON, file contents in base 64.

Both sides check what they get. Unknown fields are ignored, since during a deployment the two may be of different
versions; a change that an old reader would misunderstand counts WIRE_VERSION up.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError

from codereview.domain.finding import Candidate
from codereview.errors import PermanentError

WIRE_VERSION: Literal[1] = 1
# An engine that finds nothing, but tells where functions are.
FUNCTIONS = "functions"


def _decoded(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("no text")  # noqa: TRY004 - pydantic reports ValueError, and lets TypeError through
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("not base 64") from error


# Pydantic's own type speaks the alphabet for URLs, or breaks lines.
Bytes64 = Annotated[bytes, BeforeValidator(_decoded), PlainSerializer(lambda value: base64.b64encode(value).decode())]


class FileOnWire(BaseModel):
    """A file; its path as bytes too, since git's paths need not be text."""

    model_config = ConfigDict(frozen=True)

    path: Bytes64
    content: Bytes64


class AnalyzeRequest(BaseModel):
    """What to analyse by which engines."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1]
    engines: tuple[str, ...]
    files: tuple[FileOnWire, ...]


class CandidateOnWire(BaseModel):
    """A candidate of the request's file number `file`, 0-based; the path in it is for readers of logs only."""

    model_config = ConfigDict(frozen=True)

    file: int
    candidate: Candidate


class OutlineOnWire(BaseModel):
    """The functions of the request's file number `file`, 0-based: first and last line of each."""

    model_config = ConfigDict(frozen=True)

    file: int
    spans: tuple[tuple[int, int], ...]


class AnalyzeAnswer(BaseModel):
    """What the engines said: the fields of model_ports.AnalyzerReport."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1]
    candidates: tuple[CandidateOnWire, ...]
    versions: Mapping[str, str]
    failed: Mapping[str, str]
    outlines: tuple[OutlineOnWire, ...] = ()


def path_bytes(path: str) -> bytes:
    """Turn a path into git's bytes."""
    return path.encode(errors="surrogateescape")


def path_text(path: bytes) -> str:
    """Turn git's bytes into a path."""
    return path.decode(errors="surrogateescape")


def read_request(event: object) -> AnalyzeRequest:
    """Check an event; raises PermanentError where it is no request."""
    try:
        return AnalyzeRequest.model_validate(event)
    except ValidationError as error:
        raise PermanentError(f"not a request to the analyzers: {error.error_count()} problems") from error


def read_answer(data: bytes) -> AnalyzeAnswer:
    """Check an answer; raises PermanentError where it is none."""
    try:
        return AnalyzeAnswer.model_validate_json(data)
    except ValidationError as error:
        raise PermanentError(f"not an answer of the analyzers: {error.error_count()} problems") from error


def as_event(message: BaseModel) -> dict[str, Any]:
    """Turn a message into what JSON can say."""
    return message.model_dump(mode="json")
