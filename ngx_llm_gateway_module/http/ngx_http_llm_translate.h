
/*
 * Providers that speak another protocol than the client, and credentials that
 * are made for a request.
 */


#ifndef _NGX_HTTP_LLM_TRANSLATE_H_INCLUDED_
#define _NGX_HTTP_LLM_TRANSLATE_H_INCLUDED_


#include "ngx_http_llm_module.h"


/* _translate.c */

/*
 * The operation by which the candidate's provider serves this request, or NULL
 * if there is none; cand->translate and cand->convert tell what is to be done
 * with request and answer.
 */
const llm_op_t *ngx_http_llm_translate_op(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);

/*
 * Translates the request for an attempt: at->translate or at->convert, and
 * at->translated.  NGX_OK, also where nothing is to be translated;
 * NGX_DECLINED: this route cannot take it, ctx->untranslatable tells why;
 * NGX_ERROR.
 */
ngx_int_t ngx_http_llm_translate_begin(ngx_http_llm_attempt_t *at);

/* what of an attempt, or of a candidate, comes from neither form nor request;
   NGX_OK or NGX_ERROR */
ngx_int_t ngx_http_llm_translate_conf(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, llm_to_t **to,
    llm_translate_conf_t **conf);

/*
 * Whether no route of the plan can take what was asked for: the caller's own
 * error, ctx->untranslatable, which moves nothing.
 */
ngx_uint_t ngx_http_llm_translate_refuses(ngx_http_llm_ctx_t *ctx);

/* names of what was left out on the way; NGX_DECLINED: nothing */
ngx_int_t ngx_http_llm_translate_dropped(ngx_http_llm_attempt_t *at,
    ngx_str_t *value);


/* _convert.c: what is no conversation */

struct ngx_http_llm_convert_s {
    llm_convert_t             *convert;
    llm_convert_call_t         call;          /* the one under way */
    ngx_str_t                  type;          /* of the client's answer */
    unsigned                   again:1;       /* a second call is to follow */
};

/* ngx_http_llm_translate_begin() of candidates with LLM_CONVERT_CALL */
ngx_int_t ngx_http_llm_convert_begin(ngx_http_llm_attempt_t *at);
/*
 * Answers the main request where LLM_CONVERT_LOCAL says so, and finalizes it:
 * NGX_OK.  NGX_BUSY: it cannot, ctx->untranslatable tells why; else a status
 * to end it with.
 */
ngx_int_t ngx_http_llm_convert_local(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);
/* usage that the candidate is asked for though the request does not tell it;
   NGX_DECLINED: there is none */
ngx_int_t ngx_http_llm_convert_guess(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, llm_usage_t *usage);
/* the call that follows the attempt's first one; NGX_OK or NGX_ERROR */
ngx_int_t ngx_http_llm_convert_again(ngx_http_llm_attempt_t *at);
/* appends the path behind the provider's base, with its query */
ngx_int_t ngx_http_llm_convert_path(ngx_http_llm_attempt_t *at, llm_buf_t *b);


/* _bearer.c */

/* init_process: begins to watch the files of providers' tokens */
ngx_int_t ngx_http_llm_bearer_init(ngx_cycle_t *cycle,
    ngx_http_llm_main_conf_t *lmcf);
/* appends the header with the token that holds now */
void ngx_http_llm_bearer_header(ngx_http_llm_provider_t *provider,
    llm_buf_t *b);


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
/* ends one that waits: its class's deadline has passed */
void ngx_http_llm_authorize_overdue(ngx_http_llm_attempt_t *at);


#endif /* _NGX_HTTP_LLM_TRANSLATE_H_INCLUDED_ */
