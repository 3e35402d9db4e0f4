"""The shapes of secrets that tell what they are: issuers' prefixes, key blocks, credentials in addresses and headers.

Every pattern is linear: bounded repetitions, no nested ones, and a literal that is looked for first. Where a pattern
has a group `value`, that is the secret; else all of it is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from codereview.domain import secret_values
from codereview.domain.finding import Severity


@dataclass(frozen=True, slots=True)
class SecretRule:
    """One shape. `keywords` are lower-case; the pattern runs only over text that has one of them."""

    name: str
    kind: str  # with its article, for a sentence
    severity: Severity
    keywords: tuple[str, ...]
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool]


def _is_live(value: str) -> bool:
    """Refuse what documentation shows: EXAMPLE, xxxx, runs and repetitions. The issuer's prefix says the rest."""
    marks = (
        "example",
        "xxxx",
        "your",
        "....",
        "****",
        "1234567890",
        "abcdef123",
        "placeholder",
        "redacted",
        "dummy",
        "<",
        "{",
    )
    body = value.lower()
    return not any(mark in body for mark in marks) and len(set(value)) >= min(8, len(value) // 2)


def _is_url_password(value: str) -> bool:
    """Refuse variables, and what everybody's local database is called."""
    if secret_values.is_code(value) or secret_values.is_placeholder(value):
        return False
    return value.lower() not in {
        "postgres",
        "mysql",
        "root",
        "admin",
        "guest",
        "user",
        "rabbitmq",
        "redis",
        "mongo",
        "pass",
    }


def _is_credential(value: str) -> bool:
    return secret_values.is_token(value) or secret_values.is_strong_token(value)


def _is_basic(value: str) -> bool:
    return len(set(value)) >= 6 and not secret_values.is_code(value) and not secret_values.is_wordlike(value)  # noqa: PLR2004


def _is_jwt(value: str) -> bool:
    return len(set(value)) > 16 and "..." not in value  # noqa: PLR2004 - random base 64 has far more


def _rule(
    name: str, kind: str, severity: Severity, keywords: str, pattern: str, *, accepts: Callable[[str], bool] = _is_live
) -> SecretRule:
    return SecretRule(name, kind, severity, tuple(keywords.split()), re.compile(pattern), accepts)


_END = r"(?![\w-])"
_CRITICAL, _HIGH, _MEDIUM = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM

SECRET_RULES: tuple[SecretRule, ...] = (
    _rule(
        "private-key",
        "A private key",
        _CRITICAL,
        "private",
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?=[^-]{0,300}?[A-Za-z0-9+/]{30})"
        r"|PuTTY-User-Key-File-\d:(?=[\s\S]{0,600}?Private-Lines)",
        accepts=lambda _: True,
    ),
    _rule(
        "aws-access-key",
        "An AWS access key id",
        _CRITICAL,
        "akia asia abia acca",
        r"(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Z0-9])",
    ),
    _rule(
        "aws-secret-key",
        "An AWS secret access key",
        _CRITICAL,
        "aws secretkey secret_access",
        r"(?i:aws.{0,24}?(?:secret|key)|secret_?(?:access_?)?key).{0,24}?[\"'=:\s](?P<value>"
        r"[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        accepts=lambda value: _is_live(value) and secret_values.is_strong_token(value),
    ),
    _rule(
        "github-token",
        "A GitHub token",
        _CRITICAL,
        "ghp_ gho_ ghu_ ghs_ ghr_",
        r"\bgh[pousr]_[A-Za-z0-9]{36,251}" + _END,
    ),
    _rule("github-token", "A GitHub token", _CRITICAL, "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{60,90}" + _END),
    _rule(
        "gitlab-token",
        "A GitLab token",
        _CRITICAL,
        "glpat- gldt- glrt- glptt- glsoat-",
        r"\bgl(?:pat|dt|rt|ptt|soat|ft|imt|agent)-[\w-]{20,60}" + _END,
    ),
    _rule(
        "slack-token",
        "A Slack token",
        _CRITICAL,
        "xox xapp-",
        r"\b(?:xox[abeoprs]-(?:\d{1,2}-)?[A-Za-z0-9-]{10,250}|xapp-\d-[A-Z0-9]{8,14}-\d{8,14}-[a-f0-9]{32,80})" + _END,
    ),
    _rule(
        "slack-webhook",
        "A Slack webhook's address",
        _HIGH,
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<value>[A-Za-z0-9/+]{30,90})",
    ),
    _rule(
        "discord-webhook",
        "A Discord webhook's address",
        _HIGH,
        "/api/webhooks/",
        r"discord(?:app)?\.com/api/webhooks/(?P<value>\d{15,22}/[\w-]{50,90})",
    ),
    _rule(
        "teams-webhook",
        "A Teams webhook's address",
        _HIGH,
        "webhook.office.com",
        r"webhook\.office\.com/webhookb2/(?P<value>[\w@./-]{60,250})",
    ),
    _rule(
        "stripe-key",
        "A Stripe key",
        _CRITICAL,
        "sk_live_ rk_live_ sk_test_ rk_test_ whsec_",
        r"\b(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,120}|whsec_[A-Za-z0-9+/]{32,64})" + _END,
    ),
    _rule("google-api-key", "A Google API key", _HIGH, "aiza", r"(?<![\w-])AIza[\w-]{35}" + _END),
    _rule(
        "google-oauth",
        "A Google OAuth secret",
        _CRITICAL,
        "gocspx- ya29.",
        r"\b(?:GOCSPX-[\w-]{28}|ya29\.[\w-]{40,250})" + _END,
    ),
    _rule("twilio-key", "A Twilio key", _HIGH, "sk twilio", r"(?<![A-Za-z0-9])SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    _rule("sendgrid-key", "A SendGrid key", _CRITICAL, "sg.", r"\bSG\.[\w-]{16,32}\.[\w-]{32,64}" + _END),
    _rule("mailgun-key", "A Mailgun key", _HIGH, "key-", r"(?<![\w-])key-[0-9a-f]{32}" + _END),
    _rule("mailchimp-key", "A Mailchimp key", _HIGH, "-us", r"(?<![0-9a-f])[0-9a-f]{32}-us\d{1,2}" + _END),
    _rule(
        "npm-token",
        "An npm token",
        _CRITICAL,
        "npm_ _authtoken",
        r"\bnpm_[A-Za-z0-9]{36}" + _END + r"|_authToken\s?=\s?(?P<value>[\w-]{20,60})",
    ),
    _rule("pypi-token", "A PyPI token", _CRITICAL, "pypi-", r"\bpypi-AgE[\w-]{50,1000}" + _END),
    _rule("rubygems-key", "A RubyGems key", _CRITICAL, "rubygems_", r"\brubygems_[a-f0-9]{48}" + _END),
    _rule("docker-token", "A Docker token", _CRITICAL, "dckr_", r"\bdckr_(?:pat|oat)_[\w-]{20,64}" + _END),
    _rule("digitalocean-token", "A DigitalOcean token", _CRITICAL, "_v1_", r"\bdo[opr]_v1_[a-f0-9]{64}" + _END),
    _rule("anthropic-key", "An Anthropic key", _CRITICAL, "sk-ant-", r"\bsk-ant-[\w-]{32,120}" + _END),
    _rule(
        "openai-key",
        "An OpenAI key",
        _CRITICAL,
        "sk-",
        r"(?<![\w-])sk-(?!ant-)(?:(?:proj|svcacct|admin|None)-[\w-]{20,200}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[A-Za-z0-9]{48})"
        + _END,
    ),
    _rule("huggingface-token", "A Hugging Face token", _CRITICAL, "hf_", r"\bhf_[A-Za-z0-9]{30,40}" + _END),
    _rule("databricks-token", "A Databricks token", _CRITICAL, "dapi", r"\bdapi[a-f0-9]{32}(?:-\d)?" + _END),
    _rule(
        "azure-secret",
        "An Azure client secret",
        _CRITICAL,
        "q~",
        r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])",
    ),
    _rule(
        "azure-storage-key",
        "An Azure storage key",
        _CRITICAL,
        "accountkey sharedaccesskey",
        r"(?i:AccountKey|SharedAccessKey)\s?=\s?(?P<value>[A-Za-z0-9+/]{42,88}={0,2})",
    ),
    _rule("telegram-token", "A Telegram bot token", _HIGH, ":aa", r"(?<![\w:])\d{8,10}:AA[\w-]{32,34}" + _END),
    _rule(
        "discord-token",
        "A Discord bot token",
        _CRITICAL,
        "discord bot",
        r"(?<![\w.-])[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,40}" + _END,
    ),
    _rule(
        "shopify-token",
        "A Shopify token",
        _CRITICAL,
        "shpat_ shpca_ shppa_ shpss_",
        r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}" + _END,
    ),
    _rule(
        "square-token",
        "A Square token",
        _CRITICAL,
        "sq0 eaaa",
        r"\b(?:sq0(?:atp|csp|idp)-[\w-]{22,43}|EAAA[\w-]{60})" + _END,
    ),
    _rule("facebook-token", "A Facebook token", _HIGH, "eaac", r"\bEAAC[A-Za-z0-9]{40,250}" + _END),
    _rule("mapbox-token", "A Mapbox secret token", _HIGH, "sk.eyj", r"\bsk\.eyJ[\w-]{40,200}\.[\w-]{20,40}" + _END),
    _rule("linear-key", "A Linear key", _HIGH, "lin_", r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,64}" + _END),
    _rule("notion-token", "A Notion token", _HIGH, "ntn_", r"\bntn_[A-Za-z0-9]{40,50}" + _END),
    _rule("postman-key", "A Postman key", _HIGH, "pmak-", r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}" + _END),
    _rule("newrelic-key", "A New Relic key", _HIGH, "nrak- nrii- nrjs-", r"\bNR(?:AK|II|JS|RA)-[\w-]{19,40}" + _END),
    _rule(
        "grafana-token",
        "A Grafana token",
        _HIGH,
        "glsa_ glc_",
        r"\b(?:glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2})" + _END,
    ),
    _rule(
        "doppler-token",
        "A Doppler token",
        _HIGH,
        "dp.",
        r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{40,64}" + _END,
    ),
    _rule("vault-token", "A Vault token", _CRITICAL, "hvs. hvb. s.", r"(?<![\w.])(?:hv[sb]\.[\w-]{24,200})" + _END),
    _rule(
        "terraform-token",
        "A Terraform Cloud token",
        _CRITICAL,
        ".atlasv1.",
        r"\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,70}" + _END,
    ),
    _rule(
        "planetscale-token", "A PlanetScale secret", _HIGH, "pscale_", r"\bpscale_(?:tkn|pw|oauth)_[\w.-]{32,64}" + _END
    ),
    _rule("age-key", "An age secret key", _CRITICAL, "age-secret-key-", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}" + _END),
    _rule("sentry-token", "A Sentry token", _HIGH, "sntry", r"\bsntry[su]_[A-Za-z0-9+/=_-]{60,300}"),
    _rule(
        "atlassian-token",
        "An Atlassian token",
        _CRITICAL,
        "atatt3 atbb atctt3",
        r"\b(?:AT(?:ATT|CTT)3[\w=-]{60,250}|ATBB[A-Za-z0-9]{32})" + _END,
    ),
    _rule("okta-token", "An Okta token", _HIGH, "ssws", r"\bSSWS\s+(?P<value>00[\w-]{38,42})" + _END),
    _rule("firebase-key", "A Firebase messaging key", _HIGH, ":apa91", r"\bAAAA[\w-]{7}:APA91[\w-]{120,180}" + _END),
    _rule("dropbox-token", "A Dropbox token", _HIGH, "sl.", r"(?<![\w.])sl\.(?:u\.)?[\w-]{120,200}" + _END),
    _rule("adafruit-key", "An Adafruit key", _HIGH, "aio_", r"\baio_[A-Za-z0-9]{28}" + _END),
    _rule("pulumi-token", "A Pulumi token", _HIGH, "pul-", r"\bpul-[a-f0-9]{40}" + _END),
    _rule("artifactory-key", "An Artifactory key", _HIGH, "akcp", r"\bAKCp[A-Za-z0-9]{60,75}" + _END),
    _rule("perplexity-key", "A Perplexity key", _HIGH, "pplx-", r"\bpplx-[A-Za-z0-9]{48}" + _END),
    _rule("groq-key", "A Groq key", _HIGH, "gsk_", r"\bgsk_[A-Za-z0-9]{52}" + _END),
    _rule("figma-token", "A Figma token", _HIGH, "figd_", r"\bfigd_[\w-]{40}" + _END),
    _rule("brevo-key", "A Brevo key", _HIGH, "xkeysib-", r"\bxkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}" + _END),
    _rule("airtable-token", "An Airtable token", _HIGH, "pat", r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}" + _END),
    _rule(
        "flyio-token",
        "A Fly.io token",
        _HIGH,
        "fo1_ fm2_",
        r"\b(?:fo1_[\w-]{43}|fm2_[A-Za-z0-9+/]{100,500}={0,3})" + _END,
    ),
    _rule(
        "jwt",
        "A JSON web token",
        _MEDIUM,
        "eyj",
        r"(?<![\w.-])eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,1000}(?![\w-])",
        accepts=_is_jwt,
    ),
    _rule(
        "url-credentials",
        "A password in an address",
        _HIGH,
        "://",
        r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@\"'<>`?#]{0,80}:(?P<value>[^\s/@\"'<>`?#]{3,120})@(?=[\w.\[$%{-])",
        accepts=_is_url_password,
    ),
    _rule(
        "authorization-header",
        "Credentials of an HTTP header",
        _HIGH,
        "bearer",
        r"(?i:\bbearer)[\s:=\"'+]{1,6}(?P<value>[\w.~+/-]{16,2000}={0,2})",
        accepts=_is_credential,
    ),
    _rule(
        "authorization-header",
        "Credentials of an HTTP header",
        _HIGH,
        "basic",
        r"(?i:\bauthorization|\bbasic_?auth|\bauth)[\"']?\]?\s{0,3}[,:=]\s{0,3}[\"']?(?i:basic)\s{1,3}"
        r"(?P<value>[A-Za-z0-9+/]{8,200}={0,2})(?![\w+/])",
        accepts=_is_basic,
    ),
    _rule(
        "authorization-header",
        "Credentials of an HTTP header",
        _HIGH,
        "authorization x-",
        r"(?i:\bauthorization|\bx-[a-z-]{0,24}(?:token|key|secret))[\"']?\]?\s{0,3}[,:=]\s{0,3}[\"']?(?:"
        r"(?i:token|apikey|bearer)[\s=]{1,3})?(?P<value>[\w.~+/-]{16,500}={0,2})",
        accepts=_is_credential,
    ),
    _rule(
        "command-line-credentials",
        "A password on a command line",
        _HIGH,
        "curl wget sshpass",
        r"(?:\bcurl\b[^\n|;]{0,300}?\s(?:-u|--user)[\s=]?[\"']?[^\s:\"']{1,60}:(?P<value>[^\s\"'@]{4,100}))",
        accepts=_is_url_password,
    ),
)
