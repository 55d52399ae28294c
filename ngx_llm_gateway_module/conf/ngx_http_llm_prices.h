
#ifndef _NGX_HTTP_LLM_PRICES_H_INCLUDED_
#define _NGX_HTTP_LLM_PRICES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_conf.h"


/* setter of llm_prices, each a layer over those before: conf is the main
   configuration */
char *ngx_http_llm_prices_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_LLM_PRICES_H_INCLUDED_ */
