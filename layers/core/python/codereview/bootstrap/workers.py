"""The workers of a stack's queues, in an operator's hands."""

from collections.abc import Mapping

from codereview.adapters.aws.workers import LambdaWorkers
from codereview.adapters.dynamodb.control.outbox import DynamoAuditOutbox
from codereview.adapters.dynamodb.control.workers import DynamoScalingNotes
from codereview.bootstrap.account import clients, control_table
from codereview.domain.workers import WorkerKind
from codereview.use_cases.operate_workers import OperateWorkers

# The function, and those that are told how many work. The reconciler paces by the number of reviewers what it releases.
_WORKERS: Mapping[WorkerKind, tuple[str, tuple[str, ...]]] = {
    WorkerKind.REVIEW: ("reviewer", ("reviewer", "reconciler")),
    WorkerKind.RECORD: ("recorder", ()),
}


def operate_workers(stack: str, kind: WorkerKind) -> OperateWorkers:
    """Reach the workers of one queue of a stack."""
    opened = clients("dynamodb", "lambda")
    dynamodb, table = opened["dynamodb"], control_table(opened, stack)
    function, told = _WORKERS[kind]
    return OperateWorkers(
        kind=kind,
        pool=LambdaWorkers(opened["lambda"], f"{stack}-{function}", told=[f"{stack}-{name}" for name in told]),
        notes=DynamoScalingNotes(dynamodb, table),
        outbox=DynamoAuditOutbox(dynamodb, table),
    )
