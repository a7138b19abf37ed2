"""What `reelstate bench` needs around the engine: a server of its own, and for the user's time a whole world."""
