"""What the official Python client of Ollama does."""
import asyncio
import datetime
import math

import ollama

from checks import (LONG_STORY, MESSAGES, MODEL, QUESTION, TOOL_MODEL, URL, assert_ends, assert_unit_length, error_of,
                    get_weather, run)

OPTIONS = {"num_predict": 12, "seed": 1, "temperature": 0}
CLIENT = ollama.Client(host=URL)


def assert_fails(status, text, call, **arguments):
    error = error_of(ollama.ResponseError, call, **arguments)
    assert error.status_code == status and text in error.error, (error.status_code, error.error)


def list_and_show_describe_the_model():
    entry = next(entry for entry in CLIENT.list().models if entry.model == MODEL)
    assert isinstance(entry.modified_at, datetime.datetime) and len(entry.digest) == 64
    shown = CLIENT.show(MODEL)
    assert shown.details.format == "gguf" and "completion" in shown.capabilities
    architecture = shown.modelinfo["general.architecture"]
    assert shown.modelinfo[f"{architecture}.context_length"] > 0


def chat_whole_and_streamed_is_the_same_text():
    whole = CLIENT.chat(model=MODEL, messages=MESSAGES, options=OPTIONS)
    parts = list(CLIENT.chat(model=MODEL, messages=MESSAGES, options=OPTIONS, stream=True))
    assert whole.message.content and "".join(part.message.content for part in parts) == whole.message.content
    assert parts[-1].done and parts[-1].eval_count == whole.eval_count == 12
    assert parts[-1].total_duration >= parts[-1].eval_duration


def generate_goes_on_from_a_context():
    first = CLIENT.generate(model=MODEL, prompt="Hi", options=OPTIONS)
    second = CLIENT.generate(model=MODEL, prompt="And?", context=first.context, options=OPTIONS)
    assert second.prompt_eval_count > first.prompt_eval_count


def logprobs():
    answer = CLIENT.chat(model=MODEL, messages=MESSAGES, options=OPTIONS, logprobs=True, top_logprobs=2)
    assert len(answer.logprobs) == answer.eval_count and len(answer.logprobs[0].top_logprobs) == 2


def closing_a_stream_frees_the_server():
    stream = CLIENT.chat(model=MODEL, messages=LONG_STORY, options={"temperature": 0, "num_predict": 7000}, stream=True)
    next(stream)
    assert_ends(stream.close)


def leaving_an_async_stream_frees_the_server():
    async def read():
        client = ollama.AsyncClient(host=URL)
        stream = await client.chat(model=MODEL, messages=LONG_STORY, options={"temperature": 0, "num_predict": 7000},
                                   stream=True)
        await anext(stream)
        loop = asyncio.get_running_loop()
        closed = await asyncio.to_thread(
            assert_ends, lambda: asyncio.run_coroutine_threadsafe(stream.aclose(), loop).result())
        assert closed is None

    asyncio.run(read())


def a_model_without_tools_says_so():
    assert_fails(400, "does not support tools", CLIENT.chat, model=MODEL, messages=MESSAGES, tools=[get_weather])


def chat_with_tools():
    messages = [{"role": "user", "content": QUESTION}]
    wanted = dict(model=TOOL_MODEL, tools=[get_weather], options={"temperature": 0, "num_predict": 80})
    answer = CLIENT.chat(messages=messages, **wanted)
    call = answer.message.tool_calls[0]
    assert call.function.name == "get_weather" and "Paris" in call.function.arguments["city"]
    messages += [answer.message,
                 {"role": "tool", "tool_name": call.function.name, "content": get_weather(**call.function.arguments)}]
    told = CLIENT.chat(messages=messages, **wanted).message
    assert told.content or told.tool_calls  # a small model may call again


def embeddings():
    embedded = CLIENT.embed(model=MODEL, input=["one", "two"], dimensions=16)
    assert [len(vector) for vector in embedded.embeddings] == [16, 16]
    assert_unit_length(embedded.embeddings[0])
    assert math.hypot(*CLIENT.embeddings(model=MODEL, prompt="one").embedding) > 0


def create_copy_delete():
    lines = list(CLIENT.create(model="py-poet", from_=MODEL, system="You rhyme.", parameters={"top_k": 3}, stream=True))
    assert lines[-1].status == "success"
    assert "top_k" in CLIENT.show("py-poet").parameters
    assert CLIENT.copy("py-poet", "py-copy").status == "success"
    assert CLIENT.delete("py-copy").status == "success"
    CLIENT.delete("py-poet")
    assert_fails(404, "model 'py-poet' not found", CLIENT.show, model="py-poet")


def blob():
    digest = CLIENT.create_blob(__file__)
    assert digest.startswith("sha256:")
    assert CLIENT._client.head(f"/api/blobs/{digest}").status_code == 200


def pull_of_what_is_there():
    assert CLIENT.pull(MODEL).status == "success"
    assert list(CLIENT.pull(MODEL, stream=True, insecure=True))[-1].status == "success"


def ps_and_unloading():
    CLIENT.generate(model=MODEL, prompt="", keep_alive="10m")
    entry = next(entry for entry in CLIENT.ps().models if entry.model == MODEL)
    assert entry.expires_at > datetime.datetime.now(datetime.timezone.utc)
    assert CLIENT.generate(model=MODEL, prompt="", keep_alive=0).done_reason == "unload"
    assert MODEL not in [entry.model for entry in CLIENT.ps().models]


def errors():
    wanted = dict(call=CLIENT.chat, model=MODEL, messages=MESSAGES)
    assert_fails(404, "try pulling it first", **{**wanted, "model": "nobody"})
    assert_fails(404, "try pulling it first", **{**wanted, "model": "nobody"}, stream=True)
    assert_fails(400, "does not support thinking", **wanted, think=True)
    assert_fails(400, 'option "top_k" must be of type integer', **wanted, options={"top_k": "x"})
    assert_fails(400, "format is not supported yet", **wanted, format="json")


run(list_and_show_describe_the_model, chat_whole_and_streamed_is_the_same_text, generate_goes_on_from_a_context, logprobs,
    closing_a_stream_frees_the_server, leaving_an_async_stream_frees_the_server, a_model_without_tools_says_so,
    chat_with_tools, embeddings, create_copy_delete, blob, pull_of_what_is_there, ps_and_unloading, errors)
