"""The conversation, its words and its settings."""
