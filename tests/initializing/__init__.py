"""`fastoffload init`: small applications, one for each shape that real ones have."""
