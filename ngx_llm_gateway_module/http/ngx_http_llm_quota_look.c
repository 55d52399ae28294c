
/*
 * How limits would stand for a request, by Redis or by this host's zone, where
 * nothing is reserved: for operators who ask.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_quota.h"
#include "ngx_http_llm_redis.h"


/* another window began while the question was under way: asked once more */
#define NGX_HTTP_LLM_QUOTA_LOOK_TRIES  2


static ngx_int_t ngx_http_llm_quota_look_zone(ngx_http_llm_quota_look_t *look);
static void ngx_http_llm_quota_look_each(void *data, llm_standing_t *s);
static ngx_int_t ngx_http_llm_quota_look_away(ngx_http_llm_quota_look_t *look);
static ngx_int_t ngx_http_llm_quota_look_ask(ngx_http_llm_quota_look_t *look);
static void ngx_http_llm_quota_look_claim(ngx_http_llm_quota_look_t *look,
    const llm_subject_t **subject, llm_script_claim_t *claim);
static void ngx_http_llm_quota_look_told(void *data, ngx_int_t rc,
    redisReply *reply);
static ngx_int_t ngx_http_llm_quota_look_take(ngx_http_llm_quota_look_t *look,
    redisReply *reply);
static void ngx_http_llm_quota_look_cleanup(void *data);


ngx_int_t
ngx_http_llm_quota_look(ngx_http_llm_quota_look_t *look)
{
    ngx_uint_t           i, n;
    ngx_http_cleanup_t  *cln;
    ngx_http_llm_ctx_t  *ctx;

    n = 0;
    ctx = look->ctx;

    for (i = 0; i < look->n; i++) {
        n += look->subjects[i]->nlimits;
    }

    look->nstandings = 0;
    look->away = 0;

    look->standings = llm_calloc(&ctx->arena, n * sizeof(llm_standing_t));
    if (look->standings == NULL) {
        return NGX_ERROR;
    }

    if (ctx->lmcf->redis == NULL) {
        return ngx_http_llm_quota_look_zone(look);
    }

    if (!look->watched) {

        cln = ngx_http_cleanup_add(ctx->request, 0);
        if (cln == NULL) {
            return NGX_ERROR;
        }

        cln->handler = ngx_http_llm_quota_look_cleanup;
        cln->data = look;

        look->watched = 1;
    }

    look->current = 0;
    look->tries = 0;

    ngx_memzero(&look->verdict, sizeof(llm_verdict_t));

    return ngx_http_llm_quota_look_ask(look) == NGX_OK
           ? NGX_AGAIN : ngx_http_llm_quota_look_away(look);
}


static ngx_int_t
ngx_http_llm_quota_look_zone(ngx_http_llm_quota_look_t *look)
{
    return ngx_llm_quota_check(ngx_http_llm_quota_shared(), look->subjects,
                               look->n, &look->asked, ngx_llm_quota_now(),
                               &look->verdict, ngx_http_llm_quota_look_each,
                               look);
}


static void
ngx_http_llm_quota_look_each(void *data, llm_standing_t *s)
{
    ngx_http_llm_quota_look_t *look = data;

    look->standings[look->nstandings++] = *s;
}


/* as a request that comes now would be treated: on_error */

static ngx_int_t
ngx_http_llm_quota_look_away(ngx_http_llm_quota_look_t *look)
{
    look->away = 1;
    look->nstandings = 0;

    switch (look->ctx->lmcf->redis->on_error) {

    case NGX_HTTP_LLM_ON_ERROR_LOCAL:
        return ngx_http_llm_quota_look_zone(look);

    case NGX_HTTP_LLM_ON_ERROR_OPEN:
        return NGX_OK;

    default: /* NGX_HTTP_LLM_ON_ERROR_CLOSED */
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_http_llm_quota_look_ask(ngx_http_llm_quota_look_t *look)
{
    const llm_subject_t  *subject;
    llm_script_claim_t    claim;

    ngx_http_llm_quota_look_claim(look, &subject, &claim);

    look->command = ngx_http_llm_redis_ask(&claim, 0,
                                           ngx_http_llm_quota_look_told, look);

    return look->command ? NGX_OK : NGX_ERROR;
}


/* a reservation that is not made, of the subject that is next */

static void
ngx_http_llm_quota_look_claim(ngx_http_llm_quota_look_t *look,
    const llm_subject_t **subject, llm_script_claim_t *claim)
{
    static const llm_str_t  nobody = llm_string("none");

    *subject = look->subjects[look->current];

    ngx_memzero(claim, sizeof(llm_script_claim_t));

    claim->subjects = subject;
    claim->n = 1;
    claim->id = nobody;
    claim->asked = look->asked;
    claim->standings = look->standings + look->nstandings;
}


static void
ngx_http_llm_quota_look_told(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_http_llm_quota_look_t *look = data;

    ngx_http_request_t  *r;

    look->command = NULL;

    /* the worker ends, and the request with it */

    if (ngx_http_llm_redis_worker()->client == NULL) {
        return;
    }

    r = look->ctx->request;

    ngx_http_set_log_request(r->connection->log, r);

    if (rc == NGX_OK) {
        rc = ngx_http_llm_quota_look_take(look, reply);
    }

    if (rc == NGX_AGAIN) {
        rc = ngx_http_llm_quota_look_ask(look);

        if (rc == NGX_OK) {
            return;
        }
    }

    if (rc != NGX_OK) {
        rc = ngx_http_llm_quota_look_away(look);

    } else if (look->verdict.refused.limit) {
        rc = NGX_BUSY;
    }

    look->handler(look->data, rc);
}


/* NGX_OK: that was the last one; NGX_AGAIN: one is to be asked for */

static ngx_int_t
ngx_http_llm_quota_look_take(ngx_http_llm_quota_look_t *look,
    redisReply *reply)
{
    const llm_subject_t  *subject;
    llm_script_claim_t    claim;

    ngx_http_llm_quota_look_claim(look, &subject, &claim);

    switch (ngx_http_llm_redis_reserved(&claim, reply, &look->verdict)) {

    case LLM_OK:
    case LLM_LIMIT:
        break;

    case LLM_AGAIN:
        return ++look->tries < NGX_HTTP_LLM_QUOTA_LOOK_TRIES ? NGX_AGAIN
                                                             : NGX_ERROR;

    default: /* LLM_INVALID */
        return NGX_ERROR;
    }

    look->tries = 0;
    look->nstandings += subject->nlimits;
    look->current++;

    return look->current == look->n ? NGX_OK : NGX_AGAIN;
}


static void
ngx_http_llm_quota_look_cleanup(void *data)
{
    ngx_http_llm_quota_look_t *look = data;

    if (look->command) {
        ngx_llm_redis_forget(look->command);
        look->command = NULL;
    }
}
