BASE = "penstock-test-base:3.11"
REGISTRY = "127.0.0.1:5000"


def engine_or_skip() -> None: ...
