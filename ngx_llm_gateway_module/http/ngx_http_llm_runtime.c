
/*
 * Keys made at run time become keys like those of the configuration, for the
 * length of a request.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_key_json.h"
#include "ngx_http_llm_module.h"


static ngx_http_llm_key_t *ngx_http_llm_runtime_key(ngx_http_llm_ctx_t *ctx,
    ngx_llm_keys_entry_t *entry);


ngx_int_t
ngx_http_llm_runtime_find(ngx_http_llm_ctx_t *ctx, u_char *digest,
    ngx_http_llm_key_t **key, ngx_http_llm_secret_t **secret)
{
    ngx_int_t               rc;
    ngx_uint_t              i;
    ngx_llm_keys_entry_t    entry;
    ngx_http_llm_secret_t  *s;

    if (ctx->lmcf->runtime_keys == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_llm_keys_find(ctx->lmcf->runtime_keys, digest,
                           ctx->request->pool, &entry, &i);
    if (rc != NGX_OK) {
        return rc;
    }

    s = ngx_palloc(ctx->request->pool, sizeof(ngx_http_llm_secret_t));
    if (s == NULL) {
        return NGX_ERROR;
    }

    s->key = ngx_http_llm_runtime_key(ctx, &entry);
    if (s->key == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(s->digest, digest, NGX_LLM_DIGEST_LEN);
    s->until = (time_t) entry.secrets[i].until;

    *key = s->key;
    *secret = s;

    return NGX_OK;
}


ngx_http_llm_key_t *
ngx_http_llm_runtime_by_name(ngx_http_llm_ctx_t *ctx, ngx_str_t *name)
{
    ngx_llm_keys_entry_t  entry;

    if (ctx->lmcf->runtime_keys == NULL
        || ngx_llm_keys_get(ctx->lmcf->runtime_keys, name,
                            ctx->request->pool, &entry)
           != NGX_OK)
    {
        return NULL;
    }

    return ngx_http_llm_runtime_key(ctx, &entry);
}


ngx_int_t
ngx_http_llm_runtime_next(ngx_http_llm_ctx_t *ctx, ngx_str_t *name,
    ngx_http_llm_key_t **key)
{
    ngx_int_t             rc;
    ngx_llm_keys_entry_t  entry;

    if (ctx->lmcf->runtime_keys == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_llm_keys_next(ctx->lmcf->runtime_keys, name, ctx->request->pool,
                           &entry);
    if (rc != NGX_OK) {
        return rc;
    }

    *name = entry.name;
    *key = ngx_http_llm_runtime_key(ctx, &entry);

    return NGX_OK;
}


/* NULL: no memory, or the configuration lacks what it names, which is told */

static ngx_http_llm_key_t *
ngx_http_llm_runtime_key(ngx_http_llm_ctx_t *ctx, ngx_llm_keys_entry_t *entry)
{
    ngx_int_t                 rc;
    ngx_http_llm_key_t       *key;
    ngx_http_llm_key_json_t   kj;

    key = ngx_palloc(ctx->request->pool, sizeof(ngx_http_llm_key_t));
    if (key == NULL) {
        return NULL;
    }

    kj.arena = &ctx->arena;
    kj.pool = ctx->request->pool;
    kj.lmcf = ctx->lmcf;

    if (ngx_http_llm_key_json_init(&kj, key, &entry->name) != NGX_OK) {
        return NULL;
    }

    rc = ngx_http_llm_key_json_read(&kj, key, &entry->text);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "llm key \"%V\" cannot be used: %V", &key->name,
                      &kj.error);
    }

    if (rc != NGX_OK
        || ngx_http_llm_limit_bind(ctx->lmcf, key, ctx->request->pool)
           != NGX_OK)
    {
        return NULL;
    }

    return key;
}
