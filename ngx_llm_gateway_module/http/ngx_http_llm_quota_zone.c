
/*
 * Limits counted in the zone of this host.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_books.h"
#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis.h"


static ngx_int_t ngx_http_llm_quota_zone_reserve(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q);
static ngx_int_t ngx_http_llm_quota_zone_extend(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more);
static void ngx_http_llm_quota_zone_sent(ngx_http_llm_quota_t *q);
static void ngx_http_llm_quota_zone_settle(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used);
static ngx_int_t ngx_http_llm_quota_zone_take(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_verdict_t *v);
static void ngx_http_llm_quota_zone_note(ngx_http_llm_ctx_t *ctx,
    ngx_str_t *note);


/* one change of the zone may hold them all: either each subject gets what it
   used added to what is owed, or there is a letter for it; and drafts go */

#if (NGX_LLM_QUOTA_SETTLE                                                     \
     + NGX_LLM_QUOTA_SUBJECTS * (NGX_LLM_TALLY_ADD + NGX_LLM_TALLY_VOID       \
                                 + NGX_LLM_TALLY_KEEP)                        \
     > NGX_LLM_ZONE_UNDO)
#error NGX_LLM_ZONE_UNDO is too small
#endif


const ngx_http_llm_quota_backend_t  ngx_http_llm_quota_zone = {
    ngx_http_llm_quota_zone_reserve,
    NULL,
    ngx_http_llm_quota_zone_extend,
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
                                                lmcf->state != NULL,
                                                ngx_http_llm_lost, lmcf);
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


static ngx_int_t
ngx_http_llm_quota_zone_reserve(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q)
{
    return ngx_http_llm_quota_zone_take(ctx, q, &q->verdict);
}


void
ngx_http_llm_quota_zone_hold(ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q)
{
    if (ngx_http_llm_quota_zone_take(ctx, q, NULL) != NGX_OK) {
        q->lease = NULL;
    }
}


static ngx_int_t
ngx_http_llm_quota_zone_take(ngx_http_llm_ctx_t *ctx, ngx_http_llm_quota_t *q,
    llm_verdict_t *v)
{
    ngx_str_t               note;
    ngx_llm_quota_lease_t  *of;

    /* that of an attempt is a part of its request's, if that has one */

    of = (ctx->quota && q != ctx->quota) ? ctx->quota->lease : NULL;

    ngx_str_null(&note);

    if (of == NULL && (ctx->lmcf->usage_log || ctx->lmcf->redis)) {
        ngx_http_llm_quota_zone_note(ctx, &note);
    }

    return ngx_llm_quota_reserve(ngx_http_llm_quota_worker, q->subjects, q->n,
                                 &q->asked, &note, of,
                                 ngx_llm_quota_now(), &q->lease, v);
}


static ngx_int_t
ngx_http_llm_quota_zone_extend(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *more)
{
    ngx_int_t      rc;
    llm_verdict_t  v;

    rc = ngx_llm_quota_extend(ngx_http_llm_quota_worker, q->lease,
                              q->subjects, more, ngx_llm_quota_now(), &v);

    q->stop = v.refused;

    return rc;
}


void
ngx_http_llm_quota_zone_hold_more(ngx_http_llm_quota_t *q, llm_amount_t *more)
{
    if (q->lease) {
        (void) ngx_llm_quota_extend(ngx_http_llm_quota_worker, q->lease,
                                    q->subjects, more,
                                    ngx_llm_quota_now(), NULL);
    }
}


static void
ngx_http_llm_quota_zone_sent(ngx_http_llm_quota_t *q)
{
    ngx_llm_quota_sent(q->lease, q->number);
}


static void
ngx_http_llm_quota_zone_settle(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used)
{
    ngx_http_llm_quota_zone_settle_with(ctx, q, used, NULL);
}


void
ngx_http_llm_quota_zone_settle_with(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *used,
    ngx_http_llm_redis_mail_t *mail)
{
    ngx_uint_t              over;
    ngx_llm_zone_t         *zone;
    ngx_llm_quota_lease_t  *lease;

    zone = ctx->lmcf->zone;

    if (zone == NULL) {

        if (mail) {
            ngx_http_llm_redis_keep(mail);
        }

        return;
    }

    /* a worker that exits has ended all leases already */

    if (ngx_http_llm_quota_worker == NULL) {
        q->lease = NULL;
    }

    lease = q->lease;
    over = 0;

    ngx_llm_zone_lock(zone);

    if (lease) {
        over = ngx_llm_quota_settle(ngx_http_llm_quota_worker, lease,
                                    q->subjects, used,
                                    ngx_llm_quota_now());
    }

    if (mail) {
        ngx_http_llm_redis_keep(mail);
    }

    ngx_llm_zone_done(zone);

    if (over) {
        ngx_llm_quota_settled(ngx_http_llm_quota_worker, lease);
        q->lease = NULL;
    }

    if (mail) {
        ngx_http_llm_redis_kept(mail);
    }

    ngx_llm_zone_unlock(zone);
}


/* what the usage record of this request begins with, should this worker not
   live to write it */

static void
ngx_http_llm_quota_zone_note(ngx_http_llm_ctx_t *ctx, ngx_str_t *note)
{
    llm_buf_t    b;
    llm_arena_t  arena;

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
