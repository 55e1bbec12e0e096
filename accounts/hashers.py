"""How passwords are kept: Argon2id within the memory of a small server."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class PasswordHasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane, as OWASP's Password Storage Cheat Sheet advises at least.

    Django's own 100 MiB for each login under way would let a few dozen guesses at once fill a container's memory.
    """

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1
