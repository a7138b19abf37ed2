"""What strangers may send us: forged, replayed, oversized, malformed; and what we must never let out."""
