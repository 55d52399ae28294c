
/*
 * One question to a provider, whether it lives: GET of its list of models,
 * over a connection of its own, in nginx's event loop.
 */


#ifndef _NGX_HTTP_LLM_PROBE_H_INCLUDED_
#define _NGX_HTTP_LLM_PROBE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_conf.h"


typedef struct ngx_http_llm_probe_s  ngx_http_llm_probe_t;


/*
 * Called once for each probe that came to an end: the status that the
 * provider answered with, or 0 and the reason why there is none.  Returns
 * whether that address will do: if not, the next probe takes the next one.
 */

typedef ngx_uint_t (*ngx_http_llm_probe_handler_pt)(void *data,
    ngx_uint_t status, ngx_str_t *reason, ngx_str_t *addr);


/*
 * Prepares probes of this provider, one at a time; NULL: no memory.  Lives as
 * long as the cycle, whose pool it takes.
 */
ngx_http_llm_probe_t *ngx_http_llm_probe_create(ngx_cycle_t *cycle,
    ngx_http_llm_provider_t *provider, ngx_http_llm_probe_handler_pt handler,
    void *data);

/*
 * Starts one, unless one is without an answer yet.  The handler may be called
 * before this returns; it is not called where the probe failed for want of
 * our own connections or memory.
 */
void ngx_http_llm_probe_start(ngx_http_llm_probe_t *probe);

/* breaks off what is under way; the handler is not called */
void ngx_http_llm_probe_stop(ngx_http_llm_probe_t *probe);


#endif /* _NGX_HTTP_LLM_PROBE_H_INCLUDED_ */
