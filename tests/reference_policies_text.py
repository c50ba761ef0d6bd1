"""What the table `policies` says about itself, and reasons of rows that are outside."""
TEXT = """
Six experiments, each a grid of [results/experiments/policies](../experiments/policies/README.md). The rows are what must hold whoever wins: no work is
lost, nobody starves, shares follow weights, queues follow theory. Below them stand the comparisons, where nobody knows beforehand: ratios to
the fair class (`topology`) with the 95 % interval of ten seeds, paired by seed, and who is better: the policy, fair, or neither, if the interval comes within a
hundredth of 1.

**Where fair wins.** A token between two tasks takes longer under `central` and the script of mlfq. mlfq guesses: from two
batch tasks a CPU on, batch work that naps is taken for interactive, and an event takes longer than under fair; with bursts of 20 ms and four batch tasks for each CPU
its 99th percentile is worse. On one CPU vtime gives nobody more than half. First come first served takes two to three times as long where requests differ
much. numa_local lets tasks wait for their node: it has more work done, and longer waits. It can do nothing where all memory lies on one node: there only
AutoNUMA, and in part my_autonuma, is better than fair.

**Shares**: hogs at nice -5, 0 and 5 for 60 s, all of the kernel's own work free. The weights are those that sched_ext gives policies, 305, 100 and 33; expected is
their share of the CPUs. A policy like vtime takes the next task before it puts back the one whose slice is over: so with one CPU nobody has more than half
of it, and the others share the rest by weight. A row is the mean of one task of the kind.

**Waiting**: Poisson arrivals, exponential service, a task for each request, one queue for all CPUs (`fifo`, slices longer than any request), all costs zero: M/M/c. The mean wait is
C / (c mu - lambda) by Erlang's C formula, the 99th percentile ln(100 C) / (c mu - lambda), or 0 where less than one in a hundred waits. Ten seeds of
200000 requests; the interval is Student's of 99.9 %.

![waiting time against Erlang C](policies-waiting.svg)

**Sizes**: the same queue on four CPUs with requests of 10 ms: all equal, exponential, lognormal with a coefficient of variation of 4. For M/M/4 theory knows mean and
99th percentile of the response, too.

![response by sizes of requests](policies-sizes.svg)

**Interactive**: one user for each of eight CPUs, whose events come at random (Poisson) and take 2 ms (`short`, 50 ms apart) or 20 ms (`long`, 500 ms apart), beside 1 to 8
batch tasks for each CPU that never sleep, or nap for 0.3 ms after each 3 ms (`naps`). A response is from the event to the end of its burst.

![99th percentile of response](policies-interactive.svg)

**Locality**: processes with a heap each, two for each CPU (or one, `-half`), that run and sleep; and numa02, all of whose memory begins on one node.

![local accesses](policies-locality.svg)
"""
KNOWN = {}
