"""Machines to boot: name -> the oracle's `machine`, and how fast its clock is (icount shift)."""
def full(n, far=20):
    return [[10 if i == j else far for j in range(n)] for i in range(n)]
def ring(n, step=10):
    return [[10 + step * min((i - j) % n, (j - i) % n) for j in range(n)] for i in range(n)]
def line(n):
    return [[10 + 10 * abs(i - j) for j in range(n)] for i in range(n)]
def mk(name, desc, nodes, cores, dist, threads=1, dies=1, sockets=None, mem=384, vendor=None, shift=None):
    per = cores * threads * dies
    if sockets is None: sockets = nodes
    total = sockets * per
    k = total // nodes
    m = {"name": name, "desc": desc, "sockets": sockets, "dies": dies, "cores": cores, "threads": threads,
         "nodes": [{"cpus": "%d-%d" % (i * k, i * k + k - 1) if k > 1 else str(i), "mem": 768 if i == 0 else mem} for i in range(nodes)], "dist": dist}
    if vendor: m["vendor"] = vendor
    return m, shift if shift is not None else (3 if total <= 4 else 2)
MACHINES = {}
def add(*a, **k):
    m, s = mk(*a, **k); MACHINES[m["name"]] = (m, s)
add("n2x2", "2 nodes x 2 CPUs, 10/20", 2, 2, full(2), mem=512)
add("n4x2", "4 nodes x 2 CPUs, fully connected, 10/20", 4, 2, full(4))
add("n4x2ring", "4 nodes x 2 CPUs, a ring, 10/20/30", 4, 2, ring(4))
add("n1x4", "1 node x 4 CPUs", 1, 4, None)
add("n8x1", "8 nodes x 1 CPU, 10/20", 8, 1, full(8), mem=192)
add("n2x4", "2 nodes x 4 CPUs, 10/20", 2, 4, full(2), mem=512)
add("n3x2", "3 nodes x 2 CPUs, 10/20", 3, 2, full(3))
add("n3x2line", "3 nodes x 2 CPUs, a line, 10/20/30", 3, 2, line(3))
add("n2x2smt2", "2 nodes x 2 cores x SMT2, 10/20", 2, 2, full(2), threads=2, mem=512)
add("n1x4smt2", "1 node x 2 cores x SMT2", 1, 2, None, threads=2)
add("n2x4llc2", "2 nodes x 2 LLCs x 2 CPUs, 10/20", 2, 2, full(2), dies=2, mem=512)
add("n2x3", "2 nodes x 3 CPUs, 10/20", 2, 3, full(2), mem=512)
add("n2x2d31", "2 nodes x 2 CPUs, 10/31", 2, 2, full(2, 31), mem=512)
