/* Regions: how they are mapped, and who touches them first. */
#define _GNU_SOURCE
#include "guest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HUGE_PAGE (2ul << 20)
enum { MPOL_PREFERRED_ = 1, MPOL_BIND_ = 2, MPOL_INTERLEAVE_ = 3 }; /* of linux/mempolicy.h */

static void
bind_to(char *region, size_t size, int mode, unsigned long nodes)
{
    if (syscall(SYS_mbind, region, size, mode, &nodes, MAXN + 1, 0))
        complain("mbind", o.policy);
}

static void
set_policy(char *region, size_t size)
{
    if (!strncmp(o.policy, "interleave", 4))
        bind_to(region, size, MPOL_INTERLEAVE_, (1ul << machine.nnode) - 1);
    else if (!strncmp(o.policy, "bind", 4))
        bind_to(region, size, MPOL_BIND_, 1ul << atoi(o.policy + 4));
    else if (!strncmp(o.policy, "pref", 4))
        bind_to(region, size, MPOL_PREFERRED_, 1ul << atoi(o.policy + 4));
}

/* Nothing lies beside a region, so that it is a VMA of its own; huge pages want it aligned. */
char *
region_alloc(long pages)
{
    int thp = num("thp", 0);
    size_t size = pages * PAGE, more = thp ? 2 * HUGE_PAGE : 2 * PAGE;
    char *p = mmap(0, size + more, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        complain("mmap", "");
    char *q = thp ? (char *)(((uintptr_t)p + HUGE_PAGE) & ~(HUGE_PAGE - 1)) : p + PAGE;
    munmap(p, q - p);
    munmap(q + size, p + size + more - (q + size));
    set_policy(q, size);
    return q;
}

static void
touch_pages(char *region, long first, long pages, long step)
{
    for (long p = first; p < pages; p += step)
        *(volatile uint64_t *)(region + p * PAGE) = 1;
}

static void
pin_to_node(int n)
{
    pin(machine.node_cpus[n], machine.node_n[n]);
}

/* The node with CPUs that comes after that of thread i. */
static int
next_node(int i)
{
    int s = machine.cpu_node[start_cpu(i)], k = 0;
    while (machine.cpunode[k] != s)
        k++;
    return machine.cpunode[(k + 1) % machine.ncn];
}

static int
init_node(int i)
{
    if (!strncmp(o.init, "node", 4))
        return atoi(o.init + 4);
    if (!strcmp(o.init, "wrong"))
        return next_node(i);
    return !strcmp(o.init, "own") ? machine.cpu_node[start_cpu(i)] : 0;
}

void
region_init(char *region, long pages, int i)
{
    if (strcmp(o.init, "spread")) {
        pin_to_node(init_node(i));
        touch_pages(region, 0, pages, 1);
        return;
    }
    for (int k = 0; k < machine.ncn; k++) {
        pin_to_node(machine.cpunode[k]);
        touch_pages(region, k, pages, machine.ncn);
    }
}
