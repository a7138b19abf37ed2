"""Pictures and texts of the one graph. Nothing is drawn twice by hand."""
