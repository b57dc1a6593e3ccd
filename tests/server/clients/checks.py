"""What the scripts for Python's clients share: NAME.py URL MODEL [MODEL_WITH_TOOLS]."""
import contextlib
import http.client
import json
import math
import re
import sys
import time
import traceback
import urllib.parse
import urllib.request

URL, MODEL = sys.argv[1:3]
TOOL_MODEL = sys.argv[3] if len(sys.argv) > 3 else None
MESSAGES = [{"role": "user", "content": "Name three colours."}]
LONG_STORY = [{"role": "user", "content": "Write a long story about a dog."}]  # beyond 7,000 tokens at temperature 0
QUESTION = "What is the weather in Paris? Use the tool."
WEATHER = {"name": "get_weather", "description": "The weather of a city",
           "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
      city: The city's name.
    """
    return f"21 degrees in {city}"


def get(path):
    with urllib.request.urlopen(f"{URL}{path}") as answer:
        return answer.read().decode()


def running():
    """How many requests the server answers."""
    return len(json.loads(get("/requests"))["requests"])


def aborted():
    """How many requests have ended because nobody wanted them any more."""
    return sum(map(int, re.findall(r'^vllm:request_success_total\{.*finished_reason="abort"\} (\d+)$', get("/metrics"), re.M)))


def assert_ends(abort):
    """To be called while a long answer streams: fails unless `abort` ends it in the server too, and soon."""
    before = aborted()
    assert running() == 1
    abort()
    for _ in range(50):
        if running() == 0:
            break
        time.sleep(0.1)
    assert running() == 0
    assert aborted() == before + 1


@contextlib.contextmanager
def full_server():
    """Long requests, as many as the server takes at once; what is given lets them all go."""
    address, places = urllib.parse.urlsplit(URL), 512
    body = json.dumps({"model": MODEL, "prompt": "a", "n_predict": 7000, "ignore_eos": True, "stream": True})
    clients = [http.client.HTTPConnection(address.hostname, address.port) for _ in range(places)]

    def let_go():
        while clients:
            clients.pop().close()

    try:
        for client in clients:
            client.request("POST", "/completion", body)
        for _ in range(300):
            if running() == places:
                break
            time.sleep(0.1)
        assert running() == places
        yield let_go
    finally:
        let_go()
        while running() > 0:
            time.sleep(0.1)


def assert_unit_length(vector):
    assert abs(math.hypot(*vector) - 1) < 1e-4, math.hypot(*vector)


def error_of(kind, call, *arguments, **fields):
    """The error of that class that the call ends with; a stream is read."""
    try:
        result = call(*arguments, **fields)
        if hasattr(result, "__next__"):
            list(result)
    except kind as error:
        return error
    raise AssertionError("no error")


def run(*checks):
    """Runs the checks; those whose names end with "tools" need a model that can call them."""
    passed = failed = left_out = 0
    for check in checks:
        if check.__name__.endswith("tools") and TOOL_MODEL is None:
            left_out += 1
            continue
        try:
            check()
            passed += 1
            print("ok", check.__name__, flush=True)
        except Exception:  # the others shall still run
            failed += 1
            print("FAILED", check.__name__, traceback.format_exc(), flush=True)
    rest = f", {left_out} left out: no model for tools" if left_out else ""
    print(f"{passed} passed, {failed} failed{rest}", flush=True)
    sys.exit(0 if failed == 0 and passed > 0 else 1)
