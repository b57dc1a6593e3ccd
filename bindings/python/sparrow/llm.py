"""LLM: vLLM's offline class on a GGUF file and a CPU."""

from __future__ import annotations

import dataclasses
import itertools
import time
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

from .beam_search import search_beams
from .conversations import read_conversation
from .engine import Engine
from .engine_args import engine_options
from .errors import InvalidArgument
from .llm_engine import LLMEngine
from .lora import LoRARequest
from .model_pool import ModelPool, process_pool
from .outputs import (
    BeamSearchOutput,
    ClassificationRequestOutput,
    EmbeddingRequestOutput,
    PoolingRequestOutput,
    RequestOutput,
    ScoringOutput,
    ScoringRequestOutput,
)
from .pooling import PoolingParams, PoolingRequest, cosine, pooling_type
from .progress import progress_bar
from .prompts import Prompt, PromptType, as_list, at_index, check_prompt, for_each, read_prompt
from .request import Model, Request
from .sampling_params import SAMPLING_FIELD_NAMES, BeamSearchParams, RequestOutputKind, SamplingParams
from .tokenizer import Tokenizer
from .tokenizers import remember_engine

# How often an interrupt is looked for.
_POLL_MS = 100
# How often all requests are looked at, of which there may be thousands.
_SWEEP_SECONDS = 0.5

UseTqdm = Union[bool, Callable[..., Any]]
Messages = Sequence[Dict[str, Any]]


def load_model(
    model: str, arguments: Dict[str, Any], pool: Optional[ModelPool]
) -> "tuple[Model, SamplingParams]":
    """The model that vLLM's arguments describe, of a pool or the process's own, and its default sampling
    parameters."""
    options = engine_options({"model": model, **arguments})
    bar = _LoadBar(arguments.get("use_tqdm_on_load", True))
    try:
        engine = (pool or process_pool()).engine(model, on_progress=bar.show, **options)
    finally:
        bar.close()
    remember_engine(model, engine)
    try:
        if arguments.get("generation_config", "auto") == "vllm":
            defaults = SamplingParams()
        else:
            defaults = SamplingParams.from_engine_fields(engine.default_sampling())
        defaults = _overridden(defaults, arguments.get("override_generation_config") or {})
        return Model(engine, arguments.get("seed", 0)), defaults
    except BaseException:
        engine.close()
        raise


def _overridden(defaults: SamplingParams, changes: Dict[str, Any]) -> SamplingParams:
    changes = dict(changes)
    if "max_new_tokens" in changes:
        changes["max_tokens"] = changes.pop("max_new_tokens")
    for name in changes:
        if name not in SAMPLING_FIELD_NAMES:
            raise ValueError(f"override_generation_config has no field {name!r}")
    return dataclasses.replace(defaults, **changes)


class _LoadBar:
    """Shows a download; loading from the disk is too quick for a bar."""

    def __init__(self, use_tqdm: UseTqdm) -> None:
        self._use_tqdm = use_tqdm
        self._bar: Any = None
        self._shown = 0

    def show(self, status: str, completed_bytes: int, total_bytes: int) -> None:
        """The engine's on_progress."""
        if status == "loading" or not total_bytes:
            return
        if self._bar is None:
            self._bar = progress_bar(self._use_tqdm, total_bytes >> 20, f"{status} (MiB)")
        self._bar.update((completed_bytes >> 20) - self._shown)
        self._shown = completed_bytes >> 20

    def close(self) -> None:
        """Ends the bar, if there is one."""
        if self._bar is not None:
            self._bar.close()


class LLM:
    """A language model that answers lists of prompts.

        llm = LLM(model="qwen3-4b-instruct-2507")
        for output in llm.generate(["Hello, my name is"], SamplingParams(temperature=0.8)):
            print(output.outputs[0].text)

    All prompts of a call run together. Any thread may call any method, and several at once. A
    context manager; shutdown() frees the model.
    """

    def __init__(
        self,
        model: str,
        *,
        tokenizer: Optional[str] = None,
        tensor_parallel_size: int = 1,
        dtype: str = "auto",
        max_model_len: Optional[int] = None,
        kv_cache_dtype: str = "auto",
        seed: Optional[int] = 0,
        max_num_seqs: Optional[int] = None,
        kv_cache_memory_bytes: Optional[int] = None,
        enable_prefix_caching: Optional[bool] = None,
        pool: Optional[ModelPool] = None,
        **engine_arguments: Any,
    ) -> None:
        """Loads a model, pulling one of the catalog that is not here. LLMs of one process are planned
        within its memory, and those of the same model with the same arguments share it.

        Args:
            model: a .gguf file, a folder that holds one, or a name, alias or hub's id of the catalog.
            tokenizer: the file's own is used; another is refused.
            tensor_parallel_size: 1.
            dtype: auto, half, float16, bfloat16, float or float32; a GGUF keeps its own types.
            max_model_len: tokens of prompt and answer together, at least 1; None: the model's, at
                most 32,768, less where memory does not hold it.
            kv_cache_dtype: auto (float16), float16, bfloat16, float32, q8_0 or q4_0.
            seed: of requests that have none; None: they differ each time.
            max_num_seqs: requests that run at once, at least 1, at most 1,024; None: 32.
            kv_cache_memory_bytes: for the keys and values of all requests; None: half of what is free.
            enable_prefix_caching: prefixes are always shared; no answer depends on it.
            pool: where it is loaded; None: the process's own, where nothing stays that no LLM uses.
            engine_arguments: every other argument of vLLM's EngineArgs (engine_args.py), and sparrow's
                thread_count, activations and may_pull.

        Raises:
            TypeError: an argument that vLLM has not.
            ValueError: a value that cannot be taken, or an argument that would change the answers.
            SparrowError: what the engine reports (errors.py): NotFound, InvalidFile, OutOfMemory, …
        """
        arguments = dict(
            tokenizer=tokenizer,
            tensor_parallel_size=tensor_parallel_size,
            dtype=dtype,
            max_model_len=max_model_len,
            kv_cache_dtype=kv_cache_dtype,
            seed=seed,
            max_num_seqs=max_num_seqs,
            kv_cache_memory_bytes=kv_cache_memory_bytes,
            enable_prefix_caching=enable_prefix_caching,
            **engine_arguments,
        )
        self._pooling = pooling_type(arguments.get("pooler_config") or arguments.get("override_pooler_config"))
        self._model, self._defaults = load_model(model, arguments, pool)
        self.llm_engine = LLMEngine(self._model, str(model), seed)
        self._request_ids = itertools.count()

    @property
    def engine(self) -> Engine:
        """The layer below, with sparrow's own names: info, stats(), encode(), submit()."""
        return self._model.engine

    def shutdown(self) -> None:
        """Ends what is in flight as aborted, and frees the model unless another LLM shares it. May be
        called again."""
        self._model.engine.close()

    def __enter__(self) -> "LLM":
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()

    def reset_prefix_cache(self, reset_running_requests: bool = False, reset_connector: bool = False) -> bool:
        """Frees the cached prefixes that no request uses. False: requests in flight, also of other LLMs of
        the model, share some, which stay. Raises ValueError for reset_running_requests: none is ended."""
        del reset_connector  # there is none
        if reset_running_requests:
            raise ValueError("reset_running_requests=True is not supported: running requests keep their blocks")
        return self._model.engine.reset_prefix_cache()

    def get_tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        return self._model.tokenizer

    def get_default_sampling_params(self) -> SamplingParams:
        """What the model is best used with, a new value each time; max_tokens is 16 unless the model says."""
        return self._defaults.clone()

    def generate(
        self,
        prompts: Union[PromptType, Sequence[PromptType]],
        sampling_params: Union[SamplingParams, Sequence[SamplingParams], None] = None,
        *,
        use_tqdm: UseTqdm = True,
        lora_request: Union[LoRARequest, Sequence[Optional[LoRARequest]], None] = None,
        priority: Optional[Sequence[int]] = None,
    ) -> List[RequestOutput]:
        """Answers to prompts, in their order.

        Args:
            prompts: a text, token ids, {"prompt": …}, {"prompt_token_ids": …}, or a list of these. A
                text is raw: no template is put around it, and control tokens in it count.
            sampling_params: one for all, or a list with one for each; None: the model's defaults.
            use_tqdm: whether a bar shows how many are done; or a class like tqdm's.
            lora_request: a LoRARequest for all, or a list with one or None for each.
            priority: a number for each prompt; those above 0 come after all others.

        Raises:
            ValueError, TypeError, SparrowError: the message begins with the index of the prompt. All
            are checked before any is submitted, and one that fails ends the others.
            KeyboardInterrupt: after everything was cancelled.
        """
        read = self._read_prompts(prompts)
        return self._run(read, sampling_params, use_tqdm, priority, lora_request)

    def chat(
        self,
        messages: Union[Messages, Sequence[Messages]],
        sampling_params: Union[SamplingParams, Sequence[SamplingParams], None] = None,
        use_tqdm: UseTqdm = True,
        lora_request: Union[LoRARequest, Sequence[Optional[LoRARequest]], None] = None,
        chat_template: Optional[str] = None,
        chat_template_content_format: str = "auto",
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        tools: Optional[Sequence[Dict[str, Any]]] = None,
        chat_template_kwargs: Optional[Dict[str, Any]] = None,
        mm_processor_kwargs: Optional[Dict[str, Any]] = None,
    ) -> List[RequestOutput]:
        """Answers to conversations, in their order, by the model's template.

        Args:
            messages: a conversation, a list of {"role": …, "content": …}, or a list of conversations.
                Control tokens in a message are text. A content may be a list of parts.
            sampling_params, use_tqdm, lora_request: as for generate().
            chat_template: a Jinja template in place of the model's.
            chat_template_content_format: whether the template is given a content of parts as one text
                (string) or as parts (openai); auto: as it reads them. Parts must be text.
            add_generation_prompt: whether a new message of the assistant begins.
            continue_final_message: whether the last message goes on; add_generation_prompt must then
                be False.
            tools: functions that the model may call, as OpenAI has them.
            chat_template_kwargs: what else the template may look at.

        Raises:
            ValueError: what the template refuses, beside what generate() raises.
        """
        if mm_processor_kwargs:
            raise ValueError("mm_processor_kwargs is not supported: only text is read")
        is_one = not messages or isinstance(messages[0], dict)
        conversations = [messages] if is_one else messages
        engine = self._model.engine
        read = []
        template = self._model.tokenizer.get_chat_template(chat_template)
        for index, conversation in enumerate(conversations):
            request = {
                "tools": list(tools) if tools else None,
                "chat_template": chat_template,
                "add_generation_prompt": add_generation_prompt,
                "continue_final_message": continue_final_message,
                "chat_template_kwargs": chat_template_kwargs,
            }
            try:
                if not conversation:
                    raise InvalidArgument("the conversation is empty: it must hold at least one message")
                request["messages"] = read_conversation(conversation, template, chat_template_content_format)
                ids = engine.encode_chat(request)
            except Exception as error:  # pylint: disable=broad-except
                raise at_index(index, error) from None
            read.append(Prompt(engine.decode(ids, with_control=True), ids))
        return self._run(read, sampling_params, use_tqdm, None, lora_request)

    def beam_search(
        self,
        prompts: Union[PromptType, Sequence[PromptType]],
        params: BeamSearchParams,
        lora_request: Union[LoRARequest, Sequence[Optional[LoRARequest]], None] = None,
        use_tqdm: UseTqdm = False,
        concurrency_limit: Optional[int] = None,
    ) -> List[BeamSearchOutput]:
        """The most likely answers, beam_width for each prompt, best first.

        Args:
            prompts: as for generate().
            params: how wide and how long.
            lora_request: a LoRARequest for all, or a list with one or None for each.
            use_tqdm: whether a bar shows the steps.
            concurrency_limit: accepted; the engine lets what does not fit wait.

        Raises:
            As generate().
        """
        del concurrency_limit
        tokenizer = self._model.tokenizer
        read = []
        for index, prompt in enumerate(as_list(prompts)):
            try:
                read.append(read_prompt(prompt, tokenizer))
                check_prompt(read[-1].ids, tokenizer)
            except Exception as error:  # pylint: disable=broad-except
                raise at_index(index, error) from None
        adapters = for_each("lora_request", lora_request or None, len(read))
        return search_beams(self._model, read, params, adapters, use_tqdm)

    def _run(
        self,
        prompts: Sequence[Prompt],
        sampling_params: Union[SamplingParams, Sequence[SamplingParams], None],
        use_tqdm: UseTqdm,
        priority: Optional[Sequence[int]],
        lora_request: Union[LoRARequest, Sequence[Optional[LoRARequest]], None],
    ) -> List[RequestOutput]:
        adapters: List[Optional[LoRARequest]] = for_each("lora_request", lora_request or None, len(prompts))
        params = for_each("sampling_params", sampling_params, len(prompts))
        priorities: List[Optional[int]] = for_each("priority", priority, len(prompts))
        verified: Dict[int, SamplingParams] = {}
        for index, (prompt, each) in enumerate(zip(prompts, params)):
            try:
                check_prompt(prompt.ids, self._model.tokenizer)
                if id(each) not in verified:
                    verified[id(each)] = self._verified(each)
            except Exception as error:  # pylint: disable=broad-except
                raise at_index(index, error) from None
        requests: List[Request] = []
        bar = progress_bar(use_tqdm, len(prompts), "Processed prompts")
        try:
            for index, (prompt, each) in enumerate(zip(prompts, params)):
                is_batch = (priorities[index] or 0) > 0
                try:
                    requests.append(
                        Request(
                            self._model,
                            str(next(self._request_ids)),
                            prompt,
                            verified[id(each)],
                            is_batch,
                            adapters[index],
                        )
                    )
                except Exception as error:  # pylint: disable=broad-except
                    raise at_index(index, error) from None
            self._read_all(requests, bar)
            return [request.output() for request in requests]
        finally:
            bar.close()
            for request in requests:
                request.close()

    def _verified(self, params: Optional[SamplingParams]) -> SamplingParams:
        if params is None:
            return self._defaults
        if not isinstance(params, SamplingParams):
            raise TypeError(f"sampling_params must be SamplingParams, got {params!r}")
        params.verify()
        vocabulary_size = self._model.tokenizer.vocab_size
        for name in ("stop_token_ids", "logit_bias"):
            for token in getattr(params, name) or ():
                if int(token) >= vocabulary_size:
                    raise ValueError(f"{name} must be a token id in [0, {vocabulary_size}), got {token}")
        # An offline call gives whole answers.
        return dataclasses.replace(params, output_kind=RequestOutputKind.FINAL_ONLY)

    def _read_all(self, requests: Sequence[Request], bar: Any) -> None:
        """Waits for the oldest and looks at the others now and then: what is not read waits in the
        engine, and costs nothing."""
        open_requests = dict(enumerate(requests))
        began_at = swept_at = time.monotonic()
        prompt_tokens = output_tokens = 0
        while open_requests:
            oldest = next(iter(open_requests))
            is_sweep = time.monotonic() - swept_at > _SWEEP_SECONDS
            for index in list(open_requests) if is_sweep else [oldest]:
                request = open_requests[index]
                try:
                    request.read(_POLL_MS if index == oldest else 0)
                except Exception as error:  # pylint: disable=broad-except
                    raise at_index(index, error) from None
                if not request.is_finished:
                    continue
                del open_requests[index]
                prompt_tokens += len(request.prompt.ids)
                output_tokens += sum(answer.token_count for answer in request.answers)
                seconds = max(time.monotonic() - began_at, 1e-9)
                bar.set_postfix_str(
                    f"est. speed input: {prompt_tokens / seconds:.2f} toks/s, "
                    f"output: {output_tokens / seconds:.2f} toks/s",
                    refresh=False,
                )
                bar.update(1)
            if is_sweep:
                swept_at = time.monotonic()

    def embed(
        self,
        prompts: Union[PromptType, Sequence[PromptType]],
        *,
        use_tqdm: UseTqdm = True,
        pooling_params: Union[PoolingParams, Sequence[PoolingParams], None] = None,
        lora_request: Union[LoRARequest, Sequence[Optional[LoRARequest]], None] = None,
    ) -> List[EmbeddingRequestOutput]:
        """Vectors of prompts, in their order: the final hidden state of the last token, or as the
        pooler_config that the LLM was made with says. Raises as generate()."""
        found = self.encode(prompts, pooling_params, use_tqdm=use_tqdm, lora_request=lora_request)
        return [EmbeddingRequestOutput.from_base(output) for output in found]

    def encode(
        self,
        prompts: Union[PromptType, Sequence[PromptType]],
        pooling_params: Union[PoolingParams, Sequence[PoolingParams], None] = None,
        *,
        use_tqdm: UseTqdm = True,
        lora_request: Union[LoRARequest, Sequence[Optional[LoRARequest]], None] = None,
        pooling_task: Optional[str] = None,
    ) -> List[PoolingRequestOutput]:
        """The vectors of embed(), as `outputs.data`; pooling_task must be embed or None. Raises ValueError
        for another, and as generate()."""
        if pooling_task not in (None, "embed"):
            raise ValueError(f"pooling_task must be embed: the model has no head for {pooling_task!r}")
        read = self._read_prompts(prompts)
        params = for_each("pooling_params", pooling_params, len(read))
        adapters = for_each("lora_request", lora_request or None, len(read))
        requests: List[PoolingRequest] = []
        bar = progress_bar(use_tqdm, len(read), "Processed prompts")
        index = 0
        try:
            for index, prompt in enumerate(read):
                check_prompt(prompt.ids, self._model.tokenizer)
                requests.append(
                    PoolingRequest(
                        self._model,
                        str(next(self._request_ids)),
                        prompt,
                        self._pooling,
                        params[index] or PoolingParams(),
                        lora_request=adapters[index],
                    )
                )
            for index, request in enumerate(requests):
                while not request.is_finished:
                    request.read(_POLL_MS)
                bar.update(1)
            return [request.output() for request in requests]
        except Exception as error:
            raise at_index(index, error) from None
        finally:
            bar.close()
            for request in requests:
                request.close()

    def classify(
        self,
        prompts: Union[PromptType, Sequence[PromptType]],
        *,
        pooling_params: Any = None,
        use_tqdm: UseTqdm = True,
        lora_request: Any = None,
    ) -> List[ClassificationRequestOutput]:
        """Raises NotImplementedError: a model of text has no head for classes."""
        raise NotImplementedError("LLM.classify needs a model with a head for classes, and no GGUF here has one")

    def score(
        self,
        data_1: Union[PromptType, Sequence[PromptType]],
        data_2: Union[PromptType, Sequence[PromptType]],
        /,
        *,
        use_tqdm: UseTqdm = True,
        pooling_params: Optional[PoolingParams] = None,
        lora_request: Optional[LoRARequest] = None,
    ) -> List[ScoringRequestOutput]:
        """How alike texts are: the cosine of their vectors, as vLLM does for models that embed. One of
        data_1 with each of data_2, or pairs. Raises as embed()."""
        first = self._read_prompts(data_1)
        second = self._read_prompts(data_2)
        if len(first) == 1:
            first = first * len(second)
        if len(first) != len(second):
            raise ValueError(f"data_1 must be one, or as many as data_2, {len(second)}, got {len(first)}")
        both = self.embed(
            [{"prompt_token_ids": prompt.ids} for prompt in [*first, *second]],
            use_tqdm=use_tqdm,
            pooling_params=pooling_params,
            lora_request=lora_request,
        )
        vectors = [output.outputs.embedding for output in both]
        return [
            ScoringRequestOutput(
                request_id=str(next(self._request_ids)),
                outputs=ScoringOutput(cosine(vectors[index], vectors[len(first) + index])),
                prompt_token_ids=first[index].ids + second[index].ids,
            )
            for index in range(len(first))
        ]

    def _read_prompts(self, prompts: Union[PromptType, Sequence[PromptType]]) -> List[Prompt]:
        read = []
        for index, prompt in enumerate(as_list(prompts)):
            try:
                read.append(read_prompt(prompt, self._model.tokenizer))
            except Exception as error:  # pylint: disable=broad-except
                raise at_index(index, error) from None
        return read
