"""AsyncLLM: outputs as they come."""

import asyncio
import time
import unittest

from sparrow import AsyncLLM, Cancelled, LoRARequest, PoolingParams, RequestOutputKind, SamplingParams

from .support import adapter_path, model_path, shared_llm


def params(**fields):
    return SamplingParams(**{"temperature": 0, "max_tokens": 60, "ignore_eos": True, **fields})


class AsyncLLMTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.llm = AsyncLLM(model_path(), max_model_len=400, thread_count=1)
        self.expected = shared_llm().generate("hello", params(), use_tqdm=False)[0].outputs[0]

    def tearDown(self):
        self.llm.shutdown()

    async def collect(self, request_id="r", prompt="hello", **fields):
        return [output async for output in self.llm.generate(prompt, params(**fields), request_id)]

    async def test_cumulative_outputs_grow_to_the_answer(self):
        outputs = await self.collect()
        self.assertTrue(outputs[-1].finished)
        self.assertFalse(any(output.finished for output in outputs[:-1]))
        texts = [output.outputs[0].text for output in outputs]
        self.assertTrue(all(later.startswith(earlier) for earlier, later in zip(texts, texts[1:])))
        self.assertEqual(outputs[-1].outputs[0].token_ids, self.expected.token_ids)
        self.assertEqual(texts[-1], self.expected.text)
        self.assertEqual(outputs[-1].request_id, "r")

    async def test_deltas_add_up_to_the_answer(self):
        outputs = await self.collect(output_kind=RequestOutputKind.DELTA)
        self.assertEqual("".join(output.outputs[0].text for output in outputs), self.expected.text)
        tokens = [token for output in outputs for token in output.outputs[0].token_ids]
        self.assertEqual(tokens, self.expected.token_ids)

    async def test_control_tokens_stream_as_deltas_too(self):
        fields = {"skip_special_tokens": False, "logit_bias": {261: 30}, "stop": ["zzz"]}
        outputs = await self.collect(output_kind=RequestOutputKind.DELTA, **fields)
        whole = shared_llm().generate("hello", params(**fields), use_tqdm=False)[0].outputs[0]
        self.assertEqual("".join(output.outputs[0].text for output in outputs), whole.text)

    async def test_the_final_output_alone(self):
        outputs = await self.collect(output_kind=RequestOutputKind.FINAL_ONLY, n=2, temperature=1.5, seed=4)
        self.assertEqual(len(outputs), 1)
        self.assertEqual([answer.index for answer in outputs[0].outputs], [0, 1])

    async def test_requests_run_together(self):
        results = await asyncio.gather(*(self.collect(f"r{index}") for index in range(20)))
        for outputs in results:
            self.assertEqual(outputs[-1].outputs[0].token_ids, self.expected.token_ids)

    async def test_leaving_the_loop_cancels_the_request(self):
        stream = self.llm.generate("hello", params(max_tokens=390), "r")
        async for _ in stream:
            break
        await stream.aclose()
        for _ in range(1000):
            if self.llm.engine.stats()["running_count"] == 0:
                break
            await asyncio.sleep(0.01)
        self.assertEqual(self.llm.engine.stats()["running_count"], 0)

    async def test_what_is_wrong_is_raised_before_anything_runs(self):
        with self.assertRaisesRegex(ValueError, "the prompt is empty"):
            await self.collect(prompt="")
        with self.assertRaisesRegex(ValueError, "there is no sampling parameter 'dry'"):
            await self.collect(extra_args={"dry": 1})


class EncodeTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.llm = AsyncLLM(model_path(), max_model_len=400, thread_count=1)
        self.addCleanup(self.llm.shutdown)

    async def encode(self, request_id="r", prompt="hello", params=None, **options):
        return [output async for output in self.llm.encode(prompt, params, request_id, **options)]

    async def test_a_vector_is_that_of_the_llm_beside_what_is_generated(self):
        generating = asyncio.ensure_future(anext_of(self.llm.generate("hello", params(max_tokens=390), "g")))
        results = await asyncio.gather(*(self.encode(f"r{index}") for index in range(20)))
        expected = shared_llm().encode("hello", use_tqdm=False)[0]
        for outputs in results:
            self.assertEqual(len(outputs), 1)
            self.assertEqual(outputs[0].prompt_token_ids, expected.prompt_token_ids)
            for a, b in zip(outputs[0].outputs.data, expected.outputs.data):
                self.assertAlmostEqual(a, b, places=5)
        self.assertEqual({outputs[0].request_id for outputs in results}, {f"r{index}" for index in range(20)})
        await generating

    async def test_pooling_parameters_and_adapters_count(self):
        few = await self.encode(params=PoolingParams(dimensions=5))
        self.assertEqual(len(few[0].outputs.data), 5)
        adapted = await self.encode(lora_request=LoRARequest("tiny", 1, adapter_path()))
        self.assertNotEqual(adapted[0].outputs.data, (await self.encode())[0].outputs.data)

    async def test_an_id_may_be_used_again_at_once(self):
        read_one = self.llm._read_one

        def read_slowly(reader, timeout_ms):  # between telling the end and forgetting the id
            is_changed = read_one(reader, timeout_ms)
            time.sleep(0.02)
            return is_changed

        self.llm._read_one = read_slowly
        for _ in range(5):
            self.assertEqual(len(await self.encode("again")), 1)

    async def test_what_is_wrong_is_raised(self):
        with self.assertRaisesRegex(ValueError, "the prompt is empty"):
            await self.encode(prompt="")
        with self.assertRaisesRegex(ValueError, r"dimensions must be in \[1, 64\], got 65"):
            await self.encode(params=PoolingParams(dimensions=65))
        with self.assertRaisesRegex(TypeError, "pooling_params must be PoolingParams"):
            await self.encode(params=SamplingParams())
        self.assertEqual(len(await self.encode()), 1)


async def anext_of(stream):
    async for output in stream:
        last = output
    return last


class WaitingTest(unittest.IsolatedAsyncioTestCase):
    """One request runs at a time, so that the last of many is sure to wait."""

    async def asyncSetUp(self):
        self.llm = AsyncLLM(model_path(), max_model_len=400, max_num_seqs=1, thread_count=1)
        self.tasks = [asyncio.ensure_future(self.last_output(f"before {index}")) for index in range(100)]
        self.waiting = asyncio.ensure_future(self.last_output("r"))
        await asyncio.sleep(0)

    async def asyncTearDown(self):
        await asyncio.get_running_loop().run_in_executor(None, self.llm.shutdown)
        await asyncio.gather(*self.tasks)

    async def last_output(self, request_id):
        async for output in self.llm.generate("hello", params(max_tokens=390), request_id):
            last = output
        return last

    async def test_an_aborted_request_ends_with_abort(self):
        await self.llm.abort(["r", "unknown"])
        output = await self.waiting
        self.assertEqual((output.outputs[0].finish_reason, output.finished), ("abort", True))

    async def test_an_aborted_vector_is_an_error(self):
        stream = self.llm.encode("hello", None, "v")
        vector = asyncio.ensure_future(anext_of(stream))
        await asyncio.sleep(0)
        await self.llm.abort("v")
        with self.assertRaisesRegex(Cancelled, "the request was aborted"):
            await vector
        await self.llm.abort("r")

    async def test_an_id_is_used_once_at_a_time(self):
        with self.assertRaisesRegex(ValueError, "'r' is running already"):
            await self.last_output("r")
        await self.llm.abort("r")

    async def test_a_cancelled_task_cancels_its_request(self):
        self.waiting.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await self.waiting
        while "r" in self.llm._readers:
            await asyncio.sleep(0.001)

    async def test_shutting_down_ends_what_runs(self):
        await asyncio.get_running_loop().run_in_executor(None, self.llm.shutdown)
        self.assertEqual((await self.waiting).outputs[0].finish_reason, "abort")
        with self.assertRaisesRegex(RuntimeError, "the engine was shut down"):
            await self.last_output("s")


if __name__ == "__main__":
    unittest.main()
