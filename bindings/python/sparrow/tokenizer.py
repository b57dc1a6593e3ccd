"""The model's tokenizer, with the part of Hugging Face's interface that callers of vLLM use."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Union

from .engine import Engine


class BatchEncoding(Dict[str, Any]):
    """What Tokenizer.__call__ gives: input_ids and attention_mask, as keys and as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Tokenizer:
    """Text to token ids and back. Any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        info = engine.info
        self.name_or_path: str = info["name"]
        self.vocab_size: int = info["vocabulary_size"]
        self.eos_token_id: Optional[int] = info["eos_token"] if info["eos_token"] >= 0 else None
        self.bos_token_id: Optional[int] = info["bos_token"] if info["bos_token"] >= 0 else None
        self.pad_token_id: Optional[int] = self.eos_token_id
        # Every id that ends an answer.
        self.end_of_generation: List[int] = info["end_of_generation"]
        self.model_max_length: int = info["context_length"]
        self.eos_token: Optional[str] = self._control_text(self.eos_token_id)
        self.bos_token: Optional[str] = self._control_text(self.bos_token_id)
        self.pad_token: Optional[str] = self.eos_token

    def _control_text(self, token_id: Optional[int]) -> Optional[str]:
        return None if token_id is None else self._engine.decode([token_id], with_control=True)

    def __len__(self) -> int:
        return self.vocab_size

    def encode(self, text: str, add_special_tokens: bool = True, **_: Any) -> List[int]:
        """Token ids; control tokens in the text count. `add_special_tokens`: with the BOS that the
        tokenizer puts in front, if it does so and the text has none."""
        ids = self._engine.encode(text)
        has_own = self.bos_token is not None and text.startswith(self.bos_token)
        if not add_special_tokens and ids and ids[0] == self.bos_token_id and not has_own:
            return ids[1:]
        return ids

    def decode(self, token_ids: Union[int, Sequence[int]], skip_special_tokens: bool = False, **_: Any) -> str:
        """The text of whole ids; a part of a character is U+FFFD."""
        ids = [token_ids] if isinstance(token_ids, int) else token_ids
        return self._engine.decode(ids, with_control=not skip_special_tokens)

    def batch_decode(self, sequences: Sequence[Sequence[int]], **options: Any) -> List[str]:
        """decode() of each."""
        return [self.decode(ids, **options) for ids in sequences]

    def __call__(self, text: Union[str, Sequence[str]], add_special_tokens: bool = True, **_: Any) -> BatchEncoding:
        """encode() of a text or of each of a list, as input_ids."""
        if isinstance(text, str):
            ids: Any = self.encode(text, add_special_tokens)
            return BatchEncoding(input_ids=ids, attention_mask=[1] * len(ids))
        ids = [self.encode(each, add_special_tokens) for each in text]
        return BatchEncoding(input_ids=ids, attention_mask=[[1] * len(each) for each in ids])

    def convert_ids_to_tokens(self, ids: Union[int, Sequence[int]]) -> Union[str, List[str]]:
        """The text of each id by itself."""
        if isinstance(ids, int):
            return self.decode([ids])
        return [self.decode([each]) for each in ids]

    def apply_chat_template(
        self,
        conversation: Sequence[Dict[str, Any]],
        tools: Optional[Sequence[Dict[str, Any]]] = None,
        chat_template: Optional[str] = None,
        tokenize: bool = True,
        add_generation_prompt: bool = False,
        continue_final_message: bool = False,
        **template_kwargs: Any,
    ) -> Union[str, List[int]]:
        """A conversation by the model's template, or by `chat_template`: ids, or text with
        tokenize=False. Raises ValueError for what the template refuses."""
        for name in ("padding", "truncation", "max_length", "return_tensors", "return_dict"):
            template_kwargs.pop(name, None)
        ids = self._engine.encode_chat(
            {
                "messages": list(conversation),
                "tools": list(tools) if tools else None,
                "chat_template": chat_template,
                "add_generation_prompt": add_generation_prompt,
                "continue_final_message": continue_final_message,
                "chat_template_kwargs": template_kwargs or None,
            }
        )
        return ids if tokenize else self._engine.decode(ids, with_control=True)
