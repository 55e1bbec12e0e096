"""What a picture may say in its JPEG comment that it does to its reader."""

DIE = b"fault:die"
SLEEP = b"fault:sleep"
SLEEP_S = 6
