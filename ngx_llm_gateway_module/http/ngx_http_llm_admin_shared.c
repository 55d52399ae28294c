
/*
 * llm_admin: budgets that are reset or topped up where hosts share them.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_admin.h"
#include "ngx_http_llm_redis.h"


/* while Redis is asked */

typedef struct {
    ngx_http_llm_admin_t         *adm;
    ngx_http_llm_admin_adjust_t   adjust;
    ngx_llm_redis_command_t      *command;
} ngx_http_llm_admin_shared_t;


static void ngx_http_llm_admin_shared_done(void *data, ngx_int_t rc,
    redisReply *reply);
static void ngx_http_llm_admin_shared_cleanup(void *data);


/*
 * KEYS: a subject.  ARGV: a counter's field, what is added, or nothing to
 * reset it.  Reply: 0 where nothing is counted.
 */

static ngx_llm_redis_script_t  ngx_http_llm_admin_shared_script = {
    ngx_string(
    "if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then\n"
    "  return 0\n"
    "end\n"
    "if ARGV[2] == '' then\n"
    "  redis.call('HSET', KEYS[1], ARGV[1], '0')\n"
    "else\n"
    "  redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])\n"
    "end\n"
    "return 1\n"),
    { 0 }
};


ngx_int_t
ngx_http_llm_admin_shared(ngx_http_llm_admin_t *adm,
    ngx_http_llm_admin_adjust_t *adjust)
{
    u_char                       field[NGX_INT64_LEN + 1];
    u_char                       add[NGX_INT64_LEN];
    llm_buf_t                    key;
    ngx_str_t                    argv[6];
    llm_subject_t                s;
    ngx_http_cleanup_t          *cln;
    ngx_http_request_t          *r;
    ngx_http_llm_ctx_t          *ctx;
    ngx_http_llm_admin_shared_t *sh;
    ngx_http_llm_redis_worker_t *worker;

    ctx = adm->ctx;
    r = ctx->request;
    worker = ngx_http_llm_redis_worker();

    sh = ngx_pcalloc(r->pool, sizeof(ngx_http_llm_admin_shared_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (sh == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    sh->adm = adm;
    sh->adjust = *adjust;

    cln->handler = ngx_http_llm_admin_shared_cleanup;
    cln->data = sh;

    ngx_http_llm_admin_shared_subject(adm, &adjust->subject, &s);

    llm_buf_init(&key, &ctx->arena);
    llm_script_key(&s, ngx_http_llm_pure(&worker->conf->prefix), &key);

    if (key.failed) {
        return NGX_ERROR;
    }

    ngx_llm_redis_script_init(&ngx_http_llm_admin_shared_script);

    ngx_str_set(&argv[2], "1");
    argv[3].data = key.data;
    argv[3].len = key.len;
    argv[4].data = field;
    argv[4].len = ngx_sprintf(field, "s%uL", adjust->counter) - field;
    argv[5].data = add;
    argv[5].len = adjust->add == NGX_LLM_QUOTA_RESET
                  ? 0 : (size_t) (ngx_sprintf(add, "%L", adjust->add) - add);

    sh->command = ngx_llm_redis_eval(worker->client,
                                     &ngx_http_llm_admin_shared_script, argv,
                                     6, ngx_http_llm_admin_shared_done, sh);

    if (sh->command == NULL) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_QUOTA_UNAVAILABLE, NULL,
                                   "redis is not available, nothing was "
                                   "changed");
    }

    r->main->count++;

    return NGX_DONE;
}


void
ngx_http_llm_admin_shared_subject(ngx_http_llm_admin_t *adm, ngx_str_t *id,
    llm_subject_t *s)
{
    u_char              *p, *last;
    ngx_str_t            name;
    ngx_uint_t           kind;
    ngx_http_llm_key_t  *key;

    ngx_memzero(s, sizeof(llm_subject_t));

    s->id = *ngx_http_llm_pure(id);
    s->kind = LLM_SUBJECT_PROVIDER;

    last = id->data + id->len;
    p = ngx_strlchr(id->data, last, '=');

    if (p == NULL) {
        return;
    }

    for (kind = 0; kind < LLM_SUBJECT_N; kind++) {
        if (llm_subject_names[kind].len == (size_t) (p - id->data)
            && ngx_memcmp(llm_subject_names[kind].data, id->data,
                          p - id->data)
               == 0)
        {
            s->kind = (llm_subject_e) kind;
        }
    }

    name.data = p + 1;
    name.len = last - name.data;

    switch (s->kind) {

    case LLM_SUBJECT_KEY:
        key = ngx_http_llm_conf_key_by_name(adm->ctx->lmcf, &name);

        if (key == NULL) {
            key = ngx_http_llm_runtime_by_name(adm->ctx, &name);
        }

        if (key) {
            s->owner = *ngx_http_llm_pure(&key->owner);
        }

        break;

    case LLM_SUBJECT_APP:
    case LLM_SUBJECT_TEAM:
        p = ngx_strlchr(name.data, last, '/');

        if (p) {
            s->owner.data = name.data;
            s->owner.len = p - name.data;
        }

        break;

    case LLM_SUBJECT_OWNER:
        s->owner = *ngx_http_llm_pure(&name);
        break;

    default:
        break;
    }
}


static void
ngx_http_llm_admin_shared_done(void *data, ngx_int_t rc, redisReply *reply)
{
    ngx_http_llm_admin_shared_t *sh = data;

    llm_buf_t            b;
    ngx_int_t            status;
    ngx_connection_t    *c;
    ngx_http_llm_ctx_t  *ctx;

    sh->command = NULL;

    if (ngx_http_llm_redis_worker()->client == NULL) {
        return;
    }

    ctx = sh->adm->ctx;
    c = ctx->request->connection;

    ngx_http_set_log_request(c->log, ctx->request);

    if (rc != NGX_OK || reply->type != REDIS_REPLY_INTEGER) {
        status = ngx_http_llm_refuse(ctx, LLM_ERROR_QUOTA_UNAVAILABLE, NULL,
                                     rc == NGX_ABORT
                                     ? "redis did not answer in time: nobody "
                                       "knows whether it was changed"
                                     : "redis is not available, nothing was "
                                       "changed");

    } else if (reply->integer == 0) {
        status = ngx_http_llm_admin_limits_none(sh->adm, &sh->adjust);

    } else {
        llm_buf_init(&b, &ctx->arena);

        /* what this host counts while Redis is away */

        (void) ngx_http_llm_admin_limits_zone(&sh->adjust);

        ngx_http_llm_admin_limits_tell(sh->adm, &sh->adjust, &b);

        status = b.failed ? NGX_HTTP_INTERNAL_SERVER_ERROR
                          : ngx_http_llm_admin_send(ctx->request,
                                                    sh->adm->status, &b);
    }

    ngx_http_finalize_request(ctx->request, status);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_llm_admin_shared_cleanup(void *data)
{
    ngx_http_llm_admin_shared_t *sh = data;

    if (sh->command) {
        ngx_llm_redis_forget(sh->command);
        sh->command = NULL;
    }
}
