"""vllm.pooling_params."""

from sparrow import PoolingParams  # noqa: F401
