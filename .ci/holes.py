"""Ask whether known holes are in the packages that the given lists pin.

Fails when there is one. Where the service cannot be asked, or does not know a package, that is said and is no failure.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

OPTIONS = ("--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json")
AWAY = re.compile(r"Could not connect|ConnectionError|ServiceError|Timeout|ProxyError|SSLError|JSONDecodeError")


def verdict(said: str, complaints: str) -> tuple[int, str]:
    """Return the exit status and the words for what pip-audit printed on its two outputs."""
    try:
        packages = json.loads(said)["dependencies"]
    except (ValueError, KeyError):
        last = complaints.strip().splitlines()[-1:] or ["it said nothing"]
        if AWAY.search(complaints):
            return 0, f"NOT AUDITED: the service that knows holes cannot be reached from here ({last[0]})"
        return 1, f"pip-audit failed: {complaints.strip()}"
    lines = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version'}"
        for each in packages
        for hole in each.get("vulns", [])
    ]
    if lines:
        return 1, "\n".join(["Known holes:", *lines])
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    if len(unknown) == len(packages):
        return 0, f"NOT AUDITED: the service that was asked knows none of the {len(packages)} packages"
    more = f"; unknown to the service: {', '.join(unknown)}" if unknown else ""
    return 0, f"No known hole in {len(packages) - len(unknown)} of {len(packages)} packages{more}"


def main() -> int:
    command = [str(Path(sys.executable).with_name("pip-audit")), *OPTIONS]
    lists = [f"--requirement={name}" for name in sys.argv[1:]]
    asked = subprocess.run([*command, *lists], capture_output=True, text=True, check=False)  # noqa: S603
    status, words = verdict(asked.stdout, asked.stderr)
    sys.stdout.write(f"{words}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
