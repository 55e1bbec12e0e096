"""Faults, each against real PostgreSQL, Redis, web and worker processes, with people who go on showing their faces."""
