"""sparrow's classes under vLLM's name. This is not vLLM."""

from sparrow import (
    LLM,
    AsyncEngineArgs,
    AsyncLLM,
    BeamSearchParams,
    ClassificationOutput,
    ClassificationRequestOutput,
    CompletionOutput,
    EmbeddingOutput,
    EmbeddingRequestOutput,
    EngineArgs,
    PoolingRequestOutput,
    PromptType,
    RequestOutput,
    SamplingParams,
    ScoringOutput,
    ScoringRequestOutput,
    TextPrompt,
    TokensPrompt,
)

AsyncLLMEngine = AsyncLLM

# Of the shim; programs that ask for vLLM's version find one that says what it is.
__version__ = "0.1.0"

__all__ = [
    "AsyncEngineArgs",
    "AsyncLLM",
    "AsyncLLMEngine",
    "BeamSearchParams",
    "ClassificationOutput",
    "ClassificationRequestOutput",
    "CompletionOutput",
    "EmbeddingOutput",
    "EmbeddingRequestOutput",
    "EngineArgs",
    "LLM",
    "PoolingRequestOutput",
    "PromptType",
    "RequestOutput",
    "SamplingParams",
    "ScoringOutput",
    "ScoringRequestOutput",
    "TextPrompt",
    "TokensPrompt",
]
