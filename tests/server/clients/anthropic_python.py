"""PyPI's anthropic against a server: anthropic_python.py BASE_URL MODEL TOOL_MODEL. Exits 1 if anything is otherwise."""
import json
import sys
import time
import traceback
import urllib.request

import anthropic

URL = sys.argv[1]
MODEL, TOOL_MODEL = (sys.argv[2:] + ["smollm2:135m", "qwen2.5-coder:0.5b"][len(sys.argv) - 2:])[:2]
CLIENT = anthropic.Anthropic(base_url=URL, api_key="none", max_retries=0)
# The client has no temperature of its own any more.
GREEDY = {"temperature": 0}
MESSAGES = [{"role": "user", "content": "Name three colours."}]
WANTED = dict(model=MODEL, messages=MESSAGES, extra_body=GREEDY, max_tokens=16)
WEATHER = {"name": "get_weather", "description": "The weather of a city",
           "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
QUESTION = {"role": "user", "content": "What is the weather in Paris? Use the tool."}
ASKS_TOOL = dict(model=TOOL_MODEL, max_tokens=200, extra_body=GREEDY, tools=[WEATHER], messages=[QUESTION])


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
    following = [QUESTION, {"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
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
    with CLIENT.messages.stream(**{**WANTED, "max_tokens": 4000, "extra_body": {"temperature": 1}}) as events:
        next(iter(events.text_stream))
    for _ in range(50):
        running = json.load(urllib.request.urlopen(f"{URL}/load"))["server_load"]
        if running == 0:
            return
        time.sleep(0.02)
    raise AssertionError("it still runs")


def errors():
    def fails(kind, **changes):
        try:
            CLIENT.messages.create(**{**WANTED, **changes})
        except kind as error:
            assert error.body["type"] == "error" and error.body["request_id"] == error.request_id
            return
        raise AssertionError(f"{changes} was taken")

    fails(anthropic.NotFoundError, model="nobody")
    fails(anthropic.BadRequestError, max_tokens=0)
    fails(anthropic.BadRequestError, tools=[WEATHER], tool_choice={"type": "any"})


def main():
    failed = 0
    for test in (message, stream, tools, streamed_tools, count_tokens, closing_a_stream_ends_the_request, errors):
        try:
            test()
            print("ok", test.__name__)
        except Exception:  # the others shall still run
            failed += 1
            print("FAILED", test.__name__)
            traceback.print_exc()
    sys.exit(1 if failed else 0)


main()
