"""vllm.sampling_params."""

from sparrow import (  # noqa: F401
    BeamSearchParams,
    GuidedDecodingParams,
    RequestOutputKind,
    SamplingParams,
    StructuredOutputsParams,
)
