"""What a look at a deployment means: green, yellow or red, in a sentence, with what mends it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from codereview.domain.control.queues import QueueDepth
from codereview.domain.workers import ScalingNote, WorkerKind, Workers

# What the webhook does something about; of installations GitHub tells every App.
EVENTS = (
    "pull_request",
    "issue_comment",
    "pull_request_review_comment",
    "check_run",
    "check_suite",
)
_LEVELS = {"read": 1, "write": 2, "admin": 3}
# The App's JWT is dated a minute back, and GitHub refuses one from the future.
_SKEW_MATTERS, _SKEW_BREAKS = timedelta(seconds=10), timedelta(seconds=60)
_OLD = timedelta(minutes=15)
_LATE, _DEAD = timedelta(minutes=5), timedelta(minutes=30)
_MOST_DEAD_ROWS, _DEAD_SHARE = 10_000, 0.2
# https://www.postgresql.org/docs/16/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND: it stops at two thousand million.
_OLD_TRANSACTIONS, _OLDEST_TRANSACTIONS = 500_000_000, 1_500_000_000


class Colour(StrEnum):
    """How bad it is."""

    GREEN = "green"
    YELLOW = "yellow"  # it works; somebody should look
    RED = "red"  # reviews do not come, or soon will not


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One thing that was looked at; `mend` is a command or a place, None where nothing is to be done."""

    subject: str
    colour: Colour
    said: str
    mend: str | None = None


def green(subject: str, said: str) -> Diagnosis:
    """Say that it is well."""
    return Diagnosis(subject=subject, colour=Colour.GREEN, said=said)


def yellow(subject: str, said: str, mend: str) -> Diagnosis:
    """Say that somebody should look."""
    return Diagnosis(subject=subject, colour=Colour.YELLOW, said=said, mend=mend)


def red(subject: str, said: str, mend: str) -> Diagnosis:
    """Say that it does not work."""
    return Diagnosis(subject=subject, colour=Colour.RED, said=said, mend=mend)


def of_permissions(held: Mapping[str, str], needed: Mapping[str, str], page: str) -> Diagnosis:
    """Judge what the App may do; `page` is its page on GitHub."""
    missing = [
        f"{name}: {level}" for name, level in needed.items() if _LEVELS.get(held.get(name, ""), 0) < _LEVELS[level]
    ]
    if missing:
        return red(
            "GitHub permissions",
            f"the App lacks {', '.join(missing)}",
            f"grant them under {page}/permissions, then accept them in each installation",
        )
    return green("GitHub permissions", ", ".join(f"{name}: {level}" for name, level in needed.items()))


def of_events(subscribed: Iterable[str], page: str) -> Diagnosis:
    """Judge what GitHub tells us."""
    missing = [event for event in EVENTS if event not in set(subscribed)]
    if not missing:
        return green("GitHub events", f"all {len(EVENTS)} are subscribed")
    judged = red if "pull_request" in missing else yellow
    return judged("GitHub events", f"not subscribed: {', '.join(missing)}", f"subscribe under {page}/permissions")


def of_skew(skew: timedelta, whose: str) -> Diagnosis:
    """Judge how far a clock is from this machine's."""
    seconds = skew.total_seconds()
    said = f"this machine's clock is {abs(seconds):.0f} s {'behind' if seconds > 0 else 'ahead of'} {whose}'s"
    subject = f"clock of {whose}"
    if abs(skew) >= _SKEW_BREAKS:
        return red(subject, said, "set this machine's clock (timedatectl set-ntp true)")
    if abs(skew) >= _SKEW_MATTERS:
        return yellow(subject, said, "set this machine's clock (timedatectl set-ntp true)")
    return green(subject, f"within {_SKEW_MATTERS.seconds} s of this machine's")


def of_round_trip(url: str, signed: int, unsigned: int) -> Diagnosis:
    """Judge what the webhook's address answered to a ping that is signed rightly, and to one that is not."""
    if unsigned < 400:  # noqa: PLR2004 -- HTTP's own border between what was taken and what was not
        return red("webhook", f"{url} takes what is not signed ({unsigned})", "codereview secrets rotate webhook")
    if signed == 401:  # noqa: PLR2004 -- HTTP's Unauthorized
        return red("webhook", f"{url} refuses this stack's signature", "codereview secrets rotate webhook")
    if not 200 <= signed < 300:  # noqa: PLR2004 -- HTTP's successes
        return red("webhook", f"{url} answers {signed} to a signed ping", "look at the webhook function's log")
    return green("webhook", f"{url} takes a signed ping and refuses a forged one")


def of_deliveries(failed: int, total: int) -> Diagnosis:
    """Judge GitHub's own log of the last hour."""
    if failed == 0:
        return green("deliveries", f"GitHub delivered all {total} of the last hour")
    judged = red if failed * 2 > total else yellow
    return judged(
        "deliveries", f"GitHub failed to deliver {failed} of {total} in the last hour", "codereview reconcile"
    )


def of_queue(name: str, depth: QueueDepth) -> Sequence[Diagnosis]:
    """Judge a queue and its dead letters."""
    age = timedelta(seconds=depth.oldest_age_seconds or 0)
    said = f"{depth.waiting} wait, {depth.in_flight} are worked at, {depth.delayed} are delayed"
    subject = f"queue of {name}s"
    queue = (
        yellow(subject, f"{said}; the oldest for {age}", f"codereview workers scale N --queue {name}")
        if age >= _OLD
        else green(subject, said)
    )
    letters = (
        yellow(f"dead letters of {name}s", f"{depth.dead_letters} wait", f"codereview redrive --queue {name} --dry-run")
        if depth.dead_letters
        else green(f"dead letters of {name}s", "none")
    )
    return queue, letters


def of_workers(kind: WorkerKind, workers: Workers, note: ScalingNote | None) -> Diagnosis:
    """Judge whether anything is taken from a queue."""
    subject, option = f"workers of {kind.value}s", f"--queue {kind.value}"
    if not workers.is_enabled:
        return red(subject, f"paused: {workers.state}", f"codereview workers resume {option}")
    if note is not None:
        said = f"scaled from {note.original} to {workers.concurrency}"
        return yellow(subject, said, f"codereview workers restore {option}")
    return green(subject, f"up to {workers.concurrency} at once, {workers.memory_mb} MB each")


def of_table(status: str, *, has_recovery: bool, has_expiry: bool) -> Diagnosis:
    """Judge the control table."""
    if status not in ("ACTIVE", "UPDATING"):
        return red("control table", f"it is {status}", "look at the table in the console")
    lacking = [
        name
        for name, is_there in (("point-in-time recovery", has_recovery), ("time to live", has_expiry))
        if not is_there
    ]
    if lacking:
        return yellow("control table", f"without {' and '.join(lacking)}", "make deploy STAGE=…")
    return green("control table", "active, with point-in-time recovery and time to live")


def of_concurrency(limit: int, unreserved: int, wanted: int) -> Diagnosis:
    """Judge whether the account lets as many functions run as this one's reviewers need, and all others beside them."""
    said = f"the account runs {limit} functions at once, {unreserved} of them unreserved; {wanted} are reviewers"
    mend = "ask AWS for more: Service Quotas, Lambda, Concurrent executions; meanwhile codereview workers scale N"
    if unreserved <= wanted:
        return red("account concurrency", said, mend)
    # Each reviewer waits for an analyzer, and the webhook must never wait for either.
    return green("account concurrency", said) if unreserved >= wanted * 3 else yellow("account concurrency", said, mend)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A function as it is deployed."""

    function: str
    state: str
    update: str  # how the last update went, in Lambda's words
    live: str  # the version that callers reach
    newest: str
    weights: Mapping[str, float]  # of other versions, while a canary is under way
    core: str | None  # the core layer of what is live


def of_releases(releases: Sequence[Release]) -> Diagnosis:
    """Judge whether all functions run one release, the newest."""
    broken = [each.function for each in releases if each.state == "Failed" or each.update == "Failed"]
    if broken:
        return red("versions", f"Lambda cannot run {', '.join(broken)}", "make deploy STAGE=…")
    canaries = [each.function for each in releases if each.weights]
    if canaries:
        return yellow("versions", f"a canary of {', '.join(canaries)} is under way", "wait, and look again")
    back = [f"{each.function} at {each.live} of {each.newest}" for each in releases if each.live != each.newest]
    if back:
        return yellow("versions", f"rolled back: {', '.join(back)}", "make deploy STAGE=… with what mends it")
    cores = {each.core for each in releases if each.core is not None}
    if len(cores) > 1:
        return yellow("versions", f"functions run {len(cores)} releases of the core", "make deploy STAGE=…")
    return green("versions", f"{len(releases)} functions run the newest release")


def of_reconciler(due: datetime | None, *, now: datetime) -> Diagnosis:
    """Judge whether the reconciler runs: a job of its whose time has passed was not begun."""
    if due is None:
        return yellow("reconciler", "it has not run yet", "look again in a minute")
    late = now - due
    if late >= _DEAD:
        return red(
            "reconciler", f"no run for {late}", "codereview reconcile, and look at the reconciler function's log"
        )
    if late >= _LATE:
        return yellow("reconciler", f"no run for {late}", "codereview reconcile")
    return green("reconciler", "it runs")


def of_outbox(oldest: datetime | None, *, now: datetime) -> Diagnosis:
    """Judge whether the audit log reaches the record."""
    if oldest is not None and now - oldest >= _OLD:
        return yellow("audit log", f"entries wait since {oldest:%Y-%m-%d %H:%M} UTC", "codereview reconcile")
    return green("audit log", "its entries reach the record")


def of_mail(sender: str, is_verified: bool, is_out_of_sandbox: bool) -> Diagnosis:  # noqa: FBT001 -- as SES answers
    """Judge whether notices can be mailed."""
    if not is_verified:
        return yellow(
            "mail", f"SES has not verified {sender}: no mail goes", "SES console, Identities, Create identity"
        )
    if not is_out_of_sandbox:
        said = "SES is in its sandbox: only addresses that it has verified get mail"
        return yellow("mail", said, "SES console, Account dashboard, Request production access")
    return green("mail", f"notices are mailed from {sender}")


def of_notifications(confirmed: int, pending: int) -> Diagnosis:
    """Judge whether anybody hears of an alarm."""
    if confirmed:
        return green("notifications", f"{confirmed} told of alarms")
    if pending:
        return yellow("notifications", "nobody is told of alarms: AWS waits for a confirmation", "confirm AWS's mail")
    return yellow("notifications", "nobody is told of alarms", "make deploy STAGE=… with AlarmEmail set")


def of_runbooks(page: str) -> Diagnosis:
    """Judge whether an alarm's text leads to its page."""
    if page.startswith("https://"):
        return green("runbooks", "alarms link to them")
    return yellow("runbooks", "alarms name their page without a link", "make deploy STAGE=… with RunbooksUrl set")


def of_prices(prices: str | None) -> Diagnosis:
    """Judge whether anything holds back what is spent on models."""
    if prices:
        return green("prices", f"{prices} dollars for a million tokens read, cached and written")
    said = "nobody knows what models cost: neither budgets nor the alarm model-spend hold"
    return yellow("prices", said, "make deploy STAGE=… with ModelPrices set")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableHealth:
    """A table of the record."""

    name: str
    live_rows: int
    dead_rows: int


def of_database(tables: Sequence[TableHealth], *, transaction_age: int, default_rows: int) -> Diagnosis:
    """Judge the record by what the maintenance function says of it."""
    if transaction_age >= _OLDEST_TRANSACTIONS:
        return red("database", f"transaction ids are {transaction_age:,} old", "codereview database vacuum findings")
    if transaction_age >= _OLD_TRANSACTIONS:
        return yellow("database", f"transaction ids are {transaction_age:,} old", "codereview database vacuum findings")
    for table in tables:
        share = table.dead_rows / max(table.live_rows + table.dead_rows, 1)
        if table.dead_rows > _MOST_DEAD_ROWS and share > _DEAD_SHARE:
            said = f"{table.name} is {share:.0%} dead rows"
            return yellow("database", said, f"codereview database vacuum {table.name}")
    if default_rows:
        return yellow("database", f"{default_rows} rows have no month", "codereview database archive --dry-run")
    return green("database", f"it answers; transaction ids are {transaction_age:,} old")


def worst(diagnoses: Iterable[Diagnosis]) -> Colour:
    """Return the worst colour."""
    found = {diagnosis.colour for diagnosis in diagnoses}
    return next((colour for colour in (Colour.RED, Colour.YELLOW) if colour in found), Colour.GREEN)
