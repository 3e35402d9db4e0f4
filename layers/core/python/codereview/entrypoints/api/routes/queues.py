"""Queues, their dead letters and the way back; and what of a tenant waits, which is all that a tenant sees."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from codereview.control_ports import WatchedQueue
from codereview.domain.control.queues import DeadLetter, MoveTask
from codereview.domain.control.scopes import Scope
from codereview.domain.review import ReviewState
from codereview.entrypoints.api.fields import Body, NoQuery, Shown
from codereview.entrypoints.api.routes.reviews import LIVE
from codereview.entrypoints.api.routing import Answer, Call, Route, Who
from codereview.entrypoints.api.services import Services
from codereview.errors import NotFoundError
from codereview.use_cases.control.redrive import Redrive

_WAITING = frozenset({ReviewState.QUEUED, ReviewState.RUNNING, ReviewState.PARKED, ReviewState.ANSWERED})
_MOST_COUNTED = 100
_MOST_LETTERS = 10


class QueueShown(Shown):
    """A queue; null is what the deployment's metrics do not tell."""

    name: Literal["reviews", "records"]
    waiting: int
    in_flight: int
    delayed: int
    dead_letters: int
    oldest_age_seconds: int | None
    waiting_in_quiet_groups: int | None
    oldest_age_in_quiet_groups_seconds: int | None


class QueuesShown(Shown):
    """All queues."""

    items: list[QueueShown]


class LetterShown(Shown):
    """A message that failed too often, and why; of what the recorder failed of, its log has the reason under `id`."""

    id: str
    sent_at: datetime | None
    attempts: int
    tenant: str | None
    repository_id: int | None
    number: int | None
    review_id: UUID | None
    reason: str | None


class LettersShown(Shown):
    """Some of the dead letters, and about how many there are."""

    items: list[LetterShown]
    total: int


class RedriveWanted(Body):
    """How fast messages go back."""

    messages_per_second: Annotated[int, Field(ge=1, le=500)] = 20


class MoveShown(Shown):
    """A move of dead letters back to their queue."""

    status: Literal["running", "completed", "cancelling", "cancelled", "failed"]
    started_at: datetime
    moved: int
    to_move: int | None
    messages_per_second: int | None
    failure: str | None


class MovesShown(Shown):
    """The latest moves, the newest first."""

    items: list[MoveShown]


class WaitingShown(Shown):
    """A tenant's own reviews that have not ended; `is_more`: there are more than were counted."""

    queued: int
    running: int
    parked: int
    answered: int
    oldest_waiting_since: datetime | None
    is_more: bool


def _queue(services: Services, call: Call) -> WatchedQueue:
    found = next((queue for queue in services.queues if queue.name == call.path["queue"]), None)
    if found is None:
        raise NotFoundError("no such queue")
    return found


def _redrive(services: Services, call: Call) -> Redrive:
    return Redrive(queue=_queue(services, call), outbox=services.outbox)


def _list(services: Services, _call: Call) -> Answer:
    shown = []
    for queue in services.queues:
        depth = queue.depth()
        shown.append(
            QueueShown(
                name="reviews" if queue.name == "reviews" else "records",
                waiting=depth.waiting,
                in_flight=depth.in_flight,
                delayed=depth.delayed,
                dead_letters=depth.dead_letters,
                oldest_age_seconds=depth.oldest_age_seconds,
                waiting_in_quiet_groups=depth.waiting_in_quiet_groups,
                oldest_age_in_quiet_groups_seconds=depth.oldest_age_in_quiet_groups_seconds,
            )
        )
    return Answer(content=QueuesShown(items=shown))


def _letter(letter: DeadLetter) -> LetterShown:
    return LetterShown(
        id=letter.id,
        sent_at=letter.sent_at,
        attempts=letter.attempts,
        tenant=letter.tenant,
        repository_id=letter.repository_id,
        number=letter.number,
        review_id=letter.review_id,
        reason=letter.reason,
    )


def _letters(services: Services, call: Call) -> Answer:
    queue = _queue(services, call)
    letters = services.read_dead_letters(queue.letters(limit=_MOST_LETTERS))
    return Answer(content=LettersShown(items=[_letter(each) for each in letters], total=queue.depth().dead_letters))


def _move(task: MoveTask) -> MoveShown:
    return MoveShown(
        status=task.status.value,
        started_at=task.started_at,
        moved=task.moved,
        to_move=task.to_move,
        messages_per_second=task.messages_per_second,
        failure=task.failure,
    )


def _moves(services: Services, call: Call) -> Answer:
    return Answer(content=MovesShown(items=[_move(task) for task in _queue(services, call).moves()]))


def _start(services: Services, call: Call) -> Answer:
    rate = call.body_as(RedriveWanted).messages_per_second
    _redrive(services, call).start(messages_per_second=rate, request=call.request)
    return _moves(services, call)


def _cancel(services: Services, call: Call) -> Answer:
    _redrive(services, call).cancel(request=call.request)
    return _moves(services, call)


def _waiting(services: Services, call: Call) -> Answer:
    since = max(call.tenant.began_at, call.request.at - LIVE)
    page = services.reviews.page(call.tenant.id, since=since, limit=_MOST_COUNTED, states=_WAITING)
    counts = dict.fromkeys(_WAITING, 0)
    for item in page.items:
        counts[item.state] += 1
    waits = [item.waiting_since for item in page.items if item.waiting_since is not None]
    shown = WaitingShown(
        queued=counts[ReviewState.QUEUED],
        running=counts[ReviewState.RUNNING],
        parked=counts[ReviewState.PARKED],
        answered=counts[ReviewState.ANSWERED],
        oldest_waiting_since=min(waits, default=None),
        is_more=page.next is not None,
    )
    return Answer(content=shown)


_ONE = "/v1/deployment/queues/{queue}"

ROUTES = (
    Route(
        method="GET",
        path="/v1/tenants/{tenant}/queue",
        operation="queues.show_waiting",
        summary="Count a tenant's own reviews that wait",
        access=Scope.QUEUES_READ,
        run=_waiting,
        answer=WaitingShown,
    ),
    Route(
        method="GET",
        path="/v1/deployment/queues",
        operation="queues.list",
        summary="Show depth, age and quiet groups of all queues",
        access=Who.OPERATOR,
        run=_list,
        answer=QueuesShown,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/dead-letters",
        operation="dead_letters.list",
        summary="Show dead letters with their reasons",
        access=Who.OPERATOR,
        run=_letters,
        answer=LettersShown,
        query=NoQuery,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/redrive",
        operation="redrive.list",
        summary="List the latest moves of dead letters back to their queue",
        access=Who.OPERATOR,
        run=_moves,
        answer=MovesShown,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/redrive",
        operation="redrive.start",
        summary="Move all dead letters back to their queue",
        access=Who.OPERATOR,
        run=_start,
        answer=MovesShown,
        status=202,
        body=RedriveWanted,
    ),
    Route(
        method="DELETE",
        path=f"{_ONE}/redrive",
        operation="redrive.cancel",
        summary="Stop the move that runs",
        access=Who.OPERATOR,
        run=_cancel,
        answer=MovesShown,
        status=202,
    ),
)
