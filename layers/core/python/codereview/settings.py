"""What the deployment tells each function, as typed values; every problem is reported at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from codereview.domain.addresses import is_own_host
from codereview.domain.metrics import NAMESPACE, NOWHERE, Origin
from codereview.domain.prices import TokenPrices, parse_prices
from codereview.errors import ConfigurationError

_HOST = re.compile(r"(?=.{1,100}$)[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]{1,5})?")
_URL_PATH = re.compile(r"(?:/[A-Za-z0-9_~-]+)*/?")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_PORTS = 65_536
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Environment:
    """Reads variables and collects what is wrong with them; `done` raises it all as one ConfigurationError."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Read from `variables`; white space around a value is never meant."""
        self._variables = variables
        self._problems: list[str] = []

    def text(self, *names: str) -> str:
        """Return the first of the variables that is set; one of them must be."""
        value = self.optional(*names)
        if value is None:
            self._problems.append(f"{' or '.join(names)} is missing")
        return value or ""

    def optional(self, *names: str) -> str | None:
        """Return the first of the variables that is set and not empty, or None."""
        return next((value for name in names if (value := self._variables.get(name, "").strip())), None)

    def one_of(self, name: str, choices: tuple[str, ...], *, default: str) -> str:
        """Return a variable that may only have certain values."""
        value = self.optional(name) or default
        if value not in choices:
            self._problems.append(f"{name} must be one of {', '.join(choices)}")
        return value

    def port(self, name: str) -> int:
        """Return a TCP port."""
        value = self.text(name)
        if value and not (value.isascii() and value.isdigit() and 0 < int(value) < _PORTS):
            self._problems.append(f"{name} must be a port number")
            return 0
        return int(value or 0)

    def host(self, name: str) -> str:
        """Return a host's name in lower case, with a port where it has one."""
        value = self.text(name).lower()
        if value and not _HOST.fullmatch(value):
            self._problems.append(f"{name} must be a host name of up to 100 characters")
        return value

    def count(self, name: str) -> int:
        """Return a whole number from 1."""
        text = self.text(name)
        if not text:
            return 1
        if not _NUMBER.fullmatch(text) or int(text) < 1:
            self._problems.append(f"{name} must be a whole number from 1")
            return 1
        return int(text)

    def numbers(self, name: str) -> frozenset[int]:
        """Return ids that are separated by commas; none is a set of none."""
        texts = [text.strip() for text in (self.optional(name) or "").split(",") if text.strip()]
        if not all(_NUMBER.fullmatch(text) for text in texts):
            self._problems.append(f"{name} must be numbers, separated by commas")
            return frozenset()
        return frozenset(int(text) for text in texts)

    def prices(self, name: str) -> TokenPrices | None:
        """Return prices, "READ,CACHED,WRITTEN" in dollars for a million tokens; None where nothing is set."""
        text = self.optional(name)
        prices = parse_prices(text) if text is not None else None
        if text is not None and prices is None:
            self._problems.append(f"{name} must be three prices, separated by commas")
        return prices

    def url(self, name: str) -> str:
        """Return a URL that must be set."""
        return self.optional_url(name) or self.text(name)

    def optional_url(self, *names: str) -> str | None:
        """Return the first URL that is set, or None; without user, query or fragment.

        It is https, or http on this machine: tokens travel with what is sent there.
        """
        value = self.optional(*names)
        if value is None or _is_plain_url(value):
            return value
        self._problems.append(f"{' or '.join(names)} must be a plain https URL, or http on this machine")
        return None

    def done(self) -> None:
        """Raise ConfigurationError if anything was wrong."""
        if self._problems:
            raise ConfigurationError("; ".join(self._problems))


def _is_plain_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_own_host(parts.hostname or ""))
    return (
        is_safe
        and _HOST.fullmatch(host) is not None
        and parts.netloc.lower() == host
        and _URL_PATH.fullmatch(parts.path) is not None
        and not parts.query
        and not parts.fragment
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """How a function logs; `origin` is whose metrics its lines carry."""

    service: str
    level: str
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """What a signer of its own needs; the functions that use the SDK leave all this to it."""

    region: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """The webhook function's."""

    log: LogSettings
    aws: AwsSettings
    queue_url: str
    secret_arn: str
    sqs_url: str
    secrets_manager_url: str
    github_host: str
    app_slug: str | None  # the App's name in mentions; None while nobody has told it


def webhook_settings(variables: Mapping[str, str]) -> WebhookSettings:
    """Read the webhook function's settings; raises ConfigurationError with every problem."""
    environment = Environment(variables)
    aws = aws_settings(environment)
    everywhere = "AWS_ENDPOINT_URL"
    settings = WebhookSettings(
        log=log_settings(environment),
        aws=aws,
        queue_url=environment.url("REVIEW_QUEUE_URL"),
        secret_arn=environment.text("WEBHOOK_SECRET_ARN"),
        sqs_url=environment.optional_url("AWS_ENDPOINT_URL_SQS", everywhere) or service_url("sqs", aws.region),
        secrets_manager_url=environment.optional_url("AWS_ENDPOINT_URL_SECRETS_MANAGER", everywhere)
        or service_url("secretsmanager", aws.region),
        github_host=environment.host("GITHUB_HOST"),
        app_slug=environment.optional("GITHUB_APP_SLUG"),
    )
    environment.done()
    return settings


def log_settings(environment: Environment) -> LogSettings:
    """Read how to log; the variables are those of Powertools, so that all functions log alike."""
    return LogSettings(
        service=environment.optional("POWERTOOLS_SERVICE_NAME") or "codereview",
        level=environment.one_of("POWERTOOLS_LOG_LEVEL", _LEVELS, default="INFO"),
        origin=Origin(
            namespace=environment.optional("POWERTOOLS_METRICS_NAMESPACE") or NAMESPACE,
            code=environment.optional("CODE"),
        ),
    )


def aws_settings(environment: Environment) -> AwsSettings:
    """Read what Lambda puts into every function's environment."""
    return AwsSettings(
        region=environment.text("AWS_REGION", "AWS_DEFAULT_REGION"),
        access_key=environment.text("AWS_ACCESS_KEY_ID"),
        secret_key=environment.text("AWS_SECRET_ACCESS_KEY"),
        session_token=environment.optional("AWS_SESSION_TOKEN"),
    )


def service_url(service: str, region: str) -> str:
    """Return AWS's own address of a service; China's regions have a domain of their own."""
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{service}.{region}.{domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewerSettings:
    """The reviewer function's."""

    log: LogSettings
    control_table: str
    reviewers: int  # that may work at the same time
    objects_bucket: str
    review_queue_url: str
    record_queue_url: str
    analyzer_function: str
    github_secret_arn: str
    github_host: str
    github_api_url: str
    model: str
    model_secret_arn: str
    bedrock_endpoint_url: str | None  # None: AWS's own
    prices: TokenPrices | None  # None: nobody knows what the model costs, so no budget holds
    cheaper_model: str | None
    cheaper_prices: TokenPrices | None


def reviewer_settings(variables: Mapping[str, str]) -> ReviewerSettings:
    """Read the reviewer function's settings; raises ConfigurationError with every problem."""
    environment = Environment(variables)
    settings = ReviewerSettings(
        log=log_settings(environment),
        control_table=environment.text("CONTROL_TABLE"),
        reviewers=environment.count("MAX_CONCURRENT_REVIEWS"),
        objects_bucket=environment.text("OBJECTS_BUCKET"),
        review_queue_url=environment.url("REVIEW_QUEUE_URL"),
        record_queue_url=environment.url("RECORD_QUEUE_URL"),
        analyzer_function=environment.text("ANALYZER_FUNCTION"),
        github_secret_arn=environment.text("GITHUB_APP_SECRET_ARN"),
        github_host=environment.host("GITHUB_HOST"),
        github_api_url=environment.url("GITHUB_API_URL"),
        model=environment.text("MODEL"),
        model_secret_arn=environment.text("MODEL_SECRET_ARN"),
        bedrock_endpoint_url=environment.optional_url("BEDROCK_ENDPOINT_URL"),
        prices=environment.prices("MODEL_PRICES"),
        cheaper_model=environment.optional("CHEAPER_MODEL"),
        cheaper_prices=environment.prices("CHEAPER_MODEL_PRICES"),
    )
    environment.done()
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcilerSettings:
    """The reconciler function's."""

    log: LogSettings
    control_table: str
    reviewers: int  # that may work at the same time
    review_queue_url: str
    record_queue_url: str
    review_dead_letters_url: str
    record_dead_letters_url: str
    github_secret_arn: str
    github_host: str
    github_api_url: str
    notice_sender: str | None  # None: nobody is told by mail


def reconciler_settings(variables: Mapping[str, str]) -> ReconcilerSettings:
    """Read the reconciler function's settings; raises ConfigurationError with every problem."""
    environment = Environment(variables)
    settings = ReconcilerSettings(
        log=log_settings(environment),
        control_table=environment.text("CONTROL_TABLE"),
        reviewers=environment.count("MAX_CONCURRENT_REVIEWS"),
        review_queue_url=environment.url("REVIEW_QUEUE_URL"),
        record_queue_url=environment.url("RECORD_QUEUE_URL"),
        review_dead_letters_url=environment.url("REVIEW_DEAD_LETTERS_URL"),
        record_dead_letters_url=environment.url("RECORD_DEAD_LETTERS_URL"),
        github_secret_arn=environment.text("GITHUB_APP_SECRET_ARN"),
        github_host=environment.host("GITHUB_HOST"),
        github_api_url=environment.url("GITHUB_API_URL"),
        notice_sender=environment.optional("NOTICE_SENDER"),
    )
    environment.done()
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The api function's. `operators` are the GitHub accounts of the deployment's own people."""

    log: LogSettings
    stage: str
    control_table: str
    review_queue_url: str
    record_queue_url: str
    review_dead_letters_url: str
    record_dead_letters_url: str
    objects_bucket: str
    maintenance_function: str
    github_secret_arn: str
    api_secret_arn: str
    github_host: str
    github_api_url: str
    operators: frozenset[int]
    sign_in_redirect_url: str | None  # None: the one that is registered with GitHub

    @property
    def github_web_url(self) -> str:
        """Where people sign in: beside the API on an Enterprise server and in the stand-in, elsewhere on github.com."""
        if self.github_api_url.rstrip("/") == "https://api.github.com":
            return "https://github.com"
        return self.github_api_url.rstrip("/").removesuffix("/api/v3")


def api_settings(variables: Mapping[str, str]) -> ApiSettings:
    """Read the api function's settings; raises ConfigurationError with every problem."""
    environment = Environment(variables)
    settings = ApiSettings(
        log=log_settings(environment),
        stage=environment.text("STAGE"),
        control_table=environment.text("CONTROL_TABLE"),
        review_queue_url=environment.url("REVIEW_QUEUE_URL"),
        record_queue_url=environment.url("RECORD_QUEUE_URL"),
        review_dead_letters_url=environment.url("REVIEW_DEAD_LETTERS_URL"),
        record_dead_letters_url=environment.url("RECORD_DEAD_LETTERS_URL"),
        objects_bucket=environment.text("OBJECTS_BUCKET"),
        maintenance_function=environment.text("MAINTENANCE_FUNCTION"),
        github_secret_arn=environment.text("GITHUB_APP_SECRET_ARN"),
        api_secret_arn=environment.text("API_SECRET_ARN"),
        github_host=environment.host("GITHUB_HOST"),
        github_api_url=environment.url("GITHUB_API_URL"),
        operators=environment.numbers("OPERATORS"),
        sign_in_redirect_url=environment.optional_url("SIGN_IN_REDIRECT_URL"),
    )
    environment.done()
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Where the record is and as whom to sign in; the password is an IAM token, made for each connection."""

    region: str
    host: str
    port: int
    name: str
    user: str
    sslmode: str
    ca_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """The recorder function's."""

    log: LogSettings
    objects_bucket: str
    database: DatabaseSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationsSettings:
    """The migrations function's."""

    log: LogSettings
    database: DatabaseSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsSettings:
    """The reports function's; `prices` None: nothing has a cost."""

    log: LogSettings
    stage: str
    control_table: str
    objects_bucket: str
    github_host: str
    operators: frozenset[int]
    prices: TokenPrices | None
    database: DatabaseSettings


def reports_settings(variables: Mapping[str, str]) -> ReportsSettings:
    """Read the reports function's settings; raises ConfigurationError with every problem."""
    environment = Environment(variables)
    settings = ReportsSettings(
        log=log_settings(environment),
        stage=environment.text("STAGE"),
        control_table=environment.text("CONTROL_TABLE"),
        objects_bucket=environment.text("OBJECTS_BUCKET"),
        github_host=environment.host("GITHUB_HOST"),
        operators=environment.numbers("OPERATORS"),
        prices=environment.prices("MODEL_PRICES"),
        database=database_settings(environment),
    )
    environment.done()
    return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSettings:
    """The maintenance function's."""

    log: LogSettings
    control_table: str
    objects_bucket: str
    database: DatabaseSettings


def maintenance_settings(variables: Mapping[str, str]) -> MaintenanceSettings:
    """Read the maintenance function's settings; raises ConfigurationError with every problem."""
    environment = Environment(variables)
    settings = MaintenanceSettings(
        log=log_settings(environment),
        control_table=environment.text("CONTROL_TABLE"),
        objects_bucket=environment.text("OBJECTS_BUCKET"),
        database=database_settings(environment),
    )
    environment.done()
    return settings


def recorder_settings(variables: Mapping[str, str]) -> RecorderSettings:
    """Read the recorder function's settings; raises ConfigurationError with every problem."""
    environment = Environment(variables)
    settings = RecorderSettings(
        log=log_settings(environment),
        objects_bucket=environment.text("OBJECTS_BUCKET"),
        database=database_settings(environment),
    )
    environment.done()
    return settings


def migrations_settings(variables: Mapping[str, str]) -> MigrationsSettings:
    """Read the migrations function's settings; raises ConfigurationError with every problem."""
    environment = Environment(variables)
    settings = MigrationsSettings(log=log_settings(environment), database=database_settings(environment))
    environment.done()
    return settings


def database_settings(environment: Environment) -> DatabaseSettings:
    """Read how to reach the record."""
    return DatabaseSettings(
        region=environment.text("AWS_REGION", "AWS_DEFAULT_REGION"),
        host=environment.text("DATABASE_HOST"),
        port=environment.port("DATABASE_PORT"),
        name=environment.text("DATABASE_NAME"),
        user=environment.text("DATABASE_USER"),
        sslmode=environment.one_of("DATABASE_SSLMODE", ("verify-full", "disable"), default="verify-full"),
        ca_file=environment.optional("DATABASE_CA") or "",
    )
