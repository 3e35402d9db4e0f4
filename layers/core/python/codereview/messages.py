"""Every sentence that a review shows to people: plain values in, Markdown out.

What strangers wrote comes in harmless, but for what a function says it makes harmless itself.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

PRODUCT = "AI Code Review"
MOCK_REVIEW = (
    "> **Made by the mock model.** What the agents with a language model say below is made up, to show how a review"
    " looks. It is not a real finding."
)
MOCK_FINDING = "_Made by the mock model, not a real finding._"
NOT_IN_THE_DIFF = "Findings outside of the diff"
NOT_INLINE = "Findings that GitHub would not take as comments on a line"
NOT_REVIEWED = "Not reviewed"
MORE_FINDINGS = "More findings"
STANDING_FINDINGS = "Findings that earlier comments are about"
ALL_FINDINGS = "Findings"
CUT = "_Cut here: GitHub allows no more._"

STATUS_TITLE = f"{PRODUCT} status"
STATUS_OK = "The service answers."
STATUS_DEGRADED = (
    "The service answers in part: reviews wait and go on by themselves, and changes of settings are refused."
)
STATUS_NOTICES = "Notices"
STATUS_NO_NOTICES = "There is nothing to tell."
STATUS_FOOTER = "Reload the page for the latest. Programs get the same as JSON."
NOTICE_MAIL_WHY = "You get this since whoever runs the service put in your address; ask them to take it out."
NOTICE_OF_OUTAGE = (
    "GitHub or the language model does not answer. Reviews wait and go on by themselves; nothing has to be done again."
)
NOTICE_OF_THROTTLE = (
    "GitHub or the language model limits how much it takes from us. Reviews come later than usual, and by themselves."
)
NOTICE_OF_LIMIT = (
    "More reviews were asked for than your limit allows at once. They wait their turn; whoever runs the service can"
    " raise the limit."
)
NOTICE_OF_BUDGET = "The budget for language models is used up. Reviews wait until there is a new one, or it is raised."
NOTICE_LEVELS = {"info": "Information", "warning": "Warning", "incident": "Incident"}


def notice_mail(text: str, *, until: str) -> str:
    """Write a notice as a mail."""
    return f"{text}\n\nShown until {until}.\n\n-- \n{NOTICE_MAIL_WHY}\n"


def count(number: int, noun: str) -> str:
    """Return `1 file`, `2 files`, `1,000 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def verdict(severities: Sequence[tuple[str, int]], *, reviewed: int, files: int, failed: int, agents: int) -> str:
    """Say in one line what came out; without a failure left unsaid, and never that there is nothing wrong.

    `severities` are names with their counts, most severe first, none of them zero; `failed` of `agents` agents failed.
    """
    scope = f"{reviewed:,} of {count(files, 'file')}"
    if files and not reviewed:
        scope = f"0 of {count(files, 'file')}"
    found = ", ".join(f"{number:,} {severity}" for severity, number in severities)
    if agents and failed == agents and not found:
        return f"could not review, every agent failed · {scope}"
    if failed:
        others = found or "nothing found by the others"
        return f"incomplete, {failed} of {count(agents, 'agent')} failed · {others} · {scope}"
    if not reviewed and not found:
        return f"nothing to review · {scope}"
    return f"{found or 'no findings'} · {scope}"


def check_title(line: str) -> str:
    """Return the verdict as the title of a check run."""
    return line[:1].upper() + line[1:]


def heading(line: str) -> str:
    """Return the review's first line."""
    return f"### {PRODUCT}: {line}"


def reviewed_commit(sha: str) -> str:
    """Say what was reviewed."""
    return f"Reviewed commit: {sha}"


def agents_failed(agents: Sequence[str], reason: str) -> str:
    """Say that the part of some agents is missing, all for one reason."""
    *others, last = agents
    names = f"{', '.join(others)} and {last}" if others else last
    why = f" ({reason})" if reason else ""
    return f"- **{names} failed**{why}: what {'they' if others else 'it'} would have found is not known."


NOTHING_TO_REVIEW = "None of the changed files has lines that this review looks at."
NO_FILES = "The pull request changes no files."


def left_out(reason: str, paths: Sequence[str], others: int) -> str:
    """Say which files were left out for one reason; `others` are left unnamed."""
    names = ", ".join(paths) + (f" and {others:,} more" if others else "")
    return f"- {reason}: {names}"


def omitted(number: int, noun: str) -> str:
    """Say how much of a list did not fit."""
    return f"_{count(number, f'more {noun}')} not shown: GitHub allows no more text here._"


def tokens(*, calls: int, taken_in: int, cached: int, given_out: int) -> str:
    """Say what the language models took."""
    if not calls:
        return "no calls of a language model"
    cache = f" ({cached:,} from the cache)" if cached else ""
    return f"{count(calls, 'model call')}, {taken_in:,} tokens in{cache}, {given_out:,} out"


def agent_line(agent: str, findings: int, *, has_failed: bool, has_work: bool, malformed: int = 0) -> str:
    """Say in a few words how an agent ended; `malformed` claims of it could not be read."""
    if has_failed:
        return f"{agent}: failed"
    if not has_work:
        return f"{agent}: no file for it"
    lost = f" ({malformed:,} more could not be read)" if malformed else ""
    return f"{agent}: {count(findings, 'finding')}{lost}"


def verifier_line(agent: str, *, refuted: int) -> str:
    """Say what became of the claims that were tried to be refuted."""
    return f"{agent}: refuted {count(refuted, 'claim')}" if refuted else f"{agent}: refuted nothing"


def found_by(agents: Sequence[str], rule: str) -> str:
    """Return the small print of a finding."""
    return f"<sub>{' and '.join(agents)}{f' · {rule}' if rule else ''}</sub>"


UNTIL_RESUMED = "it is resumed"
UNTIL_SWITCHED_ON = "posting is switched on again"


def waits(reason: str, ends: datetime | str, *, now: datetime) -> tuple[str, str]:
    """Return title and summary of the check run of a review that waits, for a moment or for something to happen.

    `reason` may be what somebody wrote who paused it: it is shown as code, so that it does nothing.
    """
    if isinstance(ends, str):
        until, when = ends, f"as soon as {ends}"
    else:
        until, when = _about(ends, now), f"at {_about(ends, now)}"
    summary = f"This review waits. Reason: `{_as_code(reason)}`. It is taken up again by itself {when}."
    return f"Waiting until {until}", summary


def _about(moment: datetime, now: datetime) -> str:
    """Say when, with its date unless that is today's; both in UTC, since nobody knows where the reader is."""
    moment, today = moment.astimezone(UTC), now.astimezone(UTC).date()
    return f"about {moment:%H:%M} UTC" if moment.date() == today else f"about {moment:%Y-%m-%d %H:%M} UTC"


def posted_twice(first: str) -> str:
    """Say in a review that came to stand twice where the one is that counts; `first` is its address."""
    return f"### {PRODUCT}: posted twice\n\nGitHub has taken this review twice. [The first one]({first}) counts."


_ENDED = {
    "superseded": (
        "Superseded by a newer commit",
        "A newer commit was pushed while this one was waiting for its review.",
    ),
    "failed": ("Could not review", "This review failed for good."),
    "skipped": ("Skipped", "This pull request was not reviewed."),
}


def ended_without_review(state: str, reason: str | None) -> tuple[str, str]:
    """Return title and summary of the check run of a review that ended without a result.

    `reason` may be any text, an error's too: it is shown as code, so that it does nothing.
    """
    title, sentence = _ENDED.get(state, ("Ended without a review", "There is no review of this commit."))
    shown = _as_code(reason or "")
    if not shown:
        return title, sentence
    if state == "superseded":
        return title, f"{sentence} That commit is reviewed instead: `{shown}`."
    return title, f"{sentence} Reason: `{shown}`."


def _as_code(text: str) -> str:
    return " ".join(text.replace("`", "'").split())[:500]


def agent_in_shadow(agent: str, *, accepted: int, answered: int) -> str:
    """Say in a notice why an agent posts nothing any more."""
    return (
        f"The agent {agent} posts nothing for now: of its last {answered} findings that people answered, {accepted} "
        "were fixed or liked. It goes on in the background; its flag switches it on again."
    )


RECORDER_SAYS_WHY = "the recorder's log says why, by this id: saved query *why is this a dead letter*"
LEFT_OUT_FOR_BUDGET = "left out, to stay within limits and budget"
