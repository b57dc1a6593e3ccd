"""vllm.utils.print_utils: what vLLM's examples of embeddings print with."""

from typing import List


def print_embeddings(embeds: List[float], prefix: str = "Embeddings") -> None:
    """The first 16 numbers, and how many there are."""
    shown = ", ".join(str(value) for value in embeds[:16])
    print(f"{prefix}: [{shown}{', ...' if len(embeds) > 16 else ''}] (size={len(embeds)})")
