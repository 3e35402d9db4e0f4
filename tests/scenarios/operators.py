"""Operators: IAM users with the stack's policies and nothing else, each command a process with their keys."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click

from codereview.cli.main import cli
from local.stack import STACK_NAME, LocalStack
from tests.scenarios.commands import run_with

# What has `--stack` among the options of its kind and belongs to a person's session all the same.
OF_A_SESSION = {"sign-in", "sign-out", "status", "whoami"}
# What goes through the maintenance function, whose name is given in place of the stack's.
BY_FUNCTION = ("audit ", "database ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a command came to."""

    status: int
    said: str
    complained: str


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody at the command line; `done` is what came of each line."""

    name: str
    environment: dict[str, str]
    done: dict[str, Done] = field(default_factory=dict)

    def run(self, line: str, *, stdin: str | None = None) -> Done:
        """Run one command; nobody is at the keyboard."""
        ended = run_with(self.environment, *shlex.split(line), stdin=stdin)
        self.done[line] = Done(status=ended.returncode, said=ended.stdout, complained=ended.stderr)
        return self.done[line]

    def commands(self) -> set[str]:
        """Return the commands that were run, without what was given to them."""
        known = operators_commands()
        return {next(name for name in known if f"{line} ".startswith(f"{name} ")) for line in self.done}


def hired(stack: LocalStack, name: str, *policies: str) -> Person:
    """Make a user with policies that the stack's outputs name."""
    iam: Any = stack.aws.client("iam")
    iam.create_user(UserName=name)
    for policy in policies:
        iam.attach_user_policy(UserName=name, PolicyArn=stack.deployment.outputs[policy])
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Person(
        name=name,
        environment=stack.aws.environment
        | {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        | {"CODEREVIEW_STACK": STACK_NAME}
        | {"MAINTENANCE_FUNCTION": stack.deployment.outputs["MaintenanceFunctionName"]},
    )


def operators_commands() -> list[str]:
    """Name every command that reaches a stack with the caller's own credentials."""
    return [
        name
        for name, command in _commands(cli, "")
        if name not in OF_A_SESSION
        and (name.startswith(BY_FUNCTION) or "stack" in {parameter.name for parameter in command.params})
    ]


def _commands(group: click.Group, before: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command
