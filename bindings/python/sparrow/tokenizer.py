"""The model's tokenizer, with the part of Hugging Face's interface that callers of vLLM use."""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Optional, Sequence, Union

from .engine import Engine

# Of Hugging Face's tokenizers; those that change nothing are accepted without a word.
_OPTIONS = frozenset(
    "padding truncation max_length return_tensors return_attention_mask return_token_type_ids verbose".split()
)


class BatchEncoding(Dict[str, Any]):
    """What Tokenizer.__call__ gives: input_ids and attention_mask, as keys and as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def _encoding(ids: Any) -> BatchEncoding:
    """Of one list of ids, or of a list of these."""
    is_batch = bool(ids) and isinstance(ids[0], list)
    mask = [[1] * len(each) for each in ids] if is_batch else [1] * len(ids)
    return BatchEncoding(input_ids=ids, attention_mask=mask)


class Tokenizer:
    """Text to token ids and back. Any thread."""

    def __init__(self, engine: Engine, add_bos_token: Optional[bool] = None) -> None:
        """add_bos_token: whether encode() puts a BOS in front; None: as the model's file says."""
        self._engine = engine
        self._add_bos_token = add_bos_token
        info = engine.info
        self.name_or_path: str = info["name"]
        self.vocab_size: int = info["vocabulary_size"]
        self.eos_token_id: Optional[int] = info["eos_token"] if info["eos_token"] >= 0 else None
        self.bos_token_id: Optional[int] = info["bos_token"] if info["bos_token"] >= 0 else None
        self.pad_token_id: Optional[int] = self.eos_token_id
        # Every id that ends an answer.
        self.end_of_generation: List[int] = info["end_of_generation"]
        self.model_max_length: int = info["context_length"]
        # The Jinja source that apply_chat_template uses.
        self.chat_template: str = info["chat_template"]
        # Control tokens, which decode() leaves out with skip_special_tokens.
        self.all_special_ids: List[int] = info["control_tokens"]
        self.eos_token: Optional[str] = self._control_text(self.eos_token_id)
        self.bos_token: Optional[str] = self._control_text(self.bos_token_id)
        self.pad_token: Optional[str] = self.eos_token

    def _control_text(self, token_id: Optional[int]) -> Optional[str]:
        return None if token_id is None else self._engine.decode([token_id], with_control=True)

    def __len__(self) -> int:
        return self.vocab_size

    @functools.cached_property
    def all_special_tokens(self) -> List[str]:
        """The text of each of all_special_ids."""
        return [self._engine.decode([each], with_control=True) for each in self.all_special_ids]

    def encode(self, text: str, add_special_tokens: bool = True, **options: Any) -> List[int]:
        """Token ids; control tokens in the text count. `add_special_tokens`: with the BOS that the
        tokenizer puts in front, if it does so and the text has none. truncation with max_length cuts
        the end off. Raises ValueError for padding and tensors."""
        return self._encode(text, add_special_tokens)[: self._most_tokens(options)]

    def _most_tokens(self, options: Dict[str, Any]) -> Optional[int]:
        """Of a text with Hugging Face's options; None: all."""
        for name, value in options.items():
            if name not in _OPTIONS:
                raise TypeError(f"the tokenizer has no option '{name}'")
            if name in ("padding", "return_tensors") and value not in (None, False, "do_not_pad"):
                raise ValueError(f"{name}={value!r} is not supported: ids are lists, as long as the text is")
        if options.get("truncation") in (None, False, "do_not_truncate"):
            return None
        return int(options.get("max_length") or self.model_max_length)

    def _encode(self, text: str, add_special_tokens: bool) -> List[int]:
        ids = self._engine.encode(text)
        if self.bos_token is None or text.startswith(self.bos_token):
            return ids
        has_bos = bool(ids) and ids[0] == self.bos_token_id
        if has_bos and (not add_special_tokens or self._add_bos_token is False):
            return ids[1:]
        if not has_bos and add_special_tokens and self._add_bos_token:
            return [self.bos_token_id, *ids]
        return ids

    def decode(self, token_ids: Union[int, Sequence[int]], skip_special_tokens: bool = False, **_: Any) -> str:
        """The text of whole ids; a part of a character is U+FFFD."""
        ids = [token_ids] if isinstance(token_ids, int) else token_ids
        return self._engine.decode(ids, with_control=not skip_special_tokens)

    def batch_decode(self, sequences: Sequence[Sequence[int]], **options: Any) -> List[str]:
        """decode() of each."""
        return [self.decode(ids, **options) for ids in sequences]

    def __call__(
        self, text: Union[str, Sequence[str]], add_special_tokens: bool = True, **options: Any
    ) -> BatchEncoding:
        """encode() of a text or of each of a list, as input_ids."""
        if isinstance(text, str):
            return _encoding(self.encode(text, add_special_tokens, **options))
        return _encoding([self.encode(each, add_special_tokens, **options) for each in text])

    def convert_ids_to_tokens(self, ids: Union[int, Sequence[int]]) -> Union[str, List[str]]:
        """The text of each id by itself."""
        if isinstance(ids, int):
            return self.decode([ids])
        return [self.decode([each]) for each in ids]

    def convert_tokens_to_ids(self, tokens: Union[str, Sequence[str]]) -> Union[Optional[int], List[Optional[int]]]:
        """The id that stands for exactly this text, or None; of a list, each."""
        if not isinstance(tokens, str):
            return [self._id_of(each) for each in tokens]
        return self._id_of(tokens)

    def _id_of(self, token: str) -> Optional[int]:
        ids = self.encode(token, add_special_tokens=False)
        return ids[0] if len(ids) == 1 and self.decode(ids) == token else None

    def get_chat_template(self, chat_template: Optional[str] = None, tools: Any = None) -> str:
        """`chat_template`, or the model's."""
        del tools
        return self.chat_template if chat_template is None else chat_template

    def apply_chat_template(
        self,
        conversation: Sequence[Any],
        tools: Optional[Sequence[Dict[str, Any]]] = None,
        chat_template: Optional[str] = None,
        tokenize: bool = True,
        add_generation_prompt: bool = False,
        continue_final_message: bool = False,
        return_dict: bool = False,
        **template_kwargs: Any,
    ) -> Any:
        """A conversation by the model's template, or by `chat_template`: ids, or text with
        tokenize=False, or a BatchEncoding with return_dict=True. Of a list of conversations, a list.
        Further arguments reach the template. Raises ValueError for what it refuses."""
        most = self._most_tokens({name: template_kwargs.pop(name) for name in _OPTIONS & template_kwargs.keys()})
        is_one = not conversation or isinstance(conversation[0], dict)
        found = [
            self._engine.encode_chat(
                {
                    "messages": list(messages),
                    "tools": list(tools) if tools else None,
                    "chat_template": chat_template,
                    "add_generation_prompt": add_generation_prompt,
                    "continue_final_message": continue_final_message,
                    "chat_template_kwargs": template_kwargs or None,
                }
            )
            for messages in ([conversation] if is_one else conversation)
        ]
        if not tokenize:
            texts = [self._engine.decode(ids, with_control=True) for ids in found]
            return texts[0] if is_one else texts
        found = [ids[:most] for ids in found]
        if return_dict:
            return _encoding(found[0]) if is_one else _encoding(found)
        return found[0] if is_one else found
