"""The sentences of a review that ended without a result, or waits for one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from codereview import messages

NOON = datetime(2026, 3, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "reason", "title", "summary"),
    [
        (
            "superseded",
            "abc123",
            "Superseded by a newer commit",
            (
                "A newer commit was pushed while this one was waiting for its review."
                " That commit is reviewed instead: `abc123`."
            ),
        ),
        ("skipped", "draft", "Skipped", "This pull request was not reviewed. Reason: `draft`."),
        ("failed", None, "Could not review", "This review failed for good."),
        ("failed", " \n", "Could not review", "This review failed for good."),
        ("parked", None, "Ended without a review", "There is no review of this commit."),
    ],
)
def test_an_end_without_a_result_says_why(state: str, reason: str | None, title: str, summary: str) -> None:
    assert messages.ended_without_review(state, reason) == (title, summary)


def test_an_error_s_text_does_nothing_in_a_check_run() -> None:
    _, summary = messages.ended_without_review("failed", "`@everyone`\n\n/approve " + "x" * 1_000)
    assert "Reason: `'@everyone' /approve xxx" in summary
    assert summary.count("`") == 2
    assert len(summary) < 600


def test_what_somebody_wrote_who_paused_a_review_does_nothing_in_its_check_run() -> None:
    reason = "paused: `@everyone`\n\n![x](https://example.org)"
    title, summary = messages.waits(reason, messages.UNTIL_RESUMED, now=NOON)
    assert title == "Waiting until it is resumed"
    assert "Reason: `paused: '@everyone' ![x](https://example.org)`." in summary
    assert summary.count("`") == 2


@pytest.mark.parametrize(
    ("ends", "title", "end_of_summary"),
    [
        (NOON + timedelta(minutes=1), "Waiting until about 12:01 UTC", "by itself at about 12:01 UTC."),
        (NOON + timedelta(hours=12), "Waiting until about 2026-03-16 00:00 UTC", "at about 2026-03-16 00:00 UTC."),
        (
            datetime(2026, 3, 15, 23, 30, tzinfo=timezone(timedelta(hours=-2))),
            "Waiting until about 2026-03-16 01:30 UTC",
            "at about 2026-03-16 01:30 UTC.",
        ),
        (messages.UNTIL_RESUMED, "Waiting until it is resumed", "by itself as soon as it is resumed."),
        (
            messages.UNTIL_SWITCHED_ON,
            "Waiting until posting is switched on again",
            "by itself as soon as posting is switched on again.",
        ),
    ],
)
def test_a_wait_names_its_end_with_the_date_unless_it_is_today_and_no_time_that_nobody_knows(
    ends: datetime | str, title: str, end_of_summary: str
) -> None:
    said, summary = messages.waits("why", ends, now=NOON)
    assert said == title
    assert summary.startswith("This review waits. Reason: `why`. It is taken up again by itself ")
    assert summary.endswith(end_of_summary)


@pytest.mark.parametrize(
    ("agents", "said"),
    [
        (["a"], "- **a failed** (why): what it would have found is not known."),
        (["a", "b"], "- **a and b failed** (why): what they would have found is not known."),
        (["a", "b", "c"], "- **a, b and c failed** (why): what they would have found is not known."),
    ],
)
def test_agents_that_failed_for_one_reason_are_named_together(agents: list[str], said: str) -> None:
    assert messages.agents_failed(agents, "why") == said


@pytest.mark.parametrize(("number", "said"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (3001, "3,001 files")])
def test_things_are_counted_in_words(number: int, said: str) -> None:
    assert messages.count(number, "file") == said
