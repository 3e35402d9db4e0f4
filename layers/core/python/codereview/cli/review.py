"""`codereview review`: the pipeline on a git checkout, without AWS."""

# ruff: noqa: PLC0415 -- the engine imports much, and `--help` waits for none of it

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from codereview.cli.checkout import Checkout
from codereview.cli.terminal import print_review
from codereview.domain.finding import Finding
from codereview.domain.github_documents import check_document, review_document
from codereview.domain.rendering import publication
from codereview.domain.result import ReviewResult
from codereview.domain.review import CHECK_NAME, ReviewKey, tenant_of
from codereview.domain.sarif import sarif

# A checkout has no deployment whose key could sign the markers.
_MARKER_KEY = b"codereview command line"
_LONGEST_RUN = timedelta(minutes=30)


@click.command()
@click.option("--repo", type=click.Path(path_type=Path), default=Path(), show_default="here", help="The git checkout.")
@click.option("--base", required=True, help="What the change is compared with: a branch, tag or commit.")
@click.option("--head", default="HEAD", show_default=True, help="The change: a branch, tag or commit.")
@click.option(
    "--model",
    default="mock",
    show_default=True,
    metavar="SPEC",
    help="mock, replay:FILE, bedrock:ID, anthropic:ID or openai:ID@URL.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="github prints exactly what would be posted.",
)
def review(repo: Path, base: str, head: str, model: str, output: str) -> None:
    """Review what HEAD changes since it left BASE, and print the review.

    An Anthropic or OpenAI key is read from ANTHROPIC_API_KEY or OPENAI_API_KEY. Exit codes: 0 reviewed, whatever was
    found; 1 could not review; 2 wrong usage.
    """
    from codereview.bootstrap.command_line import command_line

    checkout = Checkout(folder=repo)
    change = checkout.change(base, head)
    engine = command_line(model)
    result = engine.review_change(
        change,
        model=engine.model,
        head_files=lambda paths: {path: checkout.content(path, change.head_sha) for path in paths},
        attributes=checkout.content(".gitattributes", change.base_sha),
        deadline=engine.clock.now() + _LONGEST_RUN,
    )
    match output:
        case "json":
            click.echo(json.dumps(result_document(result), indent=2))
        case "sarif":
            click.echo(json.dumps(sarif(result), indent=2))
        case "github":
            click.echo(json.dumps(github_document(result), indent=2))
        case _:
            print_review(result)


def github_document(result: ReviewResult) -> dict[str, Any]:
    """Return the review as it would be sent to GitHub, with its check run beside it."""
    posted = publication(result, review_id=_review_id(result), marker_key=_MARKER_KEY)
    check = {"name": CHECK_NAME, "head_sha": result.head_sha, **check_document(posted.check)}
    return {**review_document(posted), "check_run": check}


def result_document(result: ReviewResult) -> dict[str, Any]:
    """Return the review for programs: everything that is known, by our own names."""
    return {
        "base_sha": result.base_sha,
        "head_sha": result.head_sha,
        "is_mock": result.is_mock,
        "findings": [finding_document(finding) for finding in result.findings],
        "agents": [
            {
                "agent": run.agent,
                "status": run.status.value,
                "engine": run.engine,
                "prompt_version": run.prompt_version,
                "reason": run.reason,
                "findings": run.findings,
                "input_tokens": run.usage.input_tokens,
                "output_tokens": run.usage.output_tokens,
                "calls": run.usage.calls,
            }
            for run in result.runs
        ],
        "coverage": {
            "files": result.coverage.file_count,
            "reviewed": list(result.coverage.reviewed),
            "unreviewed": [{"path": left.path, "reason": left.reason} for left in result.coverage.unreviewed],
        },
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return one finding for programs."""
    candidate, anchor = finding.candidate, finding.anchor
    return {
        "agent": candidate.agent,
        "rule": candidate.rule,
        "severity": candidate.severity.value,
        "confidence": candidate.confidence,
        "path": finding.path,
        "placement": finding.placement.value,
        "side": anchor.side.value if anchor else None,
        "line": anchor.line if anchor else None,
        "start_line": anchor.start_line if anchor else None,
        "title": candidate.title,
        "body": candidate.body,
        "suggestion": candidate.suggestion if finding.is_suggestion_applicable else None,
        "fingerprint": finding.fingerprint,
        "also_found_by": list(finding.also_found_by),
    }


def _review_id(result: ReviewResult) -> UUID:
    """Derive the id that two runs on one commit share."""
    key = ReviewKey(tenant=tenant_of("localhost", 0), repository_id=0, number=0, head_sha=result.head_sha)
    return key.review_id
