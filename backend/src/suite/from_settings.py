"""The suite that the settings describe, as far as each engine knows them."""

from __future__ import annotations

from src.running.inference import Api, Inference
from src.running.suite import SETTINGS, EngineName, NamedTasks, Suite, read_tasks, read_tasks_of_lighteval
from src.settings import Settings
from src.shared.errors import ConfigurationError

THINKING_HAS_NO_END = (
    "ENABLE_THINKING is True, but THINK_END_TOKEN is not set, so a model's thoughts would count as its "
    "answer. Set THINK_END_TOKEN to what ends them, such as </think>."
)
ONLY_OF_LM_EVAL = (
    "{} is a setting of lm_eval, but ENGINE is lighteval, which does not know it. Remove it, or set ENGINE "
    "to lm_eval."
)
NO_FRACTIONS = (
    "LIMIT is {}, but lighteval takes a whole number of questions: write one, such as 100, or leave it unset."
)

NOT_OF_A_SERVER = (
    "{}, which has no meaning where a server runs the models (INFERENCE, INFERENCE_API). Remove it, or set "
    "INFERENCE to local."
)
OF_A_MODEL_HERE = {
    *("attn_implementation", "parallelize", "softmax_dtype", "mixed_precision_dtype"),
    *("logits_cache", "max_batch_size", "truncation"),
}
"""Arguments of a model that this worker computes."""

OF_PROMPTS_MADE_HERE = {"add_bos_token", "prefix_token_id"}
"""Arguments of prompts that go to a server as tokens, and not as a conversation."""

THINKING_ENDS_IN_A_NUMBER = (
    "THINK_END_TOKEN is {}, the number of a token, but a server answers with text. Set it to a text such as "
    "</think>."
)


def make_suite(settings: Settings) -> Suite:
    """Return the suite that the settings describe. Raises ConfigurationError."""
    is_lighteval = settings.engine is EngineName.LIGHTEVAL
    tasks = _tasks_of_lighteval(settings) if is_lighteval else _tasks_of_lm_eval(settings)
    suite = Suite(
        engine=settings.engine,
        tasks=tasks.names,
        tasks_dir=settings.tasks_dir,
        num_fewshot=None if is_lighteval else settings.num_fewshot,
        fewshot_by_task=tasks.fewshot_by_task,
        limit=settings.limit,
        batch_size=settings.batch_size,
        device=settings.devices[0],
        confirm_run_unsafe_code=settings.confirm_run_unsafe_code,
        publish_examples=settings.publish_examples,
        save_samples=settings.save_samples,
        adapters=settings.adapters and not is_lighteval,
        **{name: getattr(settings, name) for name in SETTINGS},
    )
    check_served(suite)
    return suite


def check_served(suite: Suite) -> None:
    """Raise ConfigurationError if a server runs the models, and a setting has no meaning for one."""
    if suite.inference is Inference.LOCAL:
        return
    is_chat = suite.inference_api is Api.CHAT
    without_meaning = OF_A_MODEL_HERE | (OF_PROMPTS_MADE_HERE if is_chat else set())
    if lost := next((name for name in suite.model_args or {} if name in without_meaning), None):
        raise ConfigurationError(NOT_OF_A_SERVER.format(f"MODEL_ARGS has `{lost}`"))
    if is_chat and suite.chat_template_name is not None:
        raise ConfigurationError(NOT_OF_A_SERVER.format("CHAT_TEMPLATE_NAME is set"))
    if suite.think_end_token is not None and suite.think_end_token.isdigit():
        raise ConfigurationError(THINKING_ENDS_IN_A_NUMBER.format(suite.think_end_token))


def _tasks_of_lm_eval(settings: Settings) -> NamedTasks:
    if settings.enable_thinking and settings.think_end_token is None:
        raise ConfigurationError(THINKING_HAS_NO_END)
    return read_tasks(settings.tasks_harness)


def _tasks_of_lighteval(settings: Settings) -> NamedTasks:
    for name in SETTINGS:
        if getattr(settings, name) != getattr(Settings, name):
            raise ConfigurationError(ONLY_OF_LM_EVAL.format(name.upper()))
    if settings.limit is not None and settings.limit != int(settings.limit):
        raise ConfigurationError(NO_FRACTIONS.format(settings.limit))
    return read_tasks_of_lighteval(settings.tasks_lighteval, settings.num_fewshot)
