"""What ``import MODULE`` costs in a fresh process, and which frameworks it brings along."""

import resource
import sys
import time

began = time.perf_counter()
__import__(sys.argv[1])
wall = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_SELF)
brings = [name for name in ("numpy", "torch", "jax", "tensorflow") if name in sys.modules]
print(f"{wall} {used.ru_maxrss * 1024} {' '.join(brings)}")
