/*
 * From /proc and /sys to a description of the machine.
 *
 * libhwloc could do this too, but only from a folder on the disk and by its own rules for what to
 * leave out; the files that matter are few and their format is the kernel's promise. What is new in
 * newer kernels is taken where it is (clusters, dies, capacities, HMAT), and what old ones lack is
 * assumed as for every other format:
 *
 *   no cpu/present       the folders cpuN are the CPUs
 *   no cpu/online        those are online that have a topology and are not said to be off
 *   no node folder       one node with all CPUs; memory from /proc/meminfo
 *   an offline CPU       the kernel has forgotten its place: the node of the CPU before it
 *
 * CPUs that a control group forbade to the tool that made the snapshot are CPUs like all others.
 */
#include "config/import_sysfs.h"

static void
take_value(struct sysfs *y, const char **to, const char *value)
{
    g_autofree char *clean = g_strdup(value);

    if (*to != NULL || *clean == '\0')
        return;
    for (char *c = clean; *c != '\0'; c++)
        if (!g_ascii_isprint(*c))
            *c = '?';
    if (strlen(clean) > 120)
        clean[120] = '\0';
    *to = arena_strdup(y->arena, clean);
}

/* "key : value", the value's blanks stripped; false without a colon. */
static bool
split(char *line, char **key, char **value)
{
    char *colon = strchr(line, ':');

    if (colon == NULL)
        return false;
    *colon = '\0';
    *key = g_strstrip(line);
    *value = g_strstrip(colon + 1);
    return true;
}

/* Each architecture has its own words for maker and model. */
static void
read_cpuinfo(struct sysfs *y)
{
    g_autofree char *text = snapshot_read(y->snapshot, "proc/cpuinfo");
    struct description *h = y->h;
    char *key, *value;

    if (text == NULL)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", 400); /* the first CPUs say it all */
    for (char **line = lines; *line != NULL; line++) {
        if (!split(*line, &key, &value))
            continue;
        if (g_str_equal(key, "vendor_id") || g_str_equal(key, "vendor"))
            take_value(y, &h->vendor, value);
        else if (g_str_equal(key, "model name") || g_str_equal(key, "cpu") ||
                 g_str_equal(key, "Processor"))
            take_value(y, &h->model, value);
        else if (g_str_equal(key, "CPU implementer"))
            h->architecture = "arm";
        else if (g_str_equal(key, "cpu family") && h->family == 0)
            h->family = SIM_CLAMP(g_ascii_strtoll(value, NULL, 10), 0, 1 << 20);
    }
}

static bool
refuse(const struct sysfs *y, const char *what)
{
    diag_error(y->diag, y->file, 0, 0, NULL,
               "%s; expected a snapshot of /proc and /sys as "
               "hwloc-gather-topology makes it",
               what);
    return false;
}

static void
find_present(struct sysfs *y)
{
    g_autofree char *text = snapshot_read(y->snapshot, SYSFS_CPU "present");

    if (text != NULL && sysfs_parse_list(y->present, text) && !cpumask_empty(y->present))
        return;
    cpumask_zero(y->present);
    for (guint cpu = 0; cpu < CPU_MAX; cpu++)
        if (snapshot_has(y->snapshot, SYSFS_CPU "cpu%u", cpu))
            cpumask_set(y->present, cpu);
}

static bool
seems_online(const struct sysfs *y, guint cpu)
{
    return snapshot_number(y->snapshot, 1, SYSFS_CPU "cpu%u/online", cpu) != 0 &&
           snapshot_has(y->snapshot, SYSFS_CPU "cpu%u/topology", cpu);
}

static bool
find_cpus(struct sysfs *y)
{
    g_autofree char *text = snapshot_read(y->snapshot, SYSFS_CPU "online");

    find_present(y);
    if (text == NULL || !sysfs_parse_list(y->online, text)) {
        cpumask_zero(y->online);
        for_each_cpu (cpu, y->present)
            if (seems_online(y, (guint)cpu))
                cpumask_set(y->online, (uint32_t)cpu);
        if (cpumask_empty(y->online)) /* a kernel without cpu/topology */
            cpumask_copy(y->online, y->present);
    }
    cpumask_or(y->present, y->present, y->online);
    return !cpumask_empty(y->online) || refuse(y, "no CPU is in it (no " SYSFS_CPU "cpuN)");
}

static void
list_cpus(struct sysfs *y)
{
    struct description *h = y->h;

    h->nr_cpus = cpumask_weight(y->present);
    h->cpus = arena_new_array(y->arena, struct described_cpu, h->nr_cpus);
    y->index = arena_new_array(y->scratch, int32_t, CPU_MAX);
    h->nr_cpus = 0;
    for_each_cpu (cpu, y->present) {
        y->index[cpu] = (int32_t)h->nr_cpus;
        h->cpus[h->nr_cpus++] = (struct described_cpu){
            .os_index = cpu,
            .allowed = 1,
            .package = MACHINE_NONE,
            .die = MACHINE_NONE,
            .core = MACHINE_NONE,
            .cluster = MACHINE_NONE,
            .l2 = MACHINE_NONE,
            .llc = MACHINE_NONE,
            .node = MACHINE_NONE,
            .offline = !cpumask_test(y->online, (uint32_t)cpu),
        };
    }
}

static struct machine *
read_all(struct sysfs *y)
{
    if (!find_cpus(y))
        return NULL;
    list_cpus(y);
    read_cpuinfo(y);
    sysfs_read_cpus(y);
    return sysfs_read_nodes(y)
               ? description_build(y->h, y->file, import_name(y->arena, y->file), y->arena, y->diag)
               : NULL;
}

struct machine *
import_sysfs(const char *path, const struct snapshot *s, struct arena *a, struct diag *d)
{
    struct description h = { .source = "/sys", .attributes = "HMAT in /sys" };
    struct arena *scratch = arena_new();
    struct sysfs y = { .snapshot = s,
                       .file = path,
                       .arena = a,
                       .scratch = scratch,
                       .diag = d,
                       .h = &h,
                       .present = cpumask_new(scratch, CPU_MAX),
                       .online = cpumask_new(scratch, CPU_MAX) };
    struct machine *m = read_all(&y);

    arena_free(scratch);
    return m;
}
