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
    PoolingOutput,
    PoolingParams,
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

# Programs choose by it where they look for a function: vLLM's, whose names these are, and behind the
# plus what is here in truth.
__version__ = "0.33.0+sparrow.0.1.0"

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
    "PoolingOutput",
    "PoolingParams",
    "PoolingRequestOutput",
    "PromptType",
    "RequestOutput",
    "SamplingParams",
    "ScoringOutput",
    "ScoringRequestOutput",
    "TextPrompt",
    "TokensPrompt",
]
