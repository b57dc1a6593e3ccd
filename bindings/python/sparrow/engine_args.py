"""Every engine argument of vLLM in one table: used here, without meaning here, or refused.

vLLM's arguments are about GPUs, several machines and models in many formats. What cannot change an
answer is accepted and noted once in the log; what could is refused unless it says what happens
anyway.
"""

from __future__ import annotations

import argparse
import json
import logging
import pathlib
from typing import Any, Dict, List, NamedTuple, Set, Tuple

logger = logging.getLogger("sparrow")


class EngineArgument(NamedTuple):
    """One row. kind: used, ignored or refused. allowed: values that pass without a word, beside the
    empty ones (None, False, "", "auto", [], {})."""

    name: str
    kind: str
    reason: str
    allowed: Tuple[Any, ...] = ()


def _rows(kind: str, reason: str, *names: str, allowed: Tuple[Any, ...] = ()) -> List[EngineArgument]:
    return [EngineArgument(name, kind, reason, allowed) for name in names]


_ONE_MACHINE = "one process computes with all of this machine's cores"
_GPU = "there is no GPU here"
_TEXT_ONLY = "only text is read"
_GGUF = "a GGUF file holds the weights, their types and the configuration"

ENGINE_ARGUMENTS: Dict[str, EngineArgument] = {
    row.name: row
    for row in [
        *_rows("used", "a .gguf file, a folder that holds one, or a name, alias or hub's id of the catalog", "model"),
        *_rows("used", "the context of one request, in tokens", "max_model_len"),
        *_rows("used", "auto, float16, bfloat16, float32, q8_0 or q4_0", "kv_cache_dtype"),
        *_rows("used", "of what requests without a seed draw; None: random", "seed"),
        *_rows("used", "requests that run at once; others wait", "max_num_seqs"),
        *_rows("used", "for the keys and values of all requests; None: half of free memory", "kv_cache_memory_bytes"),
        *_rows("used", "a bar while a model is pulled", "use_tqdm_on_load"),
        *_rows("used", "auto: the model's sampling defaults; vllm: vLLM's", "generation_config"),
        *_rows("used", "changes to the sampling defaults", "override_generation_config"),
        *_rows("used", "accepted: a GGUF keeps its own types", "dtype"),
        *_rows("used", "pooling_type of embeddings: LAST, MEAN or CLS", "pooler_config", "override_pooler_config"),
        *_rows("used", "longer contexts: rope_scaling or rope_parameters, Hugging Face's object", "hf_overrides"),
        *_rows("used", "the same object by itself", "rope_scaling"),
        # sparrow's own
        *_rows("used", "threads that compute; 0: one a physical core", "thread_count"),
        *_rows("used", "of matrix products: auto, f32 or quantized", "activations"),
        *_rows("used", "whether a model of the catalog that is not here is downloaded", "may_pull"),
        # What would change the answer.
        *_rows(
            "refused",
            f"{_ONE_MACHINE}, so it must be 1",
            "tensor_parallel_size",
            "pipeline_parallel_size",
            "data_parallel_size",
            "prefill_context_parallel_size",
            "decode_context_parallel_size",
            "nnodes",
            allowed=(1,),
        ),
        *_rows(
            "refused",
            f"{_GGUF}; another quantization is another file",
            "quantization",
            allowed=("gguf",),
        ),
        *_rows("refused", "only GGUF files are loaded", "load_format", "config_format", allowed=("gguf",)),
        *_rows(
            "refused",
            _GGUF,
            "hf_config_path",
            "model_weights",
            "revision",
            "code_revision",
            "tokenizer_revision",
            "rope_theta",
            "quantization_param_path",
            "override_neuron_config",
            "override_attention_dtype",
            "weight_transfer_config",
            allowed=("main",),
        ),
        *_rows("refused", "the model file's own tokenizer is used", "tokenizer"),
        *_rows("refused", "the model file's own tokenizer is used", "tokenizer_mode", allowed=("fast", "hf")),
        *_rows("refused", "prompts are read by the tokenizer", "skip_tokenizer_init", "tokens_only"),
        *_rows("refused", "every model generates and embeds", "runner", allowed=("generate", "pooling")),
        *_rows("refused", "every model generates and embeds", "task", allowed=("generate", "embed")),
        *_rows("refused", "every model generates and embeds", "convert", allowed=("none", "embed")),
        *_rows("refused", "the implementation is sparrow's", "model_impl", allowed=("vllm",)),
        *_rows("refused", "prompts are texts or token ids", "default_mm_loras"),
        *_rows("refused", "adapters have no biases", "enable_lora_bias"),
        *_rows("refused", "logprobs are raw_logprobs", "logprobs_mode", allowed=("raw_logprobs",)),
        *_rows("refused", "the sampler runs outside Python", "logits_processors", "logits_processor_pattern"),
        *_rows("refused", "prompts are texts or token ids", "enable_prompt_embeds", "enable_mm_embeds"),
        *_rows("refused", "a mixture's routing is not reported", "enable_return_routed_experts"),
        *_rows("refused", "sliding windows are the model's", "disable_sliding_window"),
        *_rows(
            "refused",
            "keys and values are stored as kv_cache_dtype says, without scales",
            "calculate_kv_scales",
            "kv_sharing_fast_prefill",
            "kv_cache_dtype_skip_layers",
        ),
        *_rows("refused", "there are no other executors or workers", "worker_cls", "worker_extension_cls"),
        *_rows("refused", "there is one scheduler", "scheduler_cls"),
        *_rows(
            "refused",
            "requests come in order of arrival, and by priority",
            "scheduling_policy",
            allowed=("fcfs", "priority"),
        ),
        *_rows(
            "refused",
            "at most 20 of the most likely tokens are reported",
            "max_logprobs",
            allowed=tuple(range(21)),
        ),
        # What could not.
        *_rows(
            "ignored",
            _GPU,
            "gpu_memory_utilization",
            "gpu_memory_utilization_gb",
            "enforce_eager",
            "swap_space",
            "cpu_offload_gb",
            "cpu_offload_params",
            "offload_backend",
            "offload_group_size",
            "offload_num_in_group",
            "offload_prefetch_step",
            "offload_params",
            "moe_backend",
            "linear_backend",
            "kernel_config",
            "max_seq_len_to_capture",
            "max_context_len_to_capture",
            "cudagraph_capture_sizes",
            "max_cudagraph_capture_size",
            "compilation_config",
            "optimization_level",
            "performance_mode",
            "attention_config",
            "attention_backend",
            "disable_cascade_attn",
            "device",
            "num_gpu_blocks_override",
            "kv_offloading_size",
            "kv_offloading_backend",
            "enable_sleep_mode",
            "mamba_cache_dtype",
            "mamba_ssm_cache_dtype",
            "mamba_block_size",
            "mamba_cache_mode",
            "mamba_backend",
            "mamba_config",
            "mamba_ssm_cache_dtype_rounding",
            "disable_hybrid_kv_cache_manager",
        ),
        *_rows(
            "ignored",
            _ONE_MACHINE,
            "distributed_executor_backend",
            "worker_use_ray",
            "ray_workers_use_nsight",
            "placement_group",
            "numa_bind",
            "numa_bind_nodes",
            "numa_bind_cpus",
            "master_addr",
            "master_port",
            "node_rank",
            "distributed_timeout_seconds",
            "max_parallel_loading_workers",
            "disable_custom_all_reduce",
            "enable_expert_parallel",
            "all2all_backend",
            "enable_dbo",
            "ubatch_size",
            "dbo_decode_token_threshold",
            "dbo_prefill_token_threshold",
            "disable_nccl_for_dp_synchronization",
            "enable_eplb",
            "eplb_config",
            "enable_ep_weight_filter",
            "expert_placement_strategy",
            "num_redundant_experts",
            "eplb_window_size",
            "eplb_step_interval",
            "eplb_log_balancedness",
            "data_parallel_rank",
            "data_parallel_start_rank",
            "data_parallel_size_local",
            "data_parallel_address",
            "data_parallel_rpc_port",
            "data_parallel_hybrid_lb",
            "data_parallel_external_lb",
            "data_parallel_backend",
            "dcp_kv_cache_interleave_size",
            "dcp_comm_backend",
            "cp_kv_cache_interleave_size",
            "kv_transfer_config",
            "kv_events_config",
            "ec_transfer_config",
            "afd_config",
            "enable_fault_tolerance",
            "engine_recovery_timeout",
            "internal_fault_report_port",
            "external_fault_notify_port",
            "gloo_comm_timeout",
            "shutdown_on_fault_tolerance_failure",
            "fail_on_environ_validation",
            "shutdown_timeout",
            "tokenizer_pool_size",
            "tokenizer_pool_type",
            "tokenizer_pool_extra_config",
        ),
        *_rows(
            "ignored",
            _TEXT_ONLY,
            "allowed_local_media_path",
            "allowed_media_domains",
            "limit_mm_per_prompt",
            "interleave_mm_strings",
            "media_io_kwargs",
            "mm_processor_kwargs",
            "mm_processor_cache_gb",
            "mm_processor_cache_type",
            "mm_shm_cache_max_object_size_mb",
            "mm_encoder_only",
            "mm_encoder_tp_mode",
            "mm_encoder_attn_backend",
            "mm_encoder_attn_dtype",
            "mm_tensor_ipc",
            "io_processor_plugin",
            "renderer_num_workers",
            "skip_mm_profiling",
            "video_pruning_rate",
            "language_model_only",
            "disable_chunked_mm_input",
            "disable_mm_preprocessor_cache",
            "enable_tower_connector_lora",
        ),
        *_rows(
            "ignored",
            "a GGUF file is data and runs no code, and is found by the catalog",
            "trust_remote_code",
            "allow_deprecated_quantization",
            "download_dir",
            "safetensors_load_strategy",
            "safetensors_prefetch_num_threads",
            "safetensors_prefetch_block_size",
            "model_loader_extra_config",
            "ignore_patterns",
            "pt_load_map_location",
            "hf_token",
            "served_model_name",
        ),
        *_rows(
            "ignored",
            "adapters are always at hand, of any rank and number",
            "enable_lora",
            "max_loras",
            "max_lora_rank",
            "max_cpu_loras",
            "lora_dtype",
            "lora_target_modules",
            "lora_extra_vocab_size",
            "long_lora_scaling_factors",
            "fully_sharded_loras",
            "specialize_active_lora",
        ),
        *_rows(
            "ignored",
            "prefixes are always shared, and no answer depends on it",
            "enable_prefix_caching",
            "prefix_caching_hash_algo",
            allowed=(True, "sha256"),
        ),
        *_rows(
            "ignored",
            "the scheduler plans its own steps, and no answer depends on them",
            "block_size",
            "max_num_batched_tokens",
            "max_num_partial_prefills",
            "max_long_partial_prefills",
            "long_prefill_token_threshold",
            "enable_chunked_prefill",
            "num_lookahead_slots",
            "num_scheduler_steps",
            "multi_step_stream_outputs",
            "use_v2_block_manager",
            "preemption_mode",
            "scheduler_delay_factor",
            "scheduler_reserve_full_isl",
            "async_scheduling",
            "disable_async_output_proc",
            "stream_interval",
            "speculative_config",
            "guided_decoding_backend",
            "structured_outputs_config",
            "reasoning_parser",
            "reasoning_parser_plugin",
            "reasoning_config",
        ),
        *_rows(
            "ignored",
            "LLM.engine.stats() and RequestOutput.metrics tell what there is",
            "disable_log_stats",
            "aggregate_engine_logging",
            "disable_log_requests",
            "enable_log_requests",
            "show_hidden_metrics_for_version",
            "otlp_traces_endpoint",
            "collect_detailed_traces",
            "kv_cache_metrics",
            "kv_cache_metrics_sample",
            "cudagraph_metrics",
            "enable_layerwise_nvtx_tracing",
            "enable_mfu_metrics",
            "enable_logging_iteration_details",
            "enable_mm_processor_stats",
            "profiler_config",
            "additional_config",
        ),
    ]
}

_EMPTY: Tuple[Any, ...] = (None, False, "", "auto", [], {})
_KV_CACHE_TYPES = {"auto": "f16", "half": "f16", "float16": "f16", "bfloat16": "bf16", "float": "f32", "float32": "f32"}
_DTYPES = ("auto", "half", "float16", "bfloat16", "float", "float32")
_noted: Set[str] = set()


def _is_one_of(value: Any, values: Tuple[Any, ...]) -> bool:
    """By type too: 1 is not True, nor 0 False."""
    return any(type(value) is type(other) and value == other for other in values)


def check_engine_arguments(arguments: Dict[str, Any]) -> None:
    """Raises TypeError for an unknown name and ValueError for a refused value; notes the others once."""
    for name, value in arguments.items():
        row = ENGINE_ARGUMENTS.get(name)
        if row is None:
            raise TypeError(f"LLM() got an unexpected keyword argument '{name}'")
        if row.kind == "used" or _is_one_of(value, _EMPTY) or _is_one_of(value, row.allowed):
            continue
        if row.kind == "refused" and not (name == "tokenizer" and value == arguments.get("model")):
            raise ValueError(f"{name}={value!r} is not supported: {row.reason}")
        if row.kind == "ignored" and name not in _noted:
            _noted.add(name)
            logger.info("%s has no meaning here: %s", name, row.reason)


def model_file(model: Any) -> str:
    """The model as the engine takes it: of a folder its one .gguf file. Raises ValueError where it has
    none or several; a name that is no path may be the catalog's all the same."""
    folder = pathlib.Path(model)
    if not folder.is_dir():
        return str(model)
    found = sorted(folder.glob("*.gguf"))
    if len(found) == 1:
        return str(found[0])
    if not found and not folder.is_absolute() and not str(model).startswith("."):
        return str(model)
    names = ", ".join(path.name for path in found) or "none"
    raise ValueError(f"a folder must hold one .gguf file to be a model, and {model} has {names}")


def _positive(name: str, value: Any, unset: Tuple[Any, ...]) -> int:
    if _is_one_of(value, unset):
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be an integer, at least 1, got {value!r}")
    return value


def _rope_scaling(arguments: Dict[str, Any]) -> Dict[str, Any]:
    """Hugging Face's object, from whichever argument holds it; empty: none."""
    overrides = arguments.get("hf_overrides") or {}
    if not isinstance(overrides, dict):
        raise ValueError(f"hf_overrides must be a dict, got {overrides!r}")
    for name in overrides:
        if name not in ("rope_scaling", "rope_parameters"):
            raise ValueError(f"hf_overrides of {name} is not supported: {_GGUF}")
    found = (
        arguments.get("rope_scaling") or overrides.get("rope_scaling") or overrides.get("rope_parameters") or {}
    )
    if not isinstance(found, dict):
        raise ValueError(f"rope_scaling must be a dict with rope_type and factor, got {found!r}")
    return found


def engine_options(arguments: Dict[str, Any]) -> Dict[str, Any]:
    """The options of sparrow.engine.Engine that these arguments mean. Raises ValueError."""
    check_engine_arguments(arguments)
    dtype = str(arguments.get("dtype", "auto")).replace("torch.", "")
    if dtype not in _DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {dtype!r}")
    options: Dict[str, Any] = {
        "context_length": _positive("max_model_len", arguments.get("max_model_len"), (None, "auto", -1)),
        "kv_cache_bytes": _positive("kv_cache_memory_bytes", arguments.get("kv_cache_memory_bytes"), (None, "auto")),
    }
    kv_cache_dtype = str(arguments.get("kv_cache_dtype") or "auto").replace("torch.", "")
    options["kv_cache_type"] = _KV_CACHE_TYPES.get(kv_cache_dtype, kv_cache_dtype)
    max_num_seqs = _positive("max_num_seqs", arguments.get("max_num_seqs"), (None,))
    if max_num_seqs:
        options["max_sequences"] = min(max_num_seqs, 1024)
    rope_scaling = _rope_scaling(arguments)
    if rope_scaling:
        options["rope_scaling"] = json.dumps(rope_scaling)
    for name in ("thread_count", "activations", "may_pull"):
        if name in arguments:
            options[name] = arguments[name]
    generation_config = arguments.get("generation_config", "auto")
    if generation_config not in ("auto", "vllm"):
        raise ValueError(f"generation_config must be auto or vllm, got {generation_config!r}: {_GGUF}")
    return options


class EngineArgs:
    """Engine arguments as a value, as vLLM's examples use them: LLM(**vars(EngineArgs(…)))."""

    def __init__(self, model: str, **arguments: Any) -> None:
        self.model = model
        check_engine_arguments({"model": model, **arguments})
        self.__dict__.update(arguments)

    @staticmethod
    def add_cli_args(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
        """A flag for each argument; only what is given reaches the namespace, but for --model."""
        for row in ENGINE_ARGUMENTS.values():
            default = None if row.name == "model" else argparse.SUPPRESS
            parser.add_argument(
                "--" + row.name.replace("_", "-"),
                default=default,
                type=_value_of_flag,
                nargs="?",
                const=True,
                help=row.reason if row.kind == "used" else argparse.SUPPRESS,
            )
        return parser


    @classmethod
    def from_cli_args(cls, args: argparse.Namespace) -> "EngineArgs":
        """Of the flags that add_cli_args made; what else the namespace holds is left out."""
        return cls(**{name: value for name, value in vars(args).items() if name in ENGINE_ARGUMENTS})


AsyncEngineArgs = EngineArgs


def _value_of_flag(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)
