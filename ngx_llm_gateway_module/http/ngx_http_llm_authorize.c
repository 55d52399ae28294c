
/*
 * Credentials that are made for a request: AWS's signature, and Google's
 * access token, which a worker fetches for its service account, renews before
 * it ends, and for which the first requests wait.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "llm_scan.h"
#include "llm_sigv4.h"
#include "ngx_http_llm_module.h"
#include "ngx_http_llm_translate.h"
#include "ngx_llm_fetch.h"


/* milliseconds */
#define NGX_HTTP_LLM_TOKEN_TIMEOUT  10000
#define NGX_HTTP_LLM_TOKEN_RETRY    5000

/* an access token and its "Authorization: Bearer ", bytes */
#define NGX_HTTP_LLM_TOKEN_MAX      8192

/* of a service account's assertion, seconds: the longest that is taken */
#define NGX_HTTP_LLM_TOKEN_LIFE     3600

/* a token is renewed when a tenth of its life is left */
#define NGX_HTTP_LLM_TOKEN_RENEW    10


typedef struct {
    ngx_http_llm_provider_t   *provider;
    ngx_llm_fetch_t           *fetch;
    ngx_llm_fetch_conf_t       conf;
    ngx_pool_t                *pool;          /* of the question under way */
    ngx_event_t                timer;
    ngx_queue_t                waiting;       /* attempts */
    time_t                     expires;       /* 0: there is no token */
    size_t                     len;
    u_char                     header[NGX_HTTP_LLM_TOKEN_MAX];
} ngx_http_llm_token_t;


static int ngx_http_llm_authorize_hash(void *data, const llm_str_t *text,
    unsigned char *digest);
static int ngx_http_llm_authorize_hmac(void *data, const llm_str_t *key,
    const llm_str_t *text, unsigned char *digest);
static ngx_int_t ngx_http_llm_authorize_aws(ngx_http_llm_attempt_t *at,
    llm_str_t *uri, llm_buf_t *b);
static ngx_int_t ngx_http_llm_token_create(ngx_cycle_t *cycle,
    ngx_http_llm_provider_t *provider);
static void ngx_http_llm_token_fetch(ngx_http_llm_token_t *token);
static ngx_int_t ngx_http_llm_token_question(ngx_http_llm_token_t *token);
static ngx_int_t ngx_http_llm_token_assertion(ngx_http_llm_token_t *token,
    ngx_str_t *text);
static ngx_int_t ngx_http_llm_token_sign(EVP_PKEY *key, ngx_pool_t *pool,
    ngx_str_t *text, ngx_str_t *sign);
static void ngx_http_llm_token_ended(void *data, ngx_uint_t status,
    ngx_str_t *body, const char *reason);
static ngx_int_t ngx_http_llm_token_read(ngx_http_llm_token_t *token,
    ngx_str_t *body);
static void ngx_http_llm_token_timer(ngx_event_t *ev);
static void ngx_http_llm_token_wake(ngx_http_llm_token_t *token,
    ngx_uint_t ok);
static void ngx_http_llm_token_forget(void *data);


static ngx_http_llm_token_t  **ngx_http_llm_tokens;    /* by provider */


ngx_int_t
ngx_http_llm_authorize_headers(ngx_http_llm_attempt_t *at, llm_str_t *uri,
    llm_buf_t *b)
{
    ngx_http_llm_token_t     *token;
    ngx_http_llm_provider_t  *provider;

    provider = at->route->provider;

    switch (provider->credential) {

    case NGX_HTTP_LLM_CREDENTIAL_AWS:
        return ngx_http_llm_authorize_aws(at, uri, b);

    case NGX_HTTP_LLM_CREDENTIAL_GOOGLE:
        token = ngx_http_llm_tokens[provider->index];
        llm_buf_add(b, token->header, token->len);
        return NGX_OK;

    case NGX_HTTP_LLM_CREDENTIAL_BEARER:
        ngx_http_llm_bearer_header(provider, b);
        return NGX_OK;

    default:
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_llm_authorize_aws(ngx_http_llm_attempt_t *at, llm_str_t *uri,
    llm_buf_t *b)
{
    u_char                   *q;
    u_char                    digest[LLM_SIGV4_DIGEST];
    u_char                    hex[2 * LLM_SIGV4_DIGEST];
    llm_sigv4_t               s;
    llm_sigv4_header_t        headers[2];
    ngx_http_llm_provider_t  *provider;

    static llm_sigv4_crypto_t  crypto = {
        ngx_http_llm_authorize_hash, ngx_http_llm_authorize_hmac, NULL
    };

    static llm_str_t  type = llm_string("content-type");
    static llm_str_t  json = llm_string("application/json");
    static llm_str_t  host = llm_string("host");
    static llm_str_t  post = llm_string("POST");
    static llm_str_t  service = llm_string("bedrock");

    provider = at->route->provider;

    ngx_memzero(&s, sizeof(llm_sigv4_t));

    if (ngx_http_llm_authorize_hash(NULL, &at->translated, digest) != LLM_OK) {
        return NGX_ERROR;
    }

    ngx_hex_dump(hex, digest, LLM_SIGV4_DIGEST);

    headers[0].name = type;
    headers[0].value = json;
    headers[1].name = host;
    headers[1].value = *ngx_http_llm_pure(&provider->host);

    s.method = post;
    s.path = *uri;
    s.payload.data = hex;
    s.payload.len = sizeof(hex);
    s.headers = headers;
    s.nheaders = 2;
    s.region = *ngx_http_llm_pure(&provider->aws.region);
    s.service = service;
    s.access_key = *ngx_http_llm_pure(&provider->aws.access_key);
    s.secret_key = *ngx_http_llm_pure(&provider->aws.secret_key);
    s.session_token = *ngx_http_llm_pure(&provider->aws.session_token);
    s.time = ngx_time();

    q = ngx_strlchr(uri->data, uri->data + uri->len, '?');

    if (q) {
        s.path.len = q - uri->data;
        s.args.data = q + 1;
        s.args.len = uri->data + uri->len - q - 1;
    }

    return llm_sigv4_sign(&at->ctx->arena, &s, &crypto, b) == LLM_OK
           ? NGX_OK : NGX_ERROR;
}


static int
ngx_http_llm_authorize_hash(void *data, const llm_str_t *text,
    unsigned char *digest)
{
    return EVP_Digest(text->data, text->len, digest, NULL, EVP_sha256(), NULL)
           == 1 ? LLM_OK : LLM_INVALID;
}


static int
ngx_http_llm_authorize_hmac(void *data, const llm_str_t *key,
    const llm_str_t *text, unsigned char *digest)
{
    unsigned  len;

    return HMAC(EVP_sha256(), key->data, (int) key->len, text->data,
                text->len, digest, &len)
           ? LLM_OK : LLM_INVALID;
}


ngx_int_t
ngx_http_llm_authorize_init(ngx_cycle_t *cycle, ngx_http_llm_main_conf_t *lmcf)
{
    ngx_uint_t                  i;
    ngx_http_llm_provider_t   **provider;

    if (ngx_http_llm_bearer_init(cycle, lmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_llm_tokens = ngx_pcalloc(cycle->pool, lmcf->providers.nelts
                                      * sizeof(ngx_http_llm_token_t *));
    if (ngx_http_llm_tokens == NULL) {
        return NGX_ERROR;
    }

    provider = lmcf->providers.elts;

    for (i = 0; i < lmcf->providers.nelts; i++) {

        if (provider[i]->credential == NGX_HTTP_LLM_CREDENTIAL_GOOGLE
            && ngx_http_llm_token_create(cycle, provider[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_token_create(ngx_cycle_t *cycle,
    ngx_http_llm_provider_t *provider)
{
    ngx_http_llm_token_t   *token;
    ngx_http_llm_google_t  *google;

    google = &provider->google;

    token = ngx_pcalloc(cycle->pool, sizeof(ngx_http_llm_token_t));
    if (token == NULL) {
        return NGX_ERROR;
    }

    ngx_http_llm_tokens[provider->index] = token;

    token->provider = provider;
    ngx_queue_init(&token->waiting);

    token->fetch = ngx_llm_fetch_create(cycle->pool, cycle->log,
                                        ngx_http_llm_token_ended, token);
    if (token->fetch == NULL) {
        return NGX_ERROR;
    }

    token->conf.sockaddr = google->addr.sockaddr;
    token->conf.socklen = google->addr.socklen;
    token->conf.peer = &google->addr.name;
    token->conf.ssl = google->tls ? provider->conf.ssl : NULL;
    token->conf.server_name = google->name;
    token->conf.verify = provider->tls_verify;
    token->conf.connect_timeout = NGX_HTTP_LLM_TOKEN_TIMEOUT;
    token->conf.timeout = NGX_HTTP_LLM_TOKEN_TIMEOUT;
    token->conf.gather = 1;

    token->timer.handler = ngx_http_llm_token_timer;
    token->timer.data = token;
    token->timer.log = cycle->log;
    token->timer.cancelable = 1;

    ngx_http_llm_token_fetch(token);

    return NGX_OK;
}


static void
ngx_http_llm_token_timer(ngx_event_t *ev)
{
    ngx_http_llm_token_fetch(ev->data);
}


static void
ngx_http_llm_token_fetch(ngx_http_llm_token_t *token)
{
    ngx_str_t  none;

    /* a worker that exits asks for those alone that wait */

    if (ngx_llm_fetch_busy(token->fetch)
        || (ngx_exiting && ngx_queue_empty(&token->waiting)))
    {
        return;
    }

    if (token->pool) {
        ngx_destroy_pool(token->pool);
    }

    token->pool = ngx_create_pool(4096, ngx_cycle->log);

    if (token->pool == NULL
        || ngx_http_llm_token_question(token) != NGX_OK
        || ngx_llm_fetch_start(token->fetch, &token->conf) != NGX_OK)
    {
        ngx_str_null(&none);
        ngx_http_llm_token_ended(token, 0, &none, "it could not be asked");
    }
}


/* RFC 7523: the assertion is the grant */

static ngx_int_t
ngx_http_llm_token_question(ngx_http_llm_token_t *token)
{
    size_t                  len;
    u_char                 *p;
    ngx_str_t               jwt;
    ngx_http_llm_google_t  *google;

    static const char  grant[] =
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
        "&assertion=";

    google = &token->provider->google;

    if (ngx_http_llm_token_assertion(token, &jwt) != NGX_OK) {
        return NGX_ERROR;
    }

    len = google->path.len + google->host.len + jwt.len + sizeof(grant) + 256;

    p = ngx_pnalloc(token->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    token->conf.request.data = p;
    token->conf.request.len =
        ngx_snprintf(p, len,
                     "POST %V HTTP/1.0" CRLF
                     "Host: %V" CRLF
                     "Content-Type: application/x-www-form-urlencoded" CRLF
                     "Content-Length: %uz" CRLF
                     "Connection: close" CRLF CRLF
                     "%s%V",
                     &google->path, &google->host,
                     sizeof(grant) - 1 + jwt.len, grant, &jwt)
        - p;

    return NGX_OK;
}


/* RFC 7519, signed by RS256: header.claims.signature */

static ngx_int_t
ngx_http_llm_token_assertion(ngx_http_llm_token_t *token, ngx_str_t *text)
{
    llm_buf_t               b;
    llm_arena_t            *arena;
    ngx_str_t               claims, sign, part;
    ngx_http_llm_google_t  *google;

    /* {"alg":"RS256","typ":"JWT"} */
    static const char  head[] = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.";

    google = &token->provider->google;

    arena = llm_arena_create(65536);
    if (arena == NULL) {
        return NGX_ERROR;
    }

    llm_buf_init(&b, arena);

    llm_buf_puts(&b, "{\"iss\":");
    llm_buf_json(&b, google->email.data, google->email.len);
    llm_buf_puts(&b, ",\"scope\":");
    llm_buf_json(&b, google->scope.data, google->scope.len);
    llm_buf_puts(&b, ",\"aud\":");
    llm_buf_json(&b, google->uri.data, google->uri.len);
    llm_buf_puts(&b, ",\"iat\":");
    llm_buf_int(&b, ngx_time());
    llm_buf_puts(&b, ",\"exp\":");
    llm_buf_int(&b, ngx_time() + NGX_HTTP_LLM_TOKEN_LIFE);
    llm_buf_puts(&b, "}");

    claims.data = b.data;
    claims.len = b.len;

    text->data = b.failed ? NULL
                          : ngx_pnalloc(token->pool, sizeof(head) - 1
                                + ngx_base64_encoded_length(claims.len) + 1
                                + ngx_base64_encoded_length(1024));

    if (text->data == NULL) {
        llm_arena_free(arena);
        return NGX_ERROR;
    }

    ngx_memcpy(text->data, head, sizeof(head) - 1);
    text->len = sizeof(head) - 1;

    part.data = text->data + text->len;
    ngx_encode_base64url(&part, &claims);
    text->len += part.len;

    llm_arena_free(arena);

    if (ngx_http_llm_token_sign(google->key, token->pool, text, &sign)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    text->data[text->len++] = '.';

    part.data = text->data + text->len;
    ngx_encode_base64url(&part, &sign);
    text->len += part.len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_llm_token_sign(EVP_PKEY *key, ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *sign)
{
    int          ok;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NGX_ERROR;
    }

    sign->len = 1024;
    sign->data = ngx_pnalloc(pool, sign->len);

    ok = sign->data
         && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1
         && EVP_DigestSign(md, sign->data, &sign->len, text->data, text->len)
            == 1;

    EVP_MD_CTX_free(md);

    if (!ok) {
        ngx_ssl_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "the key of a service account cannot sign");
    }

    return ok ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_llm_token_ended(void *data, ngx_uint_t status, ngx_str_t *body,
    const char *reason)
{
    ngx_http_llm_token_t *token = data;

    ngx_uint_t   ok;
    ngx_msec_t   next;

    ok = (status == NGX_HTTP_OK
          && ngx_http_llm_token_read(token, body) == NGX_OK);

    if (ok) {
        next = (ngx_msec_t) (token->expires - ngx_time()) * 1000;
        next -= next / NGX_HTTP_LLM_TOKEN_RENEW;

    } else {
        next = NGX_HTTP_LLM_TOKEN_RETRY;

        /* never what it said: it may quote the assertion */

        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "no access token for llm provider \"%V\" from \"%V\": "
                      "%s, status %ui", &token->provider->name,
                      &token->provider->google.uri,
                      reason ? reason : "its answer has none", status);
    }

    ngx_add_timer(&token->timer, ngx_max(next, 1000));

    /* a token that is still good serves on, whatever the renewal said */

    ngx_http_llm_token_wake(token, ok || token->expires > ngx_time());
}


/* {"access_token": "...", "expires_in": 3599, "token_type": "Bearer"} */

static ngx_int_t
ngx_http_llm_token_read(ngx_http_llm_token_t *token, ngx_str_t *body)
{
    int                 rc;
    u_char             *p;
    int64_t             seconds;
    llm_str_t           text;
    llm_scan_t         *scan;
    llm_arena_t        *arena;
    const llm_found_t  *found;

    static const llm_pick_t  picks[] = {
        { "access_token", LLM_PICK_ROOT, LLM_PICK_RAW, NGX_HTTP_LLM_TOKEN_MAX },
        { "expires_in",   LLM_PICK_ROOT, LLM_PICK_RAW, 32 }
    };

    static const char  prefix[] = "Authorization: Bearer ";

    arena = llm_arena_create(256 * 1024);
    if (arena == NULL) {
        return NGX_ERROR;
    }

    rc = LLM_INVALID;
    seconds = 0;
    text.len = 0;

    scan = llm_scan_create(arena, picks, 2, LLM_SCAN_MEMBERS);

    if (scan
        && llm_scan_feed(scan, body->data, body->len) == LLM_OK
        && llm_scan_end(scan) == LLM_OK)
    {
        found = llm_scan_found(scan, 0);

        if (found->raw.len) {
            rc = llm_json_string(arena, &found->raw, &text);
        }

        found = llm_scan_found(scan, 1);

        if (found->raw.len == 0
            || llm_json_int(&found->raw, &seconds) != LLM_OK
            || seconds <= 0)
        {
            seconds = NGX_HTTP_LLM_TOKEN_LIFE;
        }
    }

    if (rc != LLM_OK
        || ngx_http_llm_bearer_check(ngx_http_llm_str(&text)) != NGX_OK
        || sizeof(prefix) - 1 + text.len + 2 > NGX_HTTP_LLM_TOKEN_MAX)
    {
        llm_arena_free(arena);
        return NGX_ERROR;
    }

    p = ngx_cpymem(token->header, prefix, sizeof(prefix) - 1);
    p = ngx_cpymem(p, text.data, text.len);
    *p++ = CR;
    *p++ = LF;

    token->len = p - token->header;
    token->expires = ngx_time() + (time_t) ngx_min(seconds, 86400);

    llm_arena_free(arena);

    return NGX_OK;
}


ngx_int_t
ngx_http_llm_authorize_wait(ngx_http_llm_attempt_t *at)
{
    ngx_pool_cleanup_t       *cln;
    ngx_http_llm_token_t     *token;
    ngx_http_llm_provider_t  *provider;

    provider = at->route->provider;

    if (provider->credential != NGX_HTTP_LLM_CREDENTIAL_GOOGLE) {
        return NGX_OK;
    }

    token = ngx_http_llm_tokens[provider->index];

    if (token->expires > ngx_time()) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(at->request->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_llm_token_forget;
    cln->data = at;

    ngx_queue_insert_tail(&token->waiting, &at->token);
    at->tokenless = 1;

    /* not from here: what fails at once would end this request */

    ngx_post_event(&token->timer, &ngx_posted_events);

    return NGX_AGAIN;
}


void
ngx_http_llm_authorize_overdue(ngx_http_llm_attempt_t *at)
{
    ngx_http_llm_token_forget(at);

    at->overdue = 1;
    at->failure = LLM_FAILURE_TIMEOUT;
    at->error = "no access token came in time";

    ngx_http_finalize_request(at->request, NGX_HTTP_GATEWAY_TIME_OUT);
}


static void
ngx_http_llm_token_forget(void *data)
{
    ngx_http_llm_attempt_t *at = data;

    if (at->tokenless) {
        at->tokenless = 0;
        ngx_queue_remove(&at->token);
    }
}


static void
ngx_http_llm_token_wake(ngx_http_llm_token_t *token, ngx_uint_t ok)
{
    ngx_queue_t              list, *q;
    ngx_connection_t        *c;
    ngx_http_request_t      *r;
    ngx_http_llm_attempt_t  *at;

    if (ngx_queue_empty(&token->waiting)) {
        return;
    }

    /* one that is woken may wait again */

    ngx_queue_init(&list);
    ngx_queue_add(&list, &token->waiting);
    ngx_queue_init(&token->waiting);

    while (!ngx_queue_empty(&list)) {

        q = ngx_queue_head(&list);
        ngx_queue_remove(q);

        at = ngx_queue_data(q, ngx_http_llm_attempt_t, token);
        at->tokenless = 0;

        r = at->request;
        c = r->connection;

        ngx_http_set_log_request(c->log, r);

        if (ok) {
            ngx_http_upstream_init(r);

        } else {
            at->failure = LLM_FAILURE_AUTH;
            at->error = "no access token could be fetched for it";
            ngx_http_finalize_request(r, NGX_HTTP_BAD_GATEWAY);
        }

        ngx_http_run_posted_requests(c);
    }
}
