
/*
 * Limits counted in Redis, for all hosts that share it.  What a request holds
 * there is held in this host's zone, too: the zone knows what this host did
 * when Redis is away, and what its workers held when one of them dies.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_quota_redis.h"


/* another window began while the question was under way: asked once more */
#define NGX_HTTP_LLM_QUOTA_TRIES   2

static ngx_int_t ngx_http_llm_quota_redis_reserve(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q);
static ngx_int_t ngx_http_llm_quota_redis_start(
    ngx_http_llm_quota_redis_t *st);
static void ngx_http_llm_quota_redis_forget(ngx_http_llm_quota_t *q);
static ngx_int_t ngx_http_llm_quota_redis_claims(
    ngx_http_llm_quota_redis_t *st);
static void ngx_http_llm_quota_redis_answered(void *data, ngx_int_t rc,
    redisReply *reply);
static ngx_int_t ngx_http_llm_quota_redis_judge(
    ngx_http_llm_quota_redis_t *st, redisReply *reply);
static void ngx_http_llm_quota_redis_taken(ngx_http_llm_quota_redis_t *st);
static void ngx_http_llm_quota_redis_back(ngx_http_llm_quota_redis_t *st,
    ngx_uint_t n);
static void ngx_http_llm_quota_redis_unavailable(
    ngx_http_llm_quota_redis_t *st);
static void ngx_http_llm_quota_redis_sent(ngx_http_llm_quota_t *q);
static void ngx_http_llm_quota_redis_settle(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used);
static void ngx_http_llm_quota_redis_draft(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used,
    ngx_http_llm_redis_mail_t *mail);


const ngx_http_llm_quota_backend_t  ngx_http_llm_quota_redis = {
    ngx_http_llm_quota_redis_reserve,
    ngx_http_llm_quota_redis_forget,
    ngx_http_llm_quota_redis_extend,
    ngx_http_llm_quota_redis_sent,
    ngx_http_llm_quota_redis_settle,
    1
};


static ngx_int_t
ngx_http_llm_quota_redis_reserve(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q)
{
    ngx_http_llm_quota_redis_t  *st;

    st = q->data;

    if (st == NULL) {
        st = ngx_http_llm_quota_redis_create(ctx, q);
        if (st == NULL) {
            return NGX_ERROR;
        }

        q->data = st;
    }

    if (!st->open) {

        if (ngx_http_llm_quota_redis_start(st) == NGX_OK) {
            st->open = 1;
            return NGX_AGAIN;
        }

        return st->rc;
    }

    if (st->where == NGX_HTTP_LLM_QUOTA_ASKING) {
        return NGX_AGAIN;
    }

    st->open = 0;

    return st->rc;
}


/* NGX_OK: it is asked; else the answer is there */

static ngx_int_t
ngx_http_llm_quota_redis_start(ngx_http_llm_quota_redis_t *st)
{
    llm_str_t            id;
    ngx_http_llm_ctx_t  *ctx;

    ctx = st->ctx;
    id = *ngx_http_llm_pure(&ctx->id);

    if (st->q->attempt) {

        /* none is used again, as what becomes of the one before may not be
           known */

        st->q->number = ++ctx->asks;

        id.data = st->name;
        id.len = ngx_sprintf(st->name, NGX_HTTP_LLM_REDIS_ATTEMPT, &ctx->id,
                             st->q->number)
                 - st->name;
    }

    ngx_http_llm_quota_redis_begin(st, &id, &st->q->asked);

    if (ngx_http_llm_quota_redis_ask(st) != NGX_OK) {
        ngx_http_llm_quota_redis_unavailable(st);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


ngx_http_llm_quota_redis_t *
ngx_http_llm_quota_redis_create(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q)
{
    ngx_http_cleanup_t          *cln;
    ngx_http_llm_quota_redis_t  *st;

    st = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_llm_quota_redis_t));
    if (st == NULL) {
        return NULL;
    }

    st->ctx = ctx;
    st->q = q;

    /* of a request, an attempt of it, and of more for that */

    st->name = llm_alloc(&ctx->arena, ctx->id.len + 2 * (1 + NGX_INT_T_LEN));
    if (st->name == NULL) {
        return NULL;
    }

    if (ngx_http_llm_quota_redis_claims(st) != NGX_OK) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(ctx->request, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_llm_quota_redis_cleanup;
    cln->data = st;

    return st;
}


void
ngx_http_llm_quota_redis_begin(ngx_http_llm_quota_redis_t *st, llm_str_t *id,
    llm_amount_t *asked)
{
    ngx_uint_t  i;

    for (i = 0; i < st->lease.n; i++) {
        st->lease.claims[i].id = *id;
        st->lease.claims[i].asked = *asked;
    }

    ngx_memzero(&st->verdict, sizeof(llm_verdict_t));

    st->where = NGX_HTTP_LLM_QUOTA_ASKING;
    st->current = 0;
    st->tries = 0;
}


/*
 * One claim for all subjects, or on a cluster one for each hash tag, in the
 * order of their first subjects, which is the same for all requests.
 */

static ngx_int_t
ngx_http_llm_quota_redis_claims(ngx_http_llm_quota_redis_t *st)
{
    ngx_uint_t             i, k, n, cluster;
    llm_script_claim_t    *claim;
    ngx_http_llm_ctx_t    *ctx;
    ngx_http_llm_quota_t  *q;

    q = st->q;
    ctx = st->ctx;
    cluster = ctx->lmcf->redis->conf.cluster;
    n = cluster ? q->n : 1;

    claim = llm_calloc(&ctx->arena, n * sizeof(llm_script_claim_t));
    if (claim == NULL) {
        return NGX_ERROR;
    }

    st->lease.claims = claim;

    for (i = 0; i < q->n; i++) {

        for (k = 0; k < st->lease.n; k++) {
            if (!cluster
                || llm_script_same_tag(claim[k].subjects[0], q->subjects[i]))
            {
                break;
            }
        }

        if (k == st->lease.n) {
            st->lease.n++;

            claim[k].subjects = llm_alloc(&ctx->arena,
                                          q->n * sizeof(llm_subject_t *));
            if (claim[k].subjects == NULL) {
                return NGX_ERROR;
            }
        }

        claim[k].subjects[claim[k].n++] = q->subjects[i];
    }

    for (k = 0; k < st->lease.n; k++) {
        claim[k].marks = llm_calloc(&ctx->arena, llm_script_limits(&claim[k])
                                                 * sizeof(int64_t));
        if (claim[k].marks == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_quota_redis_ask(ngx_http_llm_quota_redis_t *st)
{
    st->command = ngx_http_llm_redis_ask(&st->lease.claims[st->current],
                                  ngx_http_llm_redis_worker()->conf->lease,
                                  ngx_http_llm_quota_redis_answered, st);

    return st->command ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_llm_quota_redis_answered(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_http_llm_quota_redis_t *st = data;

    ngx_http_request_t  *r;

    st->command = NULL;

    /* the worker ends, and the request with it */

    if (ngx_http_llm_redis_worker()->client == NULL) {
        return;
    }

    r = st->ctx->request;

    ngx_http_set_log_request(r->connection->log, r);

    switch (rc) {

    case NGX_OK:
        rc = ngx_http_llm_quota_redis_judge(st, reply);
        break;

    case NGX_ABORT:

        /* it may have been reserved: whoever comes back gives it back */

        ngx_http_llm_redis_give_back(&st->lease.claims[st->current],
                                     LLM_SCRIPT_AGAIN);
        break;

    default: /* NGX_DECLINED, NGX_ERROR */
        break;
    }

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_llm_quota_redis_back(st, st->current);
    }

    if (rc != NGX_OK) {
        ngx_http_llm_quota_redis_unavailable(st);

    } else if (!st->part) {
        st->q->verdict = st->verdict;

        if (st->where == NGX_HTTP_LLM_QUOTA_REDIS) {
            ngx_http_llm_quota_redis_taken(st);
        }
    }

    ngx_http_llm_quota_told(st->ctx, st->q);
}


/* NGX_OK: the answer is there; NGX_AGAIN: something is under way */

static ngx_int_t
ngx_http_llm_quota_redis_judge(ngx_http_llm_quota_redis_t *st,
    redisReply *reply)
{
    switch (ngx_http_llm_redis_reserved(&st->lease.claims[st->current], reply,
                                        &st->verdict))
    {

    case LLM_OK:
        st->tries = 0;
        st->current++;

        if (st->current < st->lease.n) {
            return ngx_http_llm_quota_redis_ask(st) == NGX_OK ? NGX_AGAIN
                                                              : NGX_ERROR;
        }

        st->where = NGX_HTTP_LLM_QUOTA_REDIS;
        st->rc = NGX_OK;

        return NGX_OK;

    case LLM_LIMIT:
        ngx_http_llm_quota_redis_back(st, st->current);

        st->where = NGX_HTTP_LLM_QUOTA_REFUSED;
        st->rc = NGX_BUSY;

        return NGX_OK;

    case LLM_AGAIN:

        if (++st->tries < NGX_HTTP_LLM_QUOTA_TRIES
            && ngx_http_llm_quota_redis_ask(st) == NGX_OK)
        {
            return NGX_AGAIN;
        }

        return NGX_ERROR;

    default: /* LLM_INVALID */
        return NGX_ERROR;
    }
}


/* in Redis; and here, where it is no question */

static void
ngx_http_llm_quota_redis_taken(ngx_http_llm_quota_redis_t *st)
{
    ngx_http_llm_redis_hold(&st->lease);

    llm_verdict_take(&st->q->verdict);

    ngx_http_llm_quota_zone_hold(st->ctx, st->q);
}


/* gives back the first n claims */

static void
ngx_http_llm_quota_redis_back(ngx_http_llm_quota_redis_t *st, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        ngx_http_llm_redis_give_back(&st->lease.claims[i], LLM_SCRIPT_FIRST);
    }
}


static void
ngx_http_llm_quota_redis_unavailable(ngx_http_llm_quota_redis_t *st)
{
    if (st->part) {
        st->where = NGX_HTTP_LLM_QUOTA_CLOSED;
        return;
    }

    switch (st->ctx->lmcf->redis->on_error) {

    case NGX_HTTP_LLM_ON_ERROR_LOCAL:
        st->where = NGX_HTTP_LLM_QUOTA_LOCAL;
        st->rc = ngx_http_llm_quota_zone.reserve(st->ctx, st->q);
        break;

    case NGX_HTTP_LLM_ON_ERROR_OPEN:
        st->where = NGX_HTTP_LLM_QUOTA_OPEN;
        st->rc = NGX_OK;
        ngx_memzero(&st->q->verdict, sizeof(llm_verdict_t));
        ngx_http_llm_quota_zone_hold(st->ctx, st->q);
        break;

    default: /* NGX_HTTP_LLM_ON_ERROR_CLOSED */
        st->where = NGX_HTTP_LLM_QUOTA_CLOSED;
        st->rc = NGX_ERROR;
        break;
    }
}


/*
 * The request ends while Redis is asked: commands are executed in order, so
 * what it may reserve now is given back behind it.
 */

void
ngx_http_llm_quota_redis_cleanup(void *data)
{
    ngx_http_llm_quota_redis_t *st = data;

    if (st->command == NULL) {
        return;
    }

    ngx_llm_redis_forget(st->command);
    st->command = NULL;
    st->open = 0;

    st->where = NGX_HTTP_LLM_QUOTA_CLOSED;
    st->rc = NGX_ERROR;

    ngx_http_llm_redis_give_back(&st->lease.claims[st->current],
                                 LLM_SCRIPT_AGAIN);

    ngx_http_llm_quota_redis_back(st, st->current);
}


static void
ngx_http_llm_quota_redis_forget(ngx_http_llm_quota_t *q)
{
    if (q->data) {
        ngx_http_llm_quota_redis_cleanup(q->data);
        ngx_http_llm_quota_redis_more_forget(q->data);
    }
}


static void
ngx_http_llm_quota_redis_sent(ngx_http_llm_quota_t *q)
{
    if (q->lease) {
        ngx_http_llm_quota_zone.sent(q);
    }
}


/* counted here and known to be on its way to Redis in one change of the zone */

static void
ngx_http_llm_quota_redis_settle(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used)
{
    ngx_uint_t                   i;
    llm_script_mode_e            mode;
    llm_script_claim_t          *claim;
    ngx_http_llm_redis_mail_t    mail;
    ngx_http_llm_quota_redis_t  *st;

    st = q->data;

    ngx_memzero(&mail, sizeof(ngx_http_llm_redis_mail_t));

    mode = LLM_SCRIPT_LATER;

    if (st->where == NGX_HTTP_LLM_QUOTA_REDIS) {
        ngx_http_llm_redis_drop(&st->lease);
        mode = LLM_SCRIPT_FIRST;
    }

    for (i = 0; i < st->lease.n; i++) {
        claim = &st->lease.claims[i];

        claim->used = *used;
        ngx_http_llm_redis_write(&mail, claim, mode, 0);
    }

    if (q->attempt) {
        ngx_http_llm_quota_redis_draft(ctx, q, used, &mail);

    } else {
        mail.drafts = st->drafts;
        mail.ndrafts = st->lease.n;
    }

    ngx_http_llm_quota_zone_settle_with(ctx, q, used, &mail);
    ngx_http_llm_redis_send(&mail);

    /* behind it, so that nobody takes meanwhile what was used of these */

    ngx_http_llm_quota_redis_more_end(st);
}


/*
 * What the attempts of a request that goes on have come to: if their worker
 * dies this is what it is charged with.  Those that its lease in the zone does
 * not know of are left out, as they are there.
 */

static void
ngx_http_llm_quota_redis_draft(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used,
    ngx_http_llm_redis_mail_t *mail)
{
    ngx_uint_t                   i;
    llm_script_mode_e            mode;
    llm_script_claim_t           claim;
    ngx_http_llm_quota_t        *of;
    ngx_http_llm_quota_redis_t  *st;

    of = ctx->quota;

    if (of == NULL || !of->held || of->lease == NULL || q->lease == NULL
        || used->requests == 0)
    {
        return;
    }

    st = of->data;
    mode = st->where == NGX_HTTP_LLM_QUOTA_REDIS ? LLM_SCRIPT_AGAIN
                                                 : LLM_SCRIPT_LATER;

    llm_amount_add(&st->parts, used);
    st->parts.requests = 1;

    for (i = 0; i < st->lease.n; i++) {
        claim = st->lease.claims[i];
        claim.used = st->parts;
        ngx_http_llm_redis_write(mail, &claim, mode, 1);
    }

    mail->drafts = st->drafts;
    mail->ndrafts = st->lease.n;
}
