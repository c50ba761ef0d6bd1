/* The head of a trace.dat, version 6: trace-cmd.dat.v6(5). All numbers are little-endian. */
#include "report/trace_dat_impl.h"

static const char PAGE_FORMAT[] = "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
                                  "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
                                  "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
                                  "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";
static const char EVENT_FORMAT[] = "# compressed entry header\n"
                                   "\ttype_len    :    5 bits\n"
                                   "\ttime_delta  :   27 bits\n"
                                   "\tarray       :   32 bits\n\n"
                                   "\tpadding     : type == 29\n"
                                   "\ttime_extend : type == 30\n"
                                   "\ttime_stamp : type == 31\n"
                                   "\tdata max type_len  == 28\n";

#define WAKING                                                                                     \
    {                                                                                              \
        { "comm", DAT_COMM }, { "pid", DAT_PID }, { "prio", DAT_INT },                             \
        {                                                                                          \
            "target_cpu", DAT_INT                                                                  \
        }                                                                                          \
    }
#define WAKING_PRINT                                                                               \
    "\"comm=%s pid=%d prio=%d target_cpu=%03d\", REC->comm, REC->pid, REC->prio, REC->target_cpu"

const struct dat_event dat_events[NR_DAT_EVENTS] = {
    [DAT_SWITCH] = { "sched",
                     "sched_switch",
                     { { "prev_comm", DAT_COMM },
                       { "prev_pid", DAT_PID },
                       { "prev_prio", DAT_INT },
                       { "prev_state", DAT_LONG },
                       { "next_comm", DAT_COMM },
                       { "next_pid", DAT_PID },
                       { "next_prio", DAT_INT } },
                     "\"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s "
                     "next_pid=%d next_prio=%d\", REC->prev_comm, REC->prev_pid, REC->prev_prio, "
                     "(REC->prev_state & 0xff) ? __print_flags(REC->prev_state & 0xff, \"|\", "
                     "{ 0x01, \"S\" }, { 0x02, \"D\" }, { 0x10, \"X\" }, { 0x20, \"Z\" }) : \"R\", "
                     "REC->prev_state & 0x100 ? \"+\" : \"\", REC->next_comm, REC->next_pid, "
                     "REC->next_prio" },
    [DAT_WAKING] = { "sched", "sched_waking", WAKING, WAKING_PRINT },
    [DAT_WAKEUP] = { "sched", "sched_wakeup", WAKING, WAKING_PRINT },
    [DAT_WAKEUP_NEW] = { "sched", "sched_wakeup_new", WAKING, WAKING_PRINT },
    [DAT_MIGRATE] = { "sched",
                      "sched_migrate_task",
                      { { "comm", DAT_COMM },
                        { "pid", DAT_PID },
                        { "prio", DAT_INT },
                        { "orig_cpu", DAT_INT },
                        { "dest_cpu", DAT_INT } },
                      "\"comm=%s pid=%d prio=%d orig_cpu=%d dest_cpu=%d\", REC->comm, REC->pid, "
                      "REC->prio, REC->orig_cpu, REC->dest_cpu" },
    [DAT_FORK] = { "sched",
                   "sched_process_fork",
                   { { "parent_comm", DAT_COMM },
                     { "parent_pid", DAT_PID },
                     { "child_comm", DAT_COMM },
                     { "child_pid", DAT_PID } },
                   "\"comm=%s pid=%d child_comm=%s child_pid=%d\", REC->parent_comm, "
                   "REC->parent_pid, REC->child_comm, REC->child_pid" },
    [DAT_EXIT] = { "sched",
                   "sched_process_exit",
                   { { "comm", DAT_COMM }, { "pid", DAT_PID }, { "prio", DAT_INT } },
                   "\"comm=%s pid=%d prio=%d\", REC->comm, REC->pid, REC->prio" },
    [DAT_MOVE_NUMA] = { "sched",
                        "sched_move_numa",
                        { { "pid", DAT_PID },
                          { "tgid", DAT_PID },
                          { "ngid", DAT_PID },
                          { "src_cpu", DAT_INT },
                          { "src_nid", DAT_INT },
                          { "dst_cpu", DAT_INT },
                          { "dst_nid", DAT_INT } },
                        "\"pid=%d tgid=%d ngid=%d src_cpu=%d src_nid=%d dst_cpu=%d dst_nid=%d\", "
                        "REC->pid, REC->tgid, REC->ngid, REC->src_cpu, REC->src_nid, "
                        "REC->dst_cpu, REC->dst_nid" },
    [DAT_SWAP_NUMA] = { "sched",
                        "sched_swap_numa",
                        { { "src_pid", DAT_PID },
                          { "src_tgid", DAT_PID },
                          { "src_ngid", DAT_PID },
                          { "src_cpu", DAT_INT },
                          { "src_nid", DAT_INT },
                          { "dst_pid", DAT_PID },
                          { "dst_tgid", DAT_PID },
                          { "dst_ngid", DAT_PID },
                          { "dst_cpu", DAT_INT },
                          { "dst_nid", DAT_INT } },
                        "\"src_pid=%d src_tgid=%d src_ngid=%d src_cpu=%d src_nid=%d dst_pid=%d "
                        "dst_tgid=%d dst_ngid=%d dst_cpu=%d dst_nid=%d\", REC->src_pid, "
                        "REC->src_tgid, REC->src_ngid, REC->src_cpu, REC->src_nid, REC->dst_pid, "
                        "REC->dst_tgid, REC->dst_ngid, REC->dst_cpu, REC->dst_nid" },
    [DAT_MIGRATE_PAGES] = { "migrate",
                            "mm_migrate_pages",
                            { { "succeeded", DAT_ULONG },
                              { "failed", DAT_ULONG },
                              { "thp_succeeded", DAT_ULONG },
                              { "thp_failed", DAT_ULONG },
                              { "thp_split", DAT_ULONG },
                              { "large_folio_split", DAT_ULONG },
                              { "mode", DAT_INT },
                              { "reason", DAT_INT } },
                            "\"nr_succeeded=%lu nr_failed=%lu nr_thp_succeeded=%lu "
                            "nr_thp_failed=%lu nr_thp_split=%lu nr_split=%lu mode=%s reason=%s\", "
                            "REC->succeeded, REC->failed, REC->thp_succeeded, REC->thp_failed, "
                            "REC->thp_split, REC->large_folio_split, __print_symbolic(REC->mode, "
                            "{ 0, \"MIGRATE_ASYNC\" }), __print_symbolic(REC->reason, "
                            "{ 5, \"numa_misplaced\" })" },
};

guint
dat_size(enum dat_type type)
{
    return type == DAT_COMM ? TRACE_COMM_LEN : type == DAT_LONG || type == DAT_ULONG ? 8 : 4;
}

/* ---- descriptions ---- */

static void
add_field(GString *s, const char *declaration, guint offset, guint size, bool is_signed)
{
    g_string_append_printf(s, "\tfield:%s;\toffset:%u;\tsize:%u;\tsigned:%d;\n", declaration,
                           offset, size, is_signed);
}

static void
describe(GString *s, guint id)
{
    static const char *const forms[] = { [DAT_COMM] = "char %s[16]",
                                         [DAT_PID] = "pid_t %s",
                                         [DAT_INT] = "int %s",
                                         [DAT_LONG] = "long %s",
                                         [DAT_ULONG] = "unsigned long %s" };
    const struct dat_event *e = &dat_events[id];
    guint offset = 8;

    g_string_printf(s, "name: %s\nID: %u\nformat:\n", e->name, DAT_FIRST_ID + id);
    add_field(s, "unsigned short common_type", 0, 2, false);
    add_field(s, "unsigned char common_flags", 2, 1, false);
    add_field(s, "unsigned char common_preempt_count", 3, 1, false);
    add_field(s, "int common_pid", 4, 4, true);
    g_string_append_c(s, '\n');
    for (const struct dat_field *f = e->fields; f->name != NULL; f++) {
        g_auto(GStrv) form = g_strsplit(forms[f->type], "%s", 2);
        g_autofree char *declaration = g_strjoinv(f->name, form);

        add_field(s, declaration, offset, dat_size(f->type),
                  f->type != DAT_ULONG && f->type != DAT_COMM);
        offset += dat_size(f->type);
    }
    g_string_append_printf(s, "\nprint fmt: %s\n", e->print);
}

/* ---- the head ---- */

static void
add_number(GByteArray *a, guint64 value, guint bytes)
{
    guint64 little = GUINT64_TO_LE(value);

    g_byte_array_append(a, (const guint8 *)&little, bytes);
}

/* The string and its end. */
static void
add_string(GByteArray *a, const char *text)
{
    g_byte_array_append(a, (const guint8 *)text, (guint)strlen(text) + 1);
}

/* A file of the kernel's: its size and its text. */
static void
add_file(GByteArray *a, const char *text, guint size_bytes)
{
    add_number(a, strlen(text), size_bytes);
    g_byte_array_append(a, (const guint8 *)text, (guint)strlen(text));
}

static guint
of_system(const char *system)
{
    guint nr = 0;

    for (guint i = 0; i < NR_DAT_EVENTS; i++)
        nr += strcmp(dat_events[i].system, system) == 0;
    return nr;
}

static void
add_events(GByteArray *a)
{
    g_autoptr(GString) s = g_string_new(NULL);
    guint systems = 0;

    for (guint i = 0; i < NR_DAT_EVENTS; i++)
        systems += i == 0 || strcmp(dat_events[i].system, dat_events[i - 1].system) != 0;
    add_number(a, systems, 4);
    for (guint i = 0; i < NR_DAT_EVENTS; i++) {
        if (i == 0 || strcmp(dat_events[i].system, dat_events[i - 1].system) != 0) {
            add_string(a, dat_events[i].system);
            add_number(a, of_system(dat_events[i].system), 4);
        }
        describe(s, i);
        add_file(a, s->str, 8);
    }
}

static void
add_names(GByteArray *a, const struct kernel *k)
{
    g_autoptr(GString) s = g_string_new(NULL);
    char comm[TRACE_COMM_LEN];

    for (uint32_t i = 0; i < k->nr_tasks; i++)
        g_string_append_printf(s, "%u %s\n", trace_pid(k->tasks[i]),
                               trace_comm(k->tasks[i], 0, comm));
    add_file(a, s->str, 8);
}

GByteArray *
dat_header(const struct trace_writer *w, const guint64 *nr_pages)
{
    GByteArray *a = g_byte_array_new();
    uint32_t nr_cpus = w->kernel->machine->nr_cpus;

    g_byte_array_append(a, (const guint8 *)"\x17\x08\x44tracing", 10);
    add_string(a, "6");
    add_number(a, 0, 1); /* little-endian */
    add_number(a, 8, 1); /* bytes of a long */
    add_number(a, DAT_PAGE, 4);
    add_string(a, "header_page");
    add_file(a, PAGE_FORMAT, 8);
    add_string(a, "header_event");
    add_file(a, EVENT_FORMAT, 8);
    add_number(a, 0, 4); /* events of ftrace itself */
    add_events(a);
    add_number(a, 0, 4); /* kallsyms */
    add_number(a, 0, 4); /* printk formats */
    add_names(a, w->kernel);
    add_number(a, nr_cpus, 4);
    add_string(a, "flyrecord");
    guint64 at = a->len + 16 * (guint64)nr_cpus;
    at = (at + DAT_PAGE - 1) / DAT_PAGE * DAT_PAGE;
    for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
        add_number(a, at, 8);
        add_number(a, nr_pages[cpu] * DAT_PAGE, 8);
        at += nr_pages[cpu] * DAT_PAGE;
    }
    while (a->len % DAT_PAGE != 0)
        add_number(a, 0, 1);
    return a;
}
