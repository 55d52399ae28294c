
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
    ngx_array_t                backup_classes; /* ngx_str_t: "a,b" of each
                                                 backup's "class=" */
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

/* the conversation API of that name, or LLM_DIALECT_NONE */
llm_dialect_e ngx_http_llm_route_api(ngx_str_t *name);

/* the model's block is read: checks captures, sorts the routes */
char *ngx_http_llm_route_finish(ngx_conf_t *cf,
    ngx_http_llm_model_block_t *block);

/* init_main_conf: providers, tags and prices of all routes */
char *ngx_http_llm_route_init(ngx_conf_t *cf, ngx_http_llm_main_conf_t *lmcf);

/* ngx_http_llm_contract.c */

/* setter of "contract" */
char *ngx_http_llm_contract_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);

/* the model's block is read: some route must keep each of its promises */
char *ngx_http_llm_contract_finish(ngx_conf_t *cf,
    ngx_http_llm_model_t *model);

/* the bit of a feature that requests are looked at for, or 0 */
uint32_t ngx_http_llm_contract_feature(ngx_str_t *name);

/* whether the name is among those of a contract's features */
ngx_uint_t ngx_http_llm_contract_has(ngx_array_t *names, ngx_str_t *name);


/* ngx_http_llm_backup.c */

/* setter of "backup" */
char *ngx_http_llm_backup_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);

/*
 * init_main_conf: models and classes of all backups; refuses those that do
 * not cover what the model promises, and those that lead back to it.
 */
char *ngx_http_llm_backup_init(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf);


/* setter of "default", "override" and "drop"; offset is the kind */
char *ngx_http_llm_member_set(ngx_conf_t *cf, ngx_http_llm_directive_t *d,
    void *object);


#endif /* _NGX_HTTP_LLM_MODEL_H_INCLUDED_ */
