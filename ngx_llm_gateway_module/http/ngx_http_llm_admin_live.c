
/*
 * llm_admin: how the limits of a key stand where hosts share them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_redis.h"


/* another window began while the question was under way: asked once more */
#define NGX_HTTP_LLM_ADMIN_TRIES  2


/* while Redis is asked, of one subject after the other */

typedef struct {
    ngx_http_llm_admin_t      *adm;
    ngx_http_llm_key_t        *key;
    llm_buf_t                  b;
    size_t                     len;        /* of b, before the first */
    ngx_uint_t                 n;          /* limits that were told */
    ngx_uint_t                 current;    /* subject that is asked for */
    ngx_uint_t                 tries;
    const llm_subject_t       *subject;
    llm_script_claim_t         claim;
    ngx_llm_redis_command_t   *command;
} ngx_http_llm_admin_live_t;


static ngx_int_t ngx_http_llm_admin_live_ask(ngx_http_llm_admin_live_t *live);
static void ngx_http_llm_admin_live_told(void *data, ngx_int_t rc,
    redisReply *reply);
static ngx_int_t ngx_http_llm_admin_live_take(ngx_http_llm_admin_live_t *live,
    redisReply *reply);
static void ngx_http_llm_admin_live_end(ngx_http_llm_admin_live_t *live);
static void ngx_http_llm_admin_live_cleanup(void *data);


ngx_int_t
ngx_http_llm_admin_live(ngx_http_llm_admin_t *adm, ngx_http_llm_key_t *key,
    llm_buf_t *b)
{
    ngx_http_cleanup_t           *cln;
    ngx_http_request_t           *r;
    ngx_http_llm_admin_live_t    *live;
    ngx_http_llm_redis_worker_t  *worker;

    r = adm->ctx->request;
    worker = ngx_http_llm_redis_worker();

    if (worker == NULL || worker->client == NULL || key->nsubjects == 0) {
        return NGX_DECLINED;
    }

    live = ngx_pcalloc(r->pool, sizeof(ngx_http_llm_admin_live_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (live == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_llm_admin_live_cleanup;
    cln->data = live;

    live->adm = adm;
    live->key = key;
    live->b = *b;
    live->len = b->len;

    ngx_http_llm_admin_limits_open(&live->b);

    if (ngx_http_llm_admin_live_ask(live) != NGX_OK) {
        return NGX_DECLINED;
    }

    r->main->count++;

    return NGX_DONE;
}


/* a reservation of nothing, which is not made */

static ngx_int_t
ngx_http_llm_admin_live_ask(ngx_http_llm_admin_live_t *live)
{
    llm_arena_t         *arena;
    llm_script_claim_t  *claim;

    static const llm_str_t  nobody = llm_string("none");

    arena = &live->adm->ctx->arena;
    claim = &live->claim;

    live->subject = &live->key->subjects[live->current];

    ngx_memzero(claim, sizeof(llm_script_claim_t));

    claim->subjects = &live->subject;
    claim->n = 1;
    claim->id = nobody;
    claim->standings = llm_calloc(arena, live->subject->nlimits
                                         * sizeof(llm_standing_t));

    if (claim->standings == NULL) {
        return NGX_ERROR;
    }

    live->command = ngx_http_llm_redis_ask(claim, 0,
                                           ngx_http_llm_admin_live_told, live);

    return live->command ? NGX_OK : NGX_ERROR;
}


/* where Redis does not tell it is what this host counts meanwhile */

static void
ngx_http_llm_admin_live_told(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_http_llm_admin_live_t *live = data;

    live->command = NULL;

    if (ngx_http_llm_redis_worker()->client == NULL) {
        return;
    }

    if (rc == NGX_OK) {
        rc = ngx_http_llm_admin_live_take(live, reply);
    }

    if (rc == NGX_AGAIN) {
        rc = ngx_http_llm_admin_live_ask(live);

        if (rc == NGX_OK) {
            return;
        }
    }

    if (rc == NGX_OK) {
        ngx_http_llm_admin_limits_close(&live->b);

    } else {
        live->b.len = live->len;
        ngx_http_llm_admin_limits_key(live->key, &live->b);
    }

    ngx_http_llm_admin_live_end(live);
}


/* NGX_OK: that was the last one; NGX_AGAIN: one is to be asked for */

static ngx_int_t
ngx_http_llm_admin_live_take(ngx_http_llm_admin_live_t *live,
    redisReply *reply)
{
    unsigned       i;
    llm_verdict_t  verdict;

    ngx_memzero(&verdict, sizeof(llm_verdict_t));

    switch (ngx_http_llm_redis_reserved(&live->claim, reply, &verdict)) {

    case LLM_OK:
    case LLM_LIMIT:
        break;

    case LLM_AGAIN:
        return ++live->tries < NGX_HTTP_LLM_ADMIN_TRIES ? NGX_AGAIN
                                                        : NGX_ERROR;

    default: /* LLM_INVALID */
        return NGX_ERROR;
    }

    for (i = 0; i < live->subject->nlimits; i++) {
        ngx_http_llm_admin_limits_one(&live->claim.standings[i], live->n++,
                                      &live->b);
    }

    live->tries = 0;
    live->current++;

    return live->current == live->key->nsubjects ? NGX_OK : NGX_AGAIN;
}


static void
ngx_http_llm_admin_live_end(ngx_http_llm_admin_live_t *live)
{
    ngx_int_t            status;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = live->adm->ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    llm_buf_puts(&live->b, "}\n");

    status = live->b.failed ? NGX_HTTP_INTERNAL_SERVER_ERROR
                            : ngx_http_llm_admin_send(r, live->adm->status,
                                                      &live->b);

    ngx_http_finalize_request(r, status);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_llm_admin_live_cleanup(void *data)
{
    ngx_http_llm_admin_live_t *live = data;

    if (live->command) {
        ngx_llm_redis_forget(live->command);
        live->command = NULL;
    }
}
