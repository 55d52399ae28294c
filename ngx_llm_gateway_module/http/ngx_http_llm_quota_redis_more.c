
/*
 * A request that is limited in Redis and takes more than it has reserved:
 * since its ladder moves on to what may cost more, or its answer outruns it.
 * Each time is a reservation of its own, that is held and given back with the
 * request's, which alone settles what was used.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota_redis.h"


static ngx_http_llm_quota_redis_t *ngx_http_llm_quota_redis_more_room(
    ngx_http_llm_quota_redis_t *st);
static ngx_int_t ngx_http_llm_quota_redis_more_told(
    ngx_http_llm_quota_redis_t *st, llm_amount_t *amount);
static ngx_int_t ngx_http_llm_quota_redis_more_alone(
    ngx_http_llm_quota_redis_t *st, llm_amount_t *amount);
static void ngx_http_llm_quota_redis_more_drafts(
    ngx_http_llm_quota_redis_t *more, ngx_uint_t held);


ngx_int_t
ngx_http_llm_quota_redis_extend(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_quota_t *q, llm_amount_t *amount)
{
    llm_str_t                    id, *of;
    ngx_http_llm_quota_redis_t  *st, *more;

    st = q->data;

    switch (st->where) {

    case NGX_HTTP_LLM_QUOTA_REDIS:
        break;

    case NGX_HTTP_LLM_QUOTA_LOCAL:
        return ngx_http_llm_quota_zone.extend(ctx, q, amount);

    default: /* NGX_HTTP_LLM_QUOTA_OPEN */
        ngx_http_llm_quota_zone_hold_more(q, amount);
        return NGX_OK;
    }

    if (st->asking) {
        return ngx_http_llm_quota_redis_more_told(st, amount);
    }

    more = ngx_http_llm_quota_redis_more_room(st);
    if (more == NULL) {
        return NGX_ERROR;
    }

    of = &st->lease.claims[0].id;

    id.data = more->name;
    id.len = ngx_sprintf(id.data, "%Vt%ui", ngx_http_llm_str(of), st->asked++)
             - id.data;

    ngx_http_llm_quota_redis_begin(more, &id, amount);

    if (ngx_http_llm_quota_redis_ask(more) == NGX_OK) {
        st->asking = more;
        return NGX_AGAIN;
    }

    more->where = NGX_HTTP_LLM_QUOTA_CLOSED;

    return ngx_http_llm_quota_redis_more_alone(st, amount);
}


/* one that holds nothing is used again: who waits in a queue asks often */

static ngx_http_llm_quota_redis_t *
ngx_http_llm_quota_redis_more_room(ngx_http_llm_quota_redis_t *st)
{
    ngx_uint_t                   n;
    ngx_http_llm_quota_redis_t  *more;

    n = 0;

    for (more = st->more; more; more = more->next) {

        if (more->where != NGX_HTTP_LLM_QUOTA_REDIS) {
            return more;
        }

        n++;
    }

    if (n == NGX_HTTP_LLM_QUOTA_MORE) {
        return NULL;
    }

    more = ngx_http_llm_quota_redis_create(st->ctx, st->q);
    if (more == NULL) {
        return NULL;
    }

    more->part = 1;
    more->next = st->more;
    st->more = more;

    return more;
}


/* the answer, if it is there, as extend() returns it */

static ngx_int_t
ngx_http_llm_quota_redis_more_told(ngx_http_llm_quota_redis_t *st,
    llm_amount_t *amount)
{
    ngx_http_llm_quota_redis_t  *more;

    more = st->asking;

    if (more->where == NGX_HTTP_LLM_QUOTA_ASKING) {
        return NGX_AGAIN;
    }

    st->asking = NULL;

    switch (more->where) {

    case NGX_HTTP_LLM_QUOTA_REDIS:
        ngx_http_llm_redis_hold(&more->lease);
        ngx_http_llm_quota_redis_more_drafts(more, 1);
        ngx_http_llm_quota_zone_hold_more(st->q, amount);
        return NGX_OK;

    case NGX_HTTP_LLM_QUOTA_REFUSED:
        st->q->stop = more->verdict.refused;
        return NGX_BUSY;

    default: /* NGX_HTTP_LLM_QUOTA_CLOSED */
        return ngx_http_llm_quota_redis_more_alone(st, amount);
    }
}


/* Redis is away in the middle of a request: on_error */

static ngx_int_t
ngx_http_llm_quota_redis_more_alone(ngx_http_llm_quota_redis_t *st,
    llm_amount_t *amount)
{
    switch (st->ctx->lmcf->redis->on_error) {

    case NGX_HTTP_LLM_ON_ERROR_LOCAL:
        return st->q->lease
               ? ngx_http_llm_quota_zone.extend(st->ctx, st->q, amount)
               : NGX_ERROR;

    case NGX_HTTP_LLM_ON_ERROR_OPEN:
        ngx_http_llm_quota_zone_hold_more(st->q, amount);
        return NGX_OK;

    default: /* NGX_HTTP_LLM_ON_ERROR_CLOSED */
        return NGX_ERROR;
    }
}


void
ngx_http_llm_quota_redis_more_forget(ngx_http_llm_quota_redis_t *st)
{
    if (st->asking) {
        ngx_http_llm_quota_redis_cleanup(st->asking);
        st->asking = NULL;
    }
}


void
ngx_http_llm_quota_redis_more_end(ngx_http_llm_quota_redis_t *st)
{
    ngx_uint_t                   i;
    ngx_http_llm_quota_redis_t  *more;

    ngx_http_llm_quota_redis_more_forget(st);

    for (more = st->more; more; more = more->next) {

        if (more->where != NGX_HTTP_LLM_QUOTA_REDIS) {
            continue;
        }

        more->where = NGX_HTTP_LLM_QUOTA_CLOSED;

        ngx_http_llm_redis_drop(&more->lease);

        for (i = 0; i < more->lease.n; i++) {
            ngx_http_llm_redis_give_back(&more->lease.claims[i],
                                         LLM_SCRIPT_AGAIN);
        }

        ngx_http_llm_quota_redis_more_drafts(more, 0);
    }
}


/*
 * What whoever comes after a killed worker finds: that it is to be given back.
 * The request's own lease names its first reservation alone.
 */

static void
ngx_http_llm_quota_redis_more_drafts(ngx_http_llm_quota_redis_t *more,
    ngx_uint_t held)
{
    ngx_uint_t                  i;
    ngx_llm_zone_t             *zone;
    ngx_http_llm_redis_mail_t   mail;

    zone = more->ctx->lmcf->zone;

    if (zone == NULL) {
        return;
    }

    ngx_memzero(&mail, sizeof(ngx_http_llm_redis_mail_t));

    for (i = 0; held && i < more->lease.n; i++) {
        ngx_memzero(&more->lease.claims[i].used, sizeof(llm_amount_t));
        ngx_http_llm_redis_write(&mail, &more->lease.claims[i],
                                 LLM_SCRIPT_AGAIN, 1);
    }

    mail.drafts = more->drafts;
    mail.ndrafts = more->lease.n;

    ngx_llm_zone_lock(zone);

    ngx_http_llm_redis_keep(&mail);
    ngx_llm_zone_done(zone);
    ngx_http_llm_redis_kept(&mail);

    ngx_llm_zone_unlock(zone);

    ngx_http_llm_redis_send(&mail);
}
