"""Tests on a tiny random model: SPARROW_TEST_MODEL names the file that build/write_tiny_model wrote."""
