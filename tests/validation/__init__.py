"""Whether the published tables find what is planted in generated companies, over many seeds. Not part of the tests."""
