
/*
 * Subjects in the zone: found by name, made when first used, and forgotten
 * when nothing of them counts any more and their room is needed.
 */


#include "ngx_llm_quota_state.h"


/* counters of one subject, those of limits of the past included */
#define NGX_LLM_QUOTA_COUNTERS  48

/* subjects looked at for one that may be forgotten, at a time */
#define NGX_LLM_QUOTA_SWEEP     1024


static void ngx_llm_quota_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);
static ngx_int_t ngx_llm_quota_compare(ngx_llm_quota_node_t *node,
    ngx_rbtree_key_t hash, u_char *id, size_t len);
static ngx_llm_quota_counter_t *ngx_llm_quota_spare(
    ngx_llm_quota_node_t *node, llm_subject_t *subject);
static ngx_uint_t ngx_llm_quota_evict(ngx_llm_quota_t *q,
    ngx_llm_quota_node_t **keep, ngx_uint_t nkeep);
static ngx_uint_t ngx_llm_quota_idle(ngx_llm_quota_t *q,
    ngx_llm_quota_node_t *node, int64_t now);
static void ngx_llm_quota_copy(ngx_llm_quota_node_t *node,
    ngx_llm_quota_entry_t *entry);


ngx_llm_quota_node_t *
ngx_llm_quota_find(ngx_llm_quota_t *q, uint32_t hash, u_char *id, size_t len)
{
    ngx_int_t           rc;
    ngx_rbtree_node_t  *node;

    node = q->sh->tree.root;

    while (node != &q->sh->sentinel) {

        rc = ngx_llm_quota_compare((ngx_llm_quota_node_t *) node, hash, id,
                                   len);

        if (rc == 0) {
            return (ngx_llm_quota_node_t *) node;
        }

        node = rc < 0 ? node->left : node->right;
    }

    return NULL;
}


/* the order of the tree: by hash, then by name; below 0: id is before node */

static ngx_int_t
ngx_llm_quota_compare(ngx_llm_quota_node_t *node, ngx_rbtree_key_t hash,
    u_char *id, size_t len)
{
    ngx_int_t  rc;

    if (hash != node->node.key) {
        return hash < node->node.key ? -1 : 1;
    }

    rc = ngx_memcmp(id, node->id, ngx_min(len, (size_t) node->len));

    return rc ? rc : (ngx_int_t) len - (ngx_int_t) node->len;
}


static void
ngx_llm_quota_insert(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t     **p;
    ngx_llm_quota_node_t   *n;

    n = (ngx_llm_quota_node_t *) node;

    for ( ;; ) {

        p = ngx_llm_quota_compare((ngx_llm_quota_node_t *) temp, node->key,
                                  n->id, n->len)
            < 0 ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


ngx_llm_quota_node_t *
ngx_llm_quota_add(ngx_llm_quota_t *q, uint32_t hash, u_char *id, size_t len,
    ngx_uint_t n, ngx_llm_quota_node_t **keep, ngx_uint_t nkeep)
{
    size_t                 size;
    ngx_llm_quota_node_t  *node;

    size = ngx_align(offsetof(ngx_llm_quota_node_t, id) + len,
                     sizeof(int64_t));

    node = ngx_llm_quota_alloc(q, size + n * sizeof(ngx_llm_quota_counter_t),
                               keep, nkeep);
    if (node == NULL) {
        return NULL;
    }

    ngx_memzero(node, size + n * sizeof(ngx_llm_quota_counter_t));

    node->node.key = hash;
    node->counters = (ngx_llm_quota_counter_t *) ((u_char *) node + size);
    node->size = n;
    node->len = len;
    ngx_memcpy(node->id, id, len);

    /* the module may lie elsewhere since the tree was made */

    q->sh->tree.insert = ngx_llm_quota_insert;

    ngx_rbtree_insert(&q->sh->tree, &node->node);

    return node;
}


ngx_llm_quota_counter_t *
ngx_llm_quota_counter(ngx_llm_quota_node_t *node, uint64_t id, ngx_uint_t i)
{
    if (i < node->ncounters && node->counters[i].c.id == id) {
        return &node->counters[i];
    }

    for (i = 0; i < node->ncounters; i++) {
        if (node->counters[i].c.id == id) {
            return &node->counters[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_llm_quota_counters(ngx_llm_quota_t *q, ngx_llm_quota_node_t *node,
    llm_subject_t *subject, ngx_llm_quota_node_t **keep, ngx_uint_t nkeep)
{
    uint64_t                  id;
    ngx_uint_t                i, n;
    ngx_llm_quota_counter_t  *c, *old;

    for (i = 0; i < subject->nlimits; i++) {

        id = subject->limits[i].id;

        if (id == 0 || ngx_llm_quota_counter(node, id, i)) {
            continue;
        }

        c = node->refs ? NULL : ngx_llm_quota_spare(node, subject);

        if (c) {
            ngx_memzero(c, sizeof(ngx_llm_quota_counter_t));
            c->c.id = id;
            continue;
        }

        if (node->ncounters == node->size) {

            /* limits were added by a reload */

            n = node->size + 4;

            if (n > NGX_LLM_QUOTA_COUNTERS) {
                return NGX_ERROR;
            }

            c = ngx_llm_quota_alloc(q, n * sizeof(ngx_llm_quota_counter_t),
                                    keep, nkeep);
            if (c == NULL) {
                return NGX_ERROR;
            }

            old = node->counters;
            ngx_memcpy(c, old,
                       node->ncounters * sizeof(ngx_llm_quota_counter_t));

            ngx_memory_barrier();
            node->counters = c;
            node->size = n;

            if (node->moved) {
                ngx_llm_zone_free_locked(q->zone, old);
            }

            node->moved = 1;
        }

        c = &node->counters[node->ncounters];

        ngx_memzero(c, sizeof(ngx_llm_quota_counter_t));
        c->c.id = id;

        ngx_memory_barrier();
        node->ncounters++;
    }

    return NGX_OK;
}


/* one of a limit that was taken out of the configuration, and counts nothing */

static ngx_llm_quota_counter_t *
ngx_llm_quota_spare(ngx_llm_quota_node_t *node, llm_subject_t *subject)
{
    int64_t                   now;
    ngx_uint_t                i, k;
    ngx_llm_quota_counter_t  *c;

    now = ngx_llm_quota_now();

    for (i = 0; i < node->ncounters; i++) {

        c = &node->counters[i];

        for (k = 0; k < subject->nlimits; k++) {
            if (subject->limits[k].id == c->c.id) {
                break;
            }
        }

        if (k == subject->nlimits && llm_limit_idle(&c->c, c->end, now)) {
            return c;
        }
    }

    return NULL;
}


void *
ngx_llm_quota_alloc(ngx_llm_quota_t *q, size_t size,
    ngx_llm_quota_node_t **keep, ngx_uint_t nkeep)
{
    void  *p;

    p = ngx_llm_zone_alloc_locked(q->zone, size);

    if (p == NULL && ngx_llm_quota_evict(q, keep, nkeep)) {
        p = ngx_llm_zone_alloc_locked(q->zone, size);
    }

    return p;
}


/*
 * All that is idle is as good as unknown, so there is no order in which
 * subjects would have to go: the hand goes round the tree.
 */

static ngx_uint_t
ngx_llm_quota_evict(ngx_llm_quota_t *q, ngx_llm_quota_node_t **keep,
    ngx_uint_t nkeep)
{
    int64_t                now;
    ngx_uint_t             i, k, n;
    ngx_rbtree_node_t     *next;
    ngx_llm_quota_node_t  *node;

    now = ngx_llm_quota_now();

    n = 0;
    node = ngx_llm_quota_after(q, q->sh->hand, (u_char *) "", 0);

    for (i = 0; i < NGX_LLM_QUOTA_SWEEP; i++) {

        if (node == NULL) {

            if (q->sh->hand == 0) {
                break;
            }

            q->sh->hand = 0;
            node = ngx_llm_quota_after(q, 0, (u_char *) "", 0);

            continue;
        }

        q->sh->hand = node->node.key;

        next = ngx_rbtree_next(&q->sh->tree, &node->node);

        for (k = 0; k < nkeep; k++) {
            if (keep[k] == node) {
                break;
            }
        }

        if (k == nkeep && ngx_llm_quota_idle(q, node, now)) {
            ngx_llm_quota_free(q, node);
            n++;
        }

        node = (ngx_llm_quota_node_t *) next;
    }

    return n;
}


static ngx_uint_t
ngx_llm_quota_idle(ngx_llm_quota_t *q, ngx_llm_quota_node_t *node, int64_t now)
{
    if (node->refs || node->learnt || (node->dirty && q->sh->journal)) {
        return 0;
    }

    return ngx_llm_quota_over(node, now);
}


ngx_uint_t
ngx_llm_quota_over(ngx_llm_quota_node_t *node, int64_t now)
{
    ngx_uint_t                i;
    ngx_llm_quota_counter_t  *c;

    for (i = 0; i < node->ncounters; i++) {
        c = &node->counters[i];

        if (!llm_limit_idle(&c->c, c->end, now)) {
            return 0;
        }
    }

    return 1;
}


void
ngx_llm_quota_free(ngx_llm_quota_t *q, ngx_llm_quota_node_t *node)
{
    ngx_rbtree_delete(&q->sh->tree, &node->node);

    if (node->dirty) {
        ngx_queue_remove(&node->changed);
    }

    if (node->moved) {
        ngx_llm_zone_free_locked(q->zone, node->counters);
    }

    ngx_llm_zone_free_locked(q->zone, node);
}


void
ngx_llm_quota_dirty(ngx_llm_quota_t *q, ngx_llm_quota_node_t *node)
{
    if (node->dirty) {
        return;
    }

    ngx_llm_zone_save(q->zone, &node->dirty, sizeof(uintptr_t));
    node->dirty = 1;

    ngx_llm_zone_link(q->zone, &q->sh->changed, &node->changed);
}


ngx_llm_quota_node_t *
ngx_llm_quota_after(ngx_llm_quota_t *q, ngx_rbtree_key_t hash, u_char *id,
    size_t len)
{
    ngx_rbtree_node_t  *node, *found;

    node = q->sh->tree.root;
    found = NULL;

    while (node != &q->sh->sentinel) {

        if (ngx_llm_quota_compare((ngx_llm_quota_node_t *) node, hash, id, len)
            < 0)
        {
            found = node;
            node = node->left;

        } else {
            node = node->right;
        }
    }

    return (ngx_llm_quota_node_t *) found;
}


volatile int64_t *
ngx_llm_quota_learnt(ngx_llm_quota_t *q, llm_str_t *id)
{
    uint32_t               hash;
    ngx_llm_quota_node_t  *node;

    if (q == NULL || id->len > sizeof(((ngx_llm_quota_entry_t *) 0)->id)) {
        return NULL;
    }

    hash = llm_subject_hash(id->data, id->len);

    ngx_llm_zone_lock(q->zone);

    node = ngx_llm_quota_find(q, hash, id->data, id->len);

    if (node == NULL) {
        node = ngx_llm_quota_add(q, hash, id->data, id->len, 1, NULL, 0);

        if (node) {
            node->learnt = 1;
        }
    }

    ngx_llm_zone_unlock(q->zone);

    return node ? &node->counters[0].c.time : NULL;
}


ngx_int_t
ngx_llm_quota_read(ngx_llm_quota_t *q, llm_str_t *id,
    ngx_llm_quota_entry_t *entry)
{
    ngx_llm_quota_node_t  *node;

    if (q == NULL) {
        return NGX_DECLINED;
    }

    ngx_llm_zone_lock(q->zone);

    node = ngx_llm_quota_find(q, llm_subject_hash(id->data, id->len), id->data,
                              id->len);

    if (node && !node->learnt) {
        ngx_llm_quota_copy(node, entry);

    } else {
        node = NULL;
    }

    ngx_llm_zone_unlock(q->zone);

    return node ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_llm_quota_next(ngx_llm_quota_t *q, ngx_llm_quota_entry_t *entry)
{
    ngx_llm_quota_node_t  *node;

    if (q == NULL) {
        return NGX_DONE;
    }

    ngx_llm_zone_lock(q->zone);

    node = ngx_llm_quota_after(q, entry->len
                                  ? llm_subject_hash(entry->id, entry->len)
                                  : 0,
                               entry->id, entry->len);

    while (node && node->learnt) {
        node = (ngx_llm_quota_node_t *) ngx_rbtree_next(&q->sh->tree,
                                                        &node->node);
    }

    if (node) {
        ngx_llm_quota_copy(node, entry);
    }

    ngx_llm_zone_unlock(q->zone);

    return node ? NGX_OK : NGX_DONE;
}


static void
ngx_llm_quota_copy(ngx_llm_quota_node_t *node, ngx_llm_quota_entry_t *entry)
{
    ngx_uint_t  i;

    entry->len = ngx_min((size_t) node->len, sizeof(entry->id));
    ngx_memcpy(entry->id, node->id, entry->len);

    entry->held = node->held;
    entry->ncounters = ngx_min((ngx_uint_t) node->ncounters,
                               NGX_LLM_QUOTA_LIMITS);

    for (i = 0; i < entry->ncounters; i++) {
        entry->counters[i].counter = node->counters[i].c;
        entry->counters[i].end = node->counters[i].end;
    }
}


ngx_int_t
ngx_llm_quota_adjust(ngx_llm_quota_t *q, llm_str_t *id, uint64_t counter,
    int64_t add)
{
    int64_t                   spent;
    ngx_llm_quota_node_t     *node;
    ngx_llm_quota_counter_t  *c;

    if (q == NULL) {
        return NGX_DECLINED;
    }

    c = NULL;

    ngx_llm_zone_lock(q->zone);

    node = ngx_llm_quota_find(q, llm_subject_hash(id->data, id->len), id->data,
                              id->len);

    if (node) {
        c = ngx_llm_quota_counter(node, counter, 0);
    }

    if (c && c->end != 0) {

        ngx_llm_zone_save(q->zone, &c->c, sizeof(llm_counter_t));

        spent = c->c.spent;

        if (add == NGX_LLM_QUOTA_RESET) {
            spent = 0;

        } else if (add > 0 && spent > INT64_MAX - add) {
            spent = INT64_MAX;

        } else if (add < 0 && spent < -INT64_MAX - add) {
            spent = -INT64_MAX;

        } else {
            spent += add;
        }

        c->c.spent = spent;

        ngx_llm_quota_dirty(q, node);
        ngx_llm_zone_done(q->zone);

    } else {
        c = NULL;
    }

    ngx_llm_zone_unlock(q->zone);

    return c ? NGX_OK : NGX_DECLINED;
}
