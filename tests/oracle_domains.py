#!/usr/bin/env python3
"""Judges our scheduling domains: against what a Linux kernel built, and against a reference builder.

    oracle_domains.py TOOL SHARED golden                      every topology file of the oracle
    oracle_domains.py TOOL SHARED random [COUNT [SEED [ONLY]]]  random machines; ONLY: print that one

The random machines are odd on purpose: holes in CPU and node numbers, nodes that cut caches and cores,
asymmetric distances, memory-only nodes, offline and isolated CPUs, several nodes a package and several
packages a node. Exit: 0 all equal, 1 differences, 77 nothing to compare with.
"""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

SKIP = 77
SHOWN = 5


def remembered(method):
    def lookup(self, *args):
        table = self.__dict__.setdefault('_' + method.__name__, {})
        if args not in table:
            table[args] = method(self, *args)
        return table[args]
    return lookup


def load_tools(shared):
    tools = os.path.join(shared, 'oracle', 'tools')
    if not os.path.exists(os.path.join(tools, 'ref_domains.py')):
        print('skipped: no reference builder in %s' % tools)
        sys.exit(SKIP)
    sys.dont_write_bytecode = True
    sys.path.insert(0, tools)
    import cmp_domains
    import ref_domains
    # Masks depend on the machine only; the reference computes them anew each time, which takes most of its time.
    for name in ('smt_mask', 'cls_mask', 'mc_mask', 'node_mask', 'numa_mask'):
        setattr(ref_domains.Machine, name, remembered(getattr(ref_domains.Machine, name)))
    return cmp_domains, ref_domains


# ------------------------------------------------------------------ the kernel's own

def compare_golden(tool, shared, cmp_domains):
    files = sorted(glob.glob(os.path.join(shared, 'oracle', 'topologies', '*.json')))
    keys, bad = 0, 0
    for name in files:
        with open(name, encoding='utf-8') as stream:
            golden = json.load(stream)
        made = json.loads(subprocess.run([tool, name], stdout=subprocess.PIPE, check=True).stdout)
        result = cmp_domains.compare(golden, made, True)
        keys += result.keys
        bad += not result.ok
        if not result.ok:
            print('%s: %d differences' % (os.path.basename(name), len(result.diffs)))
            print('\n'.join('    ' + text for text in result.diffs[:SHOWN]))
    print('golden: %d machines, %d keys compared, %d machines differ' % (len(files), keys, bad))
    return SKIP if not files else 1 if bad else 0


# ------------------------------------------------------------------ random machines

def split(rng, items, sizes):
    """Consecutive parts whose sizes are drawn from `sizes`."""
    parts = []
    while items:
        size = rng.choice(sizes)
        parts.append(items[:size])
        items = items[size:]
    return parts


def flat(parts):
    return [x for part in parts for x in part]


def make_cpus(rng):
    """(package, die, core) of each hardware thread, thread by thread, and the caches over them."""
    smt = rng.choice([1, 1, 2, 2, 4])
    odd_smt = rng.random() < 0.1
    cores_of = rng.choice([[1], [2], [2], [4], [1, 3, 4], [2, 5], [8]])
    most = rng.choice([4, 6, 8, 12, 12, 16, 24, 40])  # threads: the reference takes a time that grows with their square
    threads, packages, l2s, l3s, dies = [], [], [], [], []
    for package in range(rng.choice([1, 2, 2, 3, 4, 6, 8])):
        cores = []
        if package > 0 and sum(map(len, threads)) >= most:
            break
        for _ in range(rng.choice(cores_of)):
            first = sum(map(len, threads))
            threads.append(list(range(first, first + (rng.randint(1, smt) if odd_smt else smt))))
            cores.append(threads[-1])
        inner = split(rng, cores, rng.choice([[1], [1], [1], [2], [4], [1, 2]]))
        outer = split(rng, inner, rng.choice([[1], [2], [4], [64], [64], [1, 2, 3]]))
        if rng.random() < 0.05:     # an L2 beyond the last-level cache: masks must be widened
            l3s += [flat(x) for x in inner]
            l2s += [flat(flat(x)) for x in outer]
        else:
            l2s += [flat(x) for x in inner]
            l3s += [flat(flat(x)) for x in outer]
        dies += [flat(flat(flat(x))) for x in split(rng, outer, [1, 2, 64])]
        packages.append(flat(cores))
    return threads, l2s, l3s, dies, packages


def number(rng, threads):
    """A number for each hardware thread: neighbours first, siblings last, or any; with holes."""
    order = flat(threads)
    style = rng.random()
    if style < 0.4:
        most = max(map(len, threads))
        order = [core[i] for i in range(most) for core in threads if i < len(core)]
    elif style < 0.55:
        rng.shuffle(order)
    numbers, at = {}, 0
    holes = rng.random() < 0.2
    for thread in order:
        at += rng.choice([0, 0, 0, 1, 5, 64]) if holes else 0
        numbers[thread] = at
        at += 1
    return numbers


def cut_nodes(rng, machine):
    """Which threads make a node: packages, groups of them, caches, cores or just any CPUs."""
    threads, _, l3s, dies, packages = machine
    style = rng.random()
    if style < 0.45:
        return packages
    if style < 0.6:
        return [flat(x) for x in split(rng, packages, [1, 2])]
    if style < 0.75:
        return [flat(x) for x in split(rng, rng.choice([l3s, dies]), [1, 2])]
    if style < 0.95:
        return [flat(x) for x in split(rng, threads, rng.choice([[1], [2], [1, 2, 3], [4], [7]]))]
    return split(rng, flat(threads), rng.choice([[1], [3], [1, 2, 5]]))


def distances(rng, n):
    style = rng.choice(['flat', 'ring', 'line', 'pairs', 'few', 'few', 'asym', 'any', 'hops'])
    few = rng.sample([11, 12, 15, 16, 20, 21, 22, 28, 30, 31, 32, 33, 40, 100, 254, 255], 3)
    d = [[10] * n for _ in range(n)]
    ends = [(rng.randrange(n), rng.randrange(n)) for _ in range(n)]
    for i in range(n):
        for j in range(i):
            apart = i - j
            d[i][j] = {'flat': few[0], 'ring': min(255, 10 + 10 * min(apart, n - apart)),
                       'line': min(255, 10 + 10 * apart), 'pairs': few[i // 2 != j // 2],
                       'hops': 20 if (i, j) in ends or apart == 1 else 30,
                       'any': rng.randint(11, 255)}.get(style, rng.choice(few))
            d[j][i] = d[i][j]
            if style == 'asym' and rng.random() < 0.3:
                d[j][i] = rng.choice(few)
    return d


def cpulist(rng, cpus):
    """The same list in one of the forms that a reader must accept."""
    cpus = sorted(cpus)
    parts, i = [], 0
    while i < len(cpus):
        j = i
        while j + 1 < len(cpus) and cpus[j + 1] == cpus[j] + 1:
            j += 1
        parts.append(str(cpus[i]) if i == j else '%d-%d' % (cpus[i], cpus[j]))
        i = j + 1
    return ','.join(parts)


def boot_parameters(rng, machine, online, every):
    words = ['console=ttyS0', 'quiet']
    limit = None
    if rng.random() < 0.3:
        limit = rng.randint(len(online), len(every) + 2)
        words.append('maxcpus=%d' % limit)
        machine['sockets'], machine['dies'], machine['cores'], machine['threads'] = max(every) + 1, 1, 1, 1
    isolated = rng.sample(sorted(online), rng.randrange(len(online))) if rng.random() < 0.3 else []
    free = set(range(max(every) + 1) if limit else online) - set(isolated)
    if isolated and (limit is None or min(free) < limit):
        words.append('isolcpus=' + rng.choice(['', 'domain,', 'nohz,domain,', 'nohz,', 'domain,managed_irq,'])
                     + cpulist(rng, isolated))
    return ' '.join(words)


def random_machine(seed, index):
    rng = random.Random('%d/%d' % (seed, index))
    machine = make_cpus(rng)
    threads, l2s, l3s, dies, packages = machine
    names = number(rng, threads)
    every = set(names.values())
    online = {c for c in every if rng.random() < 0.8} if rng.random() < 0.2 else set(every)
    online = online or set(every)
    parts = [{names[t] for t in part} for part in cut_nodes(rng, machine)][:48]
    known = set().union(*parts)
    online = (online & known) or known
    every &= known
    parts += [set() for _ in range(rng.choice([0, 0, 0, 1, 2, 4]))]
    if rng.random() < 0.3:
        rng.shuffle(parts)
    ids = sorted(rng.sample(range(64), len(parts))) if rng.random() < 0.1 else list(range(len(parts)))
    memory = [0 if rng.random() < 0.15 else rng.randint(1, 1 << 20) for _ in parts]
    memory[rng.randrange(len(parts))] = 4096
    rows = distances(rng, len(parts))
    vendor = rng.choice(['intel', 'intel', 'amd'])
    no_l3 = vendor == 'intel' and rng.random() < 0.1
    no_l2 = rng.random() < 0.1
    listed = online if rng.random() < 0.8 else every

    def find(groups, thread):
        part = next(g for g in groups if thread in g)
        return cpulist(rng, {names[t] for t in part} & listed)

    cpus = []
    for thread, cpu in sorted(names.items(), key=lambda x: x[1]):
        if cpu not in online:
            continue
        entry = {'cpu': cpu, 'node': ids[next(i for i, p in enumerate(parts) if cpu in p)],
                 'package': next(i for i, p in enumerate(packages) if thread in p),
                 'threads': find(threads, thread), 'die_cpus': find(dies, thread)}
        if not no_l2:
            entry['l2'] = find(l2s, thread)
        if not no_l3:
            entry['l3'] = find(l3s, thread)
        cpus.append(entry)
    shape = {'vendor': vendor}
    append = boot_parameters(rng, shape, online, every)
    nodes = [{'id': ids[i], 'cpus': cpulist(rng, part & listed), 'mem_total_kb': memory[i], 'distance': rows[i]}
             for i, part in enumerate(parts)]
    rng.shuffle(nodes)
    return {'name': 'random-%d-%d' % (seed, index), 'machine': shape, 'obtained': {'append': append},
            'online': cpulist(rng, online), 'nodes': nodes, 'cpus': cpus}


def compare_random(tool, cmp_domains, ref_domains, count, seed):
    with tempfile.TemporaryFile('w+') as feed:
        lines = [json.dumps(random_machine(seed, index)) for index in range(count)]
        feed.write('\n'.join(lines) + '\n')
        feed.seek(0)
        child = subprocess.Popen([tool, '-'], stdin=feed, stdout=subprocess.PIPE)
    keys, bad, domains, empty, overlapping = 0, 0, 0, 0, 0
    for index in range(count):
        line = child.stdout.readline()
        want = json.loads(json.dumps(ref_domains.build(json.loads(lines[index]))))
        if line.strip():
            result = cmp_domains.compare(want, json.loads(line), True)
            keys, domains = keys + result.keys, domains + result.domains
            empty += result.domains == 0
            overlapping += '"mask"' in json.dumps(want)
            diffs = result.diffs
        else:
            diffs = ['no result']
        if diffs:
            bad += 1
            if bad <= SHOWN:
                print('machine %d: %d differences; to see it: random %d %d %d' % (index, len(diffs), count, seed, index))
                print('\n'.join('    ' + text for text in diffs[:SHOWN]))
    child.wait()
    print('random: %d machines (%d without a domain, %d with balance masks), %d domains, %d keys compared, '
          '%d machines differ' % (count, empty, overlapping, domains, keys, bad))
    return 1 if bad or child.returncode else 0


def main(argv):
    tool, shared, mode = argv[:3]
    numbers = [int(x) for x in argv[3:]] + [2000, 1][len(argv) - 3:]
    if len(numbers) > 2:
        print(json.dumps(random_machine(numbers[1], numbers[2]), indent=1))
        return 0
    cmp_domains, ref_domains = load_tools(shared)
    if mode == 'golden':
        return compare_golden(tool, shared, cmp_domains)
    return compare_random(tool, cmp_domains, ref_domains, *numbers)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
