
#ifndef _NGX_HTTP_LLM_CLASS_H_INCLUDED_
#define _NGX_HTTP_LLM_CLASS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_block.h"
#include "ngx_http_llm_conf.h"


/* what may stand once in a class: offsets of its directives; rungs first */

typedef enum {
    NGX_HTTP_LLM_CLASS_RETRY = 0,
    NGX_HTTP_LLM_CLASS_SWITCH,
    NGX_HTTP_LLM_CLASS_BACKUP,
    NGX_HTTP_LLM_CLASS_QUEUE,
    NGX_HTTP_LLM_CLASS_ATTEMPT,
    NGX_HTTP_LLM_CLASS_DEADLINE,
    NGX_HTTP_LLM_CLASS_BUDGET,
    NGX_HTTP_LLM_CLASS_PRICE,
    NGX_HTTP_LLM_CLASS_ORDER,
    NGX_HTTP_LLM_CLASS_LAST_RESORT
} ngx_http_llm_class_e;

/* a class while its block is read */

typedef struct {
    ngx_http_llm_class_t      *class;
    ngx_uint_t                 seen;          /* bits of the above */
} ngx_http_llm_class_block_t;


/* setter of llm_class: conf is the main configuration */
char *ngx_http_llm_class_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * The class "default" as it is where nobody declares it; llm_class "default"
 * replaces all of it.  NULL without memory.
 */
ngx_http_llm_class_t *ngx_http_llm_class_create_default(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf);

/* init_main_conf: warns of required tags that no provider has */
char *ngx_http_llm_class_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf);

/* whether the directive was there before; notes that it is */
ngx_uint_t ngx_http_llm_class_seen(ngx_http_llm_class_block_t *block,
    ngx_http_llm_directive_t *d);


/* ngx_http_llm_rung.c: setters of "retry", of "switch" and "backup", and of
   "queue" */

char *ngx_http_llm_rung_set_retry(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);
char *ngx_http_llm_rung_set_move(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);
char *ngx_http_llm_rung_set_queue(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);


#endif /* _NGX_HTTP_LLM_CLASS_H_INCLUDED_ */
