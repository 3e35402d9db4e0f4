"""A model, asked the least that shows that it answers."""

from datetime import timedelta

from codereview.adapters.models.selection import language_model
from codereview.model_ports import ModelAnswer, ModelRequest

_PATIENCE = timedelta(seconds=30)
_QUESTION = ModelRequest(
    agent="doctor",
    rules="Answer with an empty JSON object.",
    change="",
    task="Answer {}.",
    schema={"type": "object", "properties": {}, "additionalProperties": False},
    max_output_tokens=16,
)


def try_model(spec: str, *, api_key: str | None, bedrock_endpoint_url: str | None = None) -> ModelAnswer:
    """Ask the model that `spec` names."""
    model = language_model(spec, api_key=api_key, bedrock_endpoint_url=bedrock_endpoint_url)
    return model.answer(_QUESTION, deadline=_PATIENCE)
