"""Answers conversations: python chat.py --model MODEL. vLLM's chat example but for import and model."""

import argparse

from sparrow import LLM, EngineArgs, RequestOutput


def create_parser():
    parser = argparse.ArgumentParser()
    EngineArgs.add_cli_args(parser)
    parser.set_defaults(model="qwen3-4b-instruct-2507")
    sampling_group = parser.add_argument_group("Sampling parameters")
    sampling_group.add_argument("--max-tokens", type=int)
    sampling_group.add_argument("--temperature", type=float)
    sampling_group.add_argument("--top-p", type=float)
    sampling_group.add_argument("--top-k", type=int)
    return parser


def main(args: dict):
    names = ("max_tokens", "temperature", "top_p", "top_k")
    given = {name: args.pop(name) for name in names}
    llm = LLM(**args)
    sampling_params = llm.get_default_sampling_params()
    for name, value in given.items():
        if value is not None:
            setattr(sampling_params, name, value)

    def print_outputs(outputs: "list[RequestOutput]"):
        print("\nGenerated Outputs:\n" + "-" * 80)
        for output in outputs:
            print(f"Prompt: {output.prompt!r}\n")
            print(f"Generated text: {output.outputs[0].text!r}")
            print("-" * 80)

    conversation = [
        {"role": "system", "content": "You are a helpful assistant"},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hello! How can I assist you today?"},
        {"role": "user", "content": "Write an essay about the importance of higher education."},
    ]
    print_outputs(llm.chat(conversation, sampling_params, use_tqdm=False))

    # Several conversations run together, and a bar shows how many are done.
    conversations = [conversation for _ in range(10)]
    print_outputs(llm.chat(conversations, sampling_params, use_tqdm=True))


if __name__ == "__main__":
    main(vars(create_parser().parse_args()))
