"""What LlamaIndex does through llama-index-llms-ollama."""
import ollama
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.tools import FunctionTool
from llama_index.llms.ollama import Ollama

from checks import LONG_STORY, MODEL, QUESTION, TOOL_MODEL, URL, assert_ends, error_of, get_weather, run


def client(model=MODEL, num_predict=16):
    return Ollama(model=model, base_url=URL, temperature=0, request_timeout=120,
                  additional_kwargs={"num_predict": num_predict})


ASKED = [ChatMessage(role=MessageRole.SYSTEM, content="You like long answers."),
         ChatMessage(role=MessageRole.USER, content="Name three colours.")]


def chat_whole_and_streamed_is_the_same_text():
    whole = client().chat(ASKED)
    assert whole.message.content and whole.raw["eval_count"] == 16
    assert whole.raw["usage"]["completion_tokens"] == 16
    parts = list(client().stream_chat(ASKED))
    assert len(parts) > 2 and "".join(part.delta or "" for part in parts) == whole.message.content
    assert parts[-1].message.content == whole.message.content


def complete_whole_and_streamed_is_the_same_text():
    whole = client().complete("Say hello.")
    assert whole.text
    assert "".join(part.delta or "" for part in client().stream_complete("Say hello.")) == whole.text


def the_context_window_is_the_models():
    model = Ollama(model=MODEL, base_url=URL)
    assert model.get_context_window() == 8192, model.get_context_window()


def closing_a_stream_ends_the_request():
    asked = [ChatMessage(role=MessageRole.USER, content=LONG_STORY[0]["content"])]
    stream = client(num_predict=7000).stream_chat(asked)
    next(stream)
    assert_ends(stream.close)


def errors():
    absent = error_of(ollama.ResponseError, client("absent").chat, ASKED)
    assert absent.status_code == 404 and "model 'absent' not found" in absent.error


def function_tools():
    tool = FunctionTool.from_defaults(get_weather)
    model = client(TOOL_MODEL, 100)
    answer = model.chat_with_tools([tool], user_msg=QUESTION)
    call = model.get_tool_calls_from_response(answer)[0]
    assert call.tool_name == "get_weather" and "Paris" in call.tool_kwargs["city"]
    *_, last = model.stream_chat_with_tools([tool], user_msg=QUESTION)
    assert [each.tool_kwargs for each in model.get_tool_calls_from_response(last)] == [call.tool_kwargs]
    told = model.predict_and_call([tool], user_msg=QUESTION)
    assert "21 degrees in" in told.response


run(chat_whole_and_streamed_is_the_same_text, complete_whole_and_streamed_is_the_same_text,
    the_context_window_is_the_models, closing_a_stream_ends_the_request, errors, function_tools)
