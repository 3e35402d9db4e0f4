"""A review for a person at a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from codereview.cli.printable import printable
from codereview.domain.finding import Anchor, Finding, Placement, Severity
from codereview.domain.result import ReviewResult, RunStatus

_COLOURS = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


def print_review(result: ReviewResult) -> None:
    """Print findings, coverage and what each agent did; plain text where the output is no terminal."""
    console = Console(highlight=False, soft_wrap=True)
    if result.is_mock:
        console.print("[dim]Made by the mock model: the findings of its agents are examples.[/dim]")
    for finding in result.shown:
        _print_finding(console, finding)
    coverage = result.coverage
    console.print(
        f"{len(result.shown)} findings in {len(coverage.reviewed)} of {coverage.file_count} files, "
        f"{result.base_sha[:12]}..{result.head_sha[:12]}"
    )
    for left in coverage.unreviewed:
        console.print(f"  not reviewed: {escape(printable(left.path))} ({escape(printable(left.reason))})", style="dim")
    dropped = len(result.findings) - len(result.shown)
    if dropped:
        console.print(f"  {dropped} dropped: the code that they quote exists nowhere", style="dim")
    for run in result.runs:
        if run.status is RunStatus.FAILED:
            console.print(f"  {run.agent} failed: {escape(printable(run.reason or ''))}", style="red")


def _print_finding(console: Console, finding: Finding) -> None:
    candidate = finding.candidate
    place = f"{printable(finding.path)}{_lines(finding.anchor)}"
    heading = Text.assemble((f"{candidate.severity.value:<8} ", _COLOURS[candidate.severity]), (place, "bold"))
    heading.append(f"  {printable(candidate.title)}")
    heading.append(f"  [{candidate.agent}: {printable(candidate.rule)}]", style="dim")
    if finding.placement is not Placement.INLINE:
        heading.append("  (outside the diff)", style="dim")
    console.print(heading)
    for line in printable(candidate.body).splitlines():
        console.print(Text(f"         {line}"))


def _lines(anchor: Anchor | None) -> str:
    if anchor is None:
        return ""
    return f":{anchor.start_line}-{anchor.line}" if anchor.start_line is not None else f":{anchor.line}"
