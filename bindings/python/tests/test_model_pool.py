"""Several models of a process within one memory budget."""

import asyncio
import gc
import os
import shutil
import tempfile
import threading
import unittest

from sparrow import AsyncLLM, LoRARequest, ModelPool, NotFound, OutOfMemory, SamplingParams
from sparrow.model_pool import process_pool

from .support import adapter_path, load, model_path

GREEDY = SamplingParams(temperature=0, max_tokens=8, ignore_eos=True)
ENDLESS = SamplingParams(temperature=0, max_tokens=390, ignore_eos=True)
OPTIONS = {"max_model_len": 400, "thread_count": 1}


def token_ids(llm, prompt="hello", params=GREEDY, **arguments):
    """Of the answer."""
    return llm.generate(prompt, params, use_tqdm=False, **arguments)[0].outputs[0].token_ids


def loaded(pool):
    """What is loaded of the tiny model, with this test's own context lengths."""
    return [model["context_length"] for model in pool.list()]


class ModelPoolTest(unittest.TestCase):
    def test_the_same_model_with_the_same_arguments_is_shared(self):
        with ModelPool() as pool:
            first, second = pool.acquire(model_path(), **OPTIONS), pool.acquire(model_path(), seed=5, **OPTIONS)
            other = pool.acquire(model_path(), max_model_len=300, thread_count=1)
            self.assertEqual(loaded(pool), [300, 400])
            self.assertEqual(token_ids(first), token_ids(second))
            self.assertEqual(first.engine.stats()["step_count"], second.engine.stats()["step_count"])
            self.assertNotEqual(first.engine.stats()["step_count"], other.engine.stats()["step_count"])
            first.shutdown()
            self.assertEqual(len(token_ids(second)), 8)

    def test_requests_without_a_seed_are_each_llms_own(self):
        params = SamplingParams(temperature=1.5, max_tokens=12, ignore_eos=True)
        with ModelPool() as pool:
            drawn = [token_ids(pool.acquire(model_path(), seed=seed, **OPTIONS), params=params) for seed in (1, 2, 1)]
        self.assertEqual(drawn[0], drawn[2])
        self.assertNotEqual(drawn[0], drawn[1])

    def test_a_model_stays_for_its_time_and_goes_when_it_is_told(self):
        with ModelPool(keep_alive=None) as pool:
            pool.acquire(model_path(), **OPTIONS).shutdown()
            (model,) = pool.list()
            self.assertEqual((model["is_used"], model["time_left"]), (False, None))
            self.assertEqual(model["path"], model_path())
            self.assertGreater(model["bytes"], 100_000)
            self.assertTrue(pool.unload(model_path()))
            self.assertEqual(pool.list(), [])
            self.assertFalse(pool.unload(model_path()))
        with ModelPool(keep_alive=60) as pool:
            pool.acquire(model_path(), **OPTIONS).shutdown()
            self.assertGreater(pool.list()[0]["time_left"], 1)

    def test_what_does_not_fit_is_refused_with_who_holds_the_memory(self):
        size = 200 << 20
        with ModelPool(memory_bytes=size * 3 // 2, keep_alive=None) as pool:
            used = pool.acquire(model_path(), kv_cache_memory_bytes=size, **OPTIONS)
            with self.assertRaisesRegex(OutOfMemory, "memory is available.*; in use are .*tiny.gguf"):
                pool.acquire(model_path(), kv_cache_memory_bytes=size, max_model_len=300, thread_count=1)
            self.assertEqual(loaded(pool), [400])
            used.shutdown()
            pool.acquire(model_path(), kv_cache_memory_bytes=size, max_model_len=300, thread_count=1)
            self.assertEqual(loaded(pool), [300])

    def test_no_more_models_are_loaded_than_may_be(self):
        with ModelPool(max_models=1) as pool:
            used = pool.acquire(model_path(), **OPTIONS)
            with self.assertRaisesRegex(OutOfMemory, "1 models are in use, and no more may be"):
                pool.acquire(model_path(), max_model_len=300, thread_count=1)
            self.assertEqual(len(token_ids(used)), 8)

    def test_wrong_values_and_a_closed_pool_are_named(self):
        for arguments, message in (
            ({"memory_bytes": 0}, "memory_bytes must be an integer, at least 1, or None, got 0"),
            ({"max_models": 1.5}, "max_models must be an integer, at least 1, or None, got 1.5"),
            ({"keep_alive": -1}, "keep_alive must be a number of seconds, at least 0, or None for good, got -1"),
            ({"keep_alive": float("nan")}, "keep_alive must be .*, got nan"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                ModelPool(**arguments)
        pool = ModelPool()
        with self.assertRaises(NotFound):
            pool.acquire("/no/where.gguf")
        llm = pool.acquire(model_path(), **OPTIONS)
        pool.shutdown()
        pool.shutdown()
        with self.assertRaisesRegex(RuntimeError, "the pool was shut down"):
            pool.acquire(model_path())
        self.assertEqual(len(token_ids(llm)), 8)

    def test_a_file_that_was_written_anew_is_another_model(self):
        path = os.path.join(tempfile.mkdtemp(), "a.gguf")
        shutil.copy(model_path(), path)
        with ModelPool() as pool:
            first = pool.acquire(path, **OPTIONS)
            os.replace(shutil.copy(model_path(), path + ".new"), path)
            os.utime(path, (1, 1))
            second = pool.acquire(path, **OPTIONS)
            self.assertEqual(len(pool.list()), 2)
            self.assertEqual(token_ids(first), token_ids(second))

    def test_several_threads_may_acquire_and_let_go(self):
        found = []

        def run(pool):
            for _ in range(5):
                with pool.acquire(model_path(), **OPTIONS) as llm:
                    found.append(token_ids(llm))

        with ModelPool(keep_alive=0) as pool:
            threads = [threading.Thread(target=run, args=(pool,)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(pool.list(), [])
        self.assertEqual(len(found), 15)
        self.assertTrue(all(ids == found[0] for ids in found))


class ProcessPoolTest(unittest.TestCase):
    """LLMs that were given no pool share one."""

    def test_llms_share_a_model_which_goes_with_the_last(self):
        first, second = load(max_model_len=222), load(max_model_len=222)
        self.assertEqual(loaded(process_pool()).count(222), 1)
        first.shutdown()
        self.assertEqual(len(token_ids(second)), 8)
        second.shutdown()
        self.assertNotIn(222, loaded(process_pool()))

    def test_an_llm_that_is_garbage_lets_go(self):
        llm = load(max_model_len=223)
        token_ids(llm)
        self.assertIn(223, loaded(process_pool()))
        del llm
        gc.collect()
        self.assertNotIn(223, loaded(process_pool()))

    def test_shutting_one_down_ends_its_own_requests_alone(self):
        first, second = load(max_model_len=400, max_num_seqs=4), load(max_model_len=400, max_num_seqs=4)
        expected = token_ids(second, params=ENDLESS)
        stream = first.engine.submit([1, 2, 3], {"ignore_eos": True})
        found = []
        thread = threading.Thread(target=lambda: found.append(token_ids(second, params=ENDLESS)))
        thread.start()
        first.shutdown()
        reason = None
        while (delta := stream.next()) is not None:
            reason = delta.finish_reason
        self.assertIn(reason, ("abort", "length"))
        thread.join(60)
        self.assertEqual(found, [expected])
        second.shutdown()

    def test_each_llm_has_its_own_adapters(self):
        first, second = load(max_model_len=224), load(max_model_len=224)
        adapter = LoRARequest("a", 1, adapter_path())
        plain = token_ids(first)
        adapted = token_ids(first, lora_request=adapter)
        one = first.engine.stats()["adapter_bytes"]
        self.assertGreater(one, 0)
        self.assertEqual(token_ids(second, lora_request=adapter), adapted)
        self.assertEqual(first.engine.stats()["adapter_bytes"], 2 * one)
        second.shutdown()
        self.assertEqual(first.engine.stats()["adapter_bytes"], one)
        self.assertEqual(token_ids(first, lora_request=adapter), adapted)
        self.assertEqual(token_ids(first), plain)
        first.shutdown()

    def test_an_async_llm_shares_it_too(self):
        llm = load(max_model_len=225)
        expected = token_ids(llm)

        async def run():
            with AsyncLLM(model_path(), max_model_len=225, thread_count=1) as other:
                self.assertEqual(loaded(process_pool()).count(225), 1)
                output = None
                async for output in other.generate("hello", GREEDY, "1"):
                    pass
                self.assertTrue(await other.reset_prefix_cache())
                return output.outputs[0].token_ids

        self.assertEqual(asyncio.run(run()), expected)
        self.assertEqual(token_ids(llm), expected)
        llm.shutdown()

    @unittest.skipUnless(hasattr(os, "fork"), "this system cannot fork")
    def test_a_forked_process_has_a_pool_of_its_own(self):
        llm = load(max_model_len=226)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                with load(max_model_len=226) as own:
                    status = 0 if len(token_ids(own)) == 8 else 2
            finally:
                os._exit(status)  # pylint: disable=protected-access
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(len(token_ids(llm)), 8)
        llm.shutdown()


class PrefixCacheTest(unittest.TestCase):
    def test_a_reset_forgets_what_was_read(self):
        llm = load(max_model_len=400, max_num_seqs=3)
        prompt = {"prompt_token_ids": list(range(100))}

        def cached():
            return llm.generate(prompt, GREEDY, use_tqdm=False)[0].num_cached_tokens

        self.assertEqual(cached(), 0)
        self.assertGreater(cached(), 64)
        self.assertIs(llm.reset_prefix_cache(), True)
        self.assertEqual(cached(), 0)
        with self.assertRaisesRegex(ValueError, "reset_running_requests=True is not supported"):
            llm.reset_prefix_cache(reset_running_requests=True)
        llm.shutdown()

    def test_a_waiting_request_tells_its_place(self):
        llm = load(max_model_len=400, max_num_seqs=1)
        running = llm.engine.submit([1, 2, 3], {"ignore_eos": True, "max_tokens": 390})
        self.assertIsNotNone(running.next())
        waiting = [llm.engine.submit([5], {"ignore_eos": True, "max_tokens": 1}) for _ in range(2)]
        while not running.is_finished and waiting[1].stats().queue_position == 0:
            running.next(1)
        if not running.is_finished:
            self.assertEqual(waiting[1].stats().queue_position, 2)
        running.cancel()
        for stream in waiting:
            while stream.next() is not None:
                pass
            self.assertEqual(stream.stats().queue_position, 0)
        llm.shutdown()


if __name__ == "__main__":
    unittest.main()
