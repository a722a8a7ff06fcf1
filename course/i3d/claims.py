"""What the paper claims, as rows that recorded runs decide."""
CLAIMS: list = []
