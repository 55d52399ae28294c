
/*
 * Limits counted in the zone of this host; and what workers that died held.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis.h"


#define NGX_HTTP_LLM_LOST_SIZE  2048


static ngx_int_t ngx_http_llm_quota_zone_reserve(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q);
static ngx_int_t ngx_http_llm_quota_zone_extend(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more);
static ngx_int_t ngx_http_llm_quota_zone_top_up(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more);
static void ngx_http_llm_quota_zone_sent(ngx_http_llm_quota_t *q);
static void ngx_http_llm_quota_zone_settle(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used);
static void ngx_http_llm_quota_zone_note(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, ngx_str_t *note);
static void ngx_http_llm_quota_lost(void *data, ngx_str_t *note,
    llm_amount_t *held);


const ngx_http_llm_quota_backend_t  ngx_http_llm_quota_zone = {
    ngx_http_llm_quota_zone_reserve,
    ngx_http_llm_quota_zone_extend,
    ngx_http_llm_quota_zone_top_up,
    ngx_http_llm_quota_zone_sent,
    ngx_http_llm_quota_zone_settle,
    0
};


static ngx_llm_quota_t  *ngx_http_llm_quota_worker;


ngx_int_t
ngx_http_llm_quota_init(ngx_cycle_t *cycle, ngx_http_llm_main_conf_t *lmcf)
{
    /* without a zone there is nobody who could ask */

    if (lmcf->zone) {
        ngx_http_llm_quota_worker = ngx_llm_quota_start(lmcf->zone, cycle,
                                                ngx_http_llm_quota_lost, lmcf);
    }

    return NGX_OK;
}


void
ngx_http_llm_quota_stop(void)
{
    ngx_llm_quota_stop(ngx_http_llm_quota_worker);
    ngx_http_llm_quota_worker = NULL;
}


ngx_llm_quota_t *
ngx_http_llm_quota_shared(void)
{
    return ngx_http_llm_quota_worker;
}


int64_t
ngx_http_llm_quota_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (int64_t) tp->sec * 1000 + (int64_t) tp->msec;
}


static ngx_int_t
ngx_http_llm_quota_zone_reserve(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q)
{
    ngx_str_t  note;

    ngx_http_llm_quota_zone_note(ctx, q, &note);

    return ngx_llm_quota_reserve(ngx_http_llm_quota_worker, q->subjects, q->n,
                                 &q->asked, &note, ngx_http_llm_quota_now(),
                                 &q->lease, &q->verdict);
}


static ngx_int_t
ngx_http_llm_quota_zone_extend(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more)
{
    return ngx_llm_quota_extend(ngx_http_llm_quota_worker, q->lease,
                                q->subjects, more, ngx_http_llm_quota_now(),
                                &q->verdict);
}


static ngx_int_t
ngx_http_llm_quota_zone_top_up(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more)
{
    ngx_int_t      rc;
    llm_verdict_t  v;

    v = q->verdict;

    rc = ngx_http_llm_quota_zone_extend(ctx, q, more);

    q->stop = q->verdict.refused;
    q->verdict = v;

    return rc;
}


static void
ngx_http_llm_quota_zone_sent(ngx_http_llm_quota_t *q)
{
    ngx_llm_quota_sent(q->lease);
}


static void
ngx_http_llm_quota_zone_settle(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used)
{
    /* a worker that exits has ended all leases already */

    if (ngx_http_llm_quota_worker) {
        ngx_llm_quota_settle(ngx_http_llm_quota_worker, q->lease, q->subjects,
                             used, ngx_http_llm_quota_now());
    }

    q->lease = NULL;
}


/*
 * What the usage record of this request begins with, should this worker not
 * live to write it.  An attempt's own lease has none: it is the request that
 * is told.
 */

static void
ngx_http_llm_quota_zone_note(ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q,
    ngx_str_t *note)
{
    llm_buf_t    b;
    llm_arena_t  arena;

    ngx_str_null(note);

    if (q != ctx->quota || ctx->lmcf->usage_log == NULL) {
        return;
    }

    arena = ctx->arena;
    llm_buf_init(&b, &arena);

    if (llm_buf_reserve(&b, NGX_LLM_QUOTA_NOTE_MAX) != LLM_OK) {
        return;
    }

    ngx_http_llm_record_request(ctx, &b);

    /* half a record would be none */

    if (!b.failed && b.len <= NGX_LLM_QUOTA_NOTE_MAX) {
        note->data = b.data;
        note->len = b.len;
    }

    ctx->arena = arena;
}


/*
 * A request that died with its worker.  What it cost nobody knows: it held
 * what is given back, and the sum of the log is what counters hold.
 */

static void
ngx_http_llm_quota_lost(void *data, ngx_str_t *note, llm_amount_t *held)
{
    ngx_http_llm_main_conf_t *lmcf = data;

    llm_buf_t    b;
    llm_arena_t  arena;
    u_char       line[NGX_HTTP_LLM_LOST_SIZE];

    if (lmcf->redis) {
        ngx_http_llm_redis_lost(lmcf, note, held);
    }

    if (lmcf->usage_log == NULL) {
        return;
    }

    ngx_memzero(&arena, sizeof(llm_arena_t));

    llm_buf_init(&b, &arena);
    b.data = line;
    b.size = NGX_HTTP_LLM_LOST_SIZE;

    ngx_http_llm_record_time(&b);
    llm_buf_add(&b, note->data, note->len);
    llm_buf_puts(&b, ",\"outcome\":\"truncated\",\"code\":\"internal_error\","
                     "\"attempts\":[],\"reserved\":\"");
    llm_price_print(held->money, &b);
    llm_buf_puts(&b, "\"}\n");

    if (!b.failed) {
        ngx_llm_log_write(lmcf->usage_log, b.data, b.len);
    }
}
