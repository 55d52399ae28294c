
/*
 * Where a probe goes, and what it asks there.
 */


#ifndef _NGX_HTTP_LLM_TARGET_H_INCLUDED_
#define _NGX_HTTP_LLM_TARGET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_llm_conf.h"


/* a copy: peers of a block with a zone may go */

typedef struct {
    ngx_sockaddr_t             sockaddr;
    socklen_t                  socklen;
    ngx_str_t                  name;          /* in text */
    u_char                     text[NGX_SOCKADDR_STRLEN];
} ngx_http_llm_target_t;


/* the request for the list of models, with the credential, as it is sent */
ngx_int_t ngx_http_llm_target_request(ngx_http_llm_provider_t *provider,
    ngx_pool_t *pool, ngx_str_t *request);

/*
 * The n-th address of the upstream that is not marked "down", backup ones
 * included; *n is set to what it is modulo their count.  NGX_DECLINED: there
 * is none.
 */
ngx_int_t ngx_http_llm_target_find(ngx_http_upstream_srv_conf_t *uscf,
    ngx_uint_t *n, ngx_http_llm_target_t *target);


#endif /* _NGX_HTTP_LLM_TARGET_H_INCLUDED_ */
