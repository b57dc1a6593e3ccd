"""vllm.logprobs."""

from sparrow.outputs import Logprob, PromptLogprobs, SampleLogprobs  # noqa: F401
