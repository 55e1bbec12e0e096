"""What an installation for other people needs in its environment; each thing that is missing is one line."""

from collections.abc import Mapping

SECRET_LENGTH = 50
LOCAL = {"localhost", "127.0.0.1", "[::1]", "::1"}
TRUE = {"true", "1", "yes"}


def problems(environment: Mapping[str, str]) -> list[str]:
    """Return why an installation with these environment variables must not serve other people; empty when it may."""
    given = {name: value.strip() for name, value in environment.items()}
    checks = (_secret, _debug, _hosts, _https, _proxies, _database, _broker, _mail)
    return [problem for check in checks if (problem := check(given))]


def _secret(given: Mapping[str, str]) -> str:
    secret = given.get("SECRET_KEY", "")
    if not secret:
        return "SECRET_KEY is not set; make one with: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
    if len(secret) < SECRET_LENGTH or len(set(secret)) < 10:
        return f"SECRET_KEY is too easy to guess; it needs {SECRET_LENGTH} random characters or more"
    return ""


def _debug(given: Mapping[str, str]) -> str:
    return "DEBUG is on; it shows code and settings to everybody: unset it" if _is_true(given, "DEBUG") else ""


def _hosts(given: Mapping[str, str]) -> str:
    hosts = {host.strip() for host in given.get("ALLOWED_HOSTS", "").split(",") if host.strip()}
    if not hosts - LOCAL or "*" in hosts:
        return "ALLOWED_HOSTS must name the hosts that people open, as in ALLOWED_HOSTS=music.example.org"
    return ""


def _https(given: Mapping[str, str]) -> str:
    if _is_true(given, "HTTPS"):
        return ""
    return "HTTPS is not true; browsers give no camera to plain http: put a proxy with a certificate in front"


def _proxies(given: Mapping[str, str]) -> str:
    """We speak plain http, so with https there is a proxy, and all connections come from it."""
    number = given.get("TRUSTED_PROXIES", "")
    if number.isdecimal() and int(number) >= 1:
        return ""
    return "TRUSTED_PROXIES is not 1 or more; else everybody has the proxy's address, and one can lock all others out"


def _database(given: Mapping[str, str]) -> str:
    if given.get("DATABASE_URL", "").startswith(("postgres://", "postgresql://")):
        return ""
    return "DATABASE_URL must name a PostgreSQL, as in postgres://user:password@host:5432/name"


def _broker(given: Mapping[str, str]) -> str:
    return "" if given.get("REDIS_URL") else "REDIS_URL must name a Redis, as in redis://host:6379/0"


def _mail(given: Mapping[str, str]) -> str:
    if given.get("EMAIL_VERIFICATION") != "mandatory" or given.get("EMAIL_HOST"):
        return ""
    return "EMAIL_VERIFICATION is mandatory, but without EMAIL_HOST nobody can confirm an address: set it to optional"


def _is_true(given: Mapping[str, str], name: str) -> bool:
    return given.get(name, "").lower() in TRUE
