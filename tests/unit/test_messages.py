"""The sentences of a review that ended without a result."""

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


@pytest.mark.parametrize(("number", "said"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (3001, "3,001 files")])
def test_things_are_counted_in_words(number: int, said: str) -> None:
    assert messages.count(number, "file") == said
