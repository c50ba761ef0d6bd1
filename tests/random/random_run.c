/*
 * random_run: runs random cases under --check until one fails, makes that one as small as it can,
 * and prints the command that repeats it.
 *
 *   random_run [runs=N] [first=SEED]        N cases, from SEED on
 *   random_run seed=SEED                    one case
 *   DIMENSION=N                             with either: instead of what the seeds draw
 *   random_run script=SEED                  the script that the seed writes
 *   random_run list                         the dimensions
 *   ticks=0                                 with either: computed ticks only, nothing is compared
 *   shrink=0                                failing cases are named as they are, and the rest runs
 *
 * Each case runs in a child process: an assertion or an endless loop is a failure like any other.
 * Each is run with computed and with simulated ticks, and all decisions must be the same.
 */
#include "random_case.h"
#include "random_ext.h"
#include "random_script.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CASE_SECONDS = 120, SHRINK_SECONDS = 300 };

static bool compare_ticks = true, makes_smaller = true, tells_end;

struct totals {
    uint64_t events, decisions, ticks_computed, ticks_simulated, wasted;
};

static uint64_t
first_difference(const struct outcome *a, const struct outcome *b)
{
    uint64_t n = SIM_MIN(a->nr_decisions, b->nr_decisions);

    for (uint64_t i = 0; i < n; i++)
        if (a->decisions[i] != b->decisions[i])
            return i + 1;
    return a->nr_decisions == b->nr_decisions ? 0 : n + 1;
}

/* The decision at which the two kinds of ticks part, in words. */
static void
print_difference(const struct random_case *c, uint64_t at)
{
    struct outcome computed = { .show = at }, simulated = { .show = at };

    case_run(c, TICK_COMPUTED, &computed);
    case_run(c, TICK_SIMULATED, &simulated);
    printf("decision %llu is another one with simulated ticks:\n    computed:  %s\n"
           "    simulated: %s\n",
           (unsigned long long)at, computed.shown, simulated.shown);
}

/* Programs have ways of their own to differ: the same case again gives the same. */
static bool
again_the_same(const struct random_case *c, const struct outcome *first)
{
    struct outcome again = { 0 };

    if (!random_ext_is_script(c))
        return true;
    case_run(c, TICK_COMPUTED, &again);
    uint64_t at = first_difference(first, &again);
    if (at != 0)
        printf("run again, decision %llu is another one\n", (unsigned long long)at);
    else if (first->end != again.end)
        printf("run again, it ends in another way: %s; %s\n", first->left, again.left);
    free(again.decisions);
    return at == 0 && first->end == again.end;
}

/* In the child: prints what is wrong; 0 if nothing is. */
static int
run_case(const struct random_case *c, struct totals *t)
{
    struct outcome computed = { 0 }, simulated = { 0 };
    int failed = 1;

    case_run(c, TICK_COMPUTED, &computed);
    if (computed.failure[0] != '\0') {
        printf("%s\n", computed.failure);
    } else if (!compare_ticks) {
        failed = 0;
    } else {
        case_run(c, TICK_SIMULATED, &simulated);
        uint64_t at = first_difference(&computed, &simulated);
        failed = at != 0 || simulated.failure[0] != '\0';
        if (simulated.failure[0] != '\0')
            printf("with simulated ticks: %s\n", simulated.failure);
        else if (at != 0)
            print_difference(c, at);
        else
            failed = !again_the_same(c, &computed);
    }
    if (tells_end && computed.left[0] != '\0')
        printf("the policy left: %s\n", computed.left);
    *t = (struct totals){ computed.nr_events, computed.nr_decisions, computed.nr_ticks,
                          simulated.nr_ticks, computed.nr_wasted };
    free(computed.decisions);
    free(simulated.decisions);
    return failed;
}

static void
read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t n;

    while (len + 1 < size && (n = read(fd, text + len, size - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
}

/* Runs the case in a child. True: it is fine. `text` gets what is wrong, or the totals. */
static bool
try_case(const struct random_case *c, struct totals *t, char *text, size_t size)
{
    int out[2], numbers[2], status;

    if (pipe(out) != 0 || pipe(numbers) != 0)
        exit(2);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct totals mine = { 0 };

        dup2(out[1], 1);
        dup2(out[1], 2);
        setrlimit(RLIMIT_CPU, &(struct rlimit){ CASE_SECONDS, CASE_SECONDS });
        int failed = run_case(c, &mine);
        fflush(stdout);
        if (write(numbers[1], &mine, sizeof(mine)) != sizeof(mine))
            _exit(2);
        _exit(failed);
    }
    close(out[1]);
    close(numbers[1]);
    read_all(out[0], text, size);
    if (read(numbers[0], t, sizeof(*t)) != sizeof(*t))
        *t = (struct totals){ 0 };
    close(out[0]);
    close(numbers[0]);
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        snprintf(text, size, "not done after %d seconds of CPU time\n", CASE_SECONDS);
    else if (WIFSIGNALED(status) && text[0] == '\0')
        snprintf(text, size, "killed by signal %d\n", WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- making a failing case smaller ---- */

static bool
still_fails(struct random_case *c, enum dimension d, uint32_t value)
{
    struct random_case smaller = *c;
    struct totals t;
    char text[8192];

    smaller.value[d] = value;
    if (try_case(&smaller, &t, text, sizeof(text)))
        return false;
    *c = smaller;
    return true;
}

/* One dimension as low as it goes: to the least, by halves, by one. */
static bool
lower(struct random_case *c, enum dimension d)
{
    uint32_t least = dimensions[d].least, before = c->value[d];

    while (c->value[d] > least) {
        uint32_t v = c->value[d];

        if (!still_fails(c, d, least) && !still_fails(c, d, least + (v - least) / 2) &&
            !still_fails(c, d, v - 1))
            break;
    }
    return c->value[d] < before;
}

static void
shrink(struct random_case *c)
{
    time_t end = time(NULL) + SHRINK_SECONDS;
    bool smaller = true;

    while (smaller) {
        smaller = false;
        for (uint32_t d = 0; d < DIM_NR && time(NULL) < end; d++)
            smaller |= lower(c, (enum dimension)d);
    }
}

static void
print_replay(const struct random_case *c, const char *program)
{
    printf("  %s seed=%llu", program, (unsigned long long)c->seed);
    for (uint32_t d = 0; d < DIM_NR; d++)
        printf(" %s=%u", dimensions[d].name, c->value[d]);
    printf("\n");
}

static void
report(struct random_case *c, const char *program, const char *text)
{
    struct totals t;
    char smallest[8192];

    printf("seed %llu fails: %s", (unsigned long long)c->seed, text);
    fflush(stdout);
    if (!makes_smaller)
        return;
    shrink(c);
    bool gone = try_case(c, &t, smallest, sizeof(smallest));
    printf("the smallest case that fails%s: %srepeat it with\n", gone ? " (not each time!)" : "",
           smallest);
    print_replay(c, program);
}

/* ---- command line ---- */

/* What the command line says of the dimensions. */
static struct {
    bool set;
    uint32_t value;
} given[DIM_NR];

static void
draw(struct random_case *c, unsigned long long seed)
{
    case_draw(c, seed);
    for (uint32_t d = 0; d < DIM_NR; d++)
        if (given[d].set)
            c->value[d] = given[d].value;
}

static bool
give_value(const char *name, size_t len, unsigned long long n)
{
    for (uint32_t d = 0; d < DIM_NR; d++)
        if (strlen(dimensions[d].name) == len && strncmp(dimensions[d].name, name, len) == 0 &&
            n >= dimensions[d].least && n <= dimensions[d].most) {
            given[d].set = true;
            given[d].value = (uint32_t)n;
            return true;
        }
    return false;
}

static int
list(void)
{
    for (uint32_t d = 0; d < DIM_NR; d++)
        printf("%-10s %u..%-3u %s\n", dimensions[d].name, dimensions[d].least, dimensions[d].most,
               dimensions[d].doc);
    return 0;
}

static int
print_script(unsigned long long seed)
{
    struct random_case c;
    struct arena *a = arena_new();

    case_draw(&c, seed);
    printf("%s", random_script_text(&c, a));
    arena_free(a);
    return 0;
}

static int
run_one(struct random_case *c, const char *program)
{
    struct totals t;
    char text[8192];

    tells_end = true;
    bool fine = try_case(c, &t, text, sizeof(text));

    printf("%s%s", text, fine ? "fine\n" : "");
    printf("%llu events, %llu decisions, ticks: %llu computed, %llu simulated, %llu stretches of "
           "idling beside waiting tasks\n",
           (unsigned long long)t.events, (unsigned long long)t.decisions,
           (unsigned long long)t.ticks_computed, (unsigned long long)t.ticks_simulated,
           (unsigned long long)t.wasted);
    print_replay(c, program);
    return fine ? 0 : 1;
}

static int
run_many(unsigned long long first, unsigned long long runs, const char *program)
{
    struct totals sum = { 0 };
    time_t began = time(NULL);
    unsigned long long failed = 0;

    for (unsigned long long i = 0; i < runs; i++) {
        struct random_case c;
        struct totals t;
        char text[8192];

        draw(&c, first + i);
        if (!try_case(&c, &t, text, sizeof(text))) {
            report(&c, program, text);
            if (makes_smaller)
                return 1;
            failed++;
        }
        sum.events += t.events;
        sum.decisions += t.decisions;
        sum.ticks_computed += t.ticks_computed;
        sum.ticks_simulated += t.ticks_simulated;
    }
    printf("%llu random runs, %s: %llu events, %llu decisions, %llu ticks computed, "
           "%llu simulated, %lld s\n",
           runs, failed > 0 ? "violations above" : "no violation", (unsigned long long)sum.events,
           (unsigned long long)sum.decisions, (unsigned long long)sum.ticks_computed,
           (unsigned long long)sum.ticks_simulated, (long long)(time(NULL) - began));
    return failed > 0;
}

int
main(int argc, char **argv)
{
    unsigned long long first = 1, runs = 200, seed = 0, n;
    struct random_case c;
    bool one = false;

    for (int i = 1; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        char *end = NULL;

        if (strcmp(argv[i], "list") == 0)
            return list();
        n = equals != NULL ? strtoull(equals + 1, &end, 10) : 0;
        if (end == NULL || *end != '\0' || end == equals + 1)
            return fprintf(stderr, "random_run: '%s': write NAME=NUMBER\n", argv[i]), 2;
        size_t len = (size_t)(equals - argv[i]);
        if (strncmp(argv[i], "ticks=", len + 1) == 0) {
            compare_ticks = n != 0;
        } else if (strncmp(argv[i], "script=", len + 1) == 0) {
            return print_script(n);
        } else if (strncmp(argv[i], "shrink=", len + 1) == 0) {
            makes_smaller = n != 0;
        } else if (strncmp(argv[i], "runs=", len + 1) == 0) {
            runs = n;
        } else if (strncmp(argv[i], "first=", len + 1) == 0) {
            first = n;
        } else if (strncmp(argv[i], "seed=", len + 1) == 0) {
            seed = n;
            one = true;
        } else if (!give_value(argv[i], len, n)) {
            return fprintf(stderr, "random_run: '%s': not a value; see random_run list\n", argv[i]),
                   2;
        }
    }
    if (!one)
        return run_many(first, runs, argv[0]);
    draw(&c, seed);
    return run_one(&c, argv[0]);
}
