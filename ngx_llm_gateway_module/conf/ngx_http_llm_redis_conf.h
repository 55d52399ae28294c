
#ifndef _NGX_HTTP_LLM_REDIS_CONF_H_INCLUDED_
#define _NGX_HTTP_LLM_REDIS_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_conf.h"
#include "ngx_llm_redis.h"


/* what becomes of requests while Redis is unavailable */

typedef enum {
    NGX_HTTP_LLM_ON_ERROR_LOCAL = 0,     /* this host's zone limits them */
    NGX_HTTP_LLM_ON_ERROR_OPEN,          /* they are let through, and counted
                                            in the end */
    NGX_HTTP_LLM_ON_ERROR_CLOSED         /* they are refused */
} ngx_http_llm_on_error_e;

extern const ngx_str_t  ngx_http_llm_on_errors[];    /* their words */


struct ngx_http_llm_redis_s {
    ngx_llm_redis_conf_t       conf;
    ngx_http_llm_on_error_e    on_error;
    ngx_str_t                  prefix;        /* of keys in Redis */
    ngx_msec_t                 lease;         /* of a reservation */
};


/* "llm_redis" */
char *ngx_http_llm_redis_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


#endif /* _NGX_HTTP_LLM_REDIS_CONF_H_INCLUDED_ */
