"""What AWS says about a stack, for whoever holds credentials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from codereview.adapters.aws.errors import translated
from codereview.adapters.aws.releases import ALIAS
from codereview.domain.deployments import Move
from codereview.domain.diagnosis import Release

_CORE = "-core:"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """A table of DynamoDB."""

    status: str
    has_recovery: bool
    has_expiry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who asks, and what time it is at AWS; None where the answer did not say."""

    arn: str
    account: str
    at: datetime | None


class Inspection:
    """Reads; changes nothing. The clients are `boto3`'s, by their service."""

    def __init__(self, clients: Mapping[str, Any], stack: str) -> None:
        """Look at `stack`."""
        self._clients = clients
        self._stack = stack

    def identity(self) -> Identity:
        """Ask AWS who we are, and when."""
        try:
            answer = self._clients["sts"].get_caller_identity()
        except (ClientError, BotoCoreError) as error:
            raise translated("STS", error) from error
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        return Identity(arn=answer["Arn"], account=answer["Account"], at=parsedate_to_datetime(date) if date else None)

    def variables(self, function: str) -> Mapping[str, str]:
        """Return what a function of the stack, named without it, is told by its environment."""
        try:
            found = self._clients["lambda"].get_function_configuration(FunctionName=f"{self._stack}-{function}")
        except (ClientError, BotoCoreError) as error:
            raise translated("Lambda", error) from error
        variables: Mapping[str, str] = found.get("Environment", {}).get("Variables", {})
        return variables

    def concurrency(self) -> tuple[int, int]:
        """Return how many functions the account runs at once, and how many of them nobody reserved."""
        try:
            limit = self._clients["lambda"].get_account_settings()["AccountLimit"]
        except (ClientError, BotoCoreError) as error:
            raise translated("Lambda", error) from error
        return limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]

    def table(self, name: str) -> TableState:
        """Describe a table."""
        client = self._clients["dynamodb"]
        try:
            status = client.describe_table(TableName=name)["Table"]["TableStatus"]
            backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
            expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        except (ClientError, BotoCoreError) as error:
            raise translated("DynamoDB", error) from error
        recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
        return TableState(
            status=status,
            has_recovery=recovery == "ENABLED",
            has_expiry=expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"),
        )

    def bucket(self, name: str) -> None:
        """Raise where a bucket is not there, or not for us."""
        try:
            self._clients["s3"].head_bucket(Bucket=name)
        except (ClientError, BotoCoreError) as error:
            raise translated("S3", error) from error

    def mail(self, sender: str) -> tuple[bool, bool]:
        """Return whether SES has verified a sender, by address or domain, and whether it is out of its sandbox."""
        client = self._clients["sesv2"]
        try:
            is_out = bool(client.get_account().get("ProductionAccessEnabled"))
            return any(self._is_verified(name) for name in (sender, sender.rpartition("@")[2])), is_out
        except (ClientError, BotoCoreError) as error:
            raise translated("SES", error) from error

    def _is_verified(self, identity: str) -> bool:
        client = self._clients["sesv2"]
        try:
            return bool(client.get_email_identity(EmailIdentity=identity).get("VerifiedForSendingStatus"))
        except client.exceptions.NotFoundException:
            return False

    def notifications(self) -> tuple[int, int] | None:
        """Return how many receivers of alarms are confirmed, and how many are not; None where there are no alarms."""
        client, identity = self._clients["sns"], self.identity()
        partition = identity.arn.split(":")[1]
        topic = f"arn:{partition}:sns:{client.meta.region_name}:{identity.account}:{self._stack}-notifications"
        try:
            pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
            arns = [each["SubscriptionArn"] for page in pages for each in page["Subscriptions"]]
        except client.exceptions.NotFoundException:
            return None
        except (ClientError, BotoCoreError) as error:
            raise translated("SNS", error) from error
        confirmed = sum(arn.startswith("arn:") for arn in arns)
        return confirmed, len(arns) - confirmed

    def page_of_an_alarm(self) -> str | None:
        """Return where an alarm's text says that its page is; None where the stack has no alarms."""
        try:
            found = self._clients["cloudwatch"].describe_alarms(AlarmNames=[f"{self._stack}-webhook-errors"])
        except (ClientError, BotoCoreError) as error:
            raise translated("CloudWatch", error) from error
        texts = [alarm.get("AlarmDescription", "") for alarm in found.get("MetricAlarms", [])]
        return texts[0].rpartition(" ")[2] if texts else None

    def releases(self) -> Sequence[Release]:
        """Describe every function of the stack that has an alias."""
        client = self._clients["lambda"]
        try:
            functions = [
                function
                for page in client.get_paginator("list_functions").paginate()
                for function in page["Functions"]
                if function["FunctionName"].startswith(f"{self._stack}-")
            ]
            return [self._release(function["FunctionName"]) for function in functions]
        except (ClientError, BotoCoreError) as error:
            raise translated("Lambda", error) from error

    def _release(self, name: str) -> Release:
        client = self._clients["lambda"]
        alias = client.get_alias(FunctionName=name, Name=ALIAS)
        live = client.get_function_configuration(FunctionName=name, Qualifier=ALIAS)
        newest = max(
            int(version["Version"])
            for page in client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
            for version in page["Versions"]
            if version["Version"] != "$LATEST"
        )
        layers = [layer["Arn"] for layer in live.get("Layers", [])]
        return Release(
            function=name,
            state=live.get("State", "Active"),
            update=live.get("LastUpdateStatus", "Successful"),
            live=alias["FunctionVersion"],
            newest=str(newest),
            weights=alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}),
            core=next((arn for arn in layers if _CORE in arn), None),
        )


class StackAliases:
    """The aliases of a stack's functions."""

    def __init__(self, inspection: Inspection, client: Any) -> None:
        """Find them by `inspection`, and move them through a client of Lambda."""
        self._inspection = inspection
        self._client = client

    def versions(self) -> Mapping[str, str]:
        """Return the version that each leads to."""
        return {release.function: release.live for release in self._inspection.releases()}

    def move(self, move: Move) -> None:
        """Lead one elsewhere; a canary that shares its calls ends with it, which CodeDeploy takes for a failure."""
        try:
            self._client.update_alias(
                FunctionName=move.function,
                Name=ALIAS,
                FunctionVersion=move.after,
                RoutingConfig={"AdditionalVersionWeights": {}},
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(f"Lambda, for {move.function} at {move.after},", error) from error
