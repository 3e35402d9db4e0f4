import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codereview.domain.finding import Severity
from codereview.domain.secret_detection import find_secrets
from codereview.domain.secret_patterns import SECRET_PATTERNS
from codereview.domain.secret_rules import ids_with_rules
from tests.unit.growth import assert_no_worse_than_linear


def made_up(seed: str, length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Random characters, the same in every run; written out here they would alarm whoever scans this repository."""
    return "".join(random.Random(seed).choices(alphabet, k=length))


HEX = "0123456789abcdef"
TOKEN = made_up("token", 32)
HEX_TOKEN = made_up("hex", 40, HEX)
GITHUB = "gh" + "p_" + made_up("github", 36)
AWS = "AK" + "IA" + made_up("aws", 16, string.ascii_uppercase + "234567")
STRIPE = "sk_" + "live_" + made_up("stripe", 24)
SLACK_HOOK = "https://hooks.slack.com/services/" + "T0" + made_up("hook", 40)
JWT = "ey" + "JhbGciOiJIUzI1NiJ9x.ey" + "JzdWIiOiIxMjM0NSJ9x." + made_up("jwt", 43)
PRIVATE_KEY = (
    "-----BEGIN RSA "
    "PRIVATE KEY-----\n" + "\n".join(made_up(f"key{n}", 64) for n in range(6)) + "\n-----END RSA PRIVATE KEY-----"
)

SECRETS = [
    ("app.py", f'GITHUB = "{GITHUB}"', "github-token"),
    ("deploy.yml", f"  aws_access_key_id: {AWS}", "aws-access-key"),
    ("config.rb", f"Stripe.api_key = '{STRIPE}'", "stripe-key"),
    ("notify.js", f"fetch('{SLACK_HOOK}')", "slack-webhook"),
    ("auth.ts", f"const session = '{JWT}';", "jwt"),
    ("server.key", PRIVATE_KEY, "private-key"),
    ("settings.py", 'DATABASE_URL = "postgres://shop:k3tTlewh1stle@db.internal/shop"', "url-credentials"),
    ("client.go", f'req.Header.Set("Authorization", "Bearer {TOKEN}")', "authorization-bearer"),
    ("sync.sh", "curl -u deploy:k3tTlewh1stle https://ci.internal/run", "command-line-password"),
    ("app.py", 'password = "k3tTlewh1stle"', "password"),
    ("app.py", 'PASSWORD: str = "k3tTlewh1stle"', "password"),
    ("app.py", 'connect(host="db", password="k3tTlewh1stle")', "password"),
    ("App.java", 'props.setProperty("db.password", "k3tTlewh1stle");', "password"),
    ("App.java", 'builder.password("k3tTlewh1stle")', "password"),
    ("App.cs", 'var c = "Server=db;User Id=sa;Password=k3tTlewh1stle;";', "password"),
    ("app.php", "define('DB_PASSWORD', 'k3tTlewh1stle');", "password"),
    ("app.php", "$config['password'] = 'k3tTlewh1stle';", "password"),
    ("app.rb", "password => 'k3tTlewh1stle'", "password"),
    ("config.json", '{"user": "x", "password": "k3tTlewh1stle"}', "password"),
    ("config.yml", "db:\n  password: k3tTlewh1stle\n", "password"),
    (".env", "DB_PASSWORD=k3tTlewh1stle", "password"),
    ("Dockerfile", "ENV DB_PASSWORD k3tTlewh1stle\nENV TOKEN=" + TOKEN, "token"),
    ("app.properties", "spring.datasource.password=k3tTlewh1stle", "password"),
    ("web.xml", "<password>k3tTlewh1stle</password>", "password"),
    ("web.config", '<add key="Password" value="k3tTlewh1stle" />', "password"),
    ("schema.sql", "CREATE USER shop WITH PASSWORD 'k3tTlewh1stle';", "password"),
    ("schema.sql", "CREATE USER shop IDENTIFIED BY 'k3tTlewh1stle';", "password"),
    ("run.sh", "mysqladmin --password=k3tTlewh1stle status", "password"),
    ("app.js", f"const apiKey = '{TOKEN}';", "token"),
    ("app.js", f'const headers = {{"X-Api-Key": "{TOKEN}"}};', "token"),
    ("app.kt", f'val clientSecret = "{TOKEN}"', "token"),
    ("main.tf", f'secret_key = "{HEX_TOKEN}"', "token"),
    ("app.go", f'secretKey := "{TOKEN}"', "token"),
    ("app.py", f'SECRET_KEY = os.environ.get("SECRET_KEY", "{TOKEN}")', "token"),
    ("app.swift", f'let encryptionKey = "{TOKEN}"', "token"),
    ("index.html", f'<a href="/x?access_token={TOKEN}&y=1">', "token"),
]

NO_SECRETS = [
    ("app.py", 'password = os.environ["PASSWORD"]'),
    ("app.py", 'password = getpass("Password: ")'),
    ("app.py", 'password = "changeme"'),
    ("app.py", 'password = "your-password-here"'),
    ("app.py", 'password = "********"'),
    ("app.py", 'PASSWORD_FIELD = "user_password1"'),
    ("app.py", 'token_type = "Bearer"'),
    ("app.py", 'TOKEN_URL = "https://login.example.com/oauth2/token"'),
    ("app.py", 'password: str = ""'),
    ("app.py", 'if token == "eof1234567890x":'),
    ("app.py", 'secret_name = "prod/shop/db2/password"'),
    ("app.js", "const token = req.headers['x-access-token'];"),
    ("app.js", 'label: "Password must have 8 characters"'),
    ("app.js", 'const key = "ArrowLeft";'),
    ("app.js", 'i18n("user.password.reset2")'),
    ("en.json", '{"password": "Wachtwoord", "forgotPassword": "Wachtwoord vergeten?"}'),
    ("config.yml", "password: ${DB_PASSWORD}"),
    ("config.yml", "password: {{ vault_password }}"),
    ("config.yml", "password: !vault encrypted"),
    ("config.yml", "secretKeyRef:\n  name: shop2-database\n  key: password"),
    ("main.tf", "password = var.db_password"),
    ("run.sh", 'curl -H "Authorization: Bearer $TOKEN" https://x'),
    ("run.sh", "curl -u $USER:$PASSWORD https://x"),
    ("settings.py", 'URL = "postgres://postgres:postgres@localhost/db"'),
    ("settings.py", 'URL = f"postgres://{user}:{password}@{host}/db"'),
    ("settings.py", 'URL = "https://user:password@host"'),
    ("aws.py", 'KEY = "AKIAIOSFODNN7EXAMPLE"'),
    ("README.md", 'password = "hunter2hunter"'),
    ("tests/test_login.py", 'login(password="s3cretPa55")'),
    ("tests/test_login.py", 'password = "correcthorse9"'),
    ("package-lock.json", f'"integrity": "sha512-{made_up("lock", 80)}=="'),
    ("yarn.lock", f'  token "{TOKEN}"'),
    ("git.py", f'commit_key_sha1 = "{HEX_TOKEN}"'),
    ("db.py", 'primary_key = "Ab12Cd34Ef56Gh78Ij90Kl"'),
    ("cert.pem", "-----BEGIN CERTIFICATE-----\n" + made_up("cert", 64)),
    ("ssh.md", "Paste it between -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----."),
    ("lexer.c", 'token = "IDENTIFIER_LIST";'),
    ("enum.ts", "export enum Token { Comma = 'comma_token_kind' }"),
    ("nginx.conf", "auth_basic_user_file /etc/nginx/htpasswd2;"),
    ("pass.css", ".compass { author: 'k3tTlewh1stle' }"),
]


def kinds(path: str, text: str) -> list[str]:
    return [found.rule for found in find_secrets(text, path)]


@pytest.mark.parametrize(
    ("path", "text", "rule"), SECRETS, ids=[f"{path}-{rule}-{n}" for n, (path, _, rule) in enumerate(SECRETS)]
)
def test_a_secret_is_found_once_under_its_rule(path: str, text: str, rule: str) -> None:
    assert kinds(path, text) == [rule]


@pytest.mark.parametrize(("path", "text"), NO_SECRETS, ids=[f"{path}-{n}" for n, (path, _) in enumerate(NO_SECRETS)])
def test_what_only_looks_like_a_secret_is_left_alone(path: str, text: str) -> None:
    assert kinds(path, text) == []


def test_every_rule_speaks_of_a_format_in_the_table() -> None:
    assert ids_with_rules() <= {pattern.id for pattern in SECRET_PATTERNS}


def test_the_line_and_the_place_are_those_of_the_value() -> None:
    text = f'# one\r\n# two\x0c\u2028\n\tpassword = "k3tTlewh1stle"\ntoken = "{TOKEN}"\n'
    first, second = find_secrets(text, "a.py")
    assert (first.line, text[first.start : first.end]) == (3, "k3tTlewh1stle")
    assert (second.line, text[second.start : second.end]) == (4, TOKEN)


def test_in_tests_and_documentation_only_random_values_count_and_little() -> None:
    (found,) = find_secrets(f'api_key = "{TOKEN}"', "tests/test_api.py")
    assert found.severity is Severity.LOW


def test_an_issuers_token_counts_fully_even_in_a_test() -> None:
    (found,) = find_secrets(f'token = "{GITHUB}"', "tests/test_api.py")
    assert found.severity is Severity.CRITICAL


@pytest.mark.parametrize("comment", ["# gitleaks:allow", "# pragma: allowlist secret", "# noqa: S105"])
def test_a_comment_that_excuses_a_secret_is_named_and_not_obeyed(comment: str) -> None:
    (found,) = find_secrets(f'x = 1\npassword = "k3tTlewh1stle"  {comment}\n', "app.py")
    assert found.allowed_at == 2


def test_b36_a_line_of_10_mb_is_searched_to_its_end() -> None:
    (found,) = find_secrets("var a=[" + "1.5," * 2_500_000 + f'"{GITHUB}"]', "app.js")
    assert found.rule == "github-token"


@pytest.mark.parametrize(
    "text",
    [
        "password" * 100_000,
        "password=" * 80_000,
        'password = "' * 60_000,
        "-----BEGIN PRIVATE KEY-----" * 20_000,
        "eyJ" + "a" * 800_000,
        "ey" + "J" * 10 + "aaaaaaaaaaaaaaaaaaa." * 40_000,
        "a://b:" * 100_000,
        "bearer " * 100_000,
        "<password " * 80_000,
        "curl -u " * 100_000,
        "key" + " " * 800_000,
        'secret"]' * 100_000,
        "--password=" * 70_000,
        "://" + "a:" * 400_000,
        "Aa1" * 270_000,
        "\n" * 800_000,
    ],
    ids=lambda text: text[:12].strip() or "blank",
)
def test_no_text_makes_the_search_slow(text: str) -> None:
    assert_no_worse_than_linear(lambda part: list(find_secrets(part, "app.env")), text)


def test_it_stops_when_time_is_up() -> None:
    answers = iter([False, True])
    text = f'token = "{TOKEN}"\n' + "x\n" * 100_000 + f'token = "{TOKEN[::-1]}"\n'
    assert [found.line for found in find_secrets(text, "a.py", is_time_up=lambda: next(answers))] == [1]


@given(st.text(max_size=400), st.sampled_from(["a.py", "a.yml", "tests/x.json", ""]))
def test_places_are_ordered_apart_and_on_their_lines(text: str, path: str) -> None:
    text = f'{text}\npassword = "k3tTlewh1stle" {text}'
    end = 0
    for found in find_secrets(text, path):
        assert end <= found.start < found.end <= len(text)
        assert found.line == text.count("\n", 0, found.start) + 1
        end = found.end


@pytest.mark.parametrize("offset", range((64 << 10) - 44, (64 << 10) + 4))
def test_a_secret_is_found_once_wherever_the_text_is_cut(offset: int) -> None:
    padding = " " * offset
    assert kinds("app.js", f"{padding}{GITHUB}{padding}") == ["github-token"]
