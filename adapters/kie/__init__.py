"""KIE.AI, the paid provider: models, keys, calls, and the `VideoMaker` made of them."""
