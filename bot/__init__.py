"""What people touch: conversations, texts, notices, settings, wiring and the command line."""
