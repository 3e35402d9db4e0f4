"""Every payload that GitHub publishes as an example gets the answer that is documented for its event and action."""

from collections import Counter

import pytest

from codereview.domain.envelope_codec import MAX_ENVELOPE_BYTES, decode, encode
from tests.functions.webhook_world import World, examples

ACCEPTED = (202, None)
NO_ACTION_OF_OURS = (200, "action not of interest")
NOT_OF_AN_APP = (400, "installation is not an object")  # recorded from a repository's own webhook, not from an App's

# What each example of an event that is of interest gets; all others are answered 200, `event not of interest`.
EXPECTED: dict[tuple[str, str | None], dict[tuple[int, str | None], int]] = {
    ("ping", None): {(200, "ping"): 4},
    ("pull_request", "opened"): {ACCEPTED: 3, NOT_OF_AN_APP: 1},
    ("pull_request", "reopened"): {ACCEPTED: 2},
    ("pull_request", "ready_for_review"): {ACCEPTED: 1, NOT_OF_AN_APP: 2},
    ("pull_request", "synchronize"): {ACCEPTED: 1},
    ("pull_request", "converted_to_draft"): {ACCEPTED: 1, NOT_OF_AN_APP: 2},
    ("pull_request", "closed"): {ACCEPTED: 2},
    ("pull_request", "assigned"): {NO_ACTION_OF_OURS: 2},
    ("pull_request", "labeled"): {NO_ACTION_OF_OURS: 2},
    ("pull_request", "locked"): {NO_ACTION_OF_OURS: 2},
    ("pull_request", "review_request_removed"): {NO_ACTION_OF_OURS: 1},
    ("pull_request", "review_requested"): {NO_ACTION_OF_OURS: 1},
    ("pull_request", "unassigned"): {NO_ACTION_OF_OURS: 2},
    ("pull_request", "unlabeled"): {NO_ACTION_OF_OURS: 2},
    ("pull_request", "unlocked"): {NO_ACTION_OF_OURS: 2},
    ("issue_comment", "created"): {(200, "comment on an issue"): 5},
    ("issue_comment", "deleted"): {(200, "comment on an issue"): 2},
    ("issue_comment", "edited"): {(200, "comment on an issue"): 2},
    ("pull_request_review_comment", "created"): {(200, "comment without a command"): 3},
    ("pull_request_review_comment", "deleted"): {NO_ACTION_OF_OURS: 1},
    ("pull_request_review_comment", "edited"): {NO_ACTION_OF_OURS: 1},
    ("check_run", "created"): {NO_ACTION_OF_OURS: 3},
    ("check_run", "completed"): {NO_ACTION_OF_OURS: 3},
    ("check_run", "requested_action"): {NO_ACTION_OF_OURS: 1},
    ("check_run", "rerequested"): {(200, "check run of another name"): 2},
    ("check_suite", "completed"): {NO_ACTION_OF_OURS: 4},
    ("check_suite", "requested"): {NO_ACTION_OF_OURS: 3},
    ("check_suite", "rerequested"): {ACCEPTED: 2},
    ("installation", "created"): {ACCEPTED: 2},
    ("installation", "deleted"): {ACCEPTED: 2},
    ("installation", "new_permissions_accepted"): {ACCEPTED: 1},
    ("installation", "suspend"): {ACCEPTED: 1},
    ("installation", "unsuspend"): {ACCEPTED: 1},
    ("installation_repositories", "added"): {ACCEPTED: 2},
    ("installation_repositories", "removed"): {ACCEPTED: 1},
}
OF_INTEREST = {event for event, _ in EXPECTED}


def test_all_329_examples_get_their_documented_answer() -> None:
    answers: dict[tuple[str, str | None], Counter[tuple[int, str | None]]] = {}
    for event, _, payload in examples():
        world = World()
        response = world.deliver(payload, event=event)
        key = (event, payload.get("action") if event in OF_INTEREST else "any")
        answers.setdefault(key, Counter())[response["statusCode"], world.log()[0].get("reason")] += 1
    assert sum(counter.total() for counter in answers.values()) == 329
    others = {key: counter for key, counter in answers.items() if key not in EXPECTED}
    assert {key: counter for key, counter in answers.items() if key in EXPECTED} == EXPECTED
    assert all(set(counter) == {(200, "event not of interest")} for counter in others.values())


@pytest.mark.parametrize(
    ("event", "place"), [(event, place) for event, place, _ in examples() if event in OF_INTEREST - {"ping"}]
)
def test_an_example_that_asks_for_work_makes_an_envelope_that_survives_the_queue(event: str, place: int) -> None:
    """Each example of interest, made into one that reached an App about a pull request and our check."""
    [payload] = [payload for name, at, payload in examples() if (name, at) == (event, place)]
    payload = {"installation": {"id": 234}} | payload
    if event == "issue_comment":
        payload |= {"issue": payload["issue"] | {"pull_request": {}}}
    if "comment" in event:
        payload |= {"comment": payload["comment"] | {"body": "/review"}}
    if event == "check_run":
        payload |= {"check_run": payload["check_run"] | {"name": "AI Code Review"}}
    world = World()
    if world.deliver(payload, event=event)["statusCode"] == 200:
        assert world.log()[0]["reason"] == "action not of interest"
        return
    body = encode(world.envelope)
    assert len(body) <= MAX_ENVELOPE_BYTES
    assert decode(body) == world.envelope
