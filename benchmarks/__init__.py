"""Workloads timed against a peer: ``python -m benchmarks NAME [--quick]``.

Each module here but the harness offers ``goals(*, quick: bool) -> Iterator[harness.Goal]``.
"""
