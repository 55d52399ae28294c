
/*
 * A provider as nginx's upstream sees it, and TLS towards it: verified
 * against the system's CAs unless said otherwise.
 */


#include "ngx_http_llm_provider.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_lookup.h"


#define NGX_HTTP_LLM_SEND_TIMEOUT        60000

/* holds an answer's whole head */
#define NGX_HTTP_LLM_BUFFER_SIZE         16384

#define NGX_HTTP_LLM_TLS_VERIFY_DEPTH    3


static ngx_int_t ngx_http_llm_upstream_tls(ngx_conf_t *cf,
    ngx_http_llm_provider_t *p);
static ngx_ssl_t *ngx_http_llm_upstream_create_tls(ngx_conf_t *cf,
    ngx_flag_t verify, ngx_str_t *ca);
static ngx_int_t ngx_http_llm_upstream_system_ca(ngx_conf_t *cf,
    ngx_str_t *path);
static ngx_int_t ngx_http_llm_upstream_conf(ngx_conf_t *cf,
    ngx_http_llm_provider_t *p);
static char *ngx_http_llm_upstream_same(ngx_conf_t *cf,
    ngx_http_llm_provider_t *p);


/* what providers send and is of no concern to clients */

static ngx_str_t  ngx_http_llm_hide_headers[] = {
    ngx_string("Date"),
    ngx_string("Server"),
    ngx_string("X-Pad"),
    ngx_string("X-Accel-Expires"),
    ngx_string("X-Accel-Redirect"),
    ngx_string("X-Accel-Limit-Rate"),
    ngx_string("X-Accel-Buffering"),
    ngx_string("X-Accel-Charset"),
    ngx_null_string
};


/* where Debian, Red Hat and Alpine or BSD keep their bundles */

static ngx_str_t  ngx_http_llm_upstream_bundles[] = {
    ngx_string("/etc/ssl/certs/ca-certificates.crt"),
    ngx_string("/etc/pki/tls/certs/ca-bundle.crt"),
    ngx_string("/etc/ssl/cert.pem"),
    ngx_null_string
};


char *
ngx_http_llm_upstream_finish(ngx_conf_t *cf, ngx_http_llm_provider_t *p)
{
    if (p->tls && ngx_http_llm_upstream_tls(cf, p) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_llm_upstream_conf(cf, p) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_llm_upstream_same(cf, p);
}


static ngx_int_t
ngx_http_llm_upstream_tls(ngx_conf_t *cf, ngx_http_llm_provider_t *p)
{
    p->conf.ssl = ngx_http_llm_upstream_get_tls(cf, p->tls_verify, &p->tls_ca);

    if (p->conf.ssl == NULL) {
        (void) ngx_http_llm_block_error(cf, &p->place,
                          "TLS of llm_provider \"%V\" cannot be set up",
                          &p->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_ssl_t *
ngx_http_llm_upstream_get_tls(ngx_conf_t *cf, ngx_flag_t verify,
    ngx_str_t *ca)
{
    ngx_ssl_t              *ssl;
    ngx_uint_t              i;
    ngx_http_llm_tls_t     *tls;
    ngx_http_llm_lookup_t  *lookup;

    if (verify
        && ca->data == NULL
        && ngx_http_llm_upstream_system_ca(cf, ca) != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no bundle of system CAs was found, name one by "
                           "\"tls_ca\"");
        return NULL;
    }

    lookup = ngx_http_llm_lookup_get(cf);
    tls = lookup->tls.elts;

    for (i = 0; i < lookup->tls.nelts; i++) {

        if (tls[i].verify != verify) {
            continue;
        }

        if (!verify
            || (tls[i].ca.len == ca->len
                && ngx_strncmp(tls[i].ca.data, ca->data, ca->len) == 0))
        {
            return tls[i].ssl;
        }
    }

    ssl = ngx_http_llm_upstream_create_tls(cf, verify, ca);
    if (ssl == NULL) {
        return NULL;
    }

    tls = ngx_array_push(&lookup->tls);
    if (tls == NULL) {
        return NULL;
    }

    tls->ssl = ssl;
    tls->verify = verify;
    tls->ca = *ca;

    return ssl;
}


static ngx_ssl_t *
ngx_http_llm_upstream_create_tls(ngx_conf_t *cf, ngx_flag_t verify,
    ngx_str_t *ca)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    static ngx_str_t  ciphers = ngx_string("DEFAULT");

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NULL;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NULL;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (ngx_ssl_ciphers(cf, ssl, &ciphers, 0) != NGX_OK) {
        return NULL;
    }

    if (verify
        && ngx_ssl_trusted_certificate(cf, ssl, ca,
                                       NGX_HTTP_LLM_TLS_VERIFY_DEPTH)
           != NGX_OK)
    {
        return NULL;
    }

    if (ngx_ssl_client_session_cache(cf, ssl, 1) != NGX_OK) {
        return NULL;
    }

    return ssl;
}


static ngx_int_t
ngx_http_llm_upstream_system_ca(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_str_t        *bundle;
    ngx_file_info_t   fi;

    for (bundle = ngx_http_llm_upstream_bundles; bundle->len; bundle++) {

        if (ngx_file_info(bundle->data, &fi) != NGX_FILE_ERROR
            && ngx_is_file(&fi))
        {
            *path = *bundle;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_llm_upstream_conf(ngx_conf_t *cf, ngx_http_llm_provider_t *p)
{
    ngx_hash_init_t            hash;
    ngx_http_llm_lookup_t     *lookup;
    ngx_http_complex_value_t  *name;
    ngx_http_upstream_conf_t  *conf;

    lookup = ngx_http_llm_lookup_get(cf);
    conf = &p->conf;

    conf->upstream = p->upstream;

    conf->connect_timeout = p->connect_timeout;
    conf->send_timeout = NGX_HTTP_LLM_SEND_TIMEOUT;
    conf->read_timeout = p->first_byte_timeout;

    conf->buffer_size = NGX_HTTP_LLM_BUFFER_SIZE;

    /*
     * nginx itself moves to another server of the block only while nothing
     * was sent; all else is for the failover of the gateway
     */

    conf->next_upstream = NGX_HTTP_UPSTREAM_FT_ERROR;

    conf->ignore_headers = NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT
                           |NGX_HTTP_UPSTREAM_IGN_XA_EXPIRES
                           |NGX_HTTP_UPSTREAM_IGN_EXPIRES
                           |NGX_HTTP_UPSTREAM_IGN_CACHE_CONTROL
                           |NGX_HTTP_UPSTREAM_IGN_SET_COOKIE
                           |NGX_HTTP_UPSTREAM_IGN_XA_LIMIT_RATE
                           |NGX_HTTP_UPSTREAM_IGN_XA_BUFFERING
                           |NGX_HTTP_UPSTREAM_IGN_XA_CHARSET
                           |NGX_HTTP_UPSTREAM_IGN_VARY;

    if (p->tls) {
        name = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
        if (name == NULL) {
            return NGX_ERROR;
        }

        /* without it nginx would ask for the name of the upstream block */

        name->value = p->tls_name;
        conf->ssl_name = name;
    }

    conf->ssl_session_reuse = 1;
    conf->ssl_server_name = 1;
    conf->ssl_verify = p->tls_verify;

    ngx_str_set(&conf->module, "llm");

    conf->hide_headers = NGX_CONF_UNSET_PTR;
    conf->pass_headers = NGX_CONF_UNSET_PTR;

    hash.max_size = 512;
    hash.bucket_size = ngx_align(64, ngx_cacheline_size);
    hash.name = "llm_hide_headers_hash";

    if (ngx_http_upstream_hide_headers_hash(cf, conf, &lookup->hidden,
                                            ngx_http_llm_hide_headers, &hash)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p->conf_body = p->conf;
    p->conf_body.read_timeout = p->idle_timeout;

    return NGX_OK;
}


/*
 * nginx keeps connections, and TLS sessions, by upstream block and address:
 * what one provider has verified another one would use unverified.  So all
 * providers of one block must ask for the same.
 */

static char *
ngx_http_llm_upstream_same(ngx_conf_t *cf, ngx_http_llm_provider_t *p)
{
    char                     *what;
    ngx_http_llm_lookup_t    *lookup;
    ngx_http_llm_provider_t  *other;

    lookup = ngx_http_llm_lookup_get(cf);

    other = ngx_http_llm_lookup_find(&lookup->upstreams,
                                     (u_char *) &p->upstream,
                                     sizeof(ngx_http_upstream_srv_conf_t *));

    if (other == NULL) {
        if (ngx_http_llm_lookup_add(cf, &lookup->upstreams,
                                    (u_char *) &p->upstream,
                                    sizeof(ngx_http_upstream_srv_conf_t *), p)
            != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (p->tls != other->tls) {
        what = "scheme";

    } else if (!p->tls) {
        return NGX_CONF_OK;

    } else if (p->tls_name.len != other->tls_name.len
               || ngx_strncasecmp(p->tls_name.data, other->tls_name.data,
                                  p->tls_name.len)
                  != 0)
    {
        what = "TLS name (\"host\")";

    } else if (p->tls_verify != other->tls_verify) {
        what = "\"tls_verify\"";

    } else if (p->tls_verify
               && (p->tls_ca.len != other->tls_ca.len
                   || ngx_strncmp(p->tls_ca.data, other->tls_ca.data,
                                  p->tls_ca.len)
                      != 0))
    {
        what = "\"tls_ca\"";

    } else {
        return NGX_CONF_OK;
    }

    return ngx_http_llm_block_error(cf, &p->place,
                          "llm_provider \"%V\" and llm_provider \"%V\" in "
                          "%s:%ui share upstream \"%V\" but differ in %s, "
                          "use an upstream block for each", &p->name,
                          &other->name, other->place.file, other->place.line,
                          &p->upstream->host, what);
}


char *
ngx_http_llm_upstream_check_ca(ngx_conf_t *cf, ngx_str_t *path)
{
    ngx_fd_t  fd;

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", path);
        return NGX_CONF_ERROR;
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", path);
    }

    return NGX_CONF_OK;
}
