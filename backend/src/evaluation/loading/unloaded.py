"""A model whose weights are on a server: what engines read of a model besides its answers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Unloaded:
    """Stands in the place of a transformers model. It has its configurations and computes nothing."""

    device = torch.device("cpu")
    """Where prompts are made."""

    def __init__(self, config: Any, generation_config: Any, name: str) -> None:
        self.config = config
        self.generation_config = generation_config
        self.name_or_path = name

    def get_input_embeddings(self) -> Any:
        """Return embeddings for as many tokens as the model has, without their numbers."""
        return nn.Embedding(self.config.get_text_config().vocab_size, 1, device="meta")
