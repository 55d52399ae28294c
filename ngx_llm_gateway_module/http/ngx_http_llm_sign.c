
/*
 * Ids that carry their route: what a provider calls "resp_1" is
 * "resp_1_gTTTTTTTTMMMMMMMMMMMMMMMM" to the client.  T is the route's tag, M
 * a MAC over key, tag and id: no table is needed to find the way back, on any
 * worker and after a reload, and no id works for another key.
 */


#include "ngx_http_llm_module.h"


#define NGX_HTTP_LLM_SIGN_MAC    12    /* bytes of the digest that are used */
#define NGX_HTTP_LLM_SIGN_TAG    2     /* offset behind "_g" */
#define NGX_HTTP_LLM_SIGN_TEXT                                                \
    (NGX_HTTP_LLM_SIGN_TAG + NGX_HTTP_LLM_ROUTE_TAG_LEN)

#if (NGX_HTTP_LLM_SIGN_LEN                                                    \
     != 2 + NGX_HTTP_LLM_ROUTE_TAG_LEN + NGX_HTTP_LLM_SIGN_MAC / 3 * 4)
#error the parts of a signature do not fill it
#endif


static ngx_int_t ngx_http_llm_sign_secret(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route, ngx_str_t *secret);


ngx_int_t
ngx_http_llm_sign(ngx_http_llm_ctx_t *ctx, ngx_http_llm_route_t *route,
    llm_str_t *id, u_char out[NGX_HTTP_LLM_SIGN_LEN])
{
    u_char     digest[NGX_LLM_DIGEST_LEN];
    llm_str_t  bare;
    ngx_str_t  secret, mac, text, texts[3];

    if (ngx_http_llm_sign_secret(ctx, route, &secret) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ctx->key) {
        texts[0] = ctx->key->name;

    } else {
        ngx_str_null(&texts[0]);
    }

    texts[1].data = route->tag;
    texts[1].len = NGX_HTTP_LLM_ROUTE_TAG_LEN;

    /* projects and locations before it are of the provider's path */

    if (ctx->target.op->protocol != LLM_PROTOCOL_GEMINI
        || llm_endpoint_operation(id, &bare) != LLM_OK)
    {
        bare = *id;
    }

    texts[2].data = bare.data;
    texts[2].len = bare.len;

    if (ngx_llm_secret_sign(&secret, texts, 3, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    out[0] = '_';
    out[1] = 'g';

    ngx_memcpy(out + NGX_HTTP_LLM_SIGN_TAG, route->tag,
               NGX_HTTP_LLM_ROUTE_TAG_LEN);

    mac.data = digest;
    mac.len = NGX_HTTP_LLM_SIGN_MAC;

    /* a multiple of three bytes: no padding, just the bytes that are left */

    text.data = out + NGX_HTTP_LLM_SIGN_TEXT;

    ngx_encode_base64url(&text, &mac);

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_verify(ngx_http_llm_ctx_t *ctx, ngx_str_t *signed_id,
    ngx_http_llm_route_t **route, ngx_str_t *id)
{
    u_char                *p, expected[NGX_HTTP_LLM_SIGN_LEN];
    llm_str_t              bare;
    ngx_http_llm_route_t  *found;

    if (signed_id->len <= NGX_HTTP_LLM_SIGN_LEN) {
        return NGX_DECLINED;
    }

    bare.data = signed_id->data;
    bare.len = signed_id->len - NGX_HTTP_LLM_SIGN_LEN;

    p = bare.data + bare.len;

    if (p[0] != '_' || p[1] != 'g') {
        return NGX_DECLINED;
    }

    found = ngx_http_llm_conf_find_route(ctx->lmcf, p + NGX_HTTP_LLM_SIGN_TAG);

    if (found == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_http_llm_sign(ctx, found, &bare, expected) != NGX_OK
        || !ngx_llm_secret_equal(expected, p, NGX_HTTP_LLM_SIGN_LEN))
    {
        return NGX_DECLINED;
    }

    *route = found;

    id->data = bare.data;
    id->len = bare.len;

    return NGX_OK;
}


/*
 * The provider's own secret, then the configured one, which several hosts
 * share, then that of this host's zone.
 */

static ngx_int_t
ngx_http_llm_sign_secret(ngx_http_llm_ctx_t *ctx, ngx_http_llm_route_t *route,
    ngx_str_t *secret)
{
    if (route->provider->sign_secret.len) {
        *secret = route->provider->sign_secret;
        return NGX_OK;
    }

    if (ctx->lmcf->id_secret.len) {
        *secret = ctx->lmcf->id_secret;
        return NGX_OK;
    }

    if (ctx->lmcf->zone == NULL) {
        return NGX_ERROR;
    }

    secret->data = ngx_llm_zone_secret(ctx->lmcf->zone);
    secret->len = NGX_LLM_ZONE_SECRET_LEN;

    return secret->data ? NGX_OK : NGX_ERROR;
}
