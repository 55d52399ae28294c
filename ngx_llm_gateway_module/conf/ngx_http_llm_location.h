
#ifndef _NGX_HTTP_LLM_LOCATION_H_INCLUDED_
#define _NGX_HTTP_LLM_LOCATION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_conf.h"


/* setter of llm_route: conf is the location's configuration */
char *ngx_http_llm_location_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* setter of llm_admin */
char *ngx_http_llm_admin_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* init_main_conf: classes that locations name */
char *ngx_http_llm_location_init(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf);


#endif /* _NGX_HTTP_LLM_LOCATION_H_INCLUDED_ */
