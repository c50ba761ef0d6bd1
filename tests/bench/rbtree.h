/*
 * A red-black tree by deadline in which every node knows the least vruntime below it: what an EEVDF
 * run queue is commonly kept in. Equal deadlines stay in the order of insertion.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node {
    struct node *parent, *child[2];
    int64_t deadline, vruntime, least; /* least: vruntime of the subtree */
    bool red;
};

struct tree {
    struct node *root;
};

static inline bool
is_red(const struct node *x)
{
    return x != NULL && x->red;
}

/* False: nothing changed, so nothing does above. */
static inline bool
node_update(struct node *x)
{
    const struct node *l = x->child[0], *r = x->child[1];
    int64_t least = x->vruntime;

    if (l != NULL && l->least < least)
        least = l->least;
    if (r != NULL && r->least < least)
        least = r->least;
    bool changed = least != x->least;
    x->least = least;
    return changed;
}

static inline void
replace(struct tree *t, struct node *parent, const struct node *old, struct node *new)
{
    if (parent == NULL)
        t->root = new;
    else
        parent->child[parent->child[1] == old] = new;
    if (new != NULL)
        new->parent = parent;
}

/* x goes down on side `dir`, its other child comes up. */
static inline struct node *
rotate(struct tree *t, struct node *x, int dir)
{
    struct node *up = x->child[!dir], *inner = up->child[dir];

    replace(t, x->parent, x, up);
    x->child[!dir] = inner;
    if (inner != NULL)
        inner->parent = x;
    up->child[dir] = x;
    x->parent = up;
    up->least = x->least;
    node_update(x);
    return up;
}

static inline void
tree_insert(struct tree *t, struct node *x)
{
    struct node *p = NULL, **link = &t->root;

    while (*link != NULL) {
        p = *link;
        if (x->vruntime < p->least)
            p->least = x->vruntime;
        link = &p->child[x->deadline >= p->deadline];
    }
    x->parent = p;
    x->child[0] = x->child[1] = NULL;
    x->least = x->vruntime;
    x->red = true;
    *link = x;
    while (is_red(p = x->parent)) {
        struct node *g = p->parent;
        int dir = g->child[1] == p;
        struct node *uncle = g->child[!dir];
        if (is_red(uncle)) {
            p->red = uncle->red = false;
            g->red = true;
            x = g;
            continue;
        }
        if (p->child[!dir] == x)
            p = rotate(t, p, dir);
        p->red = false;
        g->red = true;
        rotate(t, g, !dir);
        break;
    }
    t->root->red = false;
}

/* The paths through x, a child of p that may be a leaf, lack a black node. */
static inline void
tree_fix(struct tree *t, struct node *x, struct node *p)
{
    while (p != NULL && !is_red(x)) {
        int dir = p->child[1] == x;
        struct node *s = p->child[!dir];
        if (s->red) {
            s->red = false;
            p->red = true;
            rotate(t, p, dir);
            s = p->child[!dir];
        }
        if (!is_red(s->child[0]) && !is_red(s->child[1])) {
            s->red = true;
            x = p;
            p = x->parent;
            continue;
        }
        if (!is_red(s->child[!dir])) {
            s->child[dir]->red = false;
            s->red = true;
            s = rotate(t, s, !dir);
        }
        s->red = p->red;
        p->red = s->child[!dir]->red = false;
        rotate(t, p, dir);
        return;
    }
    if (x != NULL)
        x->red = false;
}

static inline void
tree_remove(struct tree *t, struct node *x)
{
    struct node *up, *below; /* what moved up, and its new parent's place to fix from */
    bool red = x->red;

    if (x->child[0] != NULL && x->child[1] != NULL) {
        struct node *next = x->child[1];
        while (next->child[0] != NULL)
            next = next->child[0];
        red = next->red;
        up = next->child[1];
        below = next->parent == x ? next : next->parent;
        if (next->parent != x) {
            replace(t, next->parent, next, up);
            next->child[1] = x->child[1];
            next->child[1]->parent = next;
        }
        replace(t, x->parent, x, next);
        next->child[0] = x->child[0];
        next->child[0]->parent = next;
        next->red = x->red;
        next->least = x->least; /* stale at most until the walk below comes by */
        if (below != next)
            for (struct node *y = below; y != next && node_update(y);)
                y = y->parent;
        for (struct node *y = next; y != NULL && node_update(y);)
            y = y->parent;
    } else {
        up = x->child[x->child[0] == NULL];
        below = x->parent;
        replace(t, below, x, up);
        for (struct node *y = below; y != NULL && node_update(y);)
            y = y->parent;
    }
    if (!red)
        tree_fix(t, up, below);
}

/* The earliest deadline with vruntime <= v. */
static inline struct node *
tree_pick(const struct tree *t, bool (*eligible)(const void *arg, int64_t vruntime),
          const void *arg)
{
    struct node *x = t->root;

    while (x != NULL) {
        struct node *l = x->child[0];
        if (l != NULL && eligible(arg, l->least)) {
            x = l;
            continue;
        }
        if (eligible(arg, x->vruntime))
            return x;
        x = x->child[1];
    }
    return NULL;
}
