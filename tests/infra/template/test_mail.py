"""Mail to tenants: nobody may send any, unless there is a sender, and then only as that."""

from typing import Any

from tests.infra.template.conftest import ON_AWS
from tests.infra.template.deployed import Stack, Template

SENDER = "reviews@example.com"


def mailing(stack: Stack) -> dict[str, list[Any]]:
    """Return what each role may do with SES, and under which condition."""
    return {
        role: [
            statement.get("Condition") for statement in stack.statements(role) if "ses:SendEmail" in statement["Action"]
        ]
        for role in stack.of_type("AWS::IAM::Role")
        if any(action.startswith("ses:") for statement in stack.statements(role) for action in statement["Action"])
    }


def test_without_a_sender_nobody_may_mail(any_system: Stack) -> None:
    assert mailing(any_system) == {}
    variables = any_system.properties("ReconcilerFunction")["Environment"]["Variables"]
    assert variables["NOTICE_SENDER"] == ""


def test_the_reconciler_alone_mails_and_from_the_sender_alone(templates: dict[str, Template]) -> None:
    stack = Stack(templates["template.yaml"], ON_AWS | {"NoticeSender": SENDER})
    assert mailing(stack) == {"ReconcilerRole": [{"StringEquals": {"ses:FromAddress": SENDER}}]}


def test_who_looks_after_tenants_finds_them_and_their_addresses_and_notices(any_system: Stack) -> None:
    lists = [each for each in any_system.statements("ReconcilerRole") if each["Sid"] == "FindTenants"]
    assert [(each["Action"], each["Resource"]) for each in lists] == [
        (["dynamodb:Query"], ["${ControlTable.Arn}/index/owner"])
    ]
