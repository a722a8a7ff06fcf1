"""MotionSqueeze (Kwon et al., ECCV 2020)."""
