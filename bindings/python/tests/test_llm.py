"""LLM on a tiny model: what goes in, what comes out, and what is refused."""

import io
import math
import os
import signal
import threading
import time
import unittest
from contextlib import redirect_stderr

from sparrow import (
    ContextFull,
    EmbeddingRequestOutput,
    InvalidArgument,
    Logprob,
    LoRARequest,
    PoolingParams,
    SamplingParams,
    TokensPrompt,
)
from sparrow.tokenizers import get_tokenizer

from .support import IM_END, VOCABULARY, adapter_path, load, model_path, shared_llm

GREEDY = SamplingParams(temperature=0, max_tokens=12, ignore_eos=True)


def generate(prompts, params=GREEDY, **options):
    return shared_llm().generate(prompts, params, use_tqdm=False, **options)


class GenerateTest(unittest.TestCase):
    def test_each_form_of_a_prompt_gives_the_same_answer(self):
        ids = shared_llm().get_tokenizer().encode("hello")
        outputs = [
            generate("hello")[0],
            generate(["hello"])[0],
            generate({"prompt": "hello"})[0],
            generate([{"prompt_token_ids": ids}])[0],
            generate(TokensPrompt(prompt_token_ids=ids))[0],
            generate(ids)[0],
            generate([ids])[0],
            generate(tuple(ids))[0],
        ]
        self.assertEqual([output.prompt for output in outputs], ["hello"] * 3 + [None] * 5)
        for output in outputs:
            self.assertEqual(output.prompt_token_ids, ids)
            self.assertEqual(output.outputs[0].token_ids, outputs[0].outputs[0].token_ids)
            self.assertTrue(output.finished)

    def test_answers_come_in_the_order_of_the_prompts(self):
        prompts = [f"number {index}" for index in range(40)]
        lengths = [1 + index * 7 % 13 for index in range(40)]
        params = [SamplingParams(temperature=0, max_tokens=length, ignore_eos=True) for length in lengths]
        outputs = generate(prompts, params)
        self.assertEqual([output.prompt for output in outputs], prompts)
        self.assertEqual([len(output.outputs[0].token_ids) for output in outputs], lengths)
        self.assertEqual(len({output.request_id for output in outputs}), 40)
        alone = generate(prompts[7], params[7])[0]
        self.assertEqual(alone.outputs[0].token_ids, outputs[7].outputs[0].token_ids)

    def test_no_prompts_give_no_answers(self):
        self.assertEqual(generate([]), [])

    def test_without_parameters_the_models_defaults_count(self):
        defaults = shared_llm().get_default_sampling_params()
        self.assertEqual((defaults.temperature, defaults.top_k, defaults.max_tokens), (0.8, 40, 16))
        output = shared_llm().generate("hello", use_tqdm=False)[0]
        self.assertLessEqual(len(output.outputs[0].token_ids), 16)
        with load(generation_config="vllm", override_generation_config={"max_new_tokens": 3}) as llm:
            defaults = llm.get_default_sampling_params()
            self.assertEqual((defaults.temperature, defaults.top_k, defaults.max_tokens), (1.0, 0, 3))

    def test_logprobs_hold_the_sampled_token_and_its_rank(self):
        params = SamplingParams(temperature=1.5, max_tokens=20, logprobs=2, seed=3, ignore_eos=True)
        answer = generate("hello", params)[0].outputs[0]
        self.assertEqual(len(answer.logprobs), len(answer.token_ids))
        total = 0.0
        for token, entries in zip(answer.token_ids, answer.logprobs):
            self.assertEqual(next(iter(entries)), token)
            self.assertIn(len(entries), (2, 3))
            self.assertIsInstance(entries[token], Logprob)
            self.assertIn(1, [entry.rank for entry in entries.values()])
            total += entries[token].logprob
        self.assertAlmostEqual(answer.cumulative_logprob, total)
        only = generate("hello", SamplingParams(temperature=0, max_tokens=2, logprobs=0))[0].outputs[0]
        self.assertEqual([len(entries) for entries in only.logprobs], [1] * len(only.token_ids))

    def test_prompt_logprobs_begin_with_none_and_agree_with_the_answers(self):
        answer = generate("hello", SamplingParams(temperature=0, max_tokens=6, logprobs=1, ignore_eos=True))[0]
        ids = answer.prompt_token_ids + answer.outputs[0].token_ids
        scored = generate([ids], SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=1))[0]
        self.assertIsNone(scored.prompt_logprobs[0])
        self.assertEqual(len(scored.prompt_logprobs), len(ids))
        for position, entries in enumerate(answer.outputs[0].logprobs):
            at = len(answer.prompt_token_ids) + position
            self.assertEqual(scored.prompt_logprobs[at][ids[at]].logprob, entries[ids[at]].logprob)

    def test_several_answers_are_those_of_the_seeds_in_a_row(self):
        params = SamplingParams(n=3, temperature=1.5, max_tokens=10, seed=11, ignore_eos=True)
        answers = generate("hello", params)[0].outputs
        self.assertEqual([answer.index for answer in answers], [0, 1, 2])
        for answer in answers:
            alone = SamplingParams(temperature=1.5, max_tokens=10, seed=11 + answer.index, ignore_eos=True)
            self.assertEqual(generate("hello", alone)[0].outputs[0].token_ids, answer.token_ids)

    def test_the_seed_of_the_llm_decides_what_requests_without_one_draw(self):
        params = SamplingParams(temperature=2.0, max_tokens=12, ignore_eos=True)
        found = []
        for seed in (1, 1, 2):
            with load(seed=seed) as llm:
                outputs = llm.generate(["hello", "hello"], params, use_tqdm=False)
                found.append([output.outputs[0].token_ids for output in outputs])
        self.assertEqual(found[0], found[1])
        self.assertNotEqual(found[0], found[2])
        self.assertNotEqual(found[0][0], found[0][1])

    def test_metrics_tell_times_and_the_cache(self):
        prompt = "a prompt that is longer than one block of the cache " * 2
        generate(prompt)
        output = generate(prompt)[0]
        self.assertGreater(output.num_cached_tokens, 0)
        metrics = output.metrics
        self.assertEqual(metrics.num_generation_tokens, 12)
        times = [metrics.queued_ts, metrics.scheduled_ts, metrics.first_token_ts, metrics.last_token_ts]
        self.assertEqual(times, sorted(times))


class StopTest(unittest.TestCase):
    """A bias makes the model write 'A' (id 32) and what is wanted after it."""

    def test_only_allowed_ids_are_sampled_and_bad_words_never(self):
        allowed = SamplingParams(temperature=1.5, max_tokens=30, allowed_token_ids=[40, 41, 42], seed=1)
        self.assertLessEqual(set(generate("hello", allowed)[0].outputs[0].token_ids), {40, 41, 42})
        free = generate("hello")[0].outputs[0].token_ids
        word = shared_llm().get_tokenizer().decode([free[3]])
        without = SamplingParams(temperature=0, max_tokens=12, ignore_eos=True, bad_words=[word])
        self.assertNotIn(free[3], generate("hello", without)[0].outputs[0].token_ids)

    def test_a_stop_string_ends_the_text_before_it(self):
        params = dict(temperature=0, max_tokens=9, logit_bias={32: 100}, stop=["AAA"])
        answer = generate("hello", SamplingParams(**params))[0].outputs[0]
        self.assertEqual((answer.text, answer.finish_reason, answer.stop_reason), ("", "stop", "AAA"))
        self.assertEqual(answer.token_ids, [32, 32, 32])
        answer = generate("hello", SamplingParams(**params, include_stop_str_in_output=True))[0].outputs[0]
        self.assertEqual(answer.text, "AAA")
        answer = generate("hello", SamplingParams(**params, skip_special_tokens=False))[0].outputs[0]
        self.assertEqual((answer.text, answer.stop_reason), ("", "AAA"))

    def test_a_stop_token_is_the_last_of_the_ids_and_the_reason(self):
        params = dict(temperature=0, max_tokens=9, logit_bias={32: 100}, stop_token_ids=[32])
        answer = generate("hello", SamplingParams(**params))[0].outputs[0]
        self.assertEqual((answer.text, answer.token_ids), ("", [32]))
        self.assertEqual((answer.finish_reason, answer.stop_reason), ("stop", 32))
        answer = generate("hello", SamplingParams(**params, include_stop_str_in_output=True))[0].outputs[0]
        self.assertEqual(answer.text, "A")

    def test_an_end_of_generation_has_no_reason_and_its_own_logprob(self):
        params = dict(temperature=0, max_tokens=9, min_tokens=2, logit_bias={IM_END: 100})
        answer = generate("hello", SamplingParams(**params, logprobs=1))[0].outputs[0]
        self.assertEqual((answer.finish_reason, answer.stop_reason), ("stop", None))
        self.assertEqual(answer.token_ids[-1], IM_END)
        self.assertEqual(len(answer.token_ids), 3)
        self.assertEqual(len(answer.logprobs), 3)
        self.assertLess(answer.logprobs[-1][IM_END].logprob, 0)
        self.assertTrue(math.isfinite(answer.cumulative_logprob))
        self.assertEqual(generate("hello", SamplingParams(**params))[0].outputs[0].token_ids, answer.token_ids)

    def test_control_tokens_show_only_when_they_are_asked_for(self):
        params = dict(temperature=0, max_tokens=2, logit_bias={261: 100})
        self.assertEqual(generate("hello", SamplingParams(**params))[0].outputs[0].text, "")
        answer = generate("hello", SamplingParams(**params, skip_special_tokens=False))[0].outputs[0]
        self.assertEqual(answer.text, "<|im_start|><|im_start|>")

    def test_without_detokenizing_there_is_no_text(self):
        answer = generate("hello", SamplingParams(temperature=0, max_tokens=3, detokenize=False))[0].outputs[0]
        self.assertEqual(answer.text, "")
        self.assertGreater(len(answer.token_ids), 0)


class RefusalTest(unittest.TestCase):
    def test_a_bad_prompt_is_named_by_its_index_before_any_runs(self):
        cases = [
            (["a", ""], InvalidArgument, "prompt 1: the prompt is empty"),
            (["a", [VOCABULARY]], InvalidArgument, r"prompt 1: prompt token 0 must be .* in \[0, 263\), got 263"),
            (["a", [2**40]], InvalidArgument, "prompt 1: .*got 1099511627776"),
            (["a", "x" * 500], ContextFull, "prompt 1: the prompt is too long: 500 tokens, and the context of 400"),
            (["a", 5.0], TypeError, "prompt 1: "),
            (["a", {"text": "b"}], TypeError, "prompt 1: a prompt is a str"),
            ([{"prompt": "a", "multi_modal_data": {"image": 1}}], ValueError, "prompt 0: multi_modal_data"),
        ]
        for prompts, kind, message in cases:
            with self.subTest(message), self.assertRaisesRegex(kind, message):
                generate(prompts)
        self.assertEqual(shared_llm().engine.stats()["running_count"], 0)

    def test_lists_of_another_length_are_refused(self):
        with self.assertRaisesRegex(ValueError, "sampling_params must be as many as the prompts, 2, got 1"):
            generate(["a", "b"], [GREEDY])
        with self.assertRaisesRegex(ValueError, "priority must be as many as the prompts, 1, got 2"):
            generate(["a"], GREEDY, priority=[1, 2])

    def test_a_field_set_after_construction_is_checked_too(self):
        params = SamplingParams()
        params.top_p = 3
        with self.assertRaisesRegex(ValueError, r"prompt 0: top_p must be in \(0, 1\], got 3"):
            generate("a", params)
        with self.assertRaisesRegex(ValueError, "stop_token_ids must be a token id in .*got 263"):
            generate("a", SamplingParams(stop_token_ids=[263]))
        with self.assertRaisesRegex(TypeError, "sampling_params must be SamplingParams"):
            generate("a", {"temperature": 1})
        with self.assertRaisesRegex(ValueError, "there is no sampling parameter 'dry'"):
            generate("a", SamplingParams(extra_args={"dry": 1}))

    def test_what_no_model_here_can_do_is_refused_by_name(self):
        with self.assertRaisesRegex(NotImplementedError, "a head for classes"):
            shared_llm().classify("a")
        with self.assertRaisesRegex(ValueError, "pooling_task must be embed"):
            shared_llm().encode("a", pooling_task="token_classify")


class EmbedTest(unittest.TestCase):
    def test_vectors_have_length_one_unless_they_shall_not(self):
        outputs = shared_llm().embed(["hello", "another text"], use_tqdm=False)
        self.assertEqual([output.outputs.hidden_size for output in outputs], [64, 64])
        for output in outputs:
            self.assertAlmostEqual(sum(value**2 for value in output.outputs.embedding), 1, places=5)
        plain = shared_llm().embed("hello", use_tqdm=False, pooling_params=PoolingParams(normalize=False))
        self.assertGreater(sum(value**2 for value in plain[0].outputs.embedding), 2)
        few = shared_llm().embed("hello", use_tqdm=False, pooling_params=PoolingParams(dimensions=5))
        self.assertEqual(few[0].outputs.hidden_size, 5)
        self.assertAlmostEqual(sum(value**2 for value in few[0].outputs.embedding), 1, places=5)

    def test_the_pooling_is_the_last_token_s_or_what_the_pooler_config_says(self):
        last = shared_llm().embed("hello there", use_tqdm=False)[0].outputs.embedding
        with load(pooler_config={"pooling_type": "MEAN"}) as llm:
            mean = llm.embed("hello there", use_tqdm=False)[0].outputs.embedding
        self.assertNotEqual(last, mean)
        with self.assertRaisesRegex(ValueError, "pooling_type must be LAST, MEAN or CLS, got 'MAX'"):
            load(pooler_config={"pooling_type": "MAX"})

    def test_a_text_is_most_like_itself(self):
        scores = shared_llm().score("hello", ["hello", "something else"], use_tqdm=False)
        self.assertAlmostEqual(scores[0].outputs.score, 1, places=5)
        self.assertLess(scores[1].outputs.score, 0.999)
        with self.assertRaisesRegex(ValueError, "data_1 must be one, or as many as data_2, 3, got 2"):
            shared_llm().score(["a", "b"], ["a", "b", "c"], use_tqdm=False)

    def test_encode_gives_the_numbers_of_embed(self):
        encoded = shared_llm().encode(["hello"], use_tqdm=False, pooling_task="embed")[0]
        embedded = shared_llm().embed(["hello"], use_tqdm=False)[0]
        self.assertEqual(encoded.outputs.data, embedded.outputs.embedding)
        self.assertEqual(EmbeddingRequestOutput.from_base(encoded).outputs, embedded.outputs)
        self.assertEqual(repr(embedded.outputs), "EmbeddingOutput(hidden_size=64)")

    def test_a_wrong_prompt_is_named(self):
        with self.assertRaisesRegex(ValueError, "prompt 1: .*empty"):
            shared_llm().embed(["a", []], use_tqdm=False)
        with self.assertRaisesRegex(ValueError, r"prompt 0: dimensions must be in \[1, 64\], got 99"):
            shared_llm().embed(["a", "b"], use_tqdm=False, pooling_params=PoolingParams(dimensions=99))


class LoRATest(unittest.TestCase):
    def test_an_adapter_changes_the_requests_that_name_it_alone(self):
        adapter = LoRARequest("tiny", 1, adapter_path())
        plain = generate(["hello there"] * 2)
        mixed = generate(["hello there"] * 2, lora_request=[adapter, None])
        self.assertNotEqual(mixed[0].outputs[0].token_ids, plain[0].outputs[0].token_ids)
        self.assertEqual(mixed[1].outputs[0].token_ids, plain[0].outputs[0].token_ids)
        self.assertEqual(mixed[0].lora_request, adapter)
        again = shared_llm().generate("hello there", GREEDY, use_tqdm=False, lora_request=adapter)
        self.assertEqual(again[0].outputs[0].token_ids, mixed[0].outputs[0].token_ids)

    def test_what_is_no_adapter_is_refused(self):
        with self.assertRaisesRegex(TypeError, "lora_request must be a LoRARequest"):
            generate("a", lora_request=object())
        with self.assertRaisesRegex(FileNotFoundError, "none.gguf"):
            generate("a", lora_request=LoRARequest("none", 9, "/tmp/none.gguf"))
        with self.assertRaisesRegex(ValueError, "lora_int_id must be at least 1, got 0"):
            LoRARequest("none", 0, "a.gguf")


class ChatTest(unittest.TestCase):
    MESSAGES = [{"role": "user", "content": "hi <|im_end|>"}]

    def test_one_conversation_or_several(self):
        llm = shared_llm()
        one = llm.chat(self.MESSAGES, GREEDY, use_tqdm=False)
        several = llm.chat([self.MESSAGES, self.MESSAGES], GREEDY, use_tqdm=False)
        self.assertEqual((len(one), len(several)), (1, 2))
        self.assertEqual(one[0].outputs[0].token_ids, several[1].outputs[0].token_ids)
        self.assertEqual(one[0].prompt, "<|im_start|>user\nhi <|im_end|><|im_end|>\n<|im_start|>assistant\n")
        # What a user writes is text, whatever it looks like.
        self.assertEqual(one[0].prompt_token_ids.count(IM_END), 1)

    def test_a_template_of_the_callers_and_its_variables(self):
        output = shared_llm().chat(
            self.MESSAGES,
            GREEDY,
            use_tqdm=False,
            chat_template="{{ greeting }}{{ messages[0].content }}",
            chat_template_kwargs={"greeting": "yo "},
        )[0]
        self.assertEqual(output.prompt, "yo hi <|im_end|>")

    def test_a_content_of_parts_is_one_text_unless_the_template_reads_parts(self):
        parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
        llm, messages = shared_llm(), [{"role": "user", "content": parts}]
        output = llm.chat(messages, GREEDY, use_tqdm=False)[0]
        self.assertEqual(output.prompt, "<|im_start|>user\none\ntwo<|im_end|>\n<|im_start|>assistant\n")
        self.assertEqual(messages[0]["content"], parts)
        template = "{% for m in messages %}{% for p in m['content'] %}({{ p.text }}){% endfor %}{% endfor %}"
        output = llm.chat(messages, GREEDY, use_tqdm=False, chat_template=template)[0]
        self.assertEqual(output.prompt, "(one)(two)")
        with self.assertRaisesRegex(ValueError, "prompt 0: .*must be text, got 'image_url': only text is read"):
            llm.chat([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], GREEDY, use_tqdm=False)
        with self.assertRaisesRegex(ValueError, "must be auto, string or openai, got 'xml'"):
            llm.chat(messages, GREEDY, use_tqdm=False, chat_template_content_format="xml")

    def test_the_last_message_goes_on(self):
        messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "well"}]
        output = shared_llm().chat(
            messages, GREEDY, use_tqdm=False, add_generation_prompt=False, continue_final_message=True
        )[0]
        self.assertTrue(output.prompt.endswith("<|im_start|>assistant\nwell"))

    def test_what_the_template_refuses_is_named_by_its_index(self):
        with self.assertRaisesRegex(ValueError, "prompt 1: the conversation is empty"):
            shared_llm().chat([self.MESSAGES, []], GREEDY, use_tqdm=False)
        with self.assertRaisesRegex(ValueError, "prompt 0: continue_final_message and add_generation_prompt"):
            shared_llm().chat(self.MESSAGES, GREEDY, use_tqdm=False, continue_final_message=True)


class TokenizerTest(unittest.TestCase):
    def test_ids_and_text_and_back(self):
        tokenizer = shared_llm().get_tokenizer()
        ids = tokenizer.encode("the 麻雀<|im_end|>")
        self.assertEqual(ids[-1], tokenizer.eos_token_id)
        self.assertEqual(tokenizer.decode(ids), "the 麻雀<|im_end|>")
        self.assertEqual(tokenizer.decode(ids, skip_special_tokens=True), "the 麻雀")
        self.assertEqual(tokenizer("the 麻雀<|im_end|>").input_ids, ids)
        self.assertEqual(tokenizer(["a", "bc"])["attention_mask"], [[1], [1, 1]])
        self.assertEqual((tokenizer.eos_token_id, tokenizer.bos_token_id), (262, 260))
        self.assertEqual((tokenizer.eos_token, tokenizer.vocab_size, len(tokenizer)), ("<|im_end|>", 263, 263))
        with self.assertRaisesRegex(ValueError, "there is no token 263"):
            tokenizer.decode([263])

    def test_a_conversation_as_text_or_ids(self):
        tokenizer = shared_llm().get_tokenizer()
        messages = [{"role": "user", "content": "hi"}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        self.assertEqual(text, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
        self.assertEqual(tokenizer.decode(ids), text)
        encoding = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)
        self.assertEqual((encoding.input_ids, encoding.attention_mask), (ids, [1] * len(ids)))
        several = tokenizer.apply_chat_template([messages, messages], tokenize=False, add_generation_prompt=True)
        self.assertEqual(several, [text, text])
        with self.assertRaisesRegex(ValueError, "return_tensors='pt' is not supported"):
            tokenizer.apply_chat_template(messages, return_tensors="pt")

    def test_options_that_change_the_ids_count_or_are_refused(self):
        tokenizer = shared_llm().get_tokenizer()
        ids = tokenizer.encode("hello there")
        self.assertEqual(tokenizer.encode("hello there", truncation=True, max_length=3), ids[:3])
        self.assertEqual(tokenizer("hello there", max_length=3, return_attention_mask=False).input_ids, ids)
        with self.assertRaisesRegex(ValueError, "return_tensors='pt' is not supported"):
            tokenizer("hello there", return_tensors="pt")
        with self.assertRaisesRegex(ValueError, "padding=True is not supported"):
            tokenizer(["a", "bc"], padding=True)
        with self.assertRaisesRegex(TypeError, "the tokenizer has no option 'return_offsets_mapping'"):
            tokenizer("a", return_offsets_mapping=True)

    def test_the_template_is_the_one_that_conversations_go_through(self):
        tokenizer = shared_llm().get_tokenizer()
        messages = [{"role": "user", "content": "hi"}]
        self.assertTrue(tokenizer.chat_template.startswith("{% for message in messages %}"))
        self.assertEqual(tokenizer.get_chat_template(), tokenizer.chat_template)
        self.assertEqual(tokenizer.get_chat_template("{{ 1 }}"), "{{ 1 }}")
        given = tokenizer.apply_chat_template(messages, chat_template=tokenizer.chat_template, tokenize=False)
        self.assertEqual(given, tokenizer.apply_chat_template(messages, tokenize=False))

    def test_special_tokens_are_ids_and_texts(self):
        tokenizer = shared_llm().get_tokenizer()
        texts = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        self.assertEqual(tokenizer.all_special_ids, [260, 261, 262])
        self.assertEqual(tokenizer.all_special_tokens, texts)
        self.assertEqual(tokenizer.convert_tokens_to_ids(texts), [260, 261, 262])
        self.assertEqual(tokenizer.convert_tokens_to_ids("<|im_end|>"), IM_END)
        self.assertIsNone(tokenizer.convert_tokens_to_ids("no token"))
        self.assertEqual(tokenizer.convert_ids_to_tokens([IM_END, 32]), ["<|im_end|>", "A"])

    def test_get_tokenizer_finds_a_loaded_model_or_loads_it(self):
        with load() as llm:
            found = get_tokenizer(model_path())
            self.assertEqual(found.model_max_length, 400)
            self.assertEqual(found.encode("hello"), llm.get_tokenizer().encode("hello"))
        again = get_tokenizer(model_path(), tokenizer_mode="auto", trust_remote_code=False, revision=None)
        self.assertEqual(again.model_max_length, 256)
        found_ids = shared_llm().get_tokenizer().encode("hello")
        self.assertEqual(again.encode("hello"), found_ids)
        with_bos = get_tokenizer(model_path(), add_bos_token=True)
        self.assertEqual(with_bos.encode("hello"), [with_bos.bos_token_id, *found_ids])
        self.assertEqual(with_bos.encode("hello", add_special_tokens=False), found_ids)
        with self.assertRaisesRegex(ValueError, "tokenizer_mode='mistral' is not supported"):
            get_tokenizer(model_path(), tokenizer_mode="mistral")
        with self.assertRaisesRegex(TypeError, "unexpected keyword argument 'vocab_file'"):
            get_tokenizer(model_path(), vocab_file="a")

    def test_a_lone_surrogate_is_a_replacement_character(self):
        tokenizer = shared_llm().get_tokenizer()
        self.assertEqual(tokenizer.encode("\ud800"), tokenizer.encode("\ufffd" * 3))


class LifetimeTest(unittest.TestCase):
    def test_an_llm_that_was_shut_down_says_so(self):
        with load() as llm:
            llm.generate("a", GREEDY, use_tqdm=False)
        llm.shutdown()
        with self.assertRaisesRegex(RuntimeError, "the engine was shut down"):
            llm.generate("a", GREEDY, use_tqdm=False)

    def test_an_interrupt_ends_every_request(self):
        llm = shared_llm()
        # Where a shell started this in the background, interrupts are ignored.
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        endless = SamplingParams(temperature=0, max_tokens=390, ignore_eos=True)
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            for _ in range(10_000):
                llm.generate(["a"] * 200, endless, use_tqdm=False)
        timer.join()
        deadline = time.monotonic() + 10
        while llm.engine.stats()["running_count"] + llm.engine.stats()["waiting_count"] > 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        self.assertEqual(len(generate("hello")), 1)

    def test_shutting_down_ends_a_call_of_another_thread(self):
        llm = load()
        reasons = []

        def run():
            params = SamplingParams(temperature=0, max_tokens=390, ignore_eos=True)
            try:
                outputs = llm.generate(["a"] * 500, params, use_tqdm=False)
                reasons.extend(output.outputs[0].finish_reason for output in outputs)
            except RuntimeError as error:  # it was still submitting
                reasons.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        while llm.engine.stats()["running_count"] == 0:
            time.sleep(0.001)
        llm.shutdown()
        thread.join(20)
        self.assertFalse(thread.is_alive())
        self.assertIn(reasons[-1], ("abort", "the engine was shut down"))

    def test_the_llm_engine_tells_what_was_loaded(self):
        engine = shared_llm().llm_engine
        self.assertEqual((engine.model_config.max_model_len, engine.model_config.get_vocab_size()), (400, VOCABULARY))
        self.assertEqual(engine.model_config.model, model_path())
        self.assertIs(engine.get_tokenizer(), shared_llm().get_tokenizer())

    def test_several_threads_may_call_at_once(self):
        expected = generate("hello")[0].outputs[0].token_ids
        found = []
        threads = [threading.Thread(target=lambda: found.append(generate("hello")[0])) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([output.outputs[0].token_ids for output in found], [expected] * 8)

    def test_progress_is_one_line_or_a_given_bar(self):
        seen = []

        class Bar:
            def __init__(self, total, desc, **_):
                seen.append((total, desc))

            def update(self, count):
                seen.append(count)

            def set_postfix_str(self, text, refresh):
                pass

            def close(self):
                seen.append("closed")

        shared_llm().generate(["a", "b"], GREEDY, use_tqdm=Bar)
        self.assertEqual(seen, [(2, "Processed prompts"), 1, 1, "closed"])
        stderr = io.StringIO()
        with redirect_stderr(stderr):
            shared_llm().generate(["a", "b"], GREEDY, use_tqdm=True)
        self.assertIn("Processed prompts: ", stderr.getvalue())


if __name__ == "__main__":
    unittest.main()
