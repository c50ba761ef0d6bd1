/* The commands, in the order of the help. A command is here once it works. */
#include "cli/cli.h"

const struct command commands[] = {
    { .name = "run",
      .arguments = "[RESOLVED.yaml]",
      .summary = "Simulate one workload on one machine under one policy.",
      .page =
          "Without -t, -w or -p, defaults are used. RESOLVED.yaml of an earlier run repeats it,\n"
          "byte by byte. Results go to results/out/TOPOLOGY-WORKLOAD-POLICY-sSEED.\n\n"
          "Exit codes: 0 done, 1 bad input, 2 usage, 3 the run could not go on, 4 output could\n"
          "not be written, 5 an invariant broke (--check), 130 interrupted.",
      .run = cmd_run },
    { .name = "compare",
      .arguments = "",
      .summary = "Compare policies on the same machine, workload and seeds.",
      .page = "-p takes names and files, separated by commas; 'all' is every preset that fits the\n"
              "machine. The first policy is the baseline. Default: topology, static:pack,\n"
              "static:interleave, autonuma; 5 seeds. Results go to results/out/compare-T-W.",
      .run = cmd_compare },
    { .name = "sweep",
      .arguments = "GRID.yaml",
      .summary = "Run an experiment that is a file: machines x workloads x parameters x policies.",
      .page = "GRID is a file or a shipped experiment (results/experiments). Results go to\n"
              "results/out/NAME: points.csv has a row for each point, sweep.csv compares policies\n"
              "over seeds. A sweep that was interrupted goes on where it was; points that are\n"
              "finished are never run again. A point that fails is recorded, and the rest go on;\n"
              "the exit code is the worst of all points.",
      .run = cmd_sweep },
    { .name = "merge",
      .arguments = "DIR...",
      .summary = "Put the shards of a sweep together.",
      .page = "The result is what the whole sweep would have left, byte by byte but for\n"
              "manifest.yaml.",
      .run = cmd_merge },
    { .name = "plot",
      .arguments = "DIR",
      .summary = "Draw the results of run, compare or sweep with gnuplot.",
      .page = "Pictures, their data and the scripts that draw them go to DIR/plots.",
      .run = cmd_plot },
    { .name = "topo",
      .arguments = "list | show T | domains T | check T | import FILE | capture | export T |\n"
                   "             mlc T | calibrate FILE",
      .summary = "Machines, and the scheduling domains that Linux builds for them.",
      .page = "T is a shipped name, a topology YAML, hwloc XML, hwloc:\"SYNTHETIC\", a saved\n"
              "`numactl --hardware` or `lscpu` (-p, -e, -J), or a snapshot of /sys (a folder or\n"
              "tar of hwloc-gather-topology); files may be packed. import writes topology YAML\n"
              "and says what was assumed, capture does so for this machine; export writes YAML,\n"
              "hwloc XML, Graphviz DOT or SVG. mlc measures latencies and bandwidths inside the\n"
              "simulation, calibrate fits a curve of latency under load to measured points; both\n"
              "have options of their own: numasim topo mlc --help.",
      .run = cmd_topo },
    { .name = "workload",
      .arguments = "list | show W | check W | import FILE",
      .summary = "Workloads: what is shipped, and what they do.",
      .run = cmd_workload },
    { .name = "policy",
      .arguments = "list | quirks | show P | check P",
      .summary = "Policies, and every parameter with unit, default and range.",
      .run = cmd_policy },
    { .name = "bench",
      .arguments = "[queue | rq | pages | whole | ext]",
      .summary = "Speed of the simulator itself, as ratios.",
      .page = "Measured in one sitting, against the reference programs of the build directory.\n"
              "With --accuracy instead: how far the rates of running tasks are from an exact\n"
              "solution of the memory model, in per cent, on machines of several sizes.",
      .run = cmd_bench },
    { .name = NULL },
};
