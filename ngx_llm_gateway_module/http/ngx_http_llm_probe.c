
#include "ngx_http_llm_probe.h"
#include "ngx_http_llm_target.h"
#include "ngx_llm_fetch.h"


/* a list of models comes at once, or something is wrong; milliseconds */
#define NGX_HTTP_LLM_PROBE_TIMEOUT   10000


struct ngx_http_llm_probe_s {
    ngx_http_llm_provider_t         *provider;
    ngx_http_llm_probe_handler_pt    handler;
    void                            *data;

    ngx_llm_fetch_t                 *fetch;
    ngx_llm_fetch_conf_t             conf;

    ngx_uint_t                       next;        /* address, by number */
    ngx_http_llm_target_t            target;
};


static u_char *ngx_http_llm_probe_log_error(ngx_log_t *log, u_char *buf,
    size_t len);
static void ngx_http_llm_probe_ended(void *data, ngx_uint_t status,
    ngx_str_t *body, const char *reason);


ngx_http_llm_probe_t *
ngx_http_llm_probe_create(ngx_cycle_t *cycle,
    ngx_http_llm_provider_t *provider, ngx_http_llm_probe_handler_pt handler,
    void *data)
{
    ngx_log_t              log;
    ngx_http_llm_probe_t  *probe;

    probe = ngx_pcalloc(cycle->pool, sizeof(ngx_http_llm_probe_t));
    if (probe == NULL) {
        return NULL;
    }

    probe->provider = provider;
    probe->handler = handler;
    probe->data = data;

    log = *cycle->log;
    log.handler = ngx_http_llm_probe_log_error;
    log.data = probe;

    probe->fetch = ngx_llm_fetch_create(cycle->pool, &log,
                                        ngx_http_llm_probe_ended, probe);
    if (probe->fetch == NULL) {
        return NULL;
    }

    probe->conf.sockaddr = &probe->target.sockaddr.sockaddr;
    probe->conf.peer = &probe->target.name;
    probe->conf.ssl = provider->tls ? provider->conf.ssl : NULL;
    probe->conf.server_name = provider->tls_name;
    probe->conf.verify = provider->tls_verify;
    probe->conf.connect_timeout = ngx_min(provider->connect_timeout,
                                          NGX_HTTP_LLM_PROBE_TIMEOUT);
    probe->conf.timeout = ngx_min(provider->first_byte_timeout,
                                  NGX_HTTP_LLM_PROBE_TIMEOUT);

    if (ngx_http_llm_target_request(provider, cycle->pool,
                                    &probe->conf.request)
        != NGX_OK)
    {
        return NULL;
    }

    return probe;
}


static u_char *
ngx_http_llm_probe_log_error(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                *p;
    ngx_http_llm_probe_t  *probe;

    if (log->action) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
        buf = p;
    }

    probe = log->data;

    return ngx_snprintf(buf, len, ", llm provider: \"%V\", upstream: \"%V\"",
                        &probe->provider->name, &probe->target.name);
}


void
ngx_http_llm_probe_start(ngx_http_llm_probe_t *probe)
{
    ngx_str_t  none;

    if (ngx_llm_fetch_busy(probe->fetch)) {
        return;
    }

    if (ngx_http_llm_target_find(probe->provider->upstream, &probe->next,
                                 &probe->target)
        != NGX_OK)
    {
        ngx_str_null(&none);
        ngx_http_llm_probe_ended(probe, 0, &none, "no address to connect to");
        return;
    }

    probe->conf.socklen = probe->target.socklen;

    (void) ngx_llm_fetch_start(probe->fetch, &probe->conf);
}


static void
ngx_http_llm_probe_ended(void *data, ngx_uint_t status, ngx_str_t *body,
    const char *reason)
{
    ngx_http_llm_probe_t *probe = data;

    ngx_str_t  text;

    ngx_str_null(&text);

    if (reason) {
        text.data = (u_char *) reason;
        text.len = ngx_strlen(reason);
    }

    if (!probe->handler(probe->data, status, &text, &probe->target.name)) {
        probe->next++;
    }
}


void
ngx_http_llm_probe_stop(ngx_http_llm_probe_t *probe)
{
    ngx_llm_fetch_stop(probe->fetch);
}
