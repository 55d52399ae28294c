
/*
 * What a request used and what it cost, and the log phase that closes its
 * books.
 */


#include "ngx_http_llm_books.h"
#include "ngx_http_llm_quota.h"


/* most records fit, so that their buffer does not grow */
#define NGX_HTTP_LLM_RECORD_SIZE  1536

/* what a record may take at most, whatever providers told */
#define NGX_HTTP_LLM_RECORD_MAX   (1024 * 1024)


static ngx_http_llm_outcome_e ngx_http_llm_account_decide(
    ngx_http_llm_ctx_t *ctx);
static void ngx_http_llm_account_print(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *record);


void
ngx_http_llm_account_sum(ngx_http_llm_ctx_t *ctx)
{
    int64_t                   n;
    uint32_t                  known;
    ngx_uint_t                i, u;
    llm_usage_t              *usage;
    ngx_http_llm_attempt_t   *at, **ats;

    if (ctx->settled) {
        return;
    }

    usage = &ctx->usage;

    ctx->raw_usage.len = 0;
    ctx->price = NULL;
    ctx->cost = 0;
    ctx->has_usage = 0;
    ctx->has_cost = 1;

    ats = ctx->attempts.elts;

    for (i = 0; i < ctx->attempts.nelts; i++) {
        at = ats[i];

        /* what is left out still runs, or never came to a provider */

        if (!at->accounted) {
            continue;
        }

        if (at->has_cost) {
            n = ctx->cost;
            ctx->cost = (at->cost > INT64_MAX - n) ? INT64_MAX : n + at->cost;

        } else {
            ctx->has_cost = 0;
        }

        if (at->price) {
            ctx->price = at->price;
        }

        if (!at->has_usage) {
            continue;
        }

        ctx->raw_usage = at->raw_usage;

        if (!ctx->has_usage) {
            ctx->has_usage = 1;
            *usage = at->usage;
            continue;
        }

        for (known = at->usage.known; known; known &= known - 1) {
            u = __builtin_ctz(known);
            llm_usage_set(usage, u, usage->units[u] + at->usage.units[u]);
        }

        if (at->usage.estimated) {
            usage->estimated = 1;
        }
    }

    if (!ctx->has_usage) {
        ngx_memzero(usage, sizeof(llm_usage_t));
    }
}


void
ngx_http_llm_account_settle(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_llm_account_sum(ctx);

    ctx->settled = 1;
}


ngx_http_llm_attempt_t *
ngx_http_llm_account_final(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                n;
    ngx_http_llm_attempt_t  **ats;

    /* nothing follows an attempt that was committed: the last it is */

    n = ctx->attempts.nelts;
    ats = ctx->attempts.elts;

    return n ? ats[n - 1] : NULL;
}


ngx_uint_t
ngx_http_llm_account_status(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_request_t  *r;

    r = ctx->request;

    return r->err_status ? r->err_status : r->headers_out.status;
}


ngx_http_llm_outcome_e
ngx_http_llm_account_outcome(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t                i;
    ngx_http_llm_attempt_t  **ats;

    ats = ctx->attempts.elts;

    for (i = 0; i < ctx->attempts.nelts; i++) {
        if (!ats[i]->ended) {
            return NGX_HTTP_LLM_OUTCOME_NONE;
        }
    }

    if (i == 0 && ctx->outcome == NGX_HTTP_LLM_OUTCOME_NONE
        && ctx->error.code == LLM_ERROR_NONE
        && ngx_http_llm_account_status(ctx) == 0)
    {
        return NGX_HTTP_LLM_OUTCOME_NONE;
    }

    return ngx_http_llm_account_decide(ctx);
}


/*
 * The outcome of a request that is over.  The ladder said how the provider
 * did; whether the client stayed for all of it is known only now.
 */

static ngx_http_llm_outcome_e
ngx_http_llm_account_decide(ngx_http_llm_ctx_t *ctx)
{
    ngx_uint_t               status;
    ngx_connection_t        *c;
    ngx_http_llm_attempt_t  *at;

    status = ngx_http_llm_account_status(ctx);
    c = ctx->request->connection;

    if (ctx->outcome != NGX_HTTP_LLM_OUTCOME_NONE
        && ctx->outcome != NGX_HTTP_LLM_OUTCOME_OK)
    {
        return ctx->outcome;
    }

    /* a client that leaves after a refusal was refused all the same */

    if (ctx->attempts.nelts == 0 && ctx->error.code != LLM_ERROR_NONE) {
        return NGX_HTTP_LLM_OUTCOME_REJECTED;
    }

    if (status == 0 || status == NGX_HTTP_CLIENT_CLOSED_REQUEST) {
        return NGX_HTTP_LLM_OUTCOME_CLIENT_CLOSED;
    }

    /* refused by nginx itself: another access module, a body too large, a
       body that did not come in time */

    if (ctx->attempts.nelts == 0 && status >= NGX_HTTP_BAD_REQUEST
        && !c->error)
    {
        return NGX_HTTP_LLM_OUTCOME_REJECTED;
    }

    if (c->error || c->timedout) {
        return NGX_HTTP_LLM_OUTCOME_CLIENT_CLOSED;
    }

    if (ctx->attempts.nelts == 0 || ctx->local) {
        return NGX_HTTP_LLM_OUTCOME_OK;
    }

    at = ngx_http_llm_account_final(ctx);

    if (!at->committed || at->status >= NGX_HTTP_BAD_REQUEST) {
        return NGX_HTTP_LLM_OUTCOME_UPSTREAM_ERROR;
    }

    if (at->failure != LLM_FAILURE_NONE || at->truncated) {
        return NGX_HTTP_LLM_OUTCOME_TRUNCATED;
    }

    return NGX_HTTP_LLM_OUTCOME_OK;
}


ngx_int_t
ngx_http_llm_account_log_handler(ngx_http_request_t *r)
{
    ngx_http_llm_ctx_t    *ctx;
    ngx_http_llm_books_t   books;

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_llm_get_ctx(r);

    if (ctx == NULL || ctx->logged) {
        return NGX_OK;
    }

    ctx->logged = 1;

    ngx_http_llm_account_settle(ctx);
    ngx_http_llm_quota_settle(ctx);

    ctx->outcome = ngx_http_llm_account_decide(ctx);

    ngx_memzero(&books, sizeof(ngx_http_llm_books_t));

    ngx_http_llm_quota_leave(ctx, &books);
    ngx_http_llm_totals_of(&books, ctx);

    if (ctx->lmcf->usage_log) {
        ngx_http_llm_account_print(ctx, &books.line);
    }

    ngx_http_llm_account_enter(ctx->lmcf, &books);

    return NGX_OK;
}


void
ngx_http_llm_account_leave(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_llm_books_t  books;

    ngx_http_llm_quota_settle(ctx);

    if (ctx->logged) {
        return;
    }

    ctx->logged = 1;

    ngx_memzero(&books, sizeof(ngx_http_llm_books_t));

    ngx_http_llm_quota_leave(ctx, &books);
    ngx_http_llm_account_enter(ctx->lmcf, &books);
}


/*
 * A worker that is killed before ngx_llm_zone_done() has entered nothing: its
 * heir finds the leases, and enters what they tell.  Behind it, all is done:
 * there are no leases, and the record is in the log's buffer.  One that finds
 * no room there is written behind it.
 */

void
ngx_http_llm_account_enter(ngx_http_llm_main_conf_t *lmcf,
    ngx_http_llm_books_t *books)
{
    int64_t          now;
    ngx_uint_t       i, ready;
    ngx_llm_zone_t  *zone;

    zone = lmcf->zone;

    if (zone == NULL || (books->nleases == 0 && books->total.len == 0)) {

        if (books->line.len) {
            ngx_llm_log_write(lmcf->usage_log, books->line.data,
                              books->line.len);
        }

        return;
    }

    ready = (books->line.len
             && ngx_llm_log_prepare(lmcf->usage_log, books->line.data,
                                    books->line.len)
                == NGX_OK);

    now = ngx_llm_quota_now();

    ngx_llm_zone_lock(zone);

    for (i = 0; i < books->nleases; i++) {
        ngx_llm_quota_close(books->quota, books->leases[i], now);
    }

    if (books->total.len) {
        ngx_llm_totals_count(lmcf->totals, (uint32_t) (now / 86400000),
                             &books->total, books->units);
    }

    if (ready) {
        ngx_llm_log_commit(lmcf->usage_log, books->line.len);
    }

    ngx_llm_zone_done(zone);

    for (i = 0; i < books->nleases; i++) {
        ngx_llm_quota_closed(books->quota, books->leases[i]);
    }

    ngx_llm_zone_unlock(zone);

    ngx_llm_totals_counted(lmcf->totals);

    if (ready) {
        ngx_llm_log_committed(lmcf->usage_log);

    } else if (books->line.len) {
        ngx_llm_log_write(lmcf->usage_log, books->line.data, books->line.len);
    }
}


static void
ngx_http_llm_account_print(ngx_http_llm_ctx_t *ctx, ngx_str_t *record)
{
    llm_buf_t            b;
    llm_arena_t          arena;
    ngx_http_request_t  *r;

    static u_char        line[NGX_HTTP_LLM_RECORD_SIZE];

    r = ctx->request;

    /* an arena of its own: a request that used its own up is recorded too */

    arena = ctx->arena;
    arena.left = NGX_HTTP_LLM_RECORD_MAX;

    llm_buf_init(&b, &arena);

    b.data = line;
    b.size = NGX_HTTP_LLM_RECORD_SIZE;

    ngx_http_llm_record_print(ctx, &b);

    if (b.failed) {
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "usage record of request \"%V\" is lost: no memory",
                      &ctx->id);
        return;
    }

    record->data = b.data;
    record->len = b.len;
}
