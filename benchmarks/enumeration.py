"""Measure whether the time of an answer tells who has an account.

python -m benchmarks.enumeration [--guesses 200] [--mail]

Posts wrong passwords, requests to reset one, and, with `--mail`, sign-ups, for an address with an account and one
without, in turns and in one process, to the views as they are: with Argon2id, and with the limits on attempts lifted.
`--mail` measures an installation with a mail server, where addresses are confirmed and sign-up tells nobody who is
here; messages are made and not sent. Prints for both the median and the middle half of the times, the share of pairs in
which the address with an account took longer (half says nothing), and the p-value of a Wilcoxon signed-rank test on the
pairs. The database is a new SQLite file.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from uuid import uuid4

import numpy as np
from scipy.stats import wilcoxon

KNOWN, UNKNOWN = "known@example.org", "other@example.org"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--guesses", type=int, default=200, help="of each kind")
    parser.add_argument("--mail", action="store_true", help="as with EMAIL_HOST, where addresses are confirmed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder, with_mail=options.mail)
        # without a mail server, sign-up has to say that an address is taken
        for name, ask in (("login", log_in), ("reset", reset), ("signup", sign_up))[: 3 if options.mail else 2]:
            show(name, measure(ask, options.guesses))


def prepare(folder: str, *, with_mail: bool) -> None:
    """Set up the site with one account and no limits on attempts."""
    os.environ["EMAIL_HOST"] = "mail.example.org" if with_mail else ""
    os.environ |= {"EMOTUNE_DIR": folder, "DJANGO_SETTINGS_MODULE": "emotune.settings", "LOG_LEVEL": "ERROR"}
    os.environ["DATABASE_URL"] = f"sqlite:///{folder}/bench.sqlite3"
    import django
    from django.conf import settings

    settings.ACCOUNT_RATE_LIMITS = False
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    django.setup()
    from allauth.account.models import EmailAddress
    from django.core.management import call_command

    from accounts.models import User

    call_command("migrate", verbosity=0)
    user = User.objects.create_user(KNOWN, "violet-harbour-42")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)


def post(path: str, **fields: str) -> int:
    from django.test import Client

    return Client().post(path, fields).status_code


def log_in(email: str) -> None:
    assert post("/accounts/login/", login=email, password="not-the-password") == 200


def reset(email: str) -> None:
    assert post("/accounts/password/reset/", email=email) == 302


def sign_up(email: str) -> None:
    # an address that signs up has an account from then on: each unknown one is new
    address = email if email == KNOWN else f"{uuid4().hex}@example.org"
    assert post("/accounts/signup/", email=address, password1="violet-harbour-43") == 302


def measure(ask: Callable[[str], None], guesses: int) -> np.ndarray:
    """Return the milliseconds of each pair, (guesses, 2): known, unknown. Which goes first is drawn for each pair."""
    rng = np.random.default_rng(0)
    times = np.empty((guesses, 2))
    for email in (KNOWN, UNKNOWN) * 5:
        ask(email)
    for pair in times:
        for place in rng.permutation(2):
            start = time.perf_counter()
            ask((KNOWN, UNKNOWN)[place])
            pair[place] = 1000 * (time.perf_counter() - start)
    return times


def show(name: str, times: np.ndarray) -> None:
    for label, column in zip(("known", "unknown"), times.T, strict=True):
        low, median, high = np.percentile(column, (25, 50, 75))
        print(f"{name:6} {label:8} median {median:6.1f} ms, middle half {low:6.1f} to {high:6.1f} ms")
    difference = times[:, 0] - times[:, 1]
    longer, p = (difference > 0).mean(), wilcoxon(difference).pvalue
    print(
        f"{name:6} known took longer in {longer:.0%} of pairs, median by {np.median(difference):+.2f} ms, p = {p:.2f}"
    )


if __name__ == "__main__":
    main()
