
/*
 * "llm_redis URL ...": where hosts keep the counters that they share.
 */


#include "ngx_http_llm_redis_conf.h"
#include "ngx_http_llm_block.h"
#include "ngx_http_llm_lookup.h"
#include "ngx_http_llm_provider.h"


#define NGX_HTTP_LLM_REDIS_TIMEOUT   50       /* milliseconds */
#define NGX_HTTP_LLM_REDIS_LEASE     60000
#define NGX_HTTP_LLM_REDIS_PORT      6379
#define NGX_HTTP_LLM_SENTINEL_PORT   26379


/* what the words said before all of them are known */

typedef struct {
    ngx_http_llm_redis_t      *redis;
    ngx_str_t                  url;
    ngx_str_t                  hosts;         /* "a:1,b:2", "unix:/path" */
    ngx_str_t                  tls_ca;
    ngx_flag_t                 tls_verify;
    ngx_flag_t                 cluster;
    ngx_int_t                  db;
    ngx_int_t                  timeout;
    ngx_int_t                  lease;
    ngx_int_t                  on_error;
    ngx_uint_t                 tls;
} ngx_http_llm_redis_words_t;


typedef struct ngx_http_llm_redis_param_s  ngx_http_llm_redis_param_t;

struct ngx_http_llm_redis_param_s {
    ngx_str_t                  name;
    char                    *(*set)(ngx_conf_t *cf,
                                    ngx_http_llm_redis_param_t *param,
                                    ngx_str_t *word, ngx_str_t *value,
                                    ngx_http_llm_redis_words_t *w);
    size_t                     offset;
};


static char *ngx_http_llm_redis_param(ngx_conf_t *cf, ngx_str_t *word,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_url(ngx_conf_t *cf,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_user(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_llm_redis_words_t *w);
static ngx_int_t ngx_http_llm_redis_unescape(ngx_conf_t *cf, ngx_str_t *text);
static char *ngx_http_llm_redis_finish(ngx_conf_t *cf,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_hosts(ngx_conf_t *cf,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_host(ngx_conf_t *cf, ngx_str_t *host,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_tls(ngx_conf_t *cf,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_set_time(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_set_flag(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_set_db(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_set_on_error(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_set_str(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_set_password(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_set_prefix(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w);
static char *ngx_http_llm_redis_set_ca(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w);


#define NGX_HTTP_LLM_REDIS_CONF  offsetof(ngx_http_llm_redis_t, conf)

static ngx_http_llm_redis_param_t  ngx_http_llm_redis_params[] = {

    { ngx_string("timeout"), ngx_http_llm_redis_set_time,
      offsetof(ngx_http_llm_redis_words_t, timeout) },

    { ngx_string("lease"), ngx_http_llm_redis_set_time,
      offsetof(ngx_http_llm_redis_words_t, lease) },

    { ngx_string("on_error"), ngx_http_llm_redis_set_on_error, 0 },

    { ngx_string("db"), ngx_http_llm_redis_set_db, 0 },

    { ngx_string("user"), ngx_http_llm_redis_set_str,
      NGX_HTTP_LLM_REDIS_CONF + offsetof(ngx_llm_redis_conf_t, user) },

    { ngx_string("password"), ngx_http_llm_redis_set_password, 0 },

    { ngx_string("prefix"), ngx_http_llm_redis_set_prefix, 0 },

    { ngx_string("cluster"), ngx_http_llm_redis_set_flag,
      offsetof(ngx_http_llm_redis_words_t, cluster) },

    { ngx_string("sentinel"), ngx_http_llm_redis_set_str,
      NGX_HTTP_LLM_REDIS_CONF + offsetof(ngx_llm_redis_conf_t, sentinel) },

    { ngx_string("tls_verify"), ngx_http_llm_redis_set_flag,
      offsetof(ngx_http_llm_redis_words_t, tls_verify) },

    { ngx_string("tls_ca"), ngx_http_llm_redis_set_ca, 0 },

    { ngx_string("tls_name"), ngx_http_llm_redis_set_str,
      NGX_HTTP_LLM_REDIS_CONF + offsetof(ngx_llm_redis_conf_t, tls_name) },

    { ngx_null_string, NULL, 0 }
};


const ngx_str_t  ngx_http_llm_on_errors[] = {
    ngx_string("local"),
    ngx_string("open"),
    ngx_string("closed")
};


char *
ngx_http_llm_redis_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_llm_main_conf_t *lmcf = conf;

    ngx_str_t                   *value;
    ngx_uint_t                   i;
    ngx_http_llm_lookup_t       *lookup;
    ngx_http_llm_redis_words_t   w;

    if (lmcf->redis) {
        return "is duplicate";
    }

    lookup = lmcf->lookup;
    lookup->used = 1;

    ngx_memzero(&w, sizeof(ngx_http_llm_redis_words_t));

    w.redis = ngx_pcalloc(cf->pool, sizeof(ngx_http_llm_redis_t));
    if (w.redis == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_array_init(&w.redis->conf.addrs, cf->pool, 4, sizeof(ngx_addr_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    w.tls_verify = NGX_CONF_UNSET;
    w.cluster = NGX_CONF_UNSET;
    w.db = NGX_CONF_UNSET;
    w.timeout = NGX_CONF_UNSET;
    w.lease = NGX_CONF_UNSET;
    w.on_error = NGX_CONF_UNSET;

    value = cf->args->elts;
    w.url = value[1];

    if (ngx_http_llm_redis_url(cf, &w) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        if (ngx_http_llm_redis_param(cf, &value[i], &w) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    lmcf->redis = w.redis;

    return ngx_http_llm_redis_finish(cf, &w);
}


static char *
ngx_http_llm_redis_param(ngx_conf_t *cf, ngx_str_t *word,
    ngx_http_llm_redis_words_t *w)
{
    char                        *rv;
    ngx_str_t                    name, value;
    ngx_http_llm_redis_param_t  *param;

    ngx_str_null(&name);

    if (ngx_http_llm_block_pair(word, &name, &value) == NGX_OK) {

        for (param = ngx_http_llm_redis_params; param->name.len; param++) {

            if (param->name.len != name.len
                || ngx_strncmp(param->name.data, name.data, name.len) != 0)
            {
                continue;
            }

            rv = param->set(cf, param, word, &value, w);

            if (rv == NGX_CONF_OK || rv == NGX_CONF_ERROR) {
                return rv;
            }

            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "parameter \"%V=\" of \"llm_redis\" %s",
                               &name, rv);
            return NGX_CONF_ERROR;
        }
    }

    /* a word without '=' may be a password that a space got into */

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "unknown parameter \"%V\" in \"llm_redis\" directive, "
                       "it must be \"timeout=\", \"on_error=\", \"db=\", "
                       "\"user=\", \"password=\", \"prefix=\", \"lease=\", "
                       "\"cluster=\", \"sentinel=\", \"tls_verify=\", "
                       "\"tls_ca=\" or \"tls_name=\"", &name);

    return NGX_CONF_ERROR;
}


/*
 * "unix:/path", or "redis[s]://[[user]:password@]host[:port],.../db".  The
 * word is not repeated in messages: it may hold a password.
 */

static char *
ngx_http_llm_redis_url(ngx_conf_t *cf, ngx_http_llm_redis_words_t *w)
{
    u_char     *p, *at, *last;
    ngx_str_t   user;

    p = w->url.data;
    last = p + w->url.len;

    if (ngx_strncmp(p, "unix:", 5) == 0) {
        w->hosts = w->url;
        return NGX_CONF_OK;
    }

    if (ngx_strncmp(p, "redis://", 8) == 0) {
        p += 8;

    } else if (ngx_strncmp(p, "rediss://", 9) == 0) {
        p += 9;
        w->tls = 1;

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid address in \"llm_redis\" directive, it "
                           "must be \"redis://host:port/db\", "
                           "\"rediss://host:port/db\" or \"unix:/path\"");
        return NGX_CONF_ERROR;
    }

    /* the last one: passwords come from files, too */

    for (at = last - 1; at >= p && *at != '@'; at--) {
        /* void */
    }

    if (at >= p) {
        user.data = p;
        user.len = at - p;
        p = at + 1;

        if (ngx_http_llm_redis_user(cf, &user, w) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    w->hosts.data = p;
    at = ngx_strlchr(p, last, '/');

    if (at) {
        w->hosts.len = at - p;
        at++;

        if (at < last) {
            w->db = ngx_atoi(at, last - at);

            if (w->db == NGX_ERROR || w->db > 65535) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "invalid database in the address of "
                                   "\"llm_redis\", it must be a number, like "
                                   "\"/0\"");
                return NGX_CONF_ERROR;
            }
        }

    } else {
        w->hosts.len = last - p;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_redis_user(ngx_conf_t *cf, ngx_str_t *text,
    ngx_http_llm_redis_words_t *w)
{
    u_char                *colon;
    ngx_str_t              password;
    ngx_llm_redis_conf_t  *conf;

    conf = &w->redis->conf;

    conf->user = *text;
    colon = ngx_strlchr(text->data, text->data + text->len, ':');

    if (colon) {
        conf->user.len = colon - text->data;

        password.data = colon + 1;
        password.len = text->len - conf->user.len - 1;

        if (ngx_http_llm_redis_unescape(cf, &password) != NGX_OK
            || ngx_llm_secret_resolve(cf, &password, 1, &conf->password)
               != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }
    }

    if (ngx_http_llm_redis_unescape(cf, &conf->user) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_llm_redis_unescape(ngx_conf_t *cf, ngx_str_t *text)
{
    u_char  *src, *dst, *p;

    p = ngx_pnalloc(cf->pool, text->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    src = text->data;
    dst = p;

    ngx_unescape_uri(&dst, &src, text->len, 0);
    *dst = '\0';

    text->data = p;
    text->len = dst - p;

    return NGX_OK;
}


static char *
ngx_http_llm_redis_finish(ngx_conf_t *cf, ngx_http_llm_redis_words_t *w)
{
    char                  *rv;
    ngx_http_llm_redis_t  *redis;

    redis = w->redis;

    ngx_conf_init_value(w->tls_verify, 1);
    ngx_conf_init_value(w->cluster, 0);
    ngx_conf_init_value(w->db, 0);
    ngx_conf_init_value(w->timeout, NGX_HTTP_LLM_REDIS_TIMEOUT);
    ngx_conf_init_value(w->lease, NGX_HTTP_LLM_REDIS_LEASE);
    ngx_conf_init_value(w->on_error, NGX_HTTP_LLM_ON_ERROR_LOCAL);

    if (w->cluster && redis->conf.sentinel.len) {
        return "takes \"cluster=on\" or \"sentinel=\", not both";
    }

    if (w->cluster && w->db) {
        return "takes no database with \"cluster=on\": a cluster has one";
    }

    if (redis->conf.user.len && redis->conf.password.len == 0) {
        return "names a user, but no password";
    }

    redis->conf.cluster = w->cluster;
    redis->conf.db = w->db;
    redis->conf.timeout = w->timeout;
    redis->conf.tls_verify = w->tls_verify;
    redis->lease = w->lease;
    redis->on_error = w->on_error;

    if (redis->prefix.data == NULL) {
        ngx_str_set(&redis->prefix, "llm:");
    }

    rv = ngx_http_llm_redis_hosts(cf, w);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return w->tls ? ngx_http_llm_redis_tls(cf, w) : NGX_CONF_OK;
}


static char *
ngx_http_llm_redis_hosts(ngx_conf_t *cf, ngx_http_llm_redis_words_t *w)
{
    ngx_str_t              list, host;
    ngx_uint_t             n;
    ngx_llm_redis_conf_t  *conf;

    conf = &w->redis->conf;
    list = w->hosts;

    for (n = 0; ngx_http_llm_block_item(&list, &host) == NGX_OK; n++) {

        if (ngx_http_llm_redis_host(cf, &host, w) != NGX_CONF_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (n > 1 && !conf->cluster && conf->sentinel.len == 0) {
        return "has several addresses, which needs \"cluster=on\" or "
               "\"sentinel=\"";
    }

    if (conf->addrs.nelts > NGX_LLM_REDIS_ADDRS) {
        return "has too many addresses";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_redis_host(ngx_conf_t *cf, ngx_str_t *host,
    ngx_http_llm_redis_words_t *w)
{
    ngx_url_t              u;
    ngx_uint_t             i;
    ngx_addr_t            *addr;
    ngx_llm_redis_conf_t  *conf;

    conf = &w->redis->conf;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = *host;
    u.default_port = conf->sentinel.len ? NGX_HTTP_LLM_SENTINEL_PORT
                                        : NGX_HTTP_LLM_REDIS_PORT;

    if (host->len == 0 || ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid address \"%V\" in \"llm_redis\" "
                           "directive: %s", host,
                           u.err ? u.err : "there is no host");
        return NGX_CONF_ERROR;
    }

    for (i = 0; i < u.naddrs; i++) {
        addr = ngx_array_push(&conf->addrs);
        if (addr == NULL) {
            return NGX_CONF_ERROR;
        }

        *addr = u.addrs[i];
    }

    /* a name stands for itself in certificates; several must be told */

    if (w->tls && conf->tls_name.data == NULL && u.family != AF_UNIX
        && u.host.data[0] != '['
        && ngx_inet_addr(u.host.data, u.host.len) == INADDR_NONE)
    {
        conf->tls_name = u.host;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_redis_tls(ngx_conf_t *cf, ngx_http_llm_redis_words_t *w)
{
    ngx_llm_redis_conf_t  *conf;

    conf = &w->redis->conf;

    if (w->tls_verify && conf->tls_name.len == 0) {
        return "needs \"tls_name=\", the name in the certificate of Redis, "
               "since it is given by address";
    }

    conf->ssl = ngx_http_llm_upstream_get_tls(cf, w->tls_verify, &w->tls_ca);

    if (conf->ssl == NULL) {
        return "cannot set up TLS";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_redis_set_time(ngx_conf_t *cf, ngx_http_llm_redis_param_t *param,
    ngx_str_t *word, ngx_str_t *value, ngx_http_llm_redis_words_t *w)
{
    ngx_int_t  *field;

    field = (ngx_int_t *) ((u_char *) w + param->offset);

    if (*field != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    *field = ngx_parse_time(value, 0);

    if (*field == NGX_ERROR || *field == 0) {
        return ngx_http_llm_block_invalid(cf, word,
                                      "a time above 0, like \"50ms\"");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_redis_set_flag(ngx_conf_t *cf, ngx_http_llm_redis_param_t *param,
    ngx_str_t *word, ngx_str_t *value, ngx_http_llm_redis_words_t *w)
{
    ngx_flag_t  *field;

    field = (ngx_flag_t *) ((u_char *) w + param->offset);

    if (*field != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    return ngx_http_llm_block_flag(cf, word, value, field) == NGX_OK
           ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static char *
ngx_http_llm_redis_set_db(ngx_conf_t *cf, ngx_http_llm_redis_param_t *param,
    ngx_str_t *word, ngx_str_t *value, ngx_http_llm_redis_words_t *w)
{
    if (w->db != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    w->db = ngx_atoi(value->data, value->len);

    if (w->db == NGX_ERROR || w->db > 65535) {
        return ngx_http_llm_block_invalid(cf, word, "a number, like \"0\"");
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_redis_set_on_error(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w)
{
    ngx_int_t  i;

    if (w->on_error != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    for (i = 0; i <= NGX_HTTP_LLM_ON_ERROR_CLOSED; i++) {

        if (value->len == ngx_http_llm_on_errors[i].len
            && ngx_strncmp(value->data, ngx_http_llm_on_errors[i].data,
                           value->len)
               == 0)
        {
            w->on_error = i;
            return NGX_CONF_OK;
        }
    }

    return ngx_http_llm_block_invalid(cf, word,
                                  "\"local\", \"open\" or \"closed\"");
}


static char *
ngx_http_llm_redis_set_str(ngx_conf_t *cf, ngx_http_llm_redis_param_t *param,
    ngx_str_t *word, ngx_str_t *value, ngx_http_llm_redis_words_t *w)
{
    ngx_str_t  *field;

    field = (ngx_str_t *) ((u_char *) w->redis + param->offset);

    if (field->len) {
        return "is duplicate";
    }

    if (!ngx_http_llm_block_is_name(value->data, value->len,
                                    NGX_HTTP_LLM_NAME_MAX))
    {
        return ngx_http_llm_block_invalid(cf, word, "a name");
    }

    *field = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_redis_set_password(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w)
{
    if (w->redis->conf.password.len) {
        return "is duplicate";
    }

    return ngx_llm_secret_resolve(cf, value, 1, &w->redis->conf.password)
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* braces in it would be taken for those of a hash tag */

static char *
ngx_http_llm_redis_set_prefix(ngx_conf_t *cf,
    ngx_http_llm_redis_param_t *param, ngx_str_t *word, ngx_str_t *value,
    ngx_http_llm_redis_words_t *w)
{
    u_char  *last;

    if (w->redis->prefix.data) {
        return "is duplicate";
    }

    last = value->data + value->len;

    if (!ngx_http_llm_block_is_name(value->data, value->len,
                                    NGX_HTTP_LLM_NAME_MAX)
        || ngx_strlchr(value->data, last, '{')
        || ngx_strlchr(value->data, last, '}'))
    {
        return ngx_http_llm_block_invalid(cf, word,
                                      "a name without braces, like \"llm:\"");
    }

    w->redis->prefix = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_llm_redis_set_ca(ngx_conf_t *cf, ngx_http_llm_redis_param_t *param,
    ngx_str_t *word, ngx_str_t *value, ngx_http_llm_redis_words_t *w)
{
    if (w->tls_ca.data) {
        return "is duplicate";
    }

    w->tls_ca = *value;

    return ngx_http_llm_upstream_check_ca(cf, &w->tls_ca);
}
