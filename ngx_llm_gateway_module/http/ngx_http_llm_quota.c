
/*
 * What a request holds of its limits: reserved before anything goes upstream,
 * more of it where the ladder moves on to what may cost more, and settled
 * once, to what was used.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_books.h"
#include "ngx_http_llm_ladder.h"
#include "ngx_http_llm_quota.h"


static ngx_http_llm_quota_t *ngx_http_llm_quota_create(
    ngx_http_llm_ctx_t *ctx);
static void ngx_http_llm_quota_add(ngx_http_llm_quota_t *q,
    llm_subject_t *subject);
static ngx_int_t ngx_http_llm_quota_answer(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, ngx_int_t rc);
static ngx_int_t ngx_http_llm_quota_more(ngx_http_llm_ctx_t *ctx,
    llm_amount_t *need);
static ngx_int_t ngx_http_llm_quota_provider(ngx_http_llm_attempt_t *at,
    llm_amount_t *need);
static ngx_int_t ngx_http_llm_quota_taken(ngx_http_llm_attempt_t *at);
static void ngx_http_llm_quota_end(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used);


#define ngx_http_llm_quota_backend(ctx)                                       \
    ((ctx)->lmcf->redis ? &ngx_http_llm_quota_redis : &ngx_http_llm_quota_zone)


ngx_int_t
ngx_http_llm_quota_reserve(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_llm_quota_t  *q;

    q = ctx->quota;

    if (q == NULL) {

        if (ctx->key == NULL || ctx->key->nsubjects == 0) {
            if (ctx->model == NULL || ctx->model->subject == NULL) {
                return NGX_OK;
            }
        }

        q = ngx_http_llm_quota_create(ctx);
        if (q == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ctx->quota = q;

        ngx_http_llm_quota_ask(ctx, q);
    }

    ctx->state = NGX_HTTP_LLM_RESERVING;

    return ngx_http_llm_quota_answer(ctx, q, q->backend->reserve(ctx, q));
}


ngx_int_t
ngx_http_llm_quota_would(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_look_t *look)
{
    ngx_http_llm_quota_t  *q;

    q = ngx_http_llm_quota_create(ctx);
    if (q == NULL) {
        return NGX_ERROR;
    }

    if (q->n == 0) {
        return NGX_DECLINED;
    }

    ngx_http_llm_quota_ask(ctx, q);

    ngx_memcpy(look->subjects, q->subjects, sizeof(q->subjects));

    look->n = q->n;
    look->asked = q->asked;

    return NGX_OK;
}


/* everybody who uses something by this request, but for the provider, which
   is not known yet */

static ngx_http_llm_quota_t *
ngx_http_llm_quota_create(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t             i;
    ngx_http_llm_key_t    *key;
    ngx_http_llm_quota_t  *q;

    q = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_llm_quota_t));
    if (q == NULL) {
        return NULL;
    }

    q->backend = ngx_http_llm_quota_backend(ctx);

    key = ctx->key;

    for (i = 0; key && i < key->nsubjects; i++) {
        ngx_http_llm_quota_add(q, &key->subjects[i]);
    }

    if (ctx->model && ctx->model->subject) {
        ngx_http_llm_quota_add(q, ctx->model->subject);
    }

    return q;
}


static void
ngx_http_llm_quota_add(ngx_http_llm_quota_t *q, llm_subject_t *subject)
{
    ngx_uint_t  i;

    q->subjects[q->n++] = subject;

    for (i = 0; i < subject->nlimits; i++) {

        switch (subject->limits[i].kind) {

        case LLM_LIMIT_BUDGET:
            q->money = 1;

            /* fall through */

        case LLM_LIMIT_TOKENS:
        case LLM_LIMIT_OUTPUT_TOKENS:
            q->bounded |= !subject->limits[i].shadow;
            break;

        default:
            break;
        }
    }
}


static ngx_int_t
ngx_http_llm_quota_answer(ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q,
    ngx_int_t rc)
{
    switch (rc) {

    case NGX_OK:
        q->held = 1;

        if (q->verdict.shadow.limit) {
            ngx_http_llm_quota_shadow(ctx, &q->verdict.shadow);
        }

        return NGX_OK;

    case NGX_AGAIN:
        ctx->request->write_event_handler = ngx_http_request_empty_handler;

        return ngx_http_llm_client_watch(ctx->request) == NGX_OK
               ? NGX_AGAIN : NGX_HTTP_INTERNAL_SERVER_ERROR;

    case NGX_BUSY:
        return ngx_http_llm_quota_refuse(ctx, &q->verdict.refused);

    default: /* NGX_ERROR */
        return ngx_http_llm_quota_unavailable(ctx);
    }
}


void
ngx_http_llm_quota_told(ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (q->topping) {
        ngx_http_llm_quota_topped(q, q->backend->extend(ctx, q, &q->wanted));
        return;
    }

    if (ctx->pending) {
        ngx_http_llm_ladder_told(ctx->pending);
        return;
    }

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}


ngx_int_t
ngx_http_llm_quota_admit(ngx_http_llm_attempt_t *at, const char **reason,
    ngx_msec_t *wait)
{
    ngx_int_t              rc;
    ngx_uint_t             priced;
    llm_amount_t           need;
    ngx_http_llm_ctx_t    *ctx;
    ngx_http_llm_quota_t  *q;

    ctx = at->ctx;
    q = ctx->quota;

    if (at->route->provider->subject == NULL
        && (q == NULL || !q->held || ctx->attempts.nelts == 0)
        && !(q && q->held && ctx->served != ctx->model))
    {
        return NGX_OK;
    }

    ngx_http_llm_quota_ask_route(ctx, at->candidate, &need, &priced);

    /* once its provider is asked the request holds enough */

    if (q && q->held && at->quota == NULL) {

        rc = ngx_http_llm_quota_more(ctx, &need);

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (rc != NGX_OK) {
            ngx_http_llm_quota_skip(ctx, at->candidate, rc, &q->stop, wait);
            *reason = at->candidate->reason;
            return NGX_BUSY;
        }
    }

    if (at->route->provider->subject == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_llm_quota_provider(at, &need);

    if (rc == NGX_OK || rc == NGX_AGAIN) {
        return rc;
    }

    ngx_http_llm_quota_skip(ctx, at->candidate, rc,
                            at->quota ? &at->quota->verdict.refused : NULL,
                            wait);
    *reason = at->candidate->reason;
    at->quota = NULL;

    return NGX_BUSY;
}


/*
 * What attempts so far came to, and this one's most, must be held: a move to
 * a dearer route, or one behind an attempt that is billed, takes more.
 */

static ngx_int_t
ngx_http_llm_quota_more(ngx_http_llm_ctx_t *ctx, llm_amount_t *need)
{
    ngx_int_t              rc;
    llm_amount_t           total, more;
    ngx_http_llm_quota_t  *q;

    q = ctx->quota;

    if (!q->growing) {

        ngx_http_llm_account_sum(ctx);
        ngx_http_llm_quota_used(&ctx->usage, ctx->cost, &total);
        llm_amount_add(&total, need);

        more = total;
        llm_amount_sub(&more, &q->asked);
        more.requests = 0;

        if (more.input_tokens == 0 && more.output_tokens == 0
            && more.money == 0)
        {
            return NGX_OK;
        }

        if (q->topping) {

            /* for an answer that failed meanwhile */

            q->backend->forget(q);
            q->topping = 0;
        }

        q->wanted = more;
    }

    rc = q->backend->extend(ctx, q, &q->wanted);

    q->growing = (rc == NGX_AGAIN);

    if (rc == NGX_OK) {
        llm_amount_add(&q->asked, &q->wanted);
    }

    return rc;
}


static ngx_int_t
ngx_http_llm_quota_provider(ngx_http_llm_attempt_t *at, llm_amount_t *need)
{
    ngx_http_llm_ctx_t    *ctx;
    ngx_http_llm_quota_t  *q;

    ctx = at->ctx;

    if (at->quota) {
        return ngx_http_llm_quota_taken(at);
    }

    q = at->candidate->quota;

    if (q == NULL) {

        q = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_llm_quota_t));
        if (q == NULL) {
            return NGX_ERROR;
        }

        q->backend = ngx_http_llm_quota_backend(ctx);

        ngx_http_llm_quota_add(q, at->route->provider->subject);

        at->candidate->quota = q;
    }

    at->quota = q;

    q->attempt = at;
    q->asked = *need;
    q->asked.requests = 1;

    return ngx_http_llm_quota_taken(at);
}


/* the same, or its answer where that had to be waited for */

static ngx_int_t
ngx_http_llm_quota_taken(ngx_http_llm_attempt_t *at)
{
    ngx_int_t              rc;
    ngx_http_llm_quota_t  *q;

    q = at->quota;

    rc = q->backend->reserve(at->ctx, q);

    if (rc == NGX_OK) {
        q->held = 1;

        if (q->verdict.shadow.limit) {
            ngx_http_llm_quota_shadow(at->ctx, &q->verdict.shadow);
        }
    }

    return rc;
}


/* reasons are codes of errors */

void
ngx_http_llm_quota_skip(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, ngx_int_t rc, llm_standing_t *refused,
    ngx_msec_t *wait)
{
    llm_error_e  code;

    code = LLM_ERROR_QUOTA_UNAVAILABLE;
    *wait = 1000;

    if (rc == NGX_BUSY) {
        code = ngx_http_llm_quota_code(refused->limit);
        ctx->limited = *refused;

        *wait = refused->retry_ms == -1
                ? (ngx_msec_t) -1
                : (ngx_msec_t) ngx_min(refused->retry_ms,
                                       NGX_MAX_INT32_VALUE);
    }

    cand->reason = (char *) llm_error_names[code].data;
}


ngx_int_t
ngx_http_llm_quota_refused(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t    i, limited, unknown;
    llm_error_e   code;

    limited = 0;
    unknown = 0;

    for (i = 0; i < ctx->nplan; i++) {

        code = ngx_http_llm_quota_reason(ctx->plan[i]);

        if (code == LLM_ERROR_NONE) {
            return NGX_DECLINED;
        }

        if (code == LLM_ERROR_QUOTA_UNAVAILABLE) {
            unknown = 1;

        } else {
            limited = 1;
        }
    }

    if (limited) {
        return ngx_http_llm_quota_refuse(ctx, &ctx->limited);
    }

    return unknown ? ngx_http_llm_quota_unavailable(ctx) : NGX_DECLINED;
}


llm_error_e
ngx_http_llm_quota_reason(ngx_http_llm_candidate_t *cand)
{
    ngx_uint_t  i;

    static const llm_error_e  codes[] = {
        LLM_ERROR_BUDGET_EXCEEDED,
        LLM_ERROR_RATE_LIMIT_EXCEEDED,
        LLM_ERROR_CONCURRENCY_EXCEEDED,
        LLM_ERROR_QUOTA_UNAVAILABLE
    };

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (cand->reason == (char *) llm_error_names[codes[i]].data) {
            return codes[i];
        }
    }

    return LLM_ERROR_NONE;
}


ngx_int_t
ngx_http_llm_quota_unavailable(ngx_http_llm_ctx_t *ctx)
{
    return ngx_http_llm_refuse(ctx, LLM_ERROR_QUOTA_UNAVAILABLE, NULL,
                               "limits cannot be checked right now: their "
                               "counters are not available");
}


void
ngx_http_llm_quota_forget(ngx_http_llm_attempt_t *at)
{
    ngx_http_llm_quota_t  *q;

    q = at->quota;

    if (q && q->backend->forget) {
        q->backend->forget(q);
    }

    q = at->ctx->quota;

    if (q && q->growing) {
        q->growing = 0;
        q->backend->forget(q);
    }
}


void
ngx_http_llm_quota_release(ngx_http_llm_attempt_t *at)
{
    llm_amount_t           used;
    ngx_http_llm_quota_t  *q;

    q = at->quota;

    if (q == NULL || !q->held) {
        return;
    }

    ngx_memzero(&used, sizeof(llm_amount_t));

    if (at->request) {
        ngx_http_llm_quota_used(&at->usage, at->has_cost ? at->cost : 0,
                                &used);
    }

    ngx_http_llm_quota_end(at->ctx, q, &used);

    if (at->request) {
        ngx_http_llm_queue_kick(at->ctx->model);
    }
}


void
ngx_http_llm_quota_sent(ngx_http_llm_attempt_t *at)
{
    ngx_http_llm_quota_t  *q;

    q = at->ctx->quota;

    if (q && q->held) {
        q->backend->sent(q);
    }

    q = at->quota;

    if (q && q->held) {
        at->candidate->quota = NULL;
        q->backend->sent(q);
    }
}


void
ngx_http_llm_quota_settle(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                i;
    llm_amount_t              used;
    ngx_http_llm_quota_t     *q;
    ngx_http_llm_attempt_t  **at;

    at = ctx->attempts.elts;

    for (i = 0; i < ctx->attempts.nelts; i++) {
        ngx_http_llm_quota_release(at[i]);
    }

    q = ctx->quota;

    if (q == NULL || !q->held) {
        return;
    }

    ngx_http_llm_account_settle(ctx);

    ngx_memzero(&used, sizeof(llm_amount_t));

    /* one that asked nobody was none */

    if (ctx->attempts.nelts) {
        ngx_http_llm_quota_used(&ctx->usage, ctx->cost, &used);
    }

    ngx_http_llm_quota_end(ctx, q, &used);
}


static void
ngx_http_llm_quota_end(ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q,
    llm_amount_t *used)
{
    q->held = 0;
    q->backend->settle(ctx, q, used);
}


/* an attempt's is a part of its request's, if that has one */

void
ngx_http_llm_quota_leave(ngx_http_llm_ctx_t *ctx, ngx_http_llm_books_t *books)
{
    ngx_uint_t                i;
    ngx_http_llm_quota_t     *q;
    ngx_http_llm_attempt_t  **at;

    books->quota = ngx_http_llm_quota_shared();

    if (books->quota == NULL) {
        return;
    }

    q = ctx->quota;

    if (q && q->lease) {
        books->leases[books->nleases++] = q->lease;
        q->lease = NULL;
        return;
    }

    at = ctx->attempts.elts;

    for (i = 0; i < ctx->attempts.nelts; i++) {
        q = at[i]->quota;

        if (q && q->lease && books->nleases < NGX_HTTP_LLM_BOOKS_LEASES) {
            books->leases[books->nleases++] = q->lease;
            q->lease = NULL;
        }
    }
}
