"""An operator at night: follows a page word by word, and sees what the alarms say.

The commands are those of docs/runbooks, run by a shell as they stand; only what an operator fills in is set. Nobody is
at the keyboard.
"""

import re
import subprocess
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codereview.domain.metrics import namespace_of
from local.checkout import ROOT, child_environment
from local.stack import STACK_NAME, LocalStack
from tests.infra.template.deployed import Stack, Template
from tests.infra.template.pages import FOLDER
from tests.rehearsal.alarms import State, Watch, states

SERVICES = ("webhook", "api", "reviewer", "recorder", "reconciler", "maintenance")
_FENCE = re.compile(r"^ *```sh\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)
_STEP = re.compile(r"^(?P<number>\d+)\. ", re.MULTILINE)
# Lambda's own lines about a process that did not get to its end.
_DIED = re.compile(r"Runtime exited|Runtime\.ExitError|Task timed out|signal: killed")
_REPORT = re.compile(r"Memory Size: (?P<size>\d+) MB\tMax Memory Used: (?P<used>\d+) MB")
_SECONDS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one block of commands came to."""

    commands: str
    status: int
    said: str


@dataclass(slots=True)
class Night:
    """One incident, watched; `values` are what the operator fills in beside the stack's name."""

    stack: LocalStack
    templates: Mapping[str, Template]
    folder: Path
    reviewers: int = 10
    values: dict[str, str] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch)
    history: list[Done] = field(default_factory=list)
    _read: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for service in SERVICES:  # what was logged before the night is not of it
            self._read[service] = len(self._lines(service))

    def pass_a_round(self) -> None:
        """Let a period end: read what was emitted, and look at what AWS measures."""
        for service in SERVICES:
            lines = self._lines(service)
            new, self._read[service] = lines[self._read[service] :], len(lines)
            self.watch.read(new)
            died = sum(map(self.died, new))
            self.watch.measure("AWS/Lambda", "Errors", died, FunctionName=f"{STACK_NAME}-{service}")
        self.watch.measure("AWS/SQS", "ApproximateNumberOfMessagesVisible", self.waiting(), QueueName="reviews")
        # Ours says that it ran; the schedule's own time is not waited for.
        self.watch.measure(namespace_of(STACK_NAME), "JobsFailed", 0, service="reconciler")
        self.watch.next_round()

    def read_until(self, service: str) -> int:
        """Say how many of a service's lines belong to rounds that have ended."""
        return self._read[service]

    def died(self, line: str) -> bool:
        """Whether Lambda says by this line that a process did not get to its end."""
        report = _REPORT.search(line)  # all that the emulator logs of a process that was killed for its memory
        return _DIED.search(line) is not None or (report is not None and int(report["used"]) >= int(report["size"]))

    def ringing(self) -> set[str]:
        """Return the alarms that are on, without the stack's name in front."""
        parameters = {
            "Stack": STACK_NAME,
            "Runbooks": "docs/runbooks",
            "Email": "",
            "SlackWorkspace": "",
            "SlackChannel": "",
            "TopicKey": "",
            "ApiId": "api",
            "ReviewerFunction": f"{STACK_NAME}-reviewer",
            "ReviewQueue": "reviews",
            "RecordQueue": "records",
            "ControlTable": "control",
            "DatabaseCluster": "",
            "DollarsAnHour": 20,
            "DatabaseGigabytes": 50,
            "MaxConcurrentReviews": self.reviewers,
        }
        alarms = _named(Stack(self.templates["infra/alarms.yaml"], parameters))
        found = states(alarms, self.watch)
        return {name.removeprefix(f"{STACK_NAME}-") for name, state in found.items() if state is State.ALARM}

    def waiting(self) -> int:
        """Count the messages that no reviewer has taken."""
        queue = self.stack.aws.client("sqs")
        url = queue.get_queue_url(QueueName=f"{STACK_NAME}-reviews")["QueueUrl"]
        found = queue.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(found["Attributes"]["ApproximateNumberOfMessages"])

    def follow(self, slug: str, part: str, *, steps: Iterable[int] | None = None) -> list[Done]:
        """Run the commands of a part of a page, of all its steps or of some; a command that fails fails the night."""
        text = (FOLDER / f"{slug}.md").read_text().split(f"\n## {part}\n", 1)[1].partition("\n## ")[0]
        done = [self._run(block) for block in _blocks(text, None if steps is None else set(steps))]
        assert done, f"{slug} has no such step under {part}"
        self.history += done
        return done

    def _run(self, block: str) -> Done:
        environment = child_environment(
            {**self.stack.aws.environment, "STACK": STACK_NAME, "STAGE": "local", "YES": "1", **self.values}
        )
        environment["PATH"] = f"{ROOT / '.venv/bin'}:{environment['PATH']}"
        shell = ["bash", "-euo", "pipefail", "-c", block]
        ended = subprocess.run(
            shell,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        return Done(commands=block, status=ended.returncode, said=ended.stdout + ended.stderr)

    def _lines(self, service: str) -> list[str]:
        return self.stack.logs(service)


def worked(done: Iterable[Done]) -> str:
    """Return what was said by commands that all worked."""
    ended = list(done)
    for each in ended:
        assert each.status == 0, each
    return "\n".join(each.said for each in ended)


def _blocks(text: str, steps: set[int] | None) -> list[str]:
    """Return the blocks of commands, of the numbered steps that are wanted."""
    if steps is None:
        pieces = [text]
    else:
        starts = [*_STEP.finditer(text)]
        ends = [*(found.start() for found in starts[1:]), len(text)]
        pieces = [
            text[found.start() : end] for found, end in zip(starts, ends, strict=True) if int(found["number"]) in steps
        ]
    return [textwrap.dedent(found["text"]) for piece in pieces for found in _FENCE.finditer(piece)]


def _named(stack: Stack) -> dict[str, dict[str, Any]]:
    """Return the alarms, the composite's rule with names instead of references."""
    names = {
        logical_id: each["Properties"]["AlarmName"]
        for logical_id, each in stack.resources.items()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }
    found = {}
    for logical_id, each in stack.resources.items():
        if each["Type"] in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
            properties = dict(each["Properties"])
            if "AlarmRule" in properties:
                properties["AlarmRule"] = re.sub(r"\$\{(\w+)\}", lambda name: names[name[1]], _text(properties))
            found[logical_id] = {"Type": each["Type"], "Properties": properties}
    return found


def _text(properties: Mapping[str, Any]) -> str:
    rule = properties["AlarmRule"]
    return str(rule["Fn::Sub"] if isinstance(rule, dict) else rule)
