"""vllm.utils.argparse_utils."""

from argparse import ArgumentParser as FlexibleArgumentParser  # noqa: F401
