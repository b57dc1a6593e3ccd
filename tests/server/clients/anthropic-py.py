"""What Anthropic's official Python client does."""
import anthropic

from checks import (LONG_STORY, MESSAGES, MODEL, QUESTION, TOOL_MODEL, URL, WEATHER, assert_ends, error_of, run)

CLIENT = anthropic.Anthropic(base_url=URL, api_key="none", max_retries=0)
# The client has no temperature of its own any more.
GREEDY = {"temperature": 0}
WANTED = dict(model=MODEL, messages=MESSAGES, extra_body=GREEDY, max_tokens=16)
TOOL = {"name": WEATHER["name"], "description": WEATHER["description"], "input_schema": WEATHER["parameters"]}
ASKED = {"role": "user", "content": QUESTION}
ASKS_TOOL = dict(model=TOOL_MODEL, max_tokens=200, extra_body=GREEDY, tools=[TOOL], messages=[ASKED])


def tool_call(answer):
    return next(block for block in answer.content if block.type == "tool_use")


def message():
    answer = CLIENT.messages.create(**WANTED)
    assert answer.content[0].type == "text" and answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 16
    assert answer._request_id


def stream():
    whole = CLIENT.messages.create(**WANTED)
    with CLIENT.messages.stream(**WANTED) as events:
        pieces = list(events.text_stream)
        final = events.get_final_message()
    assert len(pieces) > 1 and "".join(pieces) == whole.content[0].text
    assert final.stop_reason == "max_tokens" and final.usage.output_tokens == 16


def tools():
    answer = CLIENT.messages.create(**ASKS_TOOL)
    call = tool_call(answer)
    assert answer.stop_reason == "tool_use" and call.name == "get_weather" and "Paris" in call.input["city"]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "Sunny"}]}
    following = [ASKED, {"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    assert CLIENT.messages.create(**{**ASKS_TOOL, "messages": following}).content


def streamed_tools():
    whole = CLIENT.messages.create(**ASKS_TOOL)
    with CLIENT.messages.stream(**ASKS_TOOL) as events:
        final = events.get_final_message()
    assert tool_call(final).input == tool_call(whole).input and final.stop_reason == "tool_use"


def count_tokens():
    counted = CLIENT.messages.count_tokens(model=MODEL, messages=MESSAGES).input_tokens
    usage = CLIENT.messages.create(**WANTED).usage
    assert counted == usage.input_tokens + usage.cache_read_input_tokens


def closing_a_stream_ends_the_request():
    with CLIENT.messages.stream(**{**WANTED, "messages": LONG_STORY, "max_tokens": 7000}) as events:
        next(iter(events.text_stream))
        assert_ends(events.close)


def errors():
    def fails(kind, **changes):
        error = error_of(kind, CLIENT.messages.create, **{**WANTED, **changes})
        assert error.body["type"] == "error" and error.body["request_id"] == error.request_id

    fails(anthropic.NotFoundError, model="nobody")
    fails(anthropic.NotFoundError, model="nobody", stream=True)
    fails(anthropic.BadRequestError, max_tokens=0)
    fails(anthropic.BadRequestError, tools=[TOOL], tool_choice={"type": "any"})


run(message, stream, tools, streamed_tools, count_tokens, closing_a_stream_ends_the_request, errors)
