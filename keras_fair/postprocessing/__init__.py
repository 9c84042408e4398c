"""Rules for decisions and scores, learnt once on calibration people, and what they promise."""
