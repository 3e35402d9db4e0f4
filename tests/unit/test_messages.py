"""The sentences of a review that ended without a result, or waits for one."""

import pytest

from codereview import messages


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
    title, summary = messages.waits("paused: `@everyone`\n\n![x](https://example.org)", "12:00")
    assert title == "Waiting until about 12:00 UTC"
    assert "Reason: `paused: '@everyone' ![x](https://example.org)`." in summary
    assert summary.count("`") == 2


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
