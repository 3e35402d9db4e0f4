"""What each function is made of, may see and is told."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from codereview import settings
from local.checkout import ROOT
from local.translation import translate
from tests.infra.template.deployed import Stack, Template, target

LAYERS = {
    "WebhookFunction": {"CoreLayer"},
    "ApiFunction": {"CoreLayer", "DependenciesLayer"},
    "ReviewerFunction": {"CoreLayer", "DependenciesLayer"},
    "ReconcilerFunction": {"CoreLayer", "DependenciesLayer"},
    "AnalyzerFunction": {"CoreLayer", "DependenciesLayer", "AnalyzersLayer"},
    "RecorderFunction": {"CoreLayer", "DependenciesLayer", "DatabaseLayer"},
    "MigrationsFunction": {"CoreLayer", "DependenciesLayer", "DatabaseLayer"},
    "MaintenanceFunction": {"CoreLayer", "DependenciesLayer", "DatabaseLayer"},
    "ReportsFunction": {"CoreLayer", "DependenciesLayer", "DatabaseLayer"},
}
IN_NETWORK = {"AnalyzerFunction", "RecorderFunction", "MigrationsFunction", "MaintenanceFunction", "ReportsFunction"}
SECRETS = {
    "WebhookFunction": {"WebhookSecret"},
    "ReviewerFunction": {"GitHubAppSecret", "ModelSecret"},
    "ReconcilerFunction": {"GitHubAppSecret"},
    "ApiFunction": {"GitHubAppSecret", "ApiSecret"},
}
SET_BY_LAMBDA = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "AWS_SESSION_TOKEN": "made-up",
}


def _functions(stack: Stack) -> dict[str, dict[str, Any]]:
    return stack.of_type("AWS::Lambda::Function")


def _layers(function: Mapping[str, Any]) -> set[str]:
    """Return the layers' names without the checksum that SAM puts behind them."""
    return {target(layer)[:-10] for layer in function["Layers"]}


def test_every_folder_of_functions_is_a_function_of_the_template(any_system: Stack) -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    keys = {function["Code"]["S3Key"].split("/")[1] for function in _functions(any_system).values()}
    assert keys == folders
    assert {name.removesuffix("Function").lower() for name in LAYERS} == folders


def test_every_function_sees_the_layers_that_it_needs_and_no_other(any_system: Stack) -> None:
    assert {name: _layers(function) for name, function in _functions(any_system).items()} == LAYERS


def test_functions_and_layers_are_made_for_arm_unless_told_otherwise(system: Stack, local_system: Stack) -> None:
    layers = system.of_type("AWS::Lambda::LayerVersion").values()
    assert {tuple(each["CompatibleArchitectures"]) for each in layers} == {("arm64",)}
    assert {tuple(each["Architectures"]) for each in _functions(system).values()} == {("arm64",)}
    (here,) = {tuple(each["Architectures"]) for each in _functions(local_system).values()}
    layers = local_system.of_type("AWS::Lambda::LayerVersion").values()
    assert {tuple(each["CompatibleArchitectures"]) for each in layers} == {here}


def test_every_function_has_a_log_group_of_its_own_that_ends(any_system: Stack) -> None:
    groups = [target(function["LoggingConfig"]["LogGroup"]) for function in _functions(any_system).values()]
    assert len(set(groups)) == len(groups)
    api = target(any_system.properties("HttpApiApiGatewayDefaultStage")["AccessLogSettings"]["DestinationArn"])
    assert {*groups, api} == set(any_system.of_type("AWS::Logs::LogGroup"))
    for group in any_system.of_type("AWS::Logs::LogGroup").values():
        assert group["RetentionInDays"] == 30


def test_every_function_logs_json_and_all_but_the_analyzer_trace(any_system: Stack) -> None:
    for name, function in _functions(any_system).items():
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
        assert function["TracingConfig"] == {"Mode": "PassThrough" if name == "AnalyzerFunction" else "Active"}


def test_every_function_runs_the_same_python_without_snapshots(any_system: Stack) -> None:
    for function in _functions(any_system).values():
        assert function["Runtime"] == "python3.13"
        assert function["Handler"] == "handler.handle"
        assert "SnapStart" not in function


def test_only_functions_that_may_not_reach_the_internet_are_in_the_network(system: Stack, local_system: Stack) -> None:
    assert {name for name, function in _functions(system).items() if "VpcConfig" in function} == IN_NETWORK
    assert {name for name, function in _functions(local_system).items() if "VpcConfig" in function} == set()


def test_the_analyzer_is_in_a_group_of_its_own(system: Stack) -> None:
    groups = {name: str(_functions(system)[name]["VpcConfig"]["SecurityGroupIds"]) for name in IN_NETWORK}
    assert "AnalyzerSecurityGroupId" in groups.pop("AnalyzerFunction")
    assert len(set(groups.values())) == 1
    assert "DatabaseFunctionsSecurityGroupId" in groups.popitem()[1]


def test_every_caller_calls_an_alias(any_system: Stack) -> None:
    aliases = set(any_system.of_type("AWS::Lambda::Alias"))
    assert {target(any_system.properties("Migrations")["ServiceToken"])} <= aliases
    for mapping in any_system.of_type("AWS::Lambda::EventSourceMapping").values():
        assert target(mapping["FunctionName"]) in aliases
    variables = _functions(any_system)["ReviewerFunction"]["Environment"]["Variables"]
    assert target(variables["ANALYZER_FUNCTION"]) in aliases


# --- what the environment tells them


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("WebhookFunction", settings.webhook_settings),
        ("ApiFunction", settings.api_settings),
        ("ReviewerFunction", settings.reviewer_settings),
        ("ReconcilerFunction", settings.reconciler_settings),
        ("RecorderFunction", settings.recorder_settings),
        ("MigrationsFunction", settings.migrations_settings),
        ("MaintenanceFunction", settings.maintenance_settings),
        ("ReportsFunction", settings.reports_settings),
    ],
)
def test_every_function_is_told_what_its_settings_need(
    any_system: Stack, name: str, read: Callable[[Mapping[str, str]], object]
) -> None:
    variables = {key: _as_deployed(key, value) for key, value in _variables(any_system, name).items()}
    read(SET_BY_LAMBDA | variables)


def test_the_log_names_the_function_and_the_stage_is_known(any_system: Stack) -> None:
    for name in LAYERS:
        variables = _variables(any_system, name)
        assert variables["POWERTOOLS_SERVICE_NAME"] == name.removesuffix("Function").lower()
        assert variables["STAGE"] in {"prod", "local"}
        assert "POWERTOOLS_LOGGER_LOG_EVENT" not in variables


def test_the_database_is_verified_on_aws_and_each_function_is_a_role_of_its_own(system: Stack) -> None:
    roles = {}
    for name in ("RecorderFunction", "MigrationsFunction", "MaintenanceFunction", "ReportsFunction"):
        variables = _variables(system, name)
        assert variables["DATABASE_SSLMODE"] == "verify-full"
        assert variables["DATABASE_CA"] == "/opt/rds/global-bundle.pem"
        roles[name] = variables["DATABASE_USER"]
        connect = [each for each in system.statements(_role(system, name)) if each["Action"] == ["rds-db:connect"]]
        assert [each["Resource"][0].rsplit("/", 1)[1] for each in connect] == [roles[name]]
    assert roles == {
        "RecorderFunction": "codereview_writer",
        "MigrationsFunction": "codereview_owner",
        "MaintenanceFunction": "codereview_maintenance",
        "ReportsFunction": "codereview_reader",
    }


def test_each_secret_is_read_by_the_functions_that_sign_in_with_it_alone(any_system: Stack) -> None:
    may_read: dict[str, set[str]] = {}
    for name in LAYERS:
        for statement in any_system.statements(_role(any_system, name)):
            if "secretsmanager:GetSecretValue" in statement["Action"]:
                may_read.setdefault(name, set()).update(target(secret) for secret in statement["Resource"])
    assert may_read == SECRETS
    assert set().union(*SECRETS.values()) == set(any_system.of_type("AWS::SecretsManager::Secret"))
    for name in LAYERS:
        named = {target(value) for value in _variables(any_system, name).values() if isinstance(value, dict)}
        assert named & set(any_system.of_type("AWS::SecretsManager::Secret")) == SECRETS.get(name, set())


def test_no_secret_has_its_value_in_the_template_or_goes_with_the_stack(any_system: Stack) -> None:
    for name, secret in any_system.of_type("AWS::SecretsManager::Secret").items():
        assert set(secret) <= {"Description", "GenerateSecretString"}
        # What only we need to know is drawn by AWS; what somebody else gave us, a person puts in.
        assert ("GenerateSecretString" in secret) == (name == "ApiSecret")
        assert any_system.resources[name]["DeletionPolicy"] == "Retain"


def _role(stack: Stack, function: str) -> str:
    return target(_functions(stack)[function]["Role"])


def _variables(stack: Stack, function: str) -> dict[str, Any]:
    variables: dict[str, Any] = _functions(stack)[function]["Environment"]["Variables"]
    return variables


def _as_deployed(key: str, value: Any) -> str:
    """Put in for a resource what AWS would, as far as its form matters."""
    if not isinstance(value, dict):
        return str(value)
    if key.endswith("_URL"):
        return "https://sqs.us-east-1.amazonaws.com/111122223333/queue"
    return "5432" if key.endswith("_PORT") else f"resource-{target(value)}"


# --- a change reaches the functions


@pytest.mark.parametrize("layer", ["core", "dependencies", "database", "analyzers"])
def test_a_change_in_a_layer_alone_publishes_the_functions_that_see_it(
    template_text: str, system: Stack, layer: str
) -> None:
    changed = _after_change(template_text, layer)
    assert _versions(system).keys() == _versions(changed).keys()
    published = {name for name, version in _versions(changed).items() if version != _versions(system)[name]}
    assert published == {name for name, layers in LAYERS.items() if f"{layer.title()}Layer" in layers}


@pytest.mark.parametrize("line", ["PublishLambdaVersion: true", "AutoPublishAliasAllProperties: true"])
def test_without_either_setting_a_change_in_a_layer_would_publish_nothing(template_text: str, line: str) -> None:
    assert line in template_text
    without = template_text.replace(line, "")
    before = Stack(translate({"t": without}, {})["t"], {"Stage": "prod", "Model": "mock"})
    assert _versions(_after_change(without, "core")) == _versions(before)


def test_migrations_run_on_every_deploy_that_changes_the_package_and_before_the_recorder(
    template_text: str, system: Stack
) -> None:
    changed = _after_change(template_text, "core")
    version = target(changed.properties("Migrations")["Version"])
    assert version == _versions(changed)["MigrationsFunction"]
    assert version != target(system.properties("Migrations")["Version"])
    assert system.resources["RecorderFunction"]["DependsOn"] == "Migrations"


def _after_change(template_text: str, layer: str) -> Stack:
    translated: Template = translate({"t": template_text}, {f"layers/{layer}": "second"})["t"]
    return Stack(translated, {"Stage": "prod", "Model": "mock"})


def _versions(stack: Stack) -> dict[str, str]:
    """Return the logical id of each function's version; another id is a new version."""
    return {target(version["FunctionName"]): name for name, version in stack.of_type("AWS::Lambda::Version").items()}


# What each parameter says before an address.
ADDRESSES = {
    "GitHubApiUrl": "",
    "BedrockEndpointUrl": "",
    "SignInRedirectUrl": "",
    "Model": "openai:llama@",
    "CheaperModel": "openai:llama@",
}


def test_every_parameter_that_is_an_address_is_known(templates: dict[str, Template], system: Stack) -> None:
    given = {name for name in templates["template.yaml"]["Parameters"] if name.endswith("Url")}
    assert given - {"RunbooksUrl"} == {name for name in ADDRESSES if name.endswith("Url")}  # links in alarms


@pytest.mark.parametrize(("name", "before"), ADDRESSES.items())
def test_b77_a_deploy_refuses_an_address_in_clear_text(name: str, before: str, templates: dict[str, Template]) -> None:
    """Tokens, keys and code are sent there."""
    pattern = re.compile(templates["template.yaml"]["Parameters"][name]["AllowedPattern"])
    for url in ("https://host.example/api/v3", "http://127.0.0.1:8080", "http://localhost:8080/v1"):
        assert pattern.fullmatch(before + url), url
    for url in (
        *("http://host.example", "http://localhost.example", "http://127.0.0.10", "ftp://host.example", "host.example"),
        *("http://127.0.0.1@host.example", "http://localhost:8080@host.example/", "http://10.0.0.1:8080", "https://"),
    ):
        assert not pattern.fullmatch(before + url), url
