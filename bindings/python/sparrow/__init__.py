"""sparrow: small language models on this machine's processor, with vLLM's offline class.

    from sparrow import LLM, SamplingParams
    llm = LLM(model="qwen3-4b-instruct-2507")
    outputs = llm.generate(["Hello, my name is"], SamplingParams(temperature=0.8, top_p=0.95))
    print(outputs[0].outputs[0].text)
"""

from ._library import library_path
from .async_llm import AsyncLLM
from .engine import Engine, EnginePool, Stream, sampling_fields, version
from .engine_args import AsyncEngineArgs, EngineArgs
from .errors import (
    Cancelled,
    ContextFull,
    DiskFailed,
    Internal,
    InvalidArgument,
    InvalidFile,
    NetworkFailed,
    NotFound,
    OutOfMemory,
    SparrowError,
    Unsupported,
)
from .llm import LLM
from .lora import LoRARequest
from .model_pool import ModelPool
from .outputs import (
    BeamSearchOutput,
    BeamSearchSequence,
    ClassificationOutput,
    ClassificationRequestOutput,
    CompletionOutput,
    EmbeddingOutput,
    EmbeddingRequestOutput,
    Logprob,
    PoolingOutput,
    PoolingRequestOutput,
    RequestMetrics,
    RequestOutput,
    ScoringOutput,
    ScoringRequestOutput,
)
from .pooling import PoolingParams
from .prompts import PromptType, TextPrompt, TokensPrompt
from .sampling_params import (
    BeamSearchParams,
    GuidedDecodingParams,
    RequestOutputKind,
    SamplingParams,
    StructuredOutputsParams,
)
from .tokenizer import Tokenizer

__version__ = "0.1.0"

__all__ = [
    "AsyncEngineArgs",
    "AsyncLLM",
    "BeamSearchOutput",
    "BeamSearchParams",
    "BeamSearchSequence",
    "Cancelled",
    "ClassificationOutput",
    "ClassificationRequestOutput",
    "CompletionOutput",
    "ContextFull",
    "DiskFailed",
    "EmbeddingOutput",
    "EmbeddingRequestOutput",
    "Engine",
    "EngineArgs",
    "EnginePool",
    "GuidedDecodingParams",
    "Internal",
    "InvalidArgument",
    "InvalidFile",
    "LLM",
    "LoRARequest",
    "Logprob",
    "ModelPool",
    "NetworkFailed",
    "NotFound",
    "OutOfMemory",
    "PoolingOutput",
    "PoolingParams",
    "PoolingRequestOutput",
    "PromptType",
    "RequestMetrics",
    "RequestOutput",
    "RequestOutputKind",
    "SamplingParams",
    "ScoringOutput",
    "ScoringRequestOutput",
    "SparrowError",
    "Stream",
    "StructuredOutputsParams",
    "TextPrompt",
    "Tokenizer",
    "TokensPrompt",
    "Unsupported",
    "library_path",
    "sampling_fields",
    "version",
]
