"""What each function demands of its environment: everything wrong with it, in one sentence."""

from collections.abc import Callable, Mapping

import pytest

from codereview.errors import ConfigurationError
from codereview.settings import (
    api_settings,
    migrations_settings,
    reconciler_settings,
    recorder_settings,
    reviewer_settings,
    webhook_settings,
)

Read = Callable[[Mapping[str, str]], object]

DATABASE = {
    "AWS_REGION": "eu-central-1",
    "DATABASE_HOST": "cluster.example",
    "DATABASE_PORT": "5432",
    "DATABASE_NAME": "codereview",
    "DATABASE_USER": "codereview_writer",
}
RECORDER = DATABASE | {"OBJECTS_BUCKET": "objects"}
GITHUB = {"GITHUB_APP_SECRET_ARN": "arn:app", "GITHUB_API_URL": "https://api.github.com"}
REVIEWER = GITHUB | {
    "CONTROL_TABLE": "control",
    "MAX_CONCURRENT_REVIEWS": "10",
    "OBJECTS_BUCKET": "objects",
    "REVIEW_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/reviews",
    "RECORD_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/records",
    "GITHUB_HOST": "github.com",
    "ANALYZER_FUNCTION": "analyzer:live",
    "MODEL": "mock",
    "MODEL_SECRET_ARN": "arn:model",
}
RECONCILER = GITHUB | {
    "CONTROL_TABLE": "control",
    "MAX_CONCURRENT_REVIEWS": "10",
    "REVIEW_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/reviews",
    "RECORD_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/records",
    "GITHUB_HOST": "github.com",
    "REVIEW_DEAD_LETTERS_URL": "https://sqs.eu-central-1.amazonaws.com/1/dead-reviews",
    "RECORD_DEAD_LETTERS_URL": "https://sqs.eu-central-1.amazonaws.com/1/dead-records",
}
WEBHOOK = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "REVIEW_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/reviews",
    "WEBHOOK_SECRET_ARN": "arn:webhook",
    "GITHUB_HOST": "github.com",
}
API = GITHUB | {
    "STAGE": "prod",
    "CONTROL_TABLE": "control",
    "REVIEW_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/reviews",
    "RECORD_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/records",
    "REVIEW_DEAD_LETTERS_URL": "https://sqs.eu-central-1.amazonaws.com/1/dead-reviews",
    "RECORD_DEAD_LETTERS_URL": "https://sqs.eu-central-1.amazonaws.com/1/dead-records",
    "OBJECTS_BUCKET": "objects",
    "MAINTENANCE_FUNCTION": "maintenance:live",
    "API_SECRET_ARN": "arn:api",
    "GITHUB_HOST": "github.com",
}
FUNCTIONS: dict[str, tuple[Read, dict[str, str]]] = {
    "webhook": (webhook_settings, WEBHOOK),
    "reviewer": (reviewer_settings, REVIEWER),
    "reconciler": (reconciler_settings, RECONCILER),
    "recorder": (recorder_settings, RECORDER),
    "api": (api_settings, API),
    "migrations": (migrations_settings, DATABASE),
}
NEEDED = [(function, name) for function, (_, variables) in FUNCTIONS.items() for name in variables]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_content_with_what_it_needs(function: str) -> None:
    read, variables = FUNCTIONS[function]
    read(variables)


@pytest.mark.parametrize("value", [None, "", " \r\n"])
@pytest.mark.parametrize(("function", "name"), NEEDED)
def test_b100_a_missing_or_empty_variable_is_named(function: str, name: str, value: str | None) -> None:
    read, variables = FUNCTIONS[function]
    others = {key: text for key, text in variables.items() if key != name}
    with pytest.raises(ConfigurationError) as caught:
        read(others if value is None else others | {name: value})
    complaints = str(caught.value).split("; ")
    assert len(complaints) == 1
    assert name in complaints[0]
    assert "is missing" in complaints[0]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_b100_an_empty_environment_is_one_error_that_names_everything(function: str) -> None:
    read, variables = FUNCTIONS[function]
    with pytest.raises(ConfigurationError) as caught:
        read({})
    assert [name for name in variables if name not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("DATABASE_PORT", "0", "DATABASE_PORT must be a port number"),
        ("DATABASE_PORT", "65536", "DATABASE_PORT must be a port number"),
        ("DATABASE_PORT", "-1", "DATABASE_PORT must be a port number"),
        ("DATABASE_PORT", "\N{FULLWIDTH DIGIT FIVE}", "DATABASE_PORT must be a port number"),
        ("DATABASE_PORT", "5_432", "DATABASE_PORT must be a port number"),
        ("DATABASE_SSLMODE", "require", "DATABASE_SSLMODE must be one of verify-full, disable"),
        ("POWERTOOLS_LOG_LEVEL", "LOUD", "POWERTOOLS_LOG_LEVEL must be one of DEBUG, INFO"),
    ],
)
def test_b100_a_value_that_means_nothing_is_refused(name: str, value: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        recorder_settings(RECORDER | {name: value})


@pytest.mark.parametrize(
    "url", ["ftp://api.github.com", "https://user:pw@api.github.com", "https://api.github.com/?a=b", "api.github.com"]
)
def test_b100_an_address_that_could_lead_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="GITHUB_API_URL must be a plain https URL"):
        reviewer_settings(REVIEWER | {"GITHUB_API_URL": url})


# The signed App's token, and the code that is reviewed, travel in what is sent to these.
ADDRESSES = [
    *((reviewer_settings, REVIEWER, name) for name in ("GITHUB_API_URL", "BEDROCK_ENDPOINT_URL", "REVIEW_QUEUE_URL")),
    (reconciler_settings, RECONCILER, "GITHUB_API_URL"),
    (api_settings, API, "GITHUB_API_URL"),
    (api_settings, API, "SIGN_IN_REDIRECT_URL"),
    (webhook_settings, WEBHOOK, "AWS_ENDPOINT_URL"),
]


@pytest.mark.parametrize("host", ["api.github.com", "10.0.0.1", "localhost.", "localhost.example", "127.0.0.2"])
@pytest.mark.parametrize(("read", "variables", "name"), ADDRESSES)
def test_b77_nothing_is_sent_in_clear_text_to_another_machine(
    read: Read, variables: dict[str, str], name: str, host: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a plain https URL"):
        read(variables | {name: f"http://{host}/"})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:8080/", "https://api.github.com"])
@pytest.mark.parametrize(("read", "variables", "name"), ADDRESSES)
def test_http_leads_to_this_machine(read: Read, variables: dict[str, str], name: str, url: str) -> None:
    read(variables | {name: url})


def test_spaces_and_line_ends_around_values_are_not_meant_and_unknown_variables_are_not_ours() -> None:
    settings = recorder_settings({name: f" {value}\r\n" for name, value in RECORDER.items()} | {"PATH": "/bin"})
    assert settings == recorder_settings(RECORDER)
    assert (settings.database.port, settings.database.sslmode, settings.database.ca_file) == (5432, "verify-full", "")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", set()), ("7", {7}), ("7, 12,7", {7, 12}), (",", set()), ("9223372036854775807", {2**63 - 1})],
)
def test_operators_are_numbers_and_by_default_there_are_none(text: str, numbers: set[int]) -> None:
    assert api_settings(API | {"OPERATORS": text}).operators == numbers


@pytest.mark.parametrize("text", ["octocat", "0", "-1", "1 2", "1;2", "\N{FULLWIDTH DIGIT FIVE}", "1_0", "*"])
def test_b100_b101_an_operator_is_nobody_but_a_number(text: str) -> None:
    with pytest.raises(ConfigurationError, match="OPERATORS must be numbers"):
        api_settings(API | {"OPERATORS": text})


@pytest.mark.parametrize(
    ("api_url", "web_url"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.github.com/", "https://github.com"),
        ("https://github.example/api/v3", "https://github.example"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_people_sign_in_at_the_host_of_the_api(api_url: str, web_url: str) -> None:
    assert api_settings(API | {"GITHUB_API_URL": api_url}).github_web_url == web_url
