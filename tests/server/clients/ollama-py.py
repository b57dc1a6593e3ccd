"""What the official Python client of Ollama does, against a server that runs: ollama-py.py URL MODEL [MODEL_WITH_TOOLS]."""
import asyncio
import datetime
import math
import sys
import unittest

import ollama

URL, MODEL = sys.argv[1:3]
TOOL_MODEL = sys.argv[3] if len(sys.argv) > 3 else None
MESSAGES = [{"role": "user", "content": "Say hello."}]
OPTIONS = {"num_predict": 12, "seed": 1, "temperature": 0}


def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
      city: The city's name.
    """
    return f"21 degrees in {city}"


class OllamaClient(unittest.TestCase):
    def setUp(self):
        self.client = ollama.Client(host=URL)

    def assert_fails(self, status, text, call, **arguments):
        with self.assertRaises(ollama.ResponseError) as caught:
            result = call(**arguments)
            if arguments.get("stream"):
                list(result)
        self.assertEqual(caught.exception.status_code, status)
        self.assertIn(text, caught.exception.error)

    def test_list_and_show_describe_the_model(self):
        entry = next(entry for entry in self.client.list().models if entry.model == MODEL)
        self.assertIsInstance(entry.modified_at, datetime.datetime)
        self.assertEqual(len(entry.digest), 64)
        shown = self.client.show(MODEL)
        self.assertEqual(shown.details.format, "gguf")
        self.assertIn("completion", shown.capabilities)
        architecture = shown.modelinfo["general.architecture"]
        self.assertGreater(shown.modelinfo[f"{architecture}.context_length"], 0)

    def test_chat_whole_and_streamed_is_the_same_text(self):
        whole = self.client.chat(model=MODEL, messages=MESSAGES, options=OPTIONS)
        parts = list(self.client.chat(model=MODEL, messages=MESSAGES, options=OPTIONS, stream=True))
        self.assertEqual("".join(part.message.content for part in parts), whole.message.content)
        self.assertTrue(parts[-1].done)
        self.assertGreater(parts[-1].eval_count, 0)
        self.assertGreaterEqual(parts[-1].total_duration, parts[-1].eval_duration)

    def test_generate_goes_on_from_a_context(self):
        first = self.client.generate(model=MODEL, prompt="Hi", options=OPTIONS)
        second = self.client.generate(model=MODEL, prompt="And?", context=first.context, options=OPTIONS)
        self.assertGreater(second.prompt_eval_count, first.prompt_eval_count)

    def test_logprobs(self):
        answer = self.client.chat(model=MODEL, messages=MESSAGES, options=OPTIONS, logprobs=True, top_logprobs=2)
        self.assertEqual(len(answer.logprobs), answer.eval_count)
        self.assertEqual(len(answer.logprobs[0].top_logprobs), 2)

    def test_a_stream_that_is_left_frees_the_server(self):
        async def read():
            client = ollama.AsyncClient(host=URL)
            stream = await client.chat(model=MODEL, messages=MESSAGES, options={"num_predict": 4000}, stream=True)
            async for _ in stream:
                break
            await stream.aclose()
            for _ in range(50):
                running = await client._client.get("/requests")
                if not running.json()["requests"]:
                    return
                await asyncio.sleep(0.1)
            self.fail("the request still runs")

        asyncio.run(read())

    def test_tools(self):
        if TOOL_MODEL is None:
            return self.assert_fails(400, "does not support tools", self.client.chat, model=MODEL, messages=MESSAGES, tools=[get_weather])
        messages = [{"role": "user", "content": "What is the weather in Paris? Use the tool."}]
        answer = self.client.chat(model=TOOL_MODEL, messages=messages, tools=[get_weather], options={"temperature": 0, "num_predict": 80})
        call = answer.message.tool_calls[0]
        self.assertEqual(call.function.name, "get_weather")
        result = get_weather(**call.function.arguments)
        messages += [answer.message, {"role": "tool", "tool_name": call.function.name, "content": result}]
        told = self.client.chat(model=TOOL_MODEL, messages=messages, tools=[get_weather], options={"temperature": 0, "num_predict": 40})
        self.assertTrue(told.message.content)

    def test_embeddings(self):
        embedded = self.client.embed(model=MODEL, input=["one", "two"], dimensions=16)
        self.assertEqual([len(vector) for vector in embedded.embeddings], [16, 16])
        self.assertAlmostEqual(math.hypot(*embedded.embeddings[0]), 1, places=4)
        self.assertTrue(self.client.embeddings(model=MODEL, prompt="one").embedding)

    def test_create_copy_delete(self):
        lines = list(self.client.create(model="py-poet", from_=MODEL, system="You rhyme.", parameters={"top_k": 3}, stream=True))
        self.assertEqual(lines[-1].status, "success")
        self.assertIn("top_k", self.client.show("py-poet").parameters)
        self.assertEqual(self.client.copy("py-poet", "py-copy").status, "success")
        self.assertEqual(self.client.delete("py-copy").status, "success")
        self.client.delete("py-poet")
        self.assert_fails(404, "model 'py-poet' not found", self.client.show, model="py-poet")

    def test_blob(self):
        digest = self.client.create_blob(__file__)
        self.assertTrue(digest.startswith("sha256:"))
        self.assertEqual(self.client._client.head(f"/api/blobs/{digest}").status_code, 200)

    def test_pull_of_what_is_there(self):
        self.assertEqual(self.client.pull(MODEL).status, "success")
        self.assertEqual(list(self.client.pull(MODEL, stream=True, insecure=True))[-1].status, "success")

    def test_ps_and_unloading(self):
        self.client.generate(model=MODEL, prompt="", keep_alive="10m")
        entry = next(entry for entry in self.client.ps().models if entry.model == MODEL)
        self.assertGreater(entry.expires_at, datetime.datetime.now(datetime.timezone.utc))
        self.assertEqual(self.client.generate(model=MODEL, prompt="", keep_alive=0).done_reason, "unload")
        self.assertNotIn(MODEL, [entry.model for entry in self.client.ps().models])

    def test_errors(self):
        self.assert_fails(404, "try pulling it first", self.client.chat, model="nobody", messages=MESSAGES)
        self.assert_fails(404, "try pulling it first", self.client.chat, model="nobody", messages=MESSAGES, stream=True)
        self.assert_fails(400, "does not support thinking", self.client.chat, model=MODEL, messages=MESSAGES, think=True)
        self.assert_fails(400, 'option "top_k" must be of type integer', self.client.chat, model=MODEL, messages=MESSAGES, options={"top_k": "x"})
        self.assert_fails(400, "format is not supported yet", self.client.chat, model=MODEL, messages=MESSAGES, format="json")


unittest.main(argv=sys.argv[:1], verbosity=2, warnings="ignore")
