"""What ``import MODULE`` costs in a fresh process, and which frameworks it brings along."""

import sys
import time

began, cpu = time.perf_counter(), time.process_time()
__import__(sys.argv[1])
wall, cpu = time.perf_counter() - began, time.process_time() - cpu
# Not the maximum that getrusage tells: it is inherited from whoever started this process.
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
brings = [name for name in ("numpy", "torch", "jax", "tensorflow") if name in sys.modules]
print(f"{wall} {cpu} {peak} {' '.join(brings)}")
