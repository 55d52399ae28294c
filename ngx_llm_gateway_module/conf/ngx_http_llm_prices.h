
#ifndef _NGX_HTTP_LLM_PRICES_H_INCLUDED_
#define _NGX_HTTP_LLM_PRICES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_conf.h"


/* setter of llm_prices, each a layer over those before: conf is the main
   configuration */
char *ngx_http_llm_prices_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* by which the catalogue may name the models of a provider, the likeliest
   first; returns how many */
#define NGX_HTTP_LLM_PREFIXES  3

unsigned ngx_http_llm_prices_prefixes(ngx_http_llm_provider_t *provider,
    llm_str_t *prefixes);

/* sets route->price: the catalogue's, with what the model says laid over it;
   the route's provider is known */
char *ngx_http_llm_prices_route(ngx_conf_t *cf,
    ngx_http_llm_main_conf_t *lmcf, ngx_http_llm_route_t *route);


#endif /* _NGX_HTTP_LLM_PRICES_H_INCLUDED_ */
