"""The formats that give a secret away, one table for whoever masks them and whoever reports them.

Every expression is linear in the text: it starts with a literal behind a boundary, its repetitions are bounded, and
where two of them touch they are possessive. A keyword, in lower case, spares most texts the expression altogether.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPattern:
    """One format. `group` of the match is the secret; the rest of it is what the secret was recognised by.

    `keywords`: at least one stands in every text that the expression matches, compared in lower case.
    `min_entropy`: bits a character that the secret must have; 0 asks nothing.
    """

    id: str
    title: str
    regex: re.Pattern[str]
    keywords: tuple[str, ...]
    min_entropy: float = 0.0
    group: int = 0


@dataclass(frozen=True, slots=True)
class SecretMatch:
    """A secret in a text, from `start` up to, not including, `end`."""

    pattern: SecretPattern
    start: int
    end: int


def _token(pattern_id: str, title: str, body: str, *keywords: str, min_entropy: float = 3.0) -> SecretPattern:
    """Describe a token that stands alone: no letter, digit or underscore touches it on the left."""
    regex = re.compile(rf"(?<![A-Za-z0-9_])(?:{body})", re.ASCII)
    return SecretPattern(id=pattern_id, title=title, regex=regex, keywords=keywords, min_entropy=min_entropy)


def _named(pattern_id: str, title: str, body: str, *keywords: str, min_entropy: float = 3.0) -> SecretPattern:
    """Describe a secret (group 1) that only its surroundings give away; upper and lower case are the same."""
    regex = re.compile(body, re.ASCII | re.IGNORECASE)
    return SecretPattern(id=pattern_id, title=title, regex=regex, keywords=keywords, min_entropy=min_entropy, group=1)


def entropy(text: str) -> float:
    """Return Shannon's entropy in bits a character; 0 for the empty text."""
    length = len(text)
    return -sum(count / length * math.log2(count / length) for count in Counter(text).values())


def find_secrets(text: str) -> Iterator[SecretMatch]:
    """Yield every match of every pattern, pattern by pattern; matches of different patterns may overlap."""
    for pattern in _possible(text):
        for match in pattern.regex.finditer(text):
            secret = match.group(pattern.group)
            if not pattern.min_entropy or entropy(secret) >= pattern.min_entropy:
                yield SecretMatch(pattern, *match.span(pattern.group))


def _possible(text: str) -> list[SecretPattern]:
    """Return the patterns of which a keyword stands in the text, in the table's order."""
    lowered = text.lower()
    places = {place for keyword, found in _PLACES.items() if keyword in lowered for place in found}
    return [SECRET_PATTERNS[place] for place in sorted(places)]


# What may stand between a name and its value: `: `, ` = "`, `" => '`, `":"`.
_GIVEN = r"""["'\]]{0,2}[ \t]{0,4}(?:=>|:=|=|:|,)[ \t]{0,4}[brf]{0,2}\\?["']?"""
# What may stand on a line before key material: a diff row's number and sign, quotes, comment signs.
_LINE_LEAD = r"[ \t\d+\-\"'`>#*/|]{0,40}+"
# A line of a key block. Code is none, so that nobody hides code from a reviewer by writing it between the two ends.
_KEY_LINE = (
    rf"\r?\n{_LINE_LEAD}(?:(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash):[^\n]{{0,100}}|[A-Za-z0-9+/=]{{0,80}}+)"
    r"[\"'`\\nr+,; \t]{0,12}+(?=\r?\n|\Z)"
)
_BASE64_LINE = r"\r?\n[^\n]{0,40}?[A-Za-z0-9+/=]{40,80}+[^\n]{0,12}"

SECRET_PATTERNS: tuple[SecretPattern, ...] = (
    # Keys as blocks.
    SecretPattern(
        id="private-key",
        title="Private key",
        regex=re.compile(
            r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----(?=[\s\S]{0,200}?[A-Za-z0-9+/=]{24})"
            rf"(?:(?:{_KEY_LINE}){{1,400}}+(?:\r?\n[^\n]{{0,40}}?(?=-----END))?"
            r"|(?:(?: |\\{1,2}[nr])*+[A-Za-z0-9+/=]{16,8000}+){1,400}+)"
            r"(?:(?:\\{1,2}[nr])*+[A-Za-z0-9+/=]{0,16}(?: |\\{1,2}[nr])*+"
            r"-----END[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"
        ),
        keywords=("private key",),
    ),
    SecretPattern(
        id="putty-private-key",
        title="PuTTY private key",
        regex=re.compile(rf"Private-Lines: ?\d{{1,4}}(?:{_BASE64_LINE}){{1,400}}"),
        keywords=("private-lines",),
    ),
    _token("age-secret-key", "age secret key", r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", "age-secret"),
    # Clouds.
    _token(
        "aws-access-key",
        "AWS access key",
        r"(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z2-7]{16}(?![A-Za-z0-9])",
        "akia",
        "asia",
        "abia",
        "acca",
        "a3t",
        min_entropy=2.5,
    ),
    _named(
        "aws-secret-key",
        "AWS secret access key",
        rf"(?:aws|secret)[\w.-]{{0,24}}key{_GIVEN}([A-Za-z0-9/+]{{40}})(?![A-Za-z0-9/+=])",
        "aws",
        "secret",
        min_entropy=3.5,
    ),
    _named(
        "aws-session-token",
        "AWS session token",
        rf"session_?token{_GIVEN}([A-Za-z0-9/+=]{{100,2000}}+)",
        "session_token",
        "sessiontoken",
        min_entropy=4.0,
    ),
    _token("aws-bedrock-key", "Amazon Bedrock API key", r"ABSK[A-Za-z0-9+/]{100,300}={0,2}", "absk"),
    _token("google-api-key", "Google API key", r"AIza[\w-]{35}(?![\w-])", "aiza"),
    _token("google-oauth-secret", "Google OAuth client secret", r"GOCSPX-[\w-]{28}", "gocspx-"),
    _token("google-oauth-token", "Google OAuth access token", r"ya29\.[\w-]{20,1024}+", "ya29."),
    _token("google-refresh-token", "Google OAuth refresh token", r"1//0[\w-]{40,200}+", "1//0"),
    _named("azure-storage-key", "Azure storage key", rf"AccountKey{_GIVEN}([A-Za-z0-9+/]{{86}}==)", "accountkey"),
    _named(
        "azure-shared-access-key",
        "Azure shared access key",
        rf"SharedAccess(?:Key|Signature){_GIVEN}([A-Za-z0-9+/%&=.:_-]{{40,400}}+)",
        "sharedaccess",
    ),
    _named("azure-sas-signature", "Azure SAS signature", r"[?&]sig=([A-Za-z0-9+/%]{40,100}(?:=|%3D){0,2})", "sig="),
    _token("azure-client-secret", "Azure AD client secret", r"[A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31,34}", "q~"),
    _token("azure-devops-token", "Azure DevOps token", r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}", "azdo"),
    _token("digitalocean-token", "DigitalOcean token", r"do[opr]_v1_[a-f0-9]{64}", "_v1_"),
    _token("alibaba-access-key", "Alibaba Cloud access key", r"LTAI[A-Za-z0-9]{12,26}(?![A-Za-z0-9])", "ltai"),
    _token("heroku-key", "Heroku API key", r"HRKU-[\w-]{36,80}+", "hrku-"),
    _token(
        "fly-token", "Fly.io token", r"fm[12][ar]?_[A-Za-z0-9+/]{100,2000}={0,3}|fo1_[\w-]{43}", "fm1", "fm2", "fo1_"
    ),
    _token("databricks-token", "Databricks token", r"dapi[a-f0-9]{32}(?:-\d)?", "dapi"),
    _token("cloudflare-origin-key", "Cloudflare origin CA key", r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}", "v1.0-"),
    _token("vault-token", "HashiCorp Vault token", r"hv[sbr]\.[\w-]{24,300}+", "hvs.", "hvb.", "hvr."),
    _token("terraform-token", "Terraform Cloud token", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,80}", "atlasv1"),
    _token("pulumi-token", "Pulumi token", r"pul-[a-f0-9]{40}", "pul-"),
    _token("tailscale-key", "Tailscale key", r"tskey-[a-z]{2,12}-[\w-]{20,80}+", "tskey-"),
    _token("netlify-token", "Netlify token", r"nf[pcou]_[A-Za-z0-9]{36}", "nfp_", "nfc_", "nfo_", "nfu_"),
    _token("supabase-key", "Supabase key", r"sbp_[a-f0-9]{40}|sb_secret_[\w-]{20,60}+", "sbp_", "sb_secret_"),
    _token("planetscale-token", "PlanetScale token", r"pscale_(?:tkn|pw|oauth)_[\w=.-]{32,64}", "pscale_"),
    # Where code lives, is built and is shipped.
    _token("github-token", "GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,255}+", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _token("github-fine-grained-token", "GitHub fine-grained token", r"github_pat_\w{60,255}+", "github_pat_"),
    _token("gitlab-token", "GitLab token", r"gl(?:pat|dt|rt|ptt|cbt|ft|soat|agent|imt|ffct|oas)-[\w.-]{20,300}+", "gl"),
    _token("gitlab-runner-registration", "GitLab runner registration token", r"GR1348941[\w-]{20}", "gr1348941"),
    _token(
        "atlassian-token",
        "Atlassian API token",
        r"AT[AC]TT3[\w=-]{60,400}+|ATBB[A-Za-z0-9]{32}",
        "attt3",
        "atctt3",
        "atatt3",
        "atbb",
    ),
    _token("npm-token", "npm token", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _token("pypi-token", "PyPI token", r"pypi-AgE[\w-]{50,1000}+", "pypi-age"),
    _token("rubygems-token", "RubyGems key", r"rubygems_[a-f0-9]{48}", "rubygems_"),
    _token("nuget-key", "NuGet key", r"oy2[a-z0-9]{43}(?![A-Za-z0-9])", "oy2"),
    _token("crates-token", "crates.io token", r"cio[A-Za-z0-9]{32}(?![A-Za-z0-9])", "cio"),
    _token("docker-token", "Docker Hub token", r"dckr_[op]at_[\w-]{24,80}+", "dckr_"),
    _token(
        "artifactory-token",
        "Artifactory token",
        r"AKCp\d[A-Za-z0-9]{60,80}|cmVmdGtu[A-Za-z0-9]{50,80}",
        "akcp",
        "cmvmdgtu",
    ),
    _token("sonar-token", "SonarQube token", r"sq[pua]_[a-f0-9]{40}", "sqp_", "squ_", "sqa_"),
    _token("doppler-token", "Doppler token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,100}+", "dp."),
    _token("postman-key", "Postman API key", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}", "pmak-"),
    _token(
        "launchdarkly-key",
        "LaunchDarkly key",
        r"(?:sdk|api)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
        "sdk-",
        "api-",
    ),
    _token("sentry-token", "Sentry token", r"sntry[su]_[\w=+/.-]{40,400}+", "sntrys_", "sntryu_"),
    _token(
        "grafana-token",
        "Grafana token",
        r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,2}",
        "glsa_",
        "glc_",
    ),
    _token("new-relic-key", "New Relic key", r"NR(?:AK|II|AA|BR|IQ|RA|SP|JS)-[A-Za-z0-9_-]{19,64}+", "nr"),
    _token("dynatrace-token", "Dynatrace token", r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}", "dt0"),
    # Language models.
    _token(
        "openai-key", "OpenAI key", r"sk-(?:proj-|svcacct-|admin-)?[\w-]{20,120}?T3BlbkFJ[\w-]{20,120}+", "t3blbkfj"
    ),
    _token("openai-project-key", "OpenAI project key", r"sk-(?:proj|svcacct|admin)-[\w-]{40,200}+", "sk-"),
    _token("anthropic-key", "Anthropic key", r"sk-ant-[a-z]{3,8}\d\d-[\w-]{40,200}+", "sk-ant-"),
    _token("openrouter-key", "OpenRouter key", r"sk-or-v1-[a-f0-9]{64}", "sk-or-"),
    _token(
        "hugging-face-token", "Hugging Face token", r"(?:hf|api_org)_[A-Za-z]{34}(?![A-Za-z0-9])", "hf_", "api_org_"
    ),
    _token("replicate-token", "Replicate token", r"r8_[A-Za-z0-9]{37}", "r8_"),
    _token("groq-key", "Groq key", r"gsk_[A-Za-z0-9]{52}", "gsk_"),
    _token("xai-key", "xAI key", r"xai-[A-Za-z0-9]{80}", "xai-"),
    _token("perplexity-key", "Perplexity key", r"pplx-[A-Za-z0-9]{48}", "pplx-"),
    # Money, mail and messages.
    _token(
        "stripe-key", "Stripe key", r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{10,200}+", "k_live_", "k_test_", "k_prod_"
    ),
    _token("webhook-secret", "Webhook signing secret", r"whsec_[A-Za-z0-9+/]{24,100}={0,2}", "whsec_"),
    _token(
        "square-token",
        "Square token",
        r"(?:EAAA|sq0(?:atp|csp)-)[\w-]{22,80}+(?![\w-])",
        "eaaa",
        "sq0",
        min_entropy=3.5,
    ),
    _token(
        "braintree-token",
        "Braintree token",
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
        "access_token$",
    ),
    _token("shopify-token", "Shopify token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", "shp"),
    _token("sendgrid-key", "SendGrid key", r"SG\.[\w-]{20,24}\.[\w-]{39,50}", "sg."),
    _token("mailgun-key", "Mailgun key", r"(?:pub)?key-[0-9a-f]{32}(?![0-9a-f])", "key-"),
    _token("mailchimp-key", "Mailchimp key", r"[0-9a-f]{32}-us\d{1,2}(?!\d)", "-us"),
    _token("brevo-key", "Brevo key", r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}", "xkeysib-"),
    _token("twilio-key", "Twilio key", r"SK[0-9a-f]{32}(?![0-9A-Za-z])", "sk"),
    _token("slack-token", "Slack token", r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}+", "xox", min_entropy=2.5),
    _token("slack-app-token", "Slack app token", r"xapp-\d-[A-Z0-9]{8,16}-\d{8,16}-[a-f0-9]{40,80}", "xapp-"),
    _named(
        "slack-webhook",
        "Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{30,100}+)",
        "hooks.slack.com",
    ),
    _named(
        "discord-webhook",
        "Discord webhook",
        r"discord(?:app)?\.com/api/webhooks/\d{17,20}/([\w-]{60,80})",
        "api/webhooks",
    ),
    _named(
        "teams-webhook",
        "Microsoft Teams webhook",
        r"webhook\.office\.com/webhookb2/([\w@-]{30,100}/IncomingWebhook/[\w/-]{30,100}+)",
        "webhook.office.com",
    ),
    _token(
        "discord-token",
        "Discord bot token",
        r"[MNO][A-Za-z\d]{23,25}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])",
        ".",
        min_entropy=4.0,
    ),
    _token("telegram-token", "Telegram bot token", r"\d{8,10}:AA[\w-]{33}(?![\w-])", ":aa"),
    # Services that teams write with.
    _token("linear-key", "Linear key", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,64}+", "lin_"),
    _token(
        "notion-token",
        "Notion token",
        r"ntn_\d{11}[A-Za-z0-9]{35}|secret_[A-Za-z0-9]{43}(?![A-Za-z0-9])",
        "ntn_",
        "secret_",
    ),
    _token("airtable-token", "Airtable token", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}", "pat"),
    _token("figma-token", "Figma token", r"fig[dou]_[\w-]{40,64}+", "figd_", "figo_", "figu_"),
    _token("contentful-token", "Contentful token", r"CFPAT-[\w-]{43}", "cfpat-"),
    _token(
        "hubspot-token",
        "HubSpot token",
        r"pat-(?:na|eu)\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "pat-na",
        "pat-eu",
    ),
    _token("dropbox-token", "Dropbox token", r"sl\.(?:u\.)?[\w-]{120,1500}+", "sl."),
    _token("mapbox-secret", "Mapbox secret token", r"sk\.eyJ[\w-]{40,200}+\.[\w-]{20,60}+", "sk.eyj"),
    _token(
        "facebook-token", "Facebook access token", r"EAA[A-Za-z0-9]{100,400}+(?![A-Za-z0-9])", "eaa", min_entropy=4.0
    ),
    # Formats of no one service.
    _token("jwt", "JSON web token", r"eyJ[\w-]{14,4096}+\.eyJ[\w-]{8,8192}+\.[\w-]{16,2048}+", "eyj", min_entropy=4.0),
    _named(
        "url-credentials",
        "Password in a URL",
        r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}+://[^\s/:@\"'`<>\[\]{}$]{0,100}+:"
        r"(?!(?:\*+|x+|\.+|pass(?:word)?|pwd|secret|token|user(?:name)?)@)([^\s/@\"'`<>\[\]{}$]{3,200}+)@[\w\[%]",
        "://",
        min_entropy=1.5,
    ),
    _named(
        "authorization-basic",
        "Authorization header (basic)",
        r"\bbasic[ \t]{1,3}([A-Za-z0-9+/]{12,400}+={0,2})(?![\w-])",
        "basic",
        min_entropy=3.2,
    ),
    _named(
        "authorization-bearer",
        "Authorization header (bearer)",
        r"\b(?:bearer|authorization[\"']?[ \t]{0,3}[:=,][ \t]{0,3}[\"']?(?:token|apikey|api-key|ssws))"
        r"[ \t]{1,3}([\w.~+/-]{20,2000}+={0,2})",
        "bearer",
        "authorization",
        min_entropy=3.5,
    ),
    _named(
        "npmrc-auth",
        "npm registry credentials",
        r"_(?:auth|authToken|password)[ \t]{0,3}=[ \t]{0,3}[\"']?([\w+/=.-]{16,300}+)",
        "_auth",
        "_password",
    ),
    _named(
        "netrc-password",
        "Password in a netrc file",
        r"\blogin[ \t]{1,4}\S{1,100}[ \t]{1,4}password[ \t]{1,4}(\S{6,200})",
        "password",
        min_entropy=2.0,
    ),
    _named(
        "docker-auth",
        "Docker registry credentials",
        r"\"auth\"[ \t]{0,3}:[ \t]{0,3}\"([A-Za-z0-9+/]{16,400}+={0,2})\"",
        '"auth"',
    ),
    _named(
        "command-line-password",
        "Password on a command line",
        r"\b(?:curl|wget|http|mysql|mysqldump|sshpass)\b[^\n|;&]{0,200}?[ \t](?:-u|--user|-p|--password)[ =]?[\"']?"
        r"[\w.@-]{0,60}:([^\s\"'`$<>{}\[\]:]{6,100}+)",
        "curl",
        "wget",
        "http",
        "mysql",
        "sshpass",
        min_entropy=2.2,
    ),
    _named(
        "assigned-password",
        "Password in the code",
        r"(?:passwo?r?d|passwd|passphrase|pwd)[\w-]{0,20}[\"'\]]{0,2}[ \t]{0,8}"
        r"(?:=>|:=|(?<![=!<>])=(?!=)|:)[ \t]{0,8}[brf]{0,2}\\?[\"']"
        r"(?!\[masked )(?=[^\"'\s]{0,100}[\d!@#%^&*?+~=])(?=[^\"'\s]{0,100}[a-z])([^\"'\s$<>{}\\]{8,200}+)\\?[\"']",
        "passw",
        "passphrase",
        "pwd",
        "password",
        min_entropy=2.5,
    ),
    _named(
        "assigned-secret",
        "Secret in the code",
        r"(?:secret|token|credential|(?:api|access|auth|account|private|encryption|signing|master|storage|client|service|app)[_.-]?key)"
        r"[\w-]{0,20}[\"'\]]{0,2}[ \t]{0,8}(?:=>|:=|(?<![=!<>])=(?!=)|:)[ \t]{0,8}[brf]{0,2}\\?[\"']"
        r"(?=[^\"'\s]{0,100}\d)(?=[^\"'\s]{0,100}[a-z])([\w+/.=~-]{16,500}+)\\?[\"']",
        "secret",
        "token",
        "credential",
        "key",
        min_entropy=3.3,
    ),
)

# By keyword, where the patterns that have it stand in the table.
_PLACES = defaultdict[str, list[int]](list)
for _place, _pattern in enumerate(SECRET_PATTERNS):
    for _keyword in _pattern.keywords:
        _PLACES[_keyword].append(_place)
