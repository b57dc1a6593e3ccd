"""What litellm does with a server of OpenAI's API that runs: litellm-py.py URL MODEL."""
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # nothing is fetched

import litellm  # noqa: E402

URL = sys.argv[1]
MODEL = f"openai/{sys.argv[2]}"
WHERE = dict(api_base=f"{URL}/v1", api_key="none", num_retries=0)


def main():
    wanted = dict(model=MODEL, messages=[{"role": "user", "content": "Name three colours."}], temperature=0,
                  max_tokens=16, **WHERE)
    whole = litellm.completion(**wanted)
    assert whole.choices[0].message.content and whole.usage.completion_tokens == 16
    text = "".join(chunk.choices[0].delta.content or "" for chunk in litellm.completion(stream=True, **wanted))
    assert text == whole.choices[0].message.content
    print("ok completion")
    vectors = litellm.embedding(model=MODEL, input=["a cat", "a dog"], encoding_format="float", **WHERE)
    assert len(vectors.data) == 2 and len(vectors.data[0]["embedding"]) > 0
    print("ok embedding")
    try:
        litellm.completion(model="openai/absent", messages=wanted["messages"], **WHERE)
    except litellm.NotFoundError:
        print("ok errors")
        return 0
    raise AssertionError("no error")


if __name__ == "__main__":
    sys.exit(main())
