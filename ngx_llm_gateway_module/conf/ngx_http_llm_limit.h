
#ifndef _NGX_HTTP_LLM_LIMIT_H_INCLUDED_
#define _NGX_HTTP_LLM_LIMIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_block.h"
#include "ngx_http_llm_conf.h"


/* setter of llm_limit: conf is the main configuration */
char *ngx_http_llm_limit_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* setter of "limit" in llm_key: an array of llm_limit_t at d->offset */
char *ngx_http_llm_limit_set_key(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);

/*
 * A time zone by its name, read once and kept for the life of the process,
 * since limits of keys made at run time are parsed for each request.  LLM_OK,
 * LLM_DECLINED: this system has none, LLM_LIMIT: too many of them, LLM_NOMEM.
 */
int ngx_http_llm_limit_zone(ngx_str_t *name, const llm_tz_t **tz);

/*
 * Of a limit's text in JSON, "budget=10/day shadow tz=Europe/Berlin": cuts the
 * options off.  LLM_OK, LLM_INVALID: there are others, and as above.
 */
int ngx_http_llm_limit_options(llm_str_t *text, ngx_uint_t *shadow,
    const llm_tz_t **tz);

/* init_main_conf, after keys, models and providers: who is limited by what */
char *ngx_http_llm_limit_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf);


#endif /* _NGX_HTTP_LLM_LIMIT_H_INCLUDED_ */
