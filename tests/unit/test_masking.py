"""Secrets do not reach a model, nor come back from one; all else does."""

import base64
import random
import re
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codereview.domain.masking import mask_secrets
from codereview.domain.secret_patterns import SECRET_PATTERNS, SecretPattern, find_secrets
from tests.unit.growth import assert_no_worse_than_linear

_RANDOM = random.Random(7)


def _made(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Make a value that is nobody's, and that no scanner of this repository sees as a whole."""
    return "".join(_RANDOM.choices(alphabet, k=length))


def _pem(lines: int = 4) -> str:
    body = "\n".join(_made(64, string.ascii_letters + string.digits + "+/") for _ in range(lines))
    return f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n{_made(20)}=\n-----END RSA PRIVATE KEY-----"


_HEX = "0123456789abcdef"
_SECRETS = {
    "aws-access-key": "AKIA" + _made(16, string.ascii_uppercase + "234567"),
    "github-token": "ghp_" + _made(36),
    "github-fine-grained-token": "github_pat_" + _made(22) + "_" + _made(59),
    "gitlab-token": "glpat-" + _made(20),
    "slack-token": f"xoxb-{_made(12, string.digits)}-{_made(12, string.digits)}-{_made(24)}",
    "stripe-key": "sk_live_" + _made(24),
    "google-api-key": "AIza" + _made(35),
    "npm-token": "npm_" + _made(36),
    "pypi-token": "pypi-AgE" + _made(80),
    "openai-key": "sk-" + _made(20) + "T3BlbkFJ" + _made(20),
    "anthropic-key": "sk-ant-api03-" + _made(95),
    "hugging-face-token": "hf_" + _made(34, string.ascii_letters),
    "sendgrid-key": f"SG.{_made(22)}.{_made(43)}",
    "twilio-key": "SK" + _made(32, _HEX),
    "telegram-token": f"{_made(9, '123456789')}:AA{_made(33)}",
    "digitalocean-token": "dop_v1_" + _made(64, _HEX),
    "jwt": f"eyJ{_made(33)}.eyJ{_made(60)}.{_made(43)}",
    "private-key": _pem(),
}
_IN_CONTEXT = {
    "url-credentials": ("postgres://app:", "h7Gk2pQz", "@db.internal/app"),
    "authorization-basic": ("Authorization: Basic ", base64.b64encode(b"user:pa55-w0rd-x").decode(), ""),
    "authorization-bearer": ("authorization: Bearer ", _made(40), ""),
    "assigned-password": ('db_password = "', "h7Gk2pQz!x", '"'),
    "assigned-secret": ("clientSecret: '", _made(32), "'"),
    "aws-secret-key": ("AWS_SECRET_ACCESS_KEY=", _made(40), ""),
    "azure-storage-key": ("AccountName=x;AccountKey=", _made(86) + "==", ";"),
    "npmrc-auth": ("//registry.example/:_authToken=", _made(30), ""),
    "docker-auth": ('"auth": "', base64.b64encode(b"user:pa55-w0rd-xyz").decode(), '"'),
    "command-line-password": ("curl -u admin:", "h7Gk2pQz", " https://x.example"),
    "slack-webhook": ("https://hooks.slack.com/services/", f"T{_made(9)}/B{_made(9)}/{_made(24)}", ""),
}


@pytest.mark.parametrize("kind", _SECRETS)
def test_b54_a_token_is_masked_wherever_it_stands(kind: str) -> None:
    secret = _SECRETS[kind]
    for text in (secret, f'x = "{secret}"', f"see {secret}, please", f"`{secret}`", f"- {secret}\n+ {secret}"):
        masked = mask_secrets(text)
        assert secret not in masked
        assert f"[masked {kind}]" in masked


@pytest.mark.parametrize("kind", _IN_CONTEXT)
def test_b54_a_secret_that_only_its_surroundings_give_away_is_masked(kind: str) -> None:
    before, secret, after = _IN_CONTEXT[kind]
    assert mask_secrets(f"a {before}{secret}{after} b") == f"a {before}[masked {kind}]{after} b"


def test_a_private_key_keeps_its_number_of_lines_and_the_numbers_of_a_diff() -> None:
    rows = [f"{number:>6} + {line}" for number, line in enumerate(["first", *_pem(2).split("\n"), "last"], start=8)]
    assert mask_secrets("\n".join(rows)).split("\n") == [
        "     8 + first",
        "     9 + [masked private-key]",
        "    10 + [masked private-key]",
        "    11 + [masked private-key]",
        "    12 + [masked private-key]",
        "    13 + [masked private-key]",
        "    14 + last",
    ]


def test_a_private_key_in_a_string_and_a_broken_off_one_are_masked() -> None:
    assert mask_secrets('k = "' + _pem().replace("\n", "\\n") + '"') == 'k = "[masked private-key]"'
    assert _pem().split("\n")[1] not in mask_secrets(_pem().rpartition("\n")[0])


def test_code_between_the_ends_of_a_key_is_not_hidden_from_the_reviewer() -> None:
    code = "-----BEGIN PRIVATE KEY-----\nimport os\nos.system(run)\nreturn x + 1\n-----END PRIVATE KEY-----"
    assert "os.system(run)" in mask_secrets(code)


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['PASSWORD']",
        "password: str | None = None",
        'token = request.headers["X-Token"]',
        'self.token_type = "authorization_code"',
        "https://example.com:8080/path@v1",
        "https://user:password@example.com",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "commit 0123456789abcdef0123456789abcdef01234567",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "6f1d9c52-9f39-4d4a-8d55-0f0c5f1f8a11",
        "basic understanding of authentication",
        "[masked github-token]",
        "import base64; key = sorted(tokens, key=len)",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask_secrets(text) == text


_PIECES = [*_SECRETS.values(), *map("".join, _IN_CONTEXT.values()), " ", "\n", '"', "x", "password=", "eyJ"]


@given(st.text(max_size=200) | st.lists(st.sampled_from(_PIECES), max_size=6).map("".join))
def test_masking_twice_is_masking_once_and_lines_stay(text: str) -> None:
    masked = mask_secrets(text)
    assert mask_secrets(masked) == masked
    assert masked.count("\n") == text.count("\n")


def test_every_pattern_has_a_name_of_its_own_and_reachable_keywords() -> None:
    assert len({pattern.id for pattern in SECRET_PATTERNS}) == len(SECRET_PATTERNS)
    for pattern in SECRET_PATTERNS:
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", pattern.id)
        assert pattern.keywords
        assert all(keyword == keyword.lower() for keyword in pattern.keywords)
        assert pattern.group <= pattern.regex.groups


@pytest.mark.parametrize("pattern", SECRET_PATTERNS, ids=lambda pattern: pattern.id)
def test_a_keyword_stands_in_whatever_the_expression_matches(pattern: SecretPattern) -> None:
    regex = pattern.regex

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.from_regex(regex, alphabet=st.characters(codec="ascii")))
    def holds(text: str) -> None:
        for match in regex.finditer(text):
            assert any(keyword in match.group().lower() for keyword in pattern.keywords)

    holds()


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ", "a://", "password=", "curl -u a:", "AAAA", "token='", "login a password ", "1", "\\n",
        "-----BEGIN RSA PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n" + "A" * 60 + "\n",
    ],
)  # fmt: skip
def test_made_up_text_takes_no_longer_than_its_length_justifies(piece: str) -> None:
    assert_no_worse_than_linear(lambda text: list(find_secrets(text)), piece * (200_000 // len(piece)))
