
/*
 * Reserving and settling.  All of an operation's changes are noted before
 * they are made: should the worker die among them, whoever takes the lock next
 * takes them back, and what one request holds is held by all its subjects or
 * by none.
 */


#include "ngx_llm_quota_state.h"


static void ngx_llm_quota_judge(ngx_llm_quota_node_t **nodes,
    llm_subject_t **subjects, ngx_uint_t n, llm_amount_t *ask, int64_t now,
    llm_verdict_t *v, ngx_llm_quota_each_pt each, void *data);
static ngx_int_t ngx_llm_quota_try(ngx_llm_quota_t *q,
    llm_subject_t **subjects, ngx_uint_t n, llm_amount_t *ask,
    ngx_str_t *note, ngx_llm_quota_lease_t *of, int64_t now,
    ngx_llm_quota_lease_t **lease, llm_verdict_t *v);
static void ngx_llm_quota_take(ngx_llm_quota_t *q,
    ngx_llm_quota_lease_t *lease, llm_subject_t **subjects, llm_amount_t *ask,
    int64_t now);
static ngx_uint_t ngx_llm_quota_used(ngx_llm_quota_t *q,
    ngx_llm_quota_lease_t *lease, llm_amount_t *used);
static void ngx_llm_quota_full(ngx_llm_quota_t *q);


ngx_int_t
ngx_llm_quota_reserve(ngx_llm_quota_t *q, llm_subject_t **subjects,
    ngx_uint_t n, llm_amount_t *ask, ngx_str_t *note,
    ngx_llm_quota_lease_t *of, int64_t now, ngx_llm_quota_lease_t **lease,
    llm_verdict_t *v)
{
    ngx_int_t  rc;

    if (q == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_llm_quota_try(q, subjects, n, ask, note, of, now, lease, v);

    /* what a dead worker held refuses nobody */

    if (rc != NGX_OK && ngx_llm_quota_reap(q)) {
        rc = ngx_llm_quota_try(q, subjects, n, ask, note, of, now, lease, v);
    }

    if (rc == NGX_ERROR) {
        ngx_llm_quota_full(q);
    }

    return rc;
}


static ngx_int_t
ngx_llm_quota_try(ngx_llm_quota_t *q, llm_subject_t **subjects, ngx_uint_t n,
    llm_amount_t *ask, ngx_str_t *note, ngx_llm_quota_lease_t *of,
    int64_t now, ngx_llm_quota_lease_t **lease, llm_verdict_t *v)
{
    ngx_uint_t              i;
    llm_subject_t          *s;
    ngx_llm_quota_node_t   *nodes[NGX_LLM_QUOTA_SUBJECTS];

    ngx_llm_zone_lock(q->zone);

    for (i = 0; i < n; i++) {
        s = subjects[i];
        nodes[i] = ngx_llm_quota_find(q, s->hash, s->id.data, s->id.len);
    }

    if (v) {
        ngx_llm_quota_judge(nodes, subjects, n, ask, now, v, NULL, NULL);

        if (v->refused.limit) {
            ngx_llm_zone_unlock(q->zone);
            return NGX_BUSY;
        }
    }

    for (i = 0; i < n; i++) {
        s = subjects[i];

        if (nodes[i] == NULL) {
            nodes[i] = ngx_llm_quota_add(q, s->hash, s->id.data, s->id.len,
                                         s->nlimits, nodes, n);
            if (nodes[i] == NULL) {
                goto full;
            }
        }

        if (ngx_llm_quota_counters(q, nodes[i], s, nodes, n) != NGX_OK) {
            goto full;
        }
    }

    *lease = ngx_llm_quota_lease(q, subjects, n, note, nodes);
    if (*lease == NULL) {
        goto full;
    }

    (*lease)->asked = *ask;

    ngx_llm_zone_save(q->zone, &(*lease)->state, sizeof(uintptr_t));
    (*lease)->state = NGX_LLM_QUOTA_TAKEN;

    ngx_llm_zone_link(q->zone, &q->worker->things, &(*lease)->queue);

    if (of) {
        (*lease)->of = of;
        (*lease)->before = of->parts;

        ngx_llm_zone_save(q->zone, &of->parts, sizeof(uintptr_t));
        of->parts = *lease;
    }

    for (i = 0; i < n; i++) {
        ngx_llm_zone_save(q->zone, &nodes[i]->refs, sizeof(uintptr_t));
        nodes[i]->refs++;
    }

    ngx_llm_quota_take(q, *lease, subjects, ask, now);

    ngx_llm_zone_done(q->zone);
    ngx_llm_zone_unlock(q->zone);

    if (v) {
        llm_verdict_take(v);
    }

    return NGX_OK;

full:

    ngx_llm_zone_unlock(q->zone);

    return NGX_ERROR;
}


ngx_int_t
ngx_llm_quota_check(ngx_llm_quota_t *q, llm_subject_t **subjects, ngx_uint_t n,
    llm_amount_t *ask, int64_t now, llm_verdict_t *v,
    ngx_llm_quota_each_pt each, void *data)
{
    ngx_uint_t             i;
    llm_subject_t         *s;
    ngx_llm_quota_node_t  *nodes[NGX_LLM_QUOTA_SUBJECTS];

    if (q == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_llm_quota_reap(q);

    ngx_llm_zone_lock(q->zone);

    for (i = 0; i < n; i++) {
        s = subjects[i];
        nodes[i] = ngx_llm_quota_find(q, s->hash, s->id.data, s->id.len);
    }

    ngx_llm_quota_judge(nodes, subjects, n, ask, now, v, each, data);

    ngx_llm_zone_unlock(q->zone);

    return v->refused.limit ? NGX_BUSY : NGX_OK;
}


ngx_int_t
ngx_llm_quota_extend(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    llm_subject_t **subjects, llm_amount_t *more, int64_t now,
    llm_verdict_t *v)
{
    ngx_llm_zone_lock(q->zone);

    if (v) {
        ngx_llm_quota_judge(lease->nodes, subjects, lease->n, more, now, v,
                            NULL, NULL);

        if (v->refused.limit) {
            ngx_llm_zone_unlock(q->zone);
            return NGX_BUSY;
        }
    }

    ngx_llm_quota_take(q, lease, subjects, more, now);

    ngx_llm_zone_done(q->zone);
    ngx_llm_zone_unlock(q->zone);

    return NGX_OK;
}


/* every limit of every subject is asked, so that the word is on all */

static void
ngx_llm_quota_judge(ngx_llm_quota_node_t **nodes, llm_subject_t **subjects,
    ngx_uint_t n, llm_amount_t *ask, int64_t now, llm_verdict_t *v,
    ngx_llm_quota_each_pt each, void *data)
{
    int                        rc;
    ngx_uint_t                 i, k;
    llm_amount_t              *held;
    llm_limit_t               *limit;
    llm_standing_t             s;
    ngx_llm_quota_counter_t   *c;

    static llm_amount_t  nothing;

    ngx_memzero(v, sizeof(llm_verdict_t));

    for (i = 0; i < n; i++) {

        s.subject = subjects[i];
        held = nodes[i] ? &nodes[i]->held : &nothing;

        for (k = 0; k < subjects[i]->nlimits; k++) {

            limit = &subjects[i]->limits[k];

            c = (nodes[i] && limit->id)
                ? ngx_llm_quota_counter(nodes[i], limit->id, k) : NULL;

            rc = llm_limit_check(limit, c ? &c->c : NULL, held, ask, now, &s);

            llm_verdict_add(v, &s, rc);

            if (each) {
                each(data, &s);
            }
        }
    }
}


static void
ngx_llm_quota_take(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    llm_subject_t **subjects, llm_amount_t *ask, int64_t now)
{
    int64_t                    start;
    ngx_uint_t                 i, k;
    llm_limit_t               *limit;
    ngx_llm_quota_node_t      *node;
    ngx_llm_quota_mark_t      *mark;
    ngx_llm_quota_counter_t   *c;

    ngx_llm_zone_save(q->zone, &lease->taken, sizeof(llm_amount_t));
    llm_amount_add(&lease->taken, ask);

    mark = lease->marks;

    for (i = 0; i < lease->n; i++) {

        node = lease->nodes[i];

        ngx_llm_zone_save(q->zone, &node->held, sizeof(llm_amount_t));
        llm_amount_add(&node->held, ask);

        for (k = 0; k < subjects[i]->nlimits; k++) {

            limit = &subjects[i]->limits[k];

            if (limit->id == 0) {
                continue;
            }

            c = ngx_llm_quota_counter(node, limit->id, k);

            ngx_llm_zone_save(q->zone, c, sizeof(ngx_llm_quota_counter_t));

            if (limit->smooth) {
                ngx_llm_zone_save(q->zone, &mark->mark, sizeof(llm_mark_t));
                llm_limit_take(limit, &c->c, ask, &mark->mark, now);
                c->end = 0;
                mark++;

            } else {
                llm_limit_take(limit, &c->c, ask, NULL, now);
                llm_limit_window(limit, now, &start, &c->end);
            }
        }

        ngx_llm_quota_dirty(q, node);
    }
}


void
ngx_llm_quota_sent(ngx_llm_quota_lease_t *lease, ngx_uint_t number)
{
    lease->number = number;
    lease->sent = 1;
}


ngx_uint_t
ngx_llm_quota_settle(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    llm_subject_t **subjects, llm_amount_t *used, int64_t now)
{
    int64_t                   start;
    ngx_uint_t                i, k;
    llm_limit_t              *limit;
    ngx_llm_quota_node_t     *node;
    ngx_llm_quota_mark_t     *mark;
    ngx_llm_quota_counter_t  *c;

    mark = lease->marks;

    for (i = 0; i < lease->n; i++) {

        node = lease->nodes[i];

        ngx_llm_quota_unhold(q, lease, node);

        for (k = 0; k < subjects[i]->nlimits; k++) {

            limit = &subjects[i]->limits[k];

            if (limit->id == 0) {
                continue;
            }

            c = ngx_llm_quota_counter(node, limit->id, k);

            ngx_llm_zone_save(q->zone, c, sizeof(ngx_llm_quota_counter_t));

            llm_limit_settle(limit, &c->c, used,
                             limit->smooth ? &mark->mark : NULL, now);

            if (limit->smooth) {
                mark++;

            } else {
                llm_limit_window(limit, now, &start, &c->end);
            }
        }
    }

    if (!ngx_llm_quota_used(q, lease, used)) {
        return 0;
    }

    ngx_llm_quota_forget(q, lease);

    return 1;
}


void
ngx_llm_quota_settled(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease)
{
    ngx_llm_quota_free_lease(q, lease);
}


/* whether nobody needs to know of it any more */

static ngx_uint_t
ngx_llm_quota_used(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    llm_amount_t *used)
{
    ngx_llm_quota_lease_t  *of;

    of = lease->of;

    if (used->requests == 0 && lease->parts == NULL) {

        if (of == NULL) {
            return 1;
        }

        if (of->parts == lease) {
            ngx_llm_zone_save(q->zone, &of->parts, sizeof(uintptr_t));
            of->parts = lease->before;
            return 1;
        }
    }

    ngx_llm_zone_save(q->zone, &lease->state, sizeof(uintptr_t));
    lease->state = NGX_LLM_QUOTA_SETTLED;

    ngx_llm_zone_save(q->zone, &lease->used, sizeof(llm_amount_t));
    lease->used = *used;

    /* the request itself may end before it is settled */

    if (of && of->state == NGX_LLM_QUOTA_TAKEN) {
        ngx_llm_zone_save(q->zone, &of->used, sizeof(llm_amount_t));
        llm_amount_add(&of->used, used);
        of->used.requests = 1;
    }

    return 0;
}


void
ngx_llm_quota_unhold(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    ngx_llm_quota_node_t *node)
{
    ngx_llm_zone_save(q->zone, &node->held, sizeof(llm_amount_t));
    llm_amount_sub(&node->held, &lease->taken);

    ngx_llm_quota_dirty(q, node);
}


void
ngx_llm_quota_close(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease,
    int64_t now)
{
    ngx_llm_quota_lease_t  *part;

    for (part = lease->parts; part; part = part->before) {
        ngx_llm_quota_forget(q, part);
    }

    if (lease->state == NGX_LLM_QUOTA_TAKEN) {
        ngx_llm_quota_end(q, lease, now);
    }

    ngx_llm_quota_forget(q, lease);
}


void
ngx_llm_quota_closed(ngx_llm_quota_t *q, ngx_llm_quota_lease_t *lease)
{
    ngx_llm_quota_lease_t  *part, *before;

    for (part = lease->parts; part; part = before) {
        before = part->before;
        ngx_llm_quota_free_lease(q, part);
    }

    ngx_llm_quota_free_lease(q, lease);
}


static void
ngx_llm_quota_full(ngx_llm_quota_t *q)
{
    if (q->told == ngx_time()) {
        return;
    }

    q->told = ngx_time();

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "the zone has no room for counters of limits: requests that "
                  "need new ones are refused; make llm_zone larger");
}
