
/*
 * Credentials of clouds, which are no word that is sent as it is: AWS signs
 * each request, Google gives a service account a token for an hour, that of
 * others lies in a file.
 */


#include "ngx_http_llm_provider.h"
#include "ngx_http_llm_block.h"

#include <openssl/pem.h>
#include <cjson/cJSON.h>


#define NGX_HTTP_LLM_GOOGLE_SCOPE                                             \
    "https://www.googleapis.com/auth/cloud-platform"


static char *ngx_http_llm_cloud_aws(ngx_conf_t *cf,
    ngx_http_llm_provider_t *p);
static char *ngx_http_llm_cloud_google(ngx_conf_t *cf,
    ngx_http_llm_provider_t *p);
static char *ngx_http_llm_cloud_bearer(ngx_conf_t *cf,
    ngx_http_llm_provider_t *p);
static char *ngx_http_llm_cloud_account(ngx_conf_t *cf,
    ngx_http_llm_google_t *google, cJSON *json);
static char *ngx_http_llm_cloud_member(ngx_conf_t *cf, cJSON *json,
    const char *name, ngx_str_t *value);
static void ngx_http_llm_cloud_key_free(void *data);
static char *ngx_http_llm_cloud_token_uri(ngx_conf_t *cf,
    ngx_http_llm_google_t *google);
static ngx_uint_t ngx_http_llm_cloud_env(const char *name);
static char *ngx_http_llm_cloud_secret(ngx_conf_t *cf, const char *spec,
    ngx_str_t *value);
static void ngx_http_llm_cloud_region(ngx_http_llm_provider_t *p);


char *
ngx_http_llm_cloud_set_credential(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object)
{
    ngx_http_llm_provider_t *p = object;

    ngx_str_t  *value;

    if (p->credential != NGX_HTTP_LLM_CREDENTIAL_KEY) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (llm_str_is(&value[1], "aws")) {
        p->credential = NGX_HTTP_LLM_CREDENTIAL_AWS;
        return ngx_http_llm_cloud_aws(cf, p);
    }

    if (llm_str_is(&value[1], "google")) {
        p->credential = NGX_HTTP_LLM_CREDENTIAL_GOOGLE;
        return ngx_http_llm_cloud_google(cf, p);
    }

    if (llm_str_is(&value[1], "bearer")) {
        p->credential = NGX_HTTP_LLM_CREDENTIAL_BEARER;
        return ngx_http_llm_cloud_bearer(cf, p);
    }

    return ngx_http_llm_block_invalid(cf, &value[1],
                                      "\"aws\", \"google\" or \"bearer\"");
}


static char *
ngx_http_llm_cloud_bearer(ngx_conf_t *cf, ngx_http_llm_provider_t *p)
{
    ngx_str_t                   *word;
    ngx_http_llm_bearer_conf_t  *bearer;

    word = cf->args->elts;
    bearer = &p->bearer;

    if (cf->args->nelts != 3 || word[2].len <= 5
        || ngx_strncmp(word[2].data, "file:", 5) != 0)
    {
        return ngx_http_llm_block_invalid(cf,
                   &word[cf->args->nelts > 2 ? 2 : 1],
                   "\"bearer\" and the file that holds the token, "
                   "\"file:PATH\"");
    }

    bearer->path.len = word[2].len - 5;
    bearer->path.data = word[2].data + 5;

    if (ngx_conf_full_name(cf->cycle, &bearer->path, 1) != NGX_OK
        || ngx_llm_secret_resolve(cf, &word[2], 0, &bearer->token) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_llm_bearer_check(&bearer->token) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"credential\" directive holds no "
                           "token, which is printable ASCII without spaces, "
                           "at most %d bytes", &bearer->path,
                           NGX_HTTP_LLM_BEARER_MAX);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_llm_bearer_check(ngx_str_t *token)
{
    size_t  i;

    while (token->len && token->data[token->len - 1] <= ' ') {
        token->len--;
    }

    for (i = 0; i < token->len; i++) {
        if (token->data[i] <= ' ' || token->data[i] >= 0x7f) {
            return NGX_DECLINED;
        }
    }

    return token->len && token->len <= NGX_HTTP_LLM_BEARER_MAX
           ? NGX_OK : NGX_DECLINED;
}


static char *
ngx_http_llm_cloud_aws(ngx_conf_t *cf, ngx_http_llm_provider_t *p)
{
    ngx_str_t   *word, *slot, key, value;
    ngx_uint_t   i;

    word = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_llm_block_pair(&word[i], &key, &value) != NGX_OK) {
            key.len = 0;
        }

        if (llm_str_is(&key, "region")) {
            p->aws.region = value;
            continue;
        }

        slot = llm_str_is(&key, "access_key") ? &p->aws.access_key
               : llm_str_is(&key, "secret_key") ? &p->aws.secret_key
               : llm_str_is(&key, "session_token") ? &p->aws.session_token
               : NULL;

        if (slot == NULL) {
            return ngx_http_llm_block_invalid(cf, &word[i],
                       "\"region=\", \"access_key=\", \"secret_key=\" or "
                       "\"session_token=\"");
        }

        if (slot->len) {
            return "has a parameter twice";
        }

        if (ngx_llm_secret_resolve(cf, &value, 1, slot) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_cloud_google(ngx_conf_t *cf, ngx_http_llm_provider_t *p)
{
    char       *rv;
    cJSON      *json;
    ngx_str_t  *word, key, value, text;

    word = cf->args->elts;

    if (cf->args->nelts < 3 || cf->args->nelts > 4) {
        return ngx_http_llm_block_invalid(cf, &word[1],
                   "\"google\", a service account's key \"file:PATH\" or "
                   "\"env:NAME\", and perhaps \"scope=\"");
    }

    ngx_str_set(&p->google.scope, NGX_HTTP_LLM_GOOGLE_SCOPE);

    if (cf->args->nelts == 4) {

        if (ngx_http_llm_block_pair(&word[3], &key, &value) != NGX_OK
            || !llm_str_is(&key, "scope"))
        {
            return ngx_http_llm_block_invalid(cf, &word[3], "\"scope=\"");
        }

        p->google.scope = value;
    }

    if (ngx_llm_secret_resolve(cf, &word[2], 0, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    json = cJSON_ParseWithLength((char *) text.data, text.len);

    if (json == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the service account in \"credential\" directive "
                           "is no JSON");
        return NGX_CONF_ERROR;
    }

    rv = ngx_http_llm_cloud_account(cf, &p->google, json);

    cJSON_Delete(json);

    return rv;
}


static char *
ngx_http_llm_cloud_account(ngx_conf_t *cf, ngx_http_llm_google_t *google,
    cJSON *json)
{
    BIO                 *bio;
    ngx_str_t            pem;
    ngx_pool_cleanup_t  *cln;

    if (ngx_http_llm_cloud_member(cf, json, "client_email", &google->email)
        != NGX_CONF_OK
        || ngx_http_llm_cloud_member(cf, json, "token_uri", &google->uri)
           != NGX_CONF_OK
        || ngx_http_llm_cloud_member(cf, json, "private_key", &pem)
           != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    bio = BIO_new_mem_buf(pem.data, (int) pem.len);

    if (bio) {
        google->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        BIO_free(bio);
    }

    ngx_explicit_memzero(pem.data, pem.len);

    if (google->key == NULL) {
        ngx_ssl_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"private_key\" of the service account in "
                      "\"credential\" directive is no key");
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        EVP_PKEY_free(google->key);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_llm_cloud_key_free;
    cln->data = google->key;

    return ngx_http_llm_cloud_token_uri(cf, google);
}


static void
ngx_http_llm_cloud_key_free(void *data)
{
    EVP_PKEY_free(data);
}


static char *
ngx_http_llm_cloud_member(ngx_conf_t *cf, cJSON *json, const char *name,
    ngx_str_t *value)
{
    cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(json, name);

    if (!cJSON_IsString(item) || item->valuestring[0] == '\0') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"%s\" in the service account of \"credential\" "
                           "directive", name);
        return NGX_CONF_ERROR;
    }

    value->len = ngx_strlen(item->valuestring);
    value->data = ngx_pnalloc(cf->pool, value->len + 1);
    if (value->data == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(value->data, item->valuestring, value->len + 1);

    return NGX_CONF_OK;
}


/* resolved once, as names in "pass" are */

static char *
ngx_http_llm_cloud_token_uri(ngx_conf_t *cf, ngx_http_llm_google_t *google)
{
    size_t      add;
    ngx_url_t   u;

    ngx_memzero(&u, sizeof(ngx_url_t));

    if (ngx_strncmp(google->uri.data, "https://", 8) == 0) {
        add = 8;
        u.default_port = 443;
        google->tls = 1;

    } else if (ngx_strncmp(google->uri.data, "http://", 7) == 0) {
        add = 7;
        u.default_port = 80;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"token_uri\" of the service account is no URL");
        return NGX_CONF_ERROR;
    }

    u.url.len = google->uri.len - add;
    u.url.data = google->uri.data + add;
    u.uri_part = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in \"token_uri\" \"%V\" of the service account",
                           u.err ? u.err : "error", &google->uri);
        return NGX_CONF_ERROR;
    }

    google->addr = u.addrs[0];
    google->name = u.host;
    google->host = u.host;

    if (!u.no_port && u.port != u.default_port) {
        google->host.len += 1 + u.port_text.len;
    }

    google->path = u.uri;

    if (google->path.len == 0) {
        ngx_str_set(&google->path, "/");
    }

    return NGX_CONF_OK;
}


char *
ngx_http_llm_cloud_finish(ngx_conf_t *cf, ngx_http_llm_provider_t *p)
{
    if (p->credential != NGX_HTTP_LLM_CREDENTIAL_KEY && p->api_key.len) {
        return ngx_http_llm_block_error(cf, &p->place,
                          "both \"api_key\" and \"credential\" in "
                          "llm_provider \"%V\"", &p->name);
    }

    if (p->credential == NGX_HTTP_LLM_CREDENTIAL_GOOGLE
        && p->google.tls && !p->tls)
    {
        return ngx_http_llm_block_error(cf, &p->place,
                          "the token server of llm_provider \"%V\" wants "
                          "https, its \"pass\" must be https too", &p->name);
    }

    /* AWS's own names for what a machine is given */

    if (p->protocol == LLM_PROTOCOL_BEDROCK
        && p->credential == NGX_HTTP_LLM_CREDENTIAL_KEY
        && p->api_key.len == 0
        && ngx_http_llm_cloud_env("AWS_ACCESS_KEY_ID"))
    {
        p->credential = NGX_HTTP_LLM_CREDENTIAL_AWS;
    }

    if (p->credential != NGX_HTTP_LLM_CREDENTIAL_AWS) {
        return NGX_CONF_OK;
    }

    /* what is signed is a body that was written here */

    if (p->protocol != LLM_PROTOCOL_BEDROCK) {
        return ngx_http_llm_block_error(cf, &p->place,
                          "\"credential aws\" of llm_provider \"%V\" needs "
                          "\"protocol bedrock\"", &p->name);
    }

    if (p->aws.access_key.len == 0) {

        if (ngx_http_llm_cloud_secret(cf, "env:AWS_ACCESS_KEY_ID",
                                      &p->aws.access_key)
            != NGX_CONF_OK
            || ngx_http_llm_cloud_secret(cf, "env:AWS_SECRET_ACCESS_KEY",
                                         &p->aws.secret_key)
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }

        if (p->aws.session_token.len == 0
            && ngx_http_llm_cloud_env("AWS_SESSION_TOKEN")
            && ngx_http_llm_cloud_secret(cf, "env:AWS_SESSION_TOKEN",
                                         &p->aws.session_token)
               != NGX_CONF_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (p->aws.secret_key.len == 0) {
        return ngx_http_llm_block_error(cf, &p->place,
                          "no \"secret_key=\" in \"credential\" of "
                          "llm_provider \"%V\"", &p->name);
    }

    ngx_http_llm_cloud_region(p);

    if (p->aws.region.len == 0) {
        return ngx_http_llm_block_error(cf, &p->place,
                          "no \"region=\" in \"credential\" of llm_provider "
                          "\"%V\", and its host names none", &p->name);
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_llm_cloud_env(const char *name)
{
    char  *value;

    value = getenv(name);

    return value && *value;
}


static char *
ngx_http_llm_cloud_secret(ngx_conf_t *cf, const char *spec, ngx_str_t *value)
{
    ngx_str_t  text;

    text.data = (u_char *) spec;
    text.len = ngx_strlen(spec);

    return ngx_llm_secret_resolve(cf, &text, 0, value) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* "bedrock-runtime.eu-west-1.amazonaws.com" */

static void
ngx_http_llm_cloud_region(ngx_http_llm_provider_t *p)
{
    u_char  *dot, *next, *last;

    if (p->aws.region.len) {
        return;
    }

    last = p->host.data + p->host.len;
    dot = ngx_strlchr(p->host.data, last, '.');

    if (dot == NULL) {
        return;
    }

    next = ngx_strlchr(dot + 1, last, '.');

    if (next == NULL
        || last - next < (ssize_t) sizeof(".amazonaws.com") - 1
        || ngx_strncmp(next, ".amazonaws.com",
                       sizeof(".amazonaws.com") - 1)
           != 0)
    {
        return;
    }

    p->aws.region.data = dot + 1;
    p->aws.region.len = next - dot - 1;
}
