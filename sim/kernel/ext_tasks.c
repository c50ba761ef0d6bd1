/*
 * What policies may ask of tasks: what sched_ext keeps of them, who they are, where their memory
 * is.
 */
#include "kernel/ext_impl.h"

#include "kernel/memory_model.h"
#include "kernel/mm.h"
#include "kernel/numa.h"

uint64_t
scx_task_slice(struct scx *x, const struct task *p)
{
    if (p->scx == NULL)
        return 0;
    rq_catch_up(x->k, &x->k->rqs[p->cpu]);
    return p->scx->slice;
}

uint64_t
scx_task_dsq_vtime(struct scx *x, const struct task *p)
{
    (void)x;
    return p->scx != NULL ? p->scx->dsq_vtime : 0;
}

void
scx_task_set_slice(struct scx *x, struct task *p, uint64_t slice)
{
    if (p->scx == NULL)
        return;
    rq_catch_up(x->k, &x->k->rqs[p->cpu]); /* ticks that are over have used the old one */
    p->scx->slice = slice;
    if (x->k->rqs[p->cpu].curr == p && is_ext(p))
        tick_update(x->k, &x->k->rqs[p->cpu]);
}

void
scx_task_set_dsq_vtime(struct scx *x, struct task *p, uint64_t vtime)
{
    (void)x;
    if (p->scx != NULL)
        p->scx->dsq_vtime = vtime;
}

void
scx_task_disallow(struct scx *x, struct task *p)
{
    (void)x;
    if (p->scx != NULL)
        p->scx->disallow = true;
}

uint32_t
scx_task_weight(struct scx *x, const struct task *p)
{
    (void)x;
    return p->scx != NULL && p->scx->weight != 0 ? p->scx->weight : scx_weight_of(p);
}

bool
scx_task_queued(struct scx *x, const struct task *p)
{
    (void)x;
    return p->scx != NULL && p->scx->queued;
}

bool
scx_task_running(struct scx *x, const struct task *p)
{
    const struct rq *rq = &x->k->rqs[p->cpu];

    /* who is put back is current until the next one is (put_prev_task() before rq->curr is set) */
    return rq->curr == p || (scx_rq_of(x, p->cpu)->putting && rq->last == p);
}

int
scx_task_cpu(struct scx *x, const struct task *p)
{
    (void)x;
    return p->cpu;
}

int
scx_task_pid(struct scx *x, const struct task *p)
{
    (void)x;
    return (int)task_pid(p);
}

struct task *
scx_task_from_pid(struct scx *x, int pid)
{
    const struct kernel *k = x->k;

    scx_cost(x);
    if (pid > 0 && (uint32_t)pid <= k->nr_tasks && k->tasks[pid - 1]->pid == 0)
        return k->tasks[pid - 1]->state != TASK_DEAD ? k->tasks[pid - 1] : NULL;
    for (uint32_t i = 0; i < k->nr_tasks; i++)
        if ((int)task_pid(k->tasks[i]) == pid && k->tasks[i]->state != TASK_DEAD)
            return k->tasks[i];
    return NULL;
}

const char *
scx_task_comm(struct scx *x, const struct task *p)
{
    (void)x;
    return p->comm != NULL ? p->comm : p->name;
}

const char *
scx_task_process(struct scx *x, const struct task *p)
{
    (void)x;
    return p->process->name;
}

int
scx_task_tgid(struct scx *x, const struct task *p)
{
    return p->process->pid > 0 ? p->process->pid : scx_task_pid(x, p->process->members[0]);
}

int
scx_task_nice(struct scx *x, const struct task *p)
{
    (void)x;
    return p->nice;
}

int
scx_task_policy(struct scx *x, const struct task *p)
{
    static const int numbers[] = {
        [POLICY_NORMAL] = 0, [POLICY_FIFO] = 1,     [POLICY_RR] = 2, [POLICY_BATCH] = 3,
        [POLICY_IDLE] = 5,   [POLICY_DEADLINE] = 6, [POLICY_EXT] = 7
    };
    (void)x;

    return numbers[p->policy];
}

const struct cpumask *
scx_task_cpumask(struct scx *x, const struct task *p)
{
    (void)x;
    return p->allowed;
}

uint32_t
scx_task_nr_cpus_allowed(struct scx *x, const struct task *p)
{
    (void)x;
    return p->nr_allowed;
}

/* With what runs now, as the kernel's clock of the task has it. */
uint64_t
scx_task_sum_exec(struct scx *x, const struct task *p)
{
    rq_catch_up(x->k, &x->k->rqs[p->cpu]);
    return p->se.sum_exec;
}

void
scx_task_times(struct scx *x, const struct task *p, struct scx_task_times *times)
{
    scx_cost(x);
    rq_catch_up(x->k, &x->k->rqs[p->cpu]);
    *times = (struct scx_task_times){
        .run = p->se.sum_exec,
        .wait = p->stats.wait_ns,
        .sleep = p->stats.sleep_ns,
        .io = p->sched.iowait_sum,
        .nr_switches = p->stats.nr_switches,
        .nr_voluntary = p->stats.nr_voluntary,
        .nr_wakeups = p->stats.nr_wakeups,
    };
}

/* ---- memory ---- */

uint64_t
scx_task_pages(struct scx *x, const struct task *p, int node)
{
    uint64_t pages = 0;

    scx_cost(x);
    if (p->mm == NULL || node < 0 || (uint32_t)node >= x->k->machine->nr_nodes)
        return 0;
    for (const struct region *r = p->mm->regions; r != NULL; r = r->next)
        pages += r->groups[r->nr_groups - 1].count[node];
    return pages;
}

int
scx_task_node(struct scx *x, const struct task *p)
{
    uint64_t most = 0;
    int best = -1;

    for (uint32_t n = 0; n < x->k->machine->nr_nodes; n++) {
        uint64_t pages = scx_task_pages(x, p, (int)n);

        if (pages > most) {
            most = pages;
            best = (int)n;
        }
    }
    return best;
}

uint64_t
scx_task_faults(struct scx *x, const struct task *p, int node)
{
    const uint64_t *faults;

    scx_cost(x);
    if (p->numa == NULL || p->numa->faults == NULL || node < 0 ||
        (uint32_t)node >= x->k->machine->nr_nodes)
        return 0;
    faults = numa_faults(x->k, p->numa, NUMA_MEM, node);
    return faults[0] + faults[1];
}

uint32_t
scx_task_access_share(struct scx *x, const struct task *p, int node)
{
    const struct mem_mix *mix;

    scx_cost(x);
    if (p->mem == NULL || node < 0 || (uint32_t)node >= x->k->machine->nr_nodes)
        return 0;
    mix = &p->mem->mix;
    return mix->nodes & NODE_BIT(node) ? mix->share_q16[node] : 0;
}

int
scx_task_preferred_node(struct scx *x, const struct task *p)
{
    (void)x;
    return p->numa != NULL ? p->numa->preferred : -1;
}

const char *
scx_task_hint(struct scx *x, const struct task *p, const char *name)
{
    scx_cost(x);
    return x->k->task_hint != NULL ? x->k->task_hint(p, name) : NULL;
}
