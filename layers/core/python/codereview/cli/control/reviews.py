"""`codereview reviews`: live state, reviews on demand, pauses."""

import click

from codereview.cli.control.connection import Control, confirmed, connected, limit_option, yes_option
from codereview.cli.control.values import MOMENT
from codereview.domain.review import ReviewState

_REVIEWS = (
    ("ID", "id"),
    ("REPOSITORY", "repository_id"),
    ("PR", "number"),
    ("HEAD", "head_sha"),
    ("STATE", "state"),
    ("REASON", "reason"),
    ("CHANGED", "updated_at"),
)
_PAUSES = (
    ("REPOSITORY", "repository_id"),
    ("PR", "number"),
    ("REASON", "reason"),
    ("BY", "by.id"),
    ("SINCE", "since"),
    ("UNTIL", "until"),
    ("HOLDS", "holds"),
)
repository_option = click.option("--repository", type=click.IntRange(1), help="The repository's id at GitHub.")
number_option = click.option("--number", type=click.IntRange(1), help="The pull request's number.")


@click.group()
def reviews() -> None:
    """Reviews of the last 30 days: list, show, run, cancel, rerun; pause and resume."""


@reviews.command("list")
@click.option("--state", type=click.Choice([state.value for state in ReviewState]), help="Only those in this state.")
@limit_option
@connected
def list_reviews(control: Control, state: str | None, limit: int) -> None:
    """List reviews, the latest changed first."""
    path = {"tenant": control.tenant()}
    control.show_list("reviews.list", path, _REVIEWS, limit=limit, query={"state": state})


@reviews.command()
@click.argument("review")
@connected
def show(control: Control, review: str) -> None:
    """Show a review as it stands now."""
    control.show("reviews.show", {"tenant": control.tenant(), "review": review})


@reviews.command()
@click.option("--repository", type=click.IntRange(1), required=True, help="The repository's id at GitHub.")
@click.option("--number", type=click.IntRange(1), required=True, help="The pull request's number.")
@click.option("--full", is_flag=True, help="Review all of it, not only what is new.")
@connected
def run(control: Control, repository: int, number: int, *, full: bool) -> None:
    """Ask for a review of a pull request."""
    wanted = {"repository_id": repository, "number": number, "full": full}
    control.show("reviews.run", {"tenant": control.tenant()}, wanted)


@reviews.command()
@click.argument("review")
@yes_option
@connected
def cancel(control: Control, review: str, *, yes: bool) -> None:
    """End a review that has not been posted."""
    confirmed(f"Cancel {review}?", yes=yes)
    control.show("reviews.cancel", {"tenant": control.tenant(), "review": review})


@reviews.command()
@click.argument("review")
@connected
def rerun(control: Control, review: str) -> None:
    """Ask for another review of the same pull request."""
    control.show("reviews.rerun", {"tenant": control.tenant(), "review": review})


@reviews.command("rerun-bypassed")
@click.option("--since", required=True, type=MOMENT, help="From when on: 2027-01-31T02:00:00Z.")
@connected
def rerun_bypassed(control: Control, since: str) -> None:
    """Ask again for the reviews that were made while language models were bypassed."""
    path, asked, cursor = {"tenant": control.tenant()}, [], None
    while True:
        wanted = {"since": since, "limit": 100} | ({"cursor": cursor} if cursor else {})
        page = control.call("reviews.rerun_bypassed", path, wanted).document
        asked += page["items"]
        cursor = page["next"]
        if not cursor:
            break
        control.out.note(f"{len(asked)} asked for, and on …")
    control.out.rows({"items": asked, "next": None}, (("REPOSITORY", "repository_id"), ("PR", "number")))


@reviews.command()
@limit_option
@connected
def pauses(control: Control, limit: int) -> None:
    """List what is paused."""
    control.show_list("pauses.list", {"tenant": control.tenant()}, _PAUSES, limit=limit)


@reviews.command()
@repository_option
@number_option
@click.option("--reason", required=True, help="Why, for people to read.")
@click.option("--until", type=MOMENT, help="When it ends by itself: +4h, or a time.")
@connected
def pause(control: Control, repository: int | None, number: int | None, reason: str, until: str | None) -> None:
    """Pause reviews of the tenant, of a repository, or of a pull request."""
    wanted = {"repository_id": repository, "number": number, "reason": reason, "until": until}
    control.show("pauses.pause", {"tenant": control.tenant()}, wanted)


@reviews.command()
@repository_option
@number_option
@connected
def resume(control: Control, repository: int | None, number: int | None) -> None:
    """Take a pause back; a wider one still holds."""
    control.call("pauses.resume", {"tenant": control.tenant()}, {"repository_id": repository, "number": number})
    control.out.note("Resumed.")
