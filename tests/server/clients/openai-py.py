"""What OpenAI's official Python client does."""
import json
import logging
import time

import openai

from checks import (LONG_STORY, MESSAGES, MODEL, QUESTION, TOOL_MODEL, URL, WEATHER, assert_ends, assert_unit_length, error_of,
                    full_server, run)

CLIENT = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=0)


def models():
    assert MODEL in [model.id for model in CLIENT.models.list()]
    assert CLIENT.models.retrieve(MODEL).id == MODEL


def chat():
    answer = CLIENT.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=12, n=2, seed=1, logprobs=True,
                                            top_logprobs=3, extra_body={"min_tokens": 12, "top_k": 50})
    assert [choice.index for choice in answer.choices] == [0, 1]
    for choice in answer.choices:
        assert "".join(token.token for token in choice.logprobs.content) == choice.message.content
        assert all(len(token.top_logprobs) == 3 for token in choice.logprobs.content)
    assert answer.usage.completion_tokens == 24


def streamed_chat():
    wanted = dict(model=MODEL, messages=MESSAGES, temperature=0, max_tokens=24)
    whole = CLIENT.chat.completions.create(**wanted)
    text, usage = "", None
    for chunk in CLIENT.chat.completions.create(stream=True, stream_options={"include_usage": True}, **wanted):
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        usage = chunk.usage or usage
    assert text == whole.choices[0].message.content
    assert usage.completion_tokens == whole.usage.completion_tokens


def abort():
    stream = CLIENT.chat.completions.create(model=MODEL, messages=LONG_STORY, temperature=0, stream=True, max_tokens=7000)
    assert next(stream).choices
    assert_ends(stream.close)


def errors():
    create = CLIENT.chat.completions.create
    absent = error_of(openai.NotFoundError, create, model="absent", messages=MESSAGES)
    assert absent.code == "model_not_found"
    wrong = error_of(openai.BadRequestError, create, model=MODEL, messages=MESSAGES, temperature="hot")
    assert wrong.param == "temperature"
    long = error_of(openai.BadRequestError, CLIENT.completions.create, model=MODEL, prompt="a " * 50000, stream=True)
    assert long.code == "context_length_exceeded"
    strict = error_of(openai.BadRequestError, create, model=MODEL, messages=MESSAGES,
                      response_format={"type": "json_object"})
    assert "constrained decoding" in strict.message


class Delays(logging.Handler):
    """How long the client says that it waits before it tries again."""

    def __init__(self):
        super().__init__(logging.INFO)
        self.seconds = []

    def emit(self, record):
        if record.msg.startswith("Retrying request"):
            self.seconds.append(record.args[0])


def retries():
    """A full server says when to come back; the client takes its word, and is answered then. By itself it would wait for half a
    second at most."""
    sent, refused, delays = [], [], Delays()
    logger = logging.getLogger("openai._base_client")
    logger.setLevel(logging.INFO)
    logger.addHandler(delays)

    def on_response(response):
        if response.status_code == 503:
            let_go()
            refused.append((response.headers["retry-after"], time.monotonic()))

    hooks = {"request": [lambda request: sent.append(time.monotonic())], "response": [on_response]}
    patient = openai.OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=20,
                            http_client=openai.DefaultHttpxClient(event_hooks=hooks))
    with full_server() as let_go:
        answer = patient.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=4)
    logger.removeHandler(delays)
    assert answer.choices[0].message.content is not None
    assert len(refused) >= 1 and len(sent) == len(refused) + 1
    for (told, refused_at), delay, sent_again_at in zip(refused, delays.seconds, sent[1:], strict=True):
        assert delay == float(told) == 1
        assert sent_again_at - refused_at >= float(told)
    busy = error_of(openai.InternalServerError, busy_server)
    assert busy.status_code == 503 and "server busy" in busy.message


def busy_server():
    with full_server():
        CLIENT.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=4)


def completions():
    answer = CLIENT.completions.create(model=MODEL, prompt=["One, two,", "Red, green,"], temperature=0, max_tokens=6,
                                       logprobs=2, echo=True)
    for choice in answer.choices:
        assert "".join(choice.logprobs.tokens) == choice.text
        assert choice.logprobs.token_logprobs[0] is None and None not in choice.logprobs.token_logprobs[1:]
        assert all(choice.text[start:].startswith(token)
                   for start, token in zip(choice.logprobs.text_offset, choice.logprobs.tokens))
    best = CLIENT.completions.create(model=MODEL, prompt="One, two,", max_tokens=6, best_of=4, n=2, seed=1)
    assert len(best.choices) == 2


def embeddings():
    default = CLIENT.embeddings.create(model=MODEL, input=["a cat", "a dog"])  # asks for base64
    floats = CLIENT.embeddings.create(model=MODEL, input=["a cat", "a dog"], encoding_format="float")
    assert len(default.data) == len(floats.data) == 2
    for a, b in zip(default.data, floats.data):
        assert_unit_length(b.embedding)
        assert max(abs(x - y) for x, y in zip(a.embedding, b.embedding)) < 1e-6
    assert len(CLIENT.embeddings.create(model=MODEL, input=[[1, 2], [3]], dimensions=32).data[1].embedding) == 32


def chat_tools():
    wanted = dict(model=TOOL_MODEL, messages=[{"role": "user", "content": QUESTION}], temperature=0, max_tokens=100,
                  tools=[{"type": "function", "function": WEATHER}])
    choice = CLIENT.chat.completions.create(**wanted).choices[0]
    call = choice.message.tool_calls[0]
    assert choice.finish_reason == "tool_calls" and call.function.name == "get_weather"
    assert "Paris" in json.loads(call.function.arguments)["city"]
    with CLIENT.chat.completions.stream(**wanted) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.arguments == call.function.arguments


def responses():
    first = CLIENT.responses.create(model=MODEL, input="Say hello.", instructions="Be short.", max_output_tokens=40)
    assert first.output_text and CLIENT.responses.retrieve(first.id).output_text == first.output_text
    second = CLIENT.responses.create(model=MODEL, input="Again.", previous_response_id=first.id, max_output_tokens=8,
                                     extra_body={"ignore_eos": True})
    assert second.status == "incomplete" and second.incomplete_details.reason == "max_output_tokens"
    CLIENT.responses.delete(first.id)
    error_of(openai.NotFoundError, CLIENT.responses.retrieve, first.id)


def streamed_responses():
    wanted = dict(model=MODEL, input="Say hello.", temperature=0, max_output_tokens=24)
    whole = CLIENT.responses.create(**wanted)
    text, numbers = "", []
    for event in CLIENT.responses.create(stream=True, **wanted):
        numbers.append(event.sequence_number)
        text += event.delta if event.type == "response.output_text.delta" else ""
    assert text == whole.output_text and numbers == list(range(len(numbers)))
    assert event.type in ("response.completed", "response.incomplete") and event.response.output_text == text


run(models, chat, streamed_chat, abort, errors, retries, completions, embeddings, chat_tools, responses, streamed_responses)
