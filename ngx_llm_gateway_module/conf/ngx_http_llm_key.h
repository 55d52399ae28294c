
#ifndef _NGX_HTTP_LLM_KEY_H_INCLUDED_
#define _NGX_HTTP_LLM_KEY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_block.h"
#include "ngx_http_llm_conf.h"


/* setter of llm_key: conf is the main configuration */
char *ngx_http_llm_key_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* init_main_conf: classes of keys, which are sorted by name */
char *ngx_http_llm_key_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf);

/* setter of "secret": valid through the day that until= names, UTC, or up to
   the time */
char *ngx_http_llm_secret_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);

/* the key's block is read: every secret goes into the index, once */
char *ngx_http_llm_secret_finish(ngx_conf_t *cf, ngx_http_llm_key_t *key);

/*
 * "YYYY-MM-DD" or "YYYY-MM-DDTHH:MM:SSZ", both UTC, from year 2000 on; *date
 * tells which.  NGX_ERROR: neither, or no such day.
 */
time_t ngx_http_llm_secret_time(ngx_str_t *text, ngx_uint_t *date);


#endif /* _NGX_HTTP_LLM_KEY_H_INCLUDED_ */
