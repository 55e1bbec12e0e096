"""Ask for one page over and over: python -m benchmarks.hammer URL SECONDS CONNECTIONS prints [a second, errors]."""

import http.client
import json
import sys
import threading
import time
from urllib.parse import urlsplit


def hammer(page: str, seconds: float, connections: int) -> tuple[float, int]:
    """Ask from so many connections that stay open; an error is any answer but 200, and a connection that breaks."""
    parts, counts, errors = urlsplit(page), [0] * connections, [0] * connections
    until = time.monotonic() + seconds

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        while time.monotonic() < until:
            try:
                connection.request("GET", parts.path)
                response = connection.getresponse()
                response.read()
                counts[client] += 1
                errors[client] += response.status != 200
            except (OSError, http.client.HTTPException):
                errors[client] += 1
                connection.close()
        connection.close()

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(connections)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - start), sum(errors)


if __name__ == "__main__":
    print(json.dumps(hammer(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))))
