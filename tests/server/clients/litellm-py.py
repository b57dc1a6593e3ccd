"""What litellm does, as a client of OpenAI's, Ollama's and Anthropic's APIs."""
import json
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # nothing is fetched

import litellm  # noqa: E402

from checks import (LONG_STORY, MESSAGES, MODEL, QUESTION, TOOL_MODEL, URL, WEATHER, assert_ends, error_of,  # noqa: E402
                    run)

WHERE = {"openai": f"{URL}/v1", "ollama": URL, "ollama_chat": URL, "anthropic": URL}


def fields(provider, model=MODEL, **more):
    return dict(model=f"{provider}/{model}", api_base=WHERE[provider], api_key="none", num_retries=0, **more)


def completion_whole_and_streamed_is_the_same_text():
    for provider in WHERE:
        wanted = fields(provider, messages=MESSAGES, temperature=0, max_tokens=16)
        whole = litellm.completion(**wanted)
        assert whole.choices[0].message.content and whole.usage.completion_tokens == 16, (provider, whole)
        if not provider.startswith("ollama"):  # of those it always says "stop"
            assert whole.choices[0].finish_reason == "length", (provider, whole)
        pieces = [chunk.choices[0].delta.content or "" for chunk in litellm.completion(stream=True, **wanted)]
        assert len(pieces) > 2 and "".join(pieces) == whole.choices[0].message.content, provider


def abort():
    stream = litellm.completion(stream=True, **fields("openai", messages=LONG_STORY, temperature=0, max_tokens=7000))
    next(stream)
    assert_ends(stream.completion_stream.close)


def embedding():
    by_openai = litellm.embedding(input=["a cat", "a dog"], encoding_format="float", **fields("openai"))
    by_ollama = litellm.embedding(input=["a cat", "a dog"], **fields("ollama"))
    assert len(by_openai.data) == len(by_ollama.data) == 2
    for a, b in zip(by_openai.data, by_ollama.data):
        assert max(abs(x - y) for x, y in zip(a["embedding"], b["embedding"], strict=True)) < 1e-6


def errors():
    for provider in ("openai", "anthropic"):
        error_of(litellm.NotFoundError, litellm.completion, **fields(provider, "absent", messages=MESSAGES))
        long = [{"role": "user", "content": "a " * 50000}]
        error_of(litellm.ContextWindowExceededError, litellm.completion, **fields(provider, messages=long))


def completion_with_tools():
    for provider in ("openai", "ollama_chat", "anthropic"):
        asked = [{"role": "user", "content": QUESTION}]
        wanted = fields(provider, TOOL_MODEL, temperature=0, max_tokens=100, tools=[{"type": "function", "function": WEATHER}])
        choice = litellm.completion(messages=asked, **wanted).choices[0]
        call = choice.message.tool_calls[0]
        assert choice.finish_reason == "tool_calls" and call.function.name == "get_weather", (provider, choice)
        assert "Paris" in json.loads(call.function.arguments)["city"], (provider, choice)
        result = {"role": "tool", "tool_call_id": call.id, "name": "get_weather", "content": "21 degrees"}
        told = litellm.completion(messages=[*asked, choice.message, result], **wanted).choices[0].message
        assert told.content or told.tool_calls, provider  # a small model may call again


run(completion_whole_and_streamed_is_the_same_text, abort, embedding, errors, completion_with_tools)
