
/*
 * Providers that speak another protocol than the client, and credentials that
 * are made for a request.
 */


#ifndef _NGX_HTTP_LLM_TRANSLATE_H_INCLUDED_
#define _NGX_HTTP_LLM_TRANSLATE_H_INCLUDED_


#include "ngx_http_llm_module.h"


/* _translate.c */

/*
 * The operation by which the route's provider serves this request, or NULL if
 * there is none; *translate tells whether request and answer are to be
 * translated.
 */
const llm_op_t *ngx_http_llm_translate_op(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_route_t *route, ngx_uint_t *translate);

/*
 * Translates the request for an attempt: at->translate and at->translated.
 * NGX_OK, also where nothing is to be translated; NGX_DECLINED: this route
 * cannot take it, ctx->untranslatable tells why; NGX_ERROR.
 */
ngx_int_t ngx_http_llm_translate_begin(ngx_http_llm_attempt_t *at);

/*
 * Whether no route of the plan can take what was asked for: the caller's own
 * error, ctx->untranslatable, which moves nothing.
 */
ngx_uint_t ngx_http_llm_translate_refuses(ngx_http_llm_ctx_t *ctx);

/* names of what was left out on the way; NGX_DECLINED: nothing */
ngx_int_t ngx_http_llm_translate_dropped(ngx_http_llm_attempt_t *at,
    ngx_str_t *value);


/* _authorize.c */

/* init_process: starts to fetch the tokens of providers that want them */
ngx_int_t ngx_http_llm_authorize_init(ngx_cycle_t *cycle,
    ngx_http_llm_main_conf_t *lmcf);
/* appends the headers of a credential that is made for each request */
ngx_int_t ngx_http_llm_authorize_headers(ngx_http_llm_attempt_t *at,
    llm_str_t *uri, llm_buf_t *b);
/*
 * NGX_OK: the attempt may start; NGX_AGAIN: its upstream is started, or the
 * attempt ended, when a token is there; NGX_ERROR.
 */
ngx_int_t ngx_http_llm_authorize_wait(ngx_http_llm_attempt_t *at);


#endif /* _NGX_HTTP_LLM_TRANSLATE_H_INCLUDED_ */
