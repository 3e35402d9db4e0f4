"""The webhook function as Lambda starts it: from its environment, against a loopback AWS."""

import gc
import json
import ssl
from collections.abc import Iterator

import pytest

from codereview.adapters.aws.json_protocol import JsonService, ServiceAddress
from codereview.adapters.aws.signing import Credentials, Scope
from codereview.adapters.system import SystemClock
from codereview.bootstrap.webhook import webhook
from codereview.domain.envelope_codec import decode
from codereview.errors import ConfigurationError
from codereview.settings import webhook_settings
from functions.webhook import handler
from tests.adapters.aws_server import ACCESS_KEY, REGION, SECRET_KEY, SESSION_TOKEN, AwsServer, aws_server
from tests.functions.webhook_world import GUID, Invocation, delivery, pull_request

ENVIRONMENT = {
    "STAGE": "test",
    "POWERTOOLS_SERVICE_NAME": "webhook",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_METRICS_NAMESPACE": "CodeReview/codereview-test",
    "REVIEW_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/reviews",
    "WEBHOOK_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:webhook-AbCdEf",
    "GITHUB_HOST": "github.com",
    "AWS_REGION": REGION,
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_SESSION_TOKEN": SESSION_TOKEN,
}
OPTIONAL = {"STAGE", "AWS_SESSION_TOKEN", "POWERTOOLS_LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE"}
SECRET = b"canary-webhook-secret"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServer]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with aws_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        webhook.cache_clear()
        yield server
        for made in gc.get_objects():
            if type(made) is JsonService:
                made.close()
        webhook.cache_clear()


def test_a_delivery_costs_one_send_and_the_first_one_a_secret(
    aws: AwsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert handler.handle(delivery(pull_request(), secret=SECRET), Invocation())["statusCode"] == 202
    sent = "AmazonSQS.SendMessage"
    assert [call.target for call in aws.calls] == ["secretsmanager.GetSecretValue", sent, sent]
    assert {decode(message["MessageBody"]).number for message in aws.messages()} == {7}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["service"], line["outcome"], line["delivery"]) for line in lines] == [
        ("webhook", "accepted", GUID)
    ] * 2
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in lines} == {"CodeReview/codereview-test"}


def test_sqs_and_secrets_manager_may_have_addresses_of_their_own(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", aws.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert handler.handle(delivery(pull_request(), secret=SECRET), Invocation())["statusCode"] == 202


@pytest.mark.parametrize("secret", [None, "", "{}", '{"current": ""}'])
def test_b10_without_a_secret_the_function_crashes_on_every_delivery(aws: AwsServer, secret: str | None) -> None:
    aws.secret = secret
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            handler.handle(delivery(pull_request(), secret=b""), Invocation())
    assert aws.messages() == []
    aws.secret = '{"current": "canary-webhook-secret"}'
    assert handler.handle(delivery(pull_request(), secret=SECRET), Invocation())["statusCode"] == 202


@pytest.mark.parametrize("mishap", ["unavailable", "denied", "no queue", "hang up", "html", "empty", "other bytes"])
def test_f1_f2_f3_no_success_without_sqs_saying_so(
    aws: AwsServer, mishap: str, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.mishaps.extend(["", mishap, mishap])
    response = handler.handle(delivery(pull_request(), secret=SECRET), Invocation())
    assert response["statusCode"] == 503
    assert "canary" not in capsys.readouterr().out + response["body"]
    aws.mishaps.clear()
    assert handler.handle(delivery(pull_request(), secret=SECRET), Invocation())["statusCode"] == 202


@pytest.mark.parametrize("name", sorted(ENVIRONMENT.keys() - OPTIONAL))
def test_b100_a_function_without_its_settings_serves_nothing(
    aws: AwsServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "  ")
    if name == "POWERTOOLS_SERVICE_NAME":
        assert handler.handle(delivery(pull_request(), secret=SECRET), Invocation())["statusCode"] == 202
        return
    with pytest.raises(ConfigurationError, match=name):
        handler.handle(delivery(pull_request(), secret=SECRET), Invocation())


def test_b100_every_problem_with_the_settings_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        webhook_settings({"POWERTOOLS_LOG_LEVEL": "LOUD", "GITHUB_HOST": "a b", "AWS_ENDPOINT_URL": "ftp://x"})
    text = str(caught.value)
    for name in (
        "REVIEW_QUEUE_URL",
        "WEBHOOK_SECRET_ARN",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "LOG_LEVEL",
        "GITHUB_HOST",
    ):
        assert name in text


@pytest.mark.parametrize(
    "url",
    [
        "http://u:p@127.0.0.1",
        "http://a b/",
        "http://127.0.0.1/?x",
        "http://127.0.0.1/#x",
        "http://x:99999",
        "file:///x",
        "http://good.test\\@127.0.0.1/",
        "http://127.0.0.1/..",
        "http://127.0.0.1//x",
        "127.0.0.1:4566",
        "http://",
    ],
)
def test_b100_an_odd_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL"):
        webhook_settings(ENVIRONMENT | {"AWS_ENDPOINT_URL": url})


def test_values_lose_the_white_space_around_them() -> None:
    settings = webhook_settings(ENVIRONMENT | {"GITHUB_HOST": " GitHub.com\r\n", "GITHUB_APP_SLUG": " "})
    assert (settings.github_host, settings.app_slug) == ("github.com", None)
    assert settings.sqs_url == "https://sqs.eu-central-1.amazonaws.com"
    assert webhook_settings(ENVIRONMENT | {"AWS_REGION": "cn-north-1"}).sqs_url.endswith(".amazonaws.com.cn")
    assert "canary" not in repr(settings)


def test_aws_is_only_spoken_to_if_its_certificate_is_right() -> None:
    service = JsonService(
        ServiceAddress(url="https://sqs.eu-central-1.amazonaws.com", scope=Scope(region=REGION, service="sqs")),
        credentials=Credentials(access_key="a", secret_key="b"),
        clock=SystemClock(),
        jitter=float,
        json_version="1.0",
    )
    context = service._connect()._context  # type: ignore[attr-defined]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
