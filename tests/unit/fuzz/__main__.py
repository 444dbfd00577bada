"""`make fuzz`: every target for its part of FUZZ_SECONDS (120). What breaks a reader is kept in the corpus.

FUZZ_TARGETS names some of them, with blanks between.
"""

from __future__ import annotations

import hashlib
import os
import resource
import sys
from time import monotonic

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.unit.fuzz.mutate import inputs
from tests.unit.fuzz.targets import CORPUS, Target, targets

MEMORY = 2 << 30
_AT_ONCE = 300


def _rounds(target: Target, seconds: float) -> tuple[int, str]:
    """Fuzz a target for some seconds; how many inputs it read, and what went wrong, come back."""
    count = 0
    breaking = b""

    def read(body: bytes) -> None:
        nonlocal count, breaking
        count += 1
        try:
            target(body)
        except BaseException:
            breaking = body
            raise

    end = monotonic() + seconds
    while monotonic() < end:
        chosen = settings(
            max_examples=_AT_ONCE,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        run = chosen(seed(int.from_bytes(os.urandom(8)))(given(inputs(target))(read)))
        try:
            run()
        except Exception as error:  # noqa: BLE001 - finding these is what it is for
            at = CORPUS / target.name / f"broke-{hashlib.sha256(breaking).hexdigest()[:12]}"
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(breaking)
            return count, f"{type(error).__name__}: {str(error)[:200]}; the input is in {at}"
    return count, ""


def main() -> int:
    """Fuzz every target; 1 where one of them broke."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seconds = float(os.environ.get("FUZZ_SECONDS") or 120)
    named = (os.environ.get("FUZZ_TARGETS") or "").split()
    chosen = [t for t in targets().values() if not named or t.name in named]
    broken = 0
    for target in chosen:
        count, problem = _rounds(target, seconds / len(chosen))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        sys.stdout.write(f"{target.name:32} {count:7} inputs {peak:5} MiB  {problem or 'ok'}\n")
        sys.stdout.flush()
        broken += bool(problem)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
