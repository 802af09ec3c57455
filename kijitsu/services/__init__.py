"""The use cases, one function each; nothing else calls the store."""
