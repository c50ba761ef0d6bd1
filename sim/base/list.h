/* Intrusive doubly linked circular lists. A head is a node that is in no object. */
#pragma once

#include "base/base.h"

struct list {
    struct list *next, *prev;
};

static inline void
list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool
list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void
list_insert(struct list *node, struct list *before)
{
    node->prev = before->prev;
    node->next = before;
    before->prev->next = node;
    before->prev = node;
}

/* At the head: the first that list_for_each() meets. */
static inline void
list_push_front(struct list *head, struct list *node)
{
    list_insert(node, head->next);
}

static inline void
list_push_back(struct list *head, struct list *node)
{
    list_insert(node, head);
}

static inline void
list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* To the head; it is in the list. */
static inline void
list_move_front(struct list *head, struct list *node)
{
    if (head->next == node)
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_push_front(head, node);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_for_each(node, head)                                                                  \
    for (struct list *node = (head)->next; node != (head); node = node->next)
/* The node may be removed in the body. */
#define list_for_each_safe(node, head)                                                             \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);              \
         node = node##_next, node##_next = node->next)
