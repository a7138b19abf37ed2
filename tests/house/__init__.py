"""The house checks itself: sizes, headers, words, clocks, secrets, and what the README promises."""
