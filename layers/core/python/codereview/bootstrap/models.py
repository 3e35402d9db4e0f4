"""Language models, as a deployment names them."""

from codereview.adapters.aws.secrets import Secrets
from codereview.adapters.circuit import Circuit
from codereview.adapters.models.circuit import CircuitModel
from codereview.adapters.models.counted import CountedModel
from codereview.adapters.models.selection import language_model
from codereview.adapters.system import SystemClock
from codereview.domain.metrics import Tally
from codereview.domain.prices import TokenPrices
from codereview.model_ports import LanguageModel
from codereview.settings import ReviewerSettings


def deployed_model(
    settings: ReviewerSettings, spec: str, secrets: Secrets, *, tally: Tally, prices: TokenPrices | None
) -> LanguageModel:
    """Open a model of the deployment; only those that need a key make us read one."""
    api_key = secrets.read(settings.model_secret_arn, "api_key")["api_key"] if needs_key(spec) else None
    model = language_model(spec, api_key=api_key, bedrock_endpoint_url=settings.bedrock_endpoint_url)
    return CircuitModel(CountedModel(model, tally, prices), Circuit(SystemClock(), name="the language model"))


def needs_key(spec: str) -> bool:
    """Whether the model's provider asks for a key; AWS's takes the role's."""
    return spec.startswith(("anthropic:", "openai:"))
