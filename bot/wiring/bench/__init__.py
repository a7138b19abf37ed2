"""What `reelstate bench` needs around the engine: servers of its own, and for the user's time a world."""
