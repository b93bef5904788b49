"""A tiny model of each family of causal language models that transformers has, with random weights.

transformers' configurations share the names of what makes a model large, so that one table makes nearly all
of them small.
"""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PretrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
from transformers.utils.logging import disable_progress_bar

from support.tiny_model import ONE_AT_A_TIME, byte_tokenizer

TOKENS = 260
"""More than the tokenizer has."""

NOT_MADE = {
    *("blt", "gemma4_unified"),  # Their parts have sizes of their own.
    *("dots3_note", "cohere_compass_text", "gemma4_assistant", "gemma4_unified_assistant"),
    *("mimo_v2_flash", "qwen4_exp", "qwen4_exp_text", "xlstm", "zamba"),  # Need sizes that fit each other.
    *("emu3", "mllama"),  # Saved as a part, whose configuration has a name of its own.
    "gemma3n",  # Needs the package timm.
    *("musicgen", "musicgen_melody"),  # Their class is given the configuration of a part, and fails.
}

LOOK_AHEAD = {"cpmant", "xlnet"}
"""Those that are no causal language models: they see the whole text at once."""

CONTINUE_OTHERWISE = {
    *(
        "camembert",
        "data2vec-text",
        "roberta",
        "roberta-prelayernorm",
        "xlm",
        "xlm-roberta",
        "xlm-roberta-xl",
    ),
    "xmod",
}
"""Families for which transformers counts positions differently when it generates text."""

MADE = sorted(set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) - NOT_MADE)

# fmt: off
SIZES: dict[str, object] = {
    **dict.fromkeys((
        "hidden_size", "d_model", "n_embd", "embed_dim", "dim", "emb_dim", "hidden_dim",
        "word_embed_proj_dim", "embedding_size", "input_embedding_size", "dim_model",
        "attention_hidden_size", "lru_width",
    ), 16),
    **dict.fromkeys((
        "intermediate_size", "ffn_dim", "n_inner", "dff", "dim_ff", "d_inner", "ffn_hidden_size", "inner_dim",
        "encoder_ffn_dim", "decoder_ffn_dim", "feed_forward_size", "moe_intermediate_size", "expert_dim",
        "shared_expert_intermediate_size", "shared_intermediate_size", "intermediate_size_mlp",
        "mlp_hidden_size", "dense_intermediate_size",
    ), 32),
    **dict.fromkeys((
        "num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers",
        "num_encoder_layers", "num_decoder_layers", "num_attention_heads", "n_head", "n_heads", "num_heads",
        "encoder_attention_heads", "decoder_attention_heads", "num_encoder_attention_heads",
        "num_decoder_attention_heads", "num_key_value_heads", "num_kv_heads", "num_experts_per_tok",
        "num_experts_per_token", "moe_k", "moe_top_k", "moe_topk", "linear_num_value_heads",
        "linear_num_key_heads", "index_n_heads",
    ), 2),
    **dict.fromkeys((
        "max_position_embeddings", "n_positions", "max_target_positions", "context_length", "seq_length",
        "max_sequence_length", "max_seq_len", "n_ctx",
    ), 128),
    **dict.fromkeys((
        "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "mamba_n_heads",
        "mamba_num_heads",
    ), 4),
    **dict.fromkeys((
        "head_dim", "kv_lora_rank", "q_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim",
        "mamba_d_state", "mamba_d_head", "mamba_dt_rank", "mamba_headdim", "mamba_head_dim", "state_size",
        "ssm_state_size", "linear_key_head_dim", "linear_value_head_dim", "index_head_dim", "num_mel_bins",
        "hidden_size_per_layer_input",
    ), 8),
    **dict.fromkeys((
        "n_shared_experts", "n_group", "topk_group", "first_k_dense_replace", "mamba_n_groups", "n_groups",
        "mamba_ngroups", "pad_vocab_size_multiple", "bos_token_id",
    ), 1),
    **dict.fromkeys(("vocab_size", "vocab_size_per_layer_input"), TOKENS),
    "max_source_positions": 16, "index_topk": 128,
    "mamba_expand": 2, "sliding_window": 64, "num_nextn_predict_layers": 0,
    "pad_token_id": 0, "eos_token_id": 2, "is_decoder": True,
}

LINEAR = {"layer_types": ["linear_attention", "full_attention"]}
CONVOLVED = {"layer_types": ["conv", "full_attention"]}
SLIDING = {"layer_types": ["sliding_attention", "full_attention"], "num_kv_shared_layers": 0}

OWN: dict[str, dict[str, object]] = {
    **dict.fromkeys(("bailing_hybrid", "kimi_linear", "qwen3_next"), LINEAR),
    **dict.fromkeys(("qwen3_5_moe_text", "qwen3_5_text"), LINEAR),
    **dict.fromkeys(("lfm2", "lfm2_moe", "lfm3"), CONVOLVED),
    "bamba": {"attn_layer_indices": [1]},
    "codegen": {"rotary_dim": 4, "n_head": 4, "n_embd": 32},
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "rope_theta": 1e4, "clip_qkv": 8},
        "ffn_config": {"ffn_hidden_size": 16, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "falcon_h1": {"mamba_d_ssm": 32},
    "gemma3n_text": {**SLIDING, "activation_sparsity_pattern": [0.0, 0.0], "laurel_rank": 4},
    "gemma4_text": {**SLIDING, "hidden_size_per_layer_input": 0, "global_head_dim": 8},
    "gemma4_unified_text": {**SLIDING, "hidden_size_per_layer_input": 0},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]]},
    "gptj": {"rotary_dim": 4},
    "granitemoehybrid": {"layer_types": ["mamba", "attention"]},
    "jamba": {
        "attn_layer_period": 2, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1,
    },
    "longcat_flash": {"expert_ffn_hidden_size": 16, "zero_expert_num": 2, "num_layers": 1},
    "mamba2": {"num_heads": 4, "expand": 2},
    "prophetnet": {"ngram": 2},
    "recurrent_gemma": {"num_hidden_layers": 3, "block_types": ["recurrent", "recurrent", "attention"]},
    "reformer": {
        "axial_pos_embds": False, "attn_layers": ["local", "lsh"], "attention_head_size": 8, "num_buckets": 2,
    },
    "roc_bert": {
        "pronunciation_vocab_size": 10, "shape_vocab_size": 10,
        "pronunciation_embed_dim": 8, "shape_embed_dim": 8,
    },
    "xlm": {"causal": True},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "zamba2": {
        "num_hidden_layers": 3, "layer_types": ["mamba", "hybrid", "mamba"],
        "layers_block_type": ["mamba", "hybrid", "mamba"],
    },
    "zaya": {"num_experts_per_tok": 1},
}
"""What some need beside, by their names in config.json."""
# fmt: on


def make_family(family: str, folder: Path, **settings: object) -> Path:
    """Save a model of this family, the same one each time, with a tokenizer whose tokens are bytes."""
    disable_progress_bar()
    config_class = CONFIG_MAPPING[family]
    config = config_class(**(sizes(config_class) | settings))
    with ONE_AT_A_TIME:
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


def sizes(config_class: type[PretrainedConfig]) -> dict[str, Any]:
    """What makes a configuration small, and those of the parts within it."""
    names = {field.name for field in dataclasses.fields(config_class)}
    small: dict[str, Any] = {name: size for name, size in SIZES.items() if name in names}
    for key, part in config_class.sub_configs_defaults.items():
        is_open = not issubclass(part.config_class, PretrainedConfig)
        part_class = part.get_config_class(part.model_type) if is_open else part.config_class
        small[key] = sizes(part_class) | ({"model_type": part.model_type} if is_open else {})
    return small | OWN.get(config_class.model_type, {})
