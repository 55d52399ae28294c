
/*
 * Workers that hold reservations: their places in the zone, and the end of
 * what those that are gone have left.
 */


#include "ngx_llm_quota_state.h"


static ngx_uint_t ngx_llm_quota_inherit(ngx_llm_quota_t *q,
    ngx_llm_zone_place_t *w);
static void ngx_llm_quota_tell_open(ngx_llm_quota_lost_t *lost,
    ngx_llm_quota_lease_t *lease);
static void ngx_llm_quota_tell(ngx_llm_quota_t *q,
    ngx_llm_quota_lease_t *lease);
static void ngx_llm_quota_give_back(ngx_llm_quota_t *q,
    ngx_llm_quota_lease_t *part);


ngx_llm_quota_t *
ngx_llm_quota_start(ngx_llm_zone_t *zone, ngx_cycle_t *cycle,
    ngx_uint_t journal, ngx_llm_quota_lost_pt lost, void *data)
{
    ngx_llm_quota_t       *q;
    ngx_llm_zone_place_t  *w;

    if (zone == NULL) {
        return NULL;
    }

    q = ngx_pcalloc(cycle->pool, sizeof(ngx_llm_quota_t));
    if (q == NULL) {
        return NULL;
    }

    q->zone = zone;
    q->lost = lost;
    q->data = data;

    if (ngx_llm_quota_attach(q) != NGX_OK) {
        goto full;
    }

    q->worker = ngx_llm_zone_place(zone, &q->sh->workers);

    if (q->worker == NULL) {
        goto full;
    }

    /* a reload may have changed it */

    q->sh->journal = journal;

    /* those that are gone, and whoever had our number before */

    for (w = q->sh->workers; w; w = w->next) {
        if (ngx_llm_zone_place_gone(w, q->worker)) {
            (void) ngx_llm_quota_inherit(q, w);
        }
    }

    return q;

full:

    ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                  "the zone has no room for limits: requests that have some "
                  "are refused; make llm_zone larger");

    return NULL;
}


ngx_int_t
ngx_llm_quota_attach(ngx_llm_quota_t *q)
{
    ngx_llm_quota_root_t  *sh;

    if (q->sh) {
        return NGX_OK;
    }

    sh = ngx_llm_zone_root(q->zone, NGX_LLM_QUOTA_ROOT,
                           sizeof(ngx_llm_quota_root_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    if (ngx_llm_zone_keep_undo(q->zone) != NGX_OK) {
        return NGX_ERROR;
    }

    q->sh = sh;

    ngx_llm_zone_lock(q->zone);

    if (!sh->ready) {
        ngx_rbtree_init(&sh->tree, &sh->sentinel, ngx_rbtree_insert_value);
        ngx_queue_init(&sh->changed);

        ngx_llm_quota_spare_leases(q);

        ngx_memory_barrier();
        sh->ready = 1;
    }

    ngx_llm_zone_unlock(q->zone);

    return NGX_OK;
}


int64_t
ngx_llm_quota_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + (int64_t) tp->msec;
}


void
ngx_llm_quota_stop(ngx_llm_quota_t *q)
{
    if (q == NULL) {
        return;
    }

    /* a fast shutdown ends requests without a word */

    (void) ngx_llm_quota_inherit(q, q->worker);
}


ngx_uint_t
ngx_llm_quota_reap(ngx_llm_quota_t *q)
{
    ngx_uint_t             n;
    ngx_llm_zone_place_t  *w;

    if (q->sh->reaped == ngx_time()) {
        return 0;
    }

    q->sh->reaped = ngx_time();

    n = 0;

    for (w = q->sh->workers; w; w = w->next) {
        if (ngx_llm_zone_place_gone(w, q->worker)) {
            n += ngx_llm_quota_inherit(q, w);
        }
    }

    return n;
}


/*
 * Ends the leases of a place one by one.  Each is told without the lock, and
 * stays in the list until it is closed: should we die meanwhile, it is our
 * number that the next worker finds here.
 */

static ngx_uint_t
ngx_llm_quota_inherit(ngx_llm_quota_t *q, ngx_llm_zone_place_t *w)
{
    ngx_pid_t               pid;
    ngx_uint_t              n;
    ngx_llm_quota_lease_t  *lease;

    n = 0;

    ngx_llm_zone_lock(q->zone);

    pid = w->pid;

    if (pid != ngx_pid && !ngx_llm_zone_place_gone(w, q->worker)) {

        /* somebody else was quicker */

        ngx_llm_zone_unlock(q->zone);
        return 0;
    }

    w->pid = ngx_pid;

    while (!ngx_queue_empty(&w->things)) {

        lease = ngx_queue_data(ngx_queue_head(&w->things),
                               ngx_llm_quota_lease_t, queue);

        n += (lease->state == NGX_LLM_QUOTA_TAKEN);

        ngx_llm_zone_unlock(q->zone);

        ngx_llm_quota_tell(q, lease);

        ngx_llm_zone_lock(q->zone);
    }

    w->pid = 0;

    ngx_llm_zone_unlock(q->zone);

    if (n) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "%ui reservations of worker %P that is gone were ended",
                      n, pid);
    }

    return n;
}


/* the place is ours: nobody else looks at what hangs on it */

static void
ngx_llm_quota_tell(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease)
{
    ngx_uint_t              i;
    ngx_llm_quota_lost_t    lost;
    ngx_llm_quota_lease_t  *part;

    ngx_memzero(&lost, sizeof(ngx_llm_quota_lost_t));

    lost.lease = lease;
    lost.note.data = lease->note;
    lost.note.len = lease->len;
    lost.asked = lease->asked;
    lost.held = lease->taken;
    lost.used = lease->used;
    lost.sent = lease->sent;
    lost.settled = (lease->state == NGX_LLM_QUOTA_SETTLED);

    ngx_llm_quota_tell_open(&lost, lease);

    for (part = lease->parts; part; part = part->before) {

        if (part->state == NGX_LLM_QUOTA_TAKEN) {
            ngx_llm_quota_tell_open(&lost, part);
            ngx_llm_quota_give_back(q, part);
        }

        if (part->state == NGX_LLM_QUOTA_SETTLED
            && lost.nparts < NGX_LLM_QUOTA_PARTS)
        {
            lost.nparts++;
        }
    }

    i = lost.nparts;

    for (part = lease->parts; part && i; part = part->before) {
        if (part->state == NGX_LLM_QUOTA_SETTLED) {
            i--;
            lost.parts[i].id.data = part->nodes[0]->id;
            lost.parts[i].id.len = part->nodes[0]->len;
            lost.parts[i].used = part->used;
        }
    }

    /* an attempt whose request has no lease stands for itself */

    if (lost.settled && lost.nparts == 0) {
        lost.nparts = 1;
        lost.parts[0].id.data = lease->nodes[0]->id;
        lost.parts[0].id.len = lease->nodes[0]->len;
        lost.parts[0].used = lease->used;
    }

    q->lost(q->data, q, &lost);
}


/* something of it is held elsewhere, too */

static void
ngx_llm_quota_tell_open(ngx_llm_quota_lost_t *lost,
    ngx_llm_quota_lease_t *lease)
{
    if (lease->state == NGX_LLM_QUOTA_TAKEN && lease->number) {
        lost->open.id.data = lease->nodes[0]->id;
        lost->open.id.len = lease->nodes[0]->len;
        lost->open.asked = lease->asked;
        lost->open.number = lease->number;
    }
}


/* a change of its own: one holds no more than a request's */

static void
ngx_llm_quota_give_back(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *part)
{
    ngx_llm_zone_lock(q->zone);

    ngx_llm_quota_end(q, part, ngx_llm_quota_now());

    ngx_llm_zone_save(q->zone, &part->state, sizeof(uintptr_t));
    part->state = NGX_LLM_QUOTA_EMPTY;

    ngx_llm_zone_done(q->zone);
    ngx_llm_zone_unlock(q->zone);
}


/*
 * Gives back what nobody knows what a provider made of.  What parts were
 * settled with is known: calendar counters get it.
 */

void
ngx_llm_quota_end(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    int64_t now)
{
    ngx_uint_t                i, k;
    ngx_llm_quota_node_t     *node;
    ngx_llm_quota_mark_t     *mark;
    ngx_llm_quota_counter_t  *c;

    for (i = 0; i < lease->n; i++) {

        node = lease->nodes[i];

        ngx_llm_quota_unhold(q, lease, node);

        if (lease->used.requests == 0) {
            continue;
        }

        for (k = 0; k < node->ncounters; k++) {
            c = &node->counters[k];

            if (c->end) {
                ngx_llm_zone_save(q->zone, &c->c, sizeof(llm_counter_t));
                llm_limit_charge(&c->c, &lease->used);
            }
        }
    }

    for (i = 0; i < lease->nmarks; i++) {

        mark = &lease->marks[i];
        c = ngx_llm_quota_counter(lease->nodes[mark->node], mark->id, 0);

        if (c) {
            ngx_llm_zone_save(q->zone, c, sizeof(ngx_llm_quota_counter_t));
            llm_limit_refund(&c->c, &mark->mark, now);
        }
    }
}
