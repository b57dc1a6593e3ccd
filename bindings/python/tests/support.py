"""What the tests share: one loaded tiny model."""

import functools
import os
import pathlib
import subprocess
import tempfile

from sparrow import LLM

# Of the tiny vocabulary (tests/support/tiny_model.h).
END_OF_TEXT, IM_START, IM_END, VOCABULARY = 260, 261, 262, 263


@functools.lru_cache(maxsize=None)
def model_path() -> str:
    """The tiny model: SPARROW_TEST_MODEL, or written now by the build tree's program."""
    if "SPARROW_TEST_MODEL" in os.environ:
        return os.environ["SPARROW_TEST_MODEL"]
    program = pathlib.Path(__file__).resolve().parents[3] / "build" / "write_tiny_model"
    path = pathlib.Path(tempfile.mkdtemp()) / "tiny.gguf"
    subprocess.run([program, path], check=True)
    return str(path)


@functools.lru_cache(maxsize=None)
def adapter_path() -> str:
    """A LoRA adapter of it, written now by the build tree's program."""
    library = os.environ.get("SPARROW_LIBRARY")
    build = pathlib.Path(library).parent if library else pathlib.Path(__file__).resolve().parents[3] / "build"
    folder = pathlib.Path(tempfile.mkdtemp())
    subprocess.run([build / "write_tiny_model", folder / "tiny.gguf", folder / "adapter.gguf"], check=True)
    return str(folder / "adapter.gguf")


def load(**arguments) -> LLM:
    """A new LLM."""
    arguments = {"max_model_len": 400, "thread_count": 1, **arguments}
    return LLM(model_path(), **arguments)


@functools.lru_cache(maxsize=None)
def shared_llm() -> LLM:
    """The one that most tests use."""
    return load()
