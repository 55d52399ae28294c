
#ifndef _NGX_HTTP_LLM_MODEL_H_INCLUDED_
#define _NGX_HTTP_LLM_MODEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_block.h"
#include "ngx_http_llm_conf.h"


/* a model while its block is read; the model comes first, so that the table's
   offsets are its own */

typedef struct {
    ngx_http_llm_model_t       model;
    ngx_uint_t                 regexes;       /* its aliases that are regular
                                                 expressions */
    ngx_uint_t                 captures;      /* the fewest that one of them
                                                 has */
} ngx_http_llm_model_block_t;


/* setter of llm_model: conf is the main configuration */
char *ngx_http_llm_model_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* setter of "alias" */
char *ngx_http_llm_alias_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);

/* setter of "route" */
char *ngx_http_llm_route_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);

/* the model's block is read: checks captures, sorts the routes */
char *ngx_http_llm_route_finish(ngx_conf_t *cf,
    ngx_http_llm_model_block_t *block);

/* init_main_conf: providers, tags and prices of all routes */
char *ngx_http_llm_route_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf);

/* setter of "default", "override" and "drop"; offset is the kind */
char *ngx_http_llm_member_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);


#endif /* _NGX_HTTP_LLM_MODEL_H_INCLUDED_ */
