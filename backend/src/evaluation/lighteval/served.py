"""The model as lighteval sees it when a server answers: our tokens go out, texts and ratings come back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from lighteval.data import GenerativeTaskDataset
from lighteval.models.abstract_model import ModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.requests import Doc

from src.evaluation.failures import NO_EMBEDDING, Failed
from src.evaluation.lighteval.asked import AskedModel
from src.evaluation.loading.copies import load_a_sound_copy
from src.evaluation.loading.loading import Loaded, load_without_weights
from src.evaluation.loading.model_files import revision
from src.evaluation.progress import ProgressMeter
from src.evaluation.served.client import ServedModel
from src.evaluation.served.connecting import connect
from src.evaluation.served.context import take_the_servers_context
from src.evaluation.served.conversations import check_template
from src.evaluation.served.decoding import drops_a_space
from src.evaluation.served.ratings import Rating
from src.evaluation.served.sampling import preferred, sampling
from src.running.inference import Api
from src.running.job import End, Job

PADDING = -1
"""What lighteval fills the tokens of shorter choices with."""


class ServedConfig(ModelConfig):  # type: ignore[misc]  # lighteval's types are not read.
    """What lighteval's report says about a served model: only what has an effect on its answers.

    The names and the defaults are those of lighteval's `TransformersModelConfig`.
    """

    revision: str
    dtype: str
    override_chat_template: bool
    max_length: int | None = None
    add_special_tokens: bool = True
    skip_special_tokens: bool = True
    multichoice_continuations_start_space: bool | None = None
    pairwise_tokenization: bool = False


class Prompt(NamedTuple):
    """A prompt to continue."""

    tokens: list[int]
    room: int
    """How many tokens the answer may have."""


class Pair(NamedTuple):
    """A choice to rate after its prompt."""

    tokens: list[int]
    """Of both, without those at the beginning that do not fit."""
    start: int
    """Where the choice begins."""


class ModelOnAServer(AskedModel):
    """lighteval's model around one that a server computes.

    The server reads the tokens that lighteval's own model reads, so it gives the same scores. Only where a
    prompt fills the context, it reads one token less: a server needs room for the token after the prompt.
    """

    def __init__(self, job: Job, meter: ProgressMeter, loaded: Loaded, served: ServedModel) -> None:
        """`loaded` is the model without its weights."""
        super().__init__(job, meter, loaded, configuration(job))
        self.served = served
        self._sampling = sampling(preferred(loaded.model.generation_config), seed=None)
        """What the model's generation_config.json has transformers do, too."""
        self._drops_a_space = drops_a_space(self.tokenizer)
        self._vocabulary: int | None = getattr(loaded.model.config.get_text_config(), "vocab_size", None)
        self._longest: int = min(self._max_length, served.context or self._max_length) - 1
        """The most tokens of a prompt."""

    def greedy_until(self, docs: list[Doc]) -> list[ModelResponse]:
        """Return what the model writes after each prompt."""
        self._meter.expect(len(docs))
        if self._job.inference_api is Api.CHAT:
            return self._checked(docs, self._said(docs))
        dataset = GenerativeTaskDataset(requests=docs, num_dataset_splits=None)
        answers = [answer for split in dataset.splits_iterator() for answer in self._written(list(split))]
        return self._checked(docs, dataset.get_original_order(answers))

    def loglikelihood(self, docs: list[Doc]) -> list[ModelResponse]:
        """Return the log-probability of each choice after its prompt."""
        encoded = [
            self.tok_encode_pair(self.prompt_manager.prepare_prompt(doc), doc.choices, pairwise=True)
            for doc in docs
        ]
        pairs = [
            self._pair(doc, *both)
            for doc, (contexts, choices) in zip(docs, encoded, strict=True)
            for both in zip(contexts, choices, strict=True)
        ]
        self._check_tokens([pair.tokens for pair in pairs])
        self._meter.expect(len(pairs))
        ratings = iter(self.served.rate([pair.tokens for pair in pairs], [pair.start for pair in pairs]))
        answers = [_rated(contexts[0], choices, ratings) for contexts, choices in encoded]
        return self._checked(docs, answers)

    def prompt(self, doc: Doc) -> str:
        """Return what the server reads of a question: a text, or in a chat the messages as JSON."""
        if self._job.inference_api is Api.CHAT:
            return json.dumps(self.prompt_manager.prepare_prompt_api(doc), ensure_ascii=False)
        return super().prompt(doc)

    def _pair(self, doc: Doc, context: list[int], choice: list[int]) -> Pair:
        tokens = [*context, *choice][-self._longest :]
        self.truncated += len(tokens) < len(context) + len(choice)
        if not 0 < len(choice) < len(tokens):
            raise self._no_room(doc)
        return Pair(tokens, len(tokens) - len(choice))

    def _check_tokens(self, prompts: Sequence[list[int]]) -> None:
        """Raise `Failed` if a prompt has a token without an embedding, before the server refuses it."""
        if self._vocabulary is not None and any(max(each, default=0) >= self._vocabulary for each in prompts):
            raise Failed(NO_EMBEDDING.format(model=self._job.model))

    def _no_room(self, doc: Doc) -> Failed:
        """Return the failure of a choice that leaves no room for its question, or that has none."""
        if self._longest + 1 < self._max_length:
            return Failed(
                f"The server's context is {self._longest + 1} tokens, too few for a choice of the task "
                f"{doc.task_name}. The leaderboard's owner has to start it with a longer one (vLLM: "
                "--max-model-len); the model is not at fault.",
                End.WORKER,
            )
        return Failed(
            f"A choice of the task {doc.task_name} fills all {self._longest} tokens that {self._job.model} "
            "can read at once, or has no text before it. Submit a model with a longer context, or ask the "
            "leaderboard's owner to remove the task."
        )

    def _written(self, docs: Sequence[Doc]) -> list[ModelResponse]:
        """Return the answers to questions that share all settings, as lighteval's datasets split them."""
        prompts = self._prompts(docs)
        self._check_tokens([prompt.tokens for prompt in prompts])
        texts = self.served.write(
            [prompt.tokens for prompt in prompts],
            max_tokens=[prompt.room for prompt in prompts],
            stop=self._stops(docs[0]),
            **self._sampling,
        )
        return [
            ModelResponse(text=[self._as_decoded_here(text)], input_tokens=prompt.tokens)
            for text, prompt in zip(texts, prompts, strict=True)
        ]

    def _prompts(self, docs: Sequence[Doc]) -> list[Prompt]:
        """Return the tokens of the questions' prompts, cut on the left as lighteval does.

        It allows as many as the first prompt, which is the longest in characters, and its answer have.
        """
        size = docs[0].generation_size
        texts = [self.prompt_manager.prepare_prompt(doc) for doc in docs]
        longest = self._longest
        if size is not None:
            longest = min(longest, len(self.tokenizer(texts[0])["input_ids"]) + size)
        prompts = []
        for text in texts:
            tokens = self.tok_encode(text)
            self.truncated += len(tokens) > self._longest
            if len(tokens) > longest:
                tokens = self.tokenizer(
                    text, truncation=True, max_length=longest, add_special_tokens=self.add_special_tokens
                )["input_ids"]
            room = self._longest + 1 - len(tokens)
            prompts.append(Prompt(tokens, room if size is None else min(room, size)))
        return prompts

    def _stops(self, doc: Doc) -> list[str]:
        """Return the texts that end an answer. In a conversation lighteval has only the end of a text."""
        return [*([] if self.use_chat_template else doc.stop_sequences), self.tokenizer.eos_token]

    def _said(self, docs: Sequence[Doc]) -> list[ModelResponse]:
        """Return the answers in conversations, which the server puts into the model's chat template."""
        texts = self.served.chat(
            [self.prompt_manager.prepare_prompt_api(doc) for doc in docs],
            max_tokens=[self._room_in_a_chat(doc) for doc in docs],
            stop=[self.tokenizer.eos_token],
            **self._sampling,
        )
        return [ModelResponse(text=[self._as_decoded_here(text)]) for text in texts]

    def _as_decoded_here(self, text: str) -> str:
        """Return an answer as lighteval decodes it: alone, and not as a part of the whole text."""
        return text.removeprefix(" ") if self._drops_a_space else text

    def _room_in_a_chat(self, doc: Doc) -> int:
        """Return how many tokens the answer may have. The server makes the prompt's tokens as we do here."""
        prompt = self.prompt_manager.prepare_prompt(doc)
        room = max(1, self._longest + 1 - len(self.tok_encode(prompt, add_special_tokens=False)))
        size: int | None = doc.generation_size
        return room if size is None else min(room, size)


def _rated(context: list[int], choices: Sequence[list[int]], ratings: Iterator[Rating]) -> ModelResponse:
    """Return the next ratings as lighteval has them: sums in single precision, with the choices' tokens."""
    found = [next(ratings) for _ in choices]
    longest = max(map(len, choices))
    return ModelResponse(
        logprobs=[torch.tensor(each.log_probabilities, dtype=torch.float32).sum().item() for each in found],
        argmax_logits_eq_gold=[each.is_greedy for each in found],
        input_tokens=context,
        output_tokens=[[*choice, *[PADDING] * (longest - len(choice))] for choice in choices],
    )


def model_on_a_server(
    job: Job, meter: ProgressMeter, token: str | None, *, needs_ratings: bool
) -> ModelOnAServer:
    """Return the job's model, which its server runs, for lighteval. Raises `Failed`."""
    check_template(job)
    loaded = load_a_sound_copy(job, load_without_weights)
    served = connect(job, token, meter.count, needs_ratings=needs_ratings)
    take_the_servers_context(job, loaded.model, served)
    return ModelOnAServer(job, meter, loaded, served)


def configuration(job: Job) -> ServedConfig:
    """Return what lighteval's report says about the model."""
    return ServedConfig(
        model_name=job.model,
        revision=revision(job),
        dtype=job.precision,
        override_chat_template=job.use_chat_template,
    )
