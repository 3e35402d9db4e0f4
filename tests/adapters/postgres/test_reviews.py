"""The recorder on a real PostgreSQL: each review once, whatever arrives how often and in which order."""

import hashlib
import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from codereview.adapters.postgres.reviews import PostgresReviewRecord
from codereview.domain.finding import Finding, Placement
from codereview.domain.fingerprints import fingerprint
from codereview.domain.record import ReviewRecorded, Votes
from codereview.domain.result import AgentRun, ReviewResult, RunStatus, Usage
from codereview.domain.review import ReviewState
from codereview.domain.stored import encode_recorded, result_key
from codereview.errors import PermanentError, RetryableError
from codereview.use_cases.record_reviews import RecordReviews
from tests.adapters.postgres.reviews_world import (
    OTHER,
    TENANT,
    Bucket,
    finding,
    lives,
    recorded,
    result,
    rows,
    snapshot,
)

Connect = Callable[[str], sa.Engine]


@pytest.fixture
def record(connect: Connect) -> PostgresReviewRecord:
    return PostgresReviewRecord(connect("codereview_writer"))


def of(problem: str, path: str = "a.py") -> str:
    return fingerprint(path=path, text=problem, rule="logic")


def test_a_review_is_written_with_its_findings_and_what_each_agent_took(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    record.write(recorded(7), result("x", finding("y", placement=Placement.DROPPED), unreviewed=("big.py",)))
    (review,) = rows(superuser, "SELECT * FROM reviews")
    assert (review["tenant_id"], review["state"], review["sequence"]) == (TENANT, "posted", 7)
    assert (review["findings_total"], review["files_total"], review["files_reviewed"]) == (2, 2, 1)
    found = rows(superuser, "SELECT * FROM findings ORDER BY ordinal")
    assert [(row["title"], row["placement"], row["line"]) for row in found] == [
        ("Title of x", "inline", 12),
        ("Title of y", "dropped", 12),
    ]
    assert found[0]["engine"] == "mock"
    took = rows(superuser, "SELECT agent, status, calls, input_tokens, cached_tokens FROM usage ORDER BY agent")
    assert [tuple(row.values()) for row in took] == [
        ("correctness", "complete", 2, 100, 50),
        ("security", "complete", 2, 100, 50),
    ]
    # Nobody was shown the one that was dropped.
    assert lives(superuser) == {of("x"): "open"}


def test_a_message_that_comes_again_changes_nothing(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    record.write(recorded(), result("x", "y"))
    first = snapshot(superuser)
    record.write(recorded(), result("x", "y"))
    record.write(recorded(), result("something else"))
    assert snapshot(superuser) == first


def test_an_older_message_changes_nothing(record: PostgresReviewRecord, superuser: psycopg.Connection) -> None:
    record.write(recorded(8), result("x"))
    first = snapshot(superuser)
    record.write(recorded(7, state=ReviewState.SUPERSEDED, reason="b" * 40), None)
    assert snapshot(superuser) == first


def test_a_review_that_was_skipped_and_taken_up_again_ends_as_posted_in_any_order(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    skipped, posted = recorded(1, state=ReviewState.SKIPPED, reason="draft"), recorded(2)
    record.write(skipped, None)
    record.write(posted, result("x"))
    in_order = snapshot(superuser)
    superuser.execute("TRUNCATE reviews, findings, usage, finding_identity")
    record.write(posted, result("x"))
    record.write(skipped, None)
    assert snapshot(superuser) == in_order


def test_findings_that_were_recorded_before_the_review_was_posted_come_to_life_when_it_is(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    record.write(recorded(1, state=ReviewState.SUPERSEDED, reason="b" * 40), result("x"))
    assert lives(superuser) == {}
    record.write(recorded(2), result("x"))
    assert lives(superuser) == {of("x"): "open"}
    assert len(rows(superuser, "SELECT FROM findings")) == 1


HISTORY = [
    (recorded(1, head="a"), result("x", "y")),
    (recorded(2, head="b"), result("y", "z")),
    (recorded(3, head="c"), result("x", "z")),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_lives_of_findings_do_not_depend_on_the_order_of_messages(
    record: PostgresReviewRecord, superuser: psycopg.Connection, order: tuple[int, ...]
) -> None:
    for index in (*order, *order):
        record.write(*HISTORY[index])
    assert lives(superuser) == {of("x"): "open", of("y"): "fixed", of("z"): "open"}


def test_a_finding_that_was_fixed_and_comes_back_is_counted_as_reopened(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    for message, made in HISTORY:
        record.write(message, made)
    found = rows(superuser, "SELECT * FROM finding_identity ORDER BY times_reopened DESC")
    assert (found[0]["fingerprint"], found[0]["times_reopened"]) == (of("x"), 1)
    assert found[0]["first_review_id"] == HISTORY[0][0].review_id
    assert found[0]["last_review_id"] == HISTORY[2][0].review_id
    fixed = next(row for row in found if row["status"] == "fixed")
    assert fixed["closed_review_id"] == HISTORY[2][0].review_id


@pytest.mark.parametrize(
    ("second", "status"),
    [
        (result(), "fixed"),
        (result(failed=("security",)), "fixed"),
        (result(failed=("correctness",)), "open"),
        (result(unreviewed=("a.py",)), "open"),
        (result(runs=()), "open"),
        (result(finding("x", placement=Placement.DROPPED)), "fixed"),
    ],
    ids=["gone", "other agent failed", "agent failed", "file left out", "agent switched off", "dropped"],
)
def test_silence_means_fixed_only_from_an_agent_that_looked(
    record: PostgresReviewRecord, superuser: psycopg.Connection, second: ReviewResult, status: str
) -> None:
    record.write(recorded(1, head="a"), result("x"))
    record.write(recorded(2, head="b"), second)
    assert lives(superuser) == {of("x"): status}


def thumbs(superuser: psycopg.Connection) -> dict[str, tuple[int, int]]:
    found = rows(superuser, "SELECT fingerprint, thumbs_up, thumbs_down FROM finding_identity")
    return {row["fingerprint"]: (row["thumbs_up"], row["thumbs_down"]) for row in found}


def voted(sequence: int, **counts: tuple[int, int]) -> ReviewRecorded:
    votes = tuple(Votes(fingerprint=of(name), up=up, down=down) for name, (up, down) in counts.items())
    return recorded(sequence, head=f"{sequence:x}", votes=votes)


def test_the_latest_votes_count_whatever_comes_in_which_order(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    record.write(recorded(1), result("x", "y"))
    record.write(recorded(1, number=2), result("x"))
    before = rows(superuser, "SELECT updated_at FROM finding_identity WHERE number = 2")
    for message in (voted(4, x=(3, 1), unknown=(9, 9)), voted(3, x=(1, 0), y=(0, 2)), voted(4, x=(3, 1))):
        record.write(message, result("x", "y"))
    record.write(voted(5), result("x", "y"))
    own = "SELECT fingerprint, thumbs_up, thumbs_down FROM finding_identity WHERE number = 1"
    found = {row["fingerprint"]: (row["thumbs_up"], row["thumbs_down"]) for row in rows(superuser, own)}
    assert found == {of("x"): (3, 1), of("y"): (0, 2)}
    other = "SELECT thumbs_up + thumbs_down AS votes, updated_at FROM finding_identity WHERE number = 2"
    assert rows(superuser, other) == [before[0] | {"votes": 0}]


def test_votes_that_github_cannot_have_counted_are_bounded(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    record.write(recorded(1), result("x"))
    record.write(voted(2, x=(2**63, -5)), result("x"))
    assert thumbs(superuser) == {of("x"): (2**31 - 1, 0)}


def test_what_a_person_dismissed_stays_dismissed(record: PostgresReviewRecord, superuser: psycopg.Connection) -> None:
    record.write(recorded(1, head="a"), result("x"))
    superuser.execute("UPDATE finding_identity SET status = 'dismissed'")
    record.write(recorded(2, head="b"), result("x"))
    record.write(recorded(3, head="c"), result())
    assert lives(superuser) == {of("x"): "dismissed"}


def test_another_pull_request_has_lives_of_its_own(record: PostgresReviewRecord, superuser: psycopg.Connection) -> None:
    record.write(recorded(1, number=1), result("x"))
    record.write(recorded(2, number=2), result())
    record.write(recorded(3, number=1, tenant=OTHER), result())
    assert lives(superuser) == {of("x"): "open"}


def test_findings_without_a_place_for_their_month_are_kept_all_the_same(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    record.write(replace(recorded(), finished_at="2031-01-01T00:00:00+00:00"), result("x"))
    assert rows(superuser, "SELECT tableoid::regclass::text AS name FROM findings") == [{"name": "findings_default"}]


@pytest.mark.parametrize(
    "text", ["\x00", "a\ud800b", "é" * 100_000, "'; DROP TABLE findings; --", "%s %(x)s :x"], ids=ascii
)
def test_b27_any_text_of_a_stranger_can_be_stored(
    record: PostgresReviewRecord, superuser: psycopg.Connection, text: str
) -> None:
    record.write(
        recorded(reason=text[:100]), result(finding("x", path=text[:1000], title=text, body=text, rule=text[:1000]))
    )
    (row,) = rows(superuser, "SELECT title, body FROM findings")
    assert row["title"] == row["body"]
    assert len(row["body"]) == len(text)


def test_b54_a_secret_in_a_finding_is_masked(record: PostgresReviewRecord, superuser: psycopg.Connection) -> None:
    secret = "ghp_" + "x7Kq2mVb9RtLw4ZcN8sPy3HdJ6fGa1UeTi0o"
    record.write(recorded(), result(finding("x", title=f"Do not log {secret}", body=f"`{secret}`")))
    assert secret not in str(snapshot(superuser))


def test_b98_a_providers_impossible_counts_are_bounded(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    usage = Usage(input_tokens=2**70, output_tokens=-5, cached_tokens=0, calls=2**40)
    run = AgentRun(agent="security", status=RunStatus.COMPLETE, engine="x", usage=usage)
    record.write(recorded(), result(runs=(run,)))
    (row,) = rows(superuser, "SELECT input_tokens, output_tokens, calls FROM usage")
    assert tuple(row.values()) == (2**63 - 1, 0, 2**31 - 1)


def test_two_findings_of_one_fingerprint_are_one_life(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    record.write(recorded(), result(finding("x"), finding("x", title="other words")))
    assert len(rows(superuser, "SELECT FROM findings")) == 2
    assert lives(superuser) == {of("x"): "open"}


# --- through the use case ---------------------------------------------------------------------------------------------


def message_of(bucket: Bucket, made: ReviewResult, **more: Any) -> ReviewRecorded:
    bare = recorded()
    key = bucket.store(bare, made)
    values = {"result_key": key, "result_sha256": hashlib.sha256(bucket.objects[key]).hexdigest()}
    return recorded(**(values | more))


def test_the_result_is_read_from_where_the_message_points(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    bucket = Bucket()
    body = encode_recorded(message_of(bucket, result("x")))
    RecordReviews(objects=bucket, record=record).handle(body)
    assert [row["title"] for row in rows(superuser, "SELECT title FROM findings")] == ["Title of x"]


def test_b89_a_result_that_is_not_there_yet_is_waited_for_and_nothing_is_written(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    bucket = Bucket()
    message = message_of(bucket, result("x"))
    objects = dict(bucket.objects)
    bucket.objects.clear()
    handle = RecordReviews(objects=bucket, record=record).handle
    with pytest.raises(RetryableError):
        handle(encode_recorded(message))
    assert rows(superuser, "SELECT FROM reviews") == []
    bucket.objects |= objects
    handle(encode_recorded(message))
    assert len(rows(superuser, "SELECT FROM findings")) == 1


@pytest.mark.parametrize("spoilt", [b"", b"{}", b"\xff", b"[]"])
@pytest.mark.parametrize("is_checksum_right", [False, True])
def test_b89_a_spoilt_result_is_given_up_and_the_review_is_on_record_without_findings(
    record: PostgresReviewRecord, superuser: psycopg.Connection, spoilt: bytes, *, is_checksum_right: bool
) -> None:
    bucket = Bucket()
    message = message_of(bucket, result("x"))
    for key in bucket.objects:
        bucket.objects[key] = spoilt
    if is_checksum_right:
        message = replace(message, result_sha256=hashlib.sha256(spoilt).hexdigest())
    with pytest.raises(PermanentError):
        RecordReviews(objects=bucket, record=record).handle(encode_recorded(message))
    assert rows(superuser, "SELECT state, findings_total FROM reviews") == [{"state": "posted", "findings_total": None}]


def test_b89_a_result_that_was_altered_is_not_recorded_however_well_it_reads(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    bucket = Bucket()
    message = message_of(bucket, result("x"))
    bucket.store(message, result("forged"))
    with pytest.raises(PermanentError, match="not the one"):
        RecordReviews(objects=bucket, record=record).handle(encode_recorded(message))
    assert rows(superuser, "SELECT FROM findings") == []


@pytest.mark.parametrize("pointer", ["other review", "other tenant", "answers/x", "../results", ""])
def test_b89_b93_a_pointer_to_somebody_elses_object_is_never_followed(
    record: PostgresReviewRecord, superuser: psycopg.Connection, pointer: str
) -> None:
    bucket = Bucket()
    own = message_of(bucket, result("canary"))
    keys = {
        "other review": result_key(TENANT, recorded(head="b").review_id),
        "other tenant": result_key(OTHER, own.review_id),
    }
    key = keys.get(pointer, pointer)
    bucket.objects[key] = next(iter(bucket.objects.values()))
    with pytest.raises(PermanentError, match="another review"):
        RecordReviews(objects=bucket, record=record).handle(encode_recorded(replace(own, result_key=key)))
    assert rows(superuser, "SELECT FROM reviews") == []


def test_no_finding_is_lost_or_doubled_whatever_is_delivered_twice_and_shuffled(
    record: PostgresReviewRecord, superuser: psycopg.Connection
) -> None:
    heads = "0123456789"
    deliveries: list[tuple[ReviewRecorded, tuple[Finding | str, ...]]] = [
        (recorded(number + 1, head=head, number=number % 3), tuple(f"{head}{n}" for n in range(number)))
        for number, head in enumerate(heads)
    ]
    shuffled = deliveries * 3
    random.Random(3).shuffle(shuffled)
    for message, problems in shuffled:
        record.write(message, result(*problems))
    assert len(rows(superuser, "SELECT FROM findings")) == sum(range(10))
    assert len(rows(superuser, "SELECT FROM reviews WHERE is_identified")) == 10
