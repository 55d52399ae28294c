
/*
 * Who asks: the credentials of a request, and the key that they name.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_header.h"
#include "ngx_http_llm_module.h"


typedef struct {
    ngx_http_llm_key_t     *key;
    ngx_http_llm_secret_t  *secret;
    unsigned                given:1;     /* a credential was sent */
    unsigned                differ:1;    /* two name different keys */
    unsigned                failed:1;    /* a record could not be read */
} ngx_http_llm_credential_t;


static ngx_int_t ngx_http_llm_header_credential(ngx_table_elt_t *h,
    ngx_str_t *text);
static void ngx_http_llm_query_credential(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_credential_t *cr);
static void ngx_http_llm_find_credentials(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_credential_t *cr);
static u_char *ngx_http_llm_log_handler(ngx_http_request_t *r,
    ngx_http_request_t *sr, u_char *buf, size_t len);
static void ngx_http_llm_try_credential(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_credential_t *cr, ngx_str_t *text);


static ngx_http_log_handler_pt  ngx_http_llm_log_next;


ngx_int_t
ngx_http_llm_authenticate(ngx_http_llm_ctx_t *ctx)
{
    ngx_http_llm_credential_t  cr;

    ngx_memzero(&cr, sizeof(ngx_http_llm_credential_t));

    ngx_http_llm_find_credentials(ctx, &cr);

    if (cr.failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (cr.differ) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_INVALID_API_KEY, NULL,
                                   "the request carries two different API "
                                   "keys; send one");
    }

    if (cr.key == NULL) {

        if (!ctx->llcf->key_required) {
            return NGX_OK;
        }

        if (!cr.given) {
            return ngx_http_llm_refuse(ctx, LLM_ERROR_INVALID_API_KEY, NULL,
                                       "no API key was sent; use "
                                       "\"Authorization: Bearer KEY\", "
                                       "\"x-api-key\", \"x-goog-api-key\" or "
                                       "\"api-key\"");
        }

        return ngx_http_llm_refuse(ctx, LLM_ERROR_INVALID_API_KEY, NULL,
                                   "the API key is not known here");
    }

    ctx->key = cr.key;

    if (cr.secret->until && cr.secret->until <= ngx_time()) {
        return ngx_http_llm_refuse(ctx, LLM_ERROR_EXPIRED_API_KEY, NULL,
                                   "this secret of key \"%V\" was rotated out",
                                   &ctx->key->name);
    }

    return NGX_OK;
}


static void
ngx_http_llm_find_credentials(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_credential_t *cr)
{
    ngx_str_t                   text;
    ngx_table_elt_t            *h;
    ngx_http_llm_header_walk_t  walk;

    for (h = ngx_http_llm_header_first(&walk,
                                       &ctx->request->headers_in.headers);
         h;
         h = ngx_http_llm_header_next(&walk))
    {
        if (ngx_http_llm_header_credential(h, &text) == NGX_OK) {
            ngx_http_llm_try_credential(ctx, cr, &text);
        }
    }

    if (ctx->llcf->query_key) {
        ngx_http_llm_query_credential(ctx, cr);
    }
}


static ngx_int_t
ngx_http_llm_header_credential(ngx_table_elt_t *h, ngx_str_t *text)
{
    u_char  *p;

    *text = h->value;
    p = h->lowcase_key;

    switch (h->key.len) {

    case sizeof("authorization") - 1:
        if (ngx_memcmp(p, "authorization", sizeof("authorization") - 1) != 0
            || text->len <= sizeof("Bearer ") - 1
            || ngx_strncasecmp(text->data, (u_char *) "Bearer ",
                               sizeof("Bearer ") - 1)
               != 0)
        {
            return NGX_DECLINED;
        }

        text->data += sizeof("Bearer ") - 1;
        text->len -= sizeof("Bearer ") - 1;

        while (text->len && *text->data == ' ') {
            text->data++;
            text->len--;
        }

        return NGX_OK;

    case sizeof("x-goog-api-key") - 1:
        return ngx_memcmp(p, "x-goog-api-key", sizeof("x-goog-api-key") - 1)
               == 0 ? NGX_OK : NGX_DECLINED;

    case sizeof("x-api-key") - 1:
        return ngx_memcmp(p, "x-api-key", sizeof("x-api-key") - 1) == 0
               ? NGX_OK : NGX_DECLINED;

    case sizeof("api-key") - 1:
        return ngx_memcmp(p, "api-key", sizeof("api-key") - 1) == 0
               ? NGX_OK : NGX_DECLINED;

    default:
        return NGX_DECLINED;
    }
}


static void
ngx_http_llm_query_credential(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_credential_t *cr)
{
    u_char              *dst, *src;
    ngx_str_t            text;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (ngx_http_arg(r, (u_char *) "key", 3, &text) != NGX_OK) {
        return;
    }

    if (r->log_handler != ngx_http_llm_log_handler) {
        ngx_http_llm_log_next = r->log_handler;
        r->log_handler = ngx_http_llm_log_handler;
    }

    dst = ngx_pnalloc(r->pool, text.len);
    if (dst == NULL) {
        return;
    }

    src = text.data;
    text.data = dst;
    ngx_unescape_uri(&dst, &src, text.len, NGX_UNESCAPE_URI);
    text.len = dst - text.data;

    ngx_http_llm_try_credential(ctx, cr, &text);

    ngx_explicit_memzero(text.data, text.len);
}


/* lines of the error log have the request line: without a query, if it may
   hold a key */

static u_char *
ngx_http_llm_log_handler(ngx_http_request_t *r, ngx_http_request_t *sr,
    u_char *buf, size_t len)
{
    u_char     *p;
    ngx_str_t   line;

    line = r->request_line;

    p = ngx_strlchr(line.data, line.data + line.len, '?');

    if (p) {
        r->request_line.len = p - line.data;
    }

    p = ngx_http_llm_log_next(r, sr, buf, len);

    r->request_line = line;

    return p;
}


/*
 * Where several credentials are sent the one that names a key counts (Claude
 * Code may send two); two that name different keys are refused.
 */

static void
ngx_http_llm_try_credential(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_credential_t *cr, ngx_str_t *text)
{
    u_char                  digest[NGX_LLM_DIGEST_LEN];
    ngx_int_t               rc;
    ngx_http_llm_key_t     *key;
    ngx_http_llm_secret_t  *secret;

    if (text->len == 0) {
        return;
    }

    cr->given = 1;

    ngx_llm_secret_digest(text, digest);

    key = ngx_http_llm_conf_find_key(ctx->lmcf, digest, &secret);

    if (key == NULL) {

        rc = ngx_http_llm_runtime_find(ctx, digest, &key, &secret);

        if (rc != NGX_OK) {
            cr->failed |= (rc == NGX_ERROR);
            return;
        }
    }

    /* each look at a run-time key makes another copy of it */

    if (cr->key && cr->key != key
        && (cr->key->name.len != key->name.len
            || ngx_memcmp(cr->key->name.data, key->name.data, key->name.len)
               != 0))
    {
        cr->differ = 1;
        return;
    }

    /* of two secrets of one key the one that is good for longer */

    if (cr->key
        && (cr->secret->until == 0
            || (secret->until && secret->until <= cr->secret->until)))
    {
        return;
    }

    cr->key = key;
    cr->secret = secret;
}
