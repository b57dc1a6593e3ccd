"""What LangChain does through langchain-ollama."""
import ollama
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_ollama import ChatOllama, OllamaEmbeddings, OllamaLLM

from checks import (LONG_STORY, MODEL, QUESTION, TOOL_MODEL, URL, assert_ends, assert_unit_length, error_of, get_weather, run)

SETTINGS = dict(base_url=URL, model=MODEL, temperature=0, num_predict=16)
CHAT = ChatOllama(**SETTINGS)
ASKED = [SystemMessage("You like long answers."), HumanMessage("Name three colours.")]


def joined(chunks):
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


def invoke_and_stream_the_same_text():
    whole = CHAT.invoke(ASKED)
    assert whole.content and whole.response_metadata["done_reason"] == "length"
    assert whole.usage_metadata["output_tokens"] == 16
    chunks = list(CHAT.stream(ASKED))
    assert len(chunks) > 2 and joined(chunks).content == whole.content
    assert joined(chunks).usage_metadata == whole.usage_metadata


def batch():
    one, two = CHAT.batch([ASKED, "Say hello."])
    assert one.content == CHAT.invoke(ASKED).content and two.content == CHAT.invoke("Say hello.").content


def a_completion_model_streams_the_same_text():
    completion = OllamaLLM(**SETTINGS)
    whole = completion.invoke("One, two,")
    assert whole and "".join(completion.stream("One, two,")) == whole


def a_model_that_is_checked_at_first():
    assert ChatOllama(**SETTINGS, validate_model_on_init=True).invoke("Say hello.").content
    error_of(ValueError, ChatOllama, **{**SETTINGS, "model": "absent"}, validate_model_on_init=True)


def closing_a_stream_ends_the_request():
    stream = ChatOllama(**{**SETTINGS, "num_predict": 7000}).stream(LONG_STORY)
    next(stream)
    assert_ends(stream.close)


def embeddings():
    embedder = OllamaEmbeddings(base_url=URL, model=MODEL)
    vectors = embedder.embed_documents(["a cat", "a dog"])
    assert len(vectors) == 2 and embedder.embed_query("a dog") == vectors[1]
    for vector in vectors:
        assert_unit_length(vector)


def errors():
    absent = error_of(ollama.ResponseError, ChatOllama(**{**SETTINGS, "model": "absent"}).invoke, ASKED)
    assert absent.status_code == 404 and '"absent" not found' in absent.error


def bound_tools():
    bound = ChatOllama(**{**SETTINGS, "model": TOOL_MODEL, "num_predict": 100}).bind_tools([get_weather])
    first = HumanMessage(QUESTION)
    answer = bound.invoke([first])
    call = answer.tool_calls[0]
    assert call["name"] == "get_weather" and "Paris" in call["args"]["city"]
    streamed = joined(list(bound.stream([first])))
    assert [each["args"] for each in streamed.tool_calls] == [each["args"] for each in answer.tool_calls]
    told = bound.invoke([first, answer, ToolMessage(get_weather(**call["args"]), tool_call_id=call["id"])])
    assert told.content or told.tool_calls  # a small model may call again


run(invoke_and_stream_the_same_text, batch, a_completion_model_streams_the_same_text, a_model_that_is_checked_at_first,
    closing_a_stream_ends_the_request, embeddings, errors, bound_tools)
