
/*
 * Usage and cost of attempts, told, estimated and foreseen.
 */


#ifndef _NGX_HTTP_LLM_USAGE_H_INCLUDED_
#define _NGX_HTTP_LLM_USAGE_H_INCLUDED_


#include "ngx_http_llm_module.h"


/*
 * Usage and cost of one attempt, as it ended: usage that the provider did not
 * tell is estimated here, from text_bytes, items and the request.  May be
 * called again after a repeat on a fresh connection.
 */
void ngx_http_llm_account_attempt(ngx_http_llm_attempt_t *at);
/* whether the operation takes text and makes text */
ngx_uint_t ngx_http_llm_usage_speaks(const llm_op_t *op);
/*
 * Usage where none was told: of texts these numbers of tokens, of pictures
 * items (0: as many as were asked for).  NGX_DECLINED: nothing is known.
 */
ngx_int_t ngx_http_llm_usage_guess(ngx_http_llm_ctx_t *ctx, int64_t input,
    int64_t output, int64_t items, llm_usage_t *u);
/* the most that a usage may cost on a route, whatever part of it is cached or
   reasoning, nano-dollars; NGX_DECLINED: its price is unknown */
ngx_int_t ngx_http_llm_usage_bound(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand, const llm_usage_t *usage, int64_t *cost);
/*
 * The price of a route by what the configuration, and the catalogue, say of
 * its upstream model; captures of an alias are in cand->upstream_model by now.
 * NULL: unknown.
 */
const llm_price_t *ngx_http_llm_usage_listed(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);
/* the longest answer of the route's model in tokens, by its "max_tokens", else
   by the catalogue; -1: unknown */
int64_t ngx_http_llm_usage_ceiling(ngx_http_llm_ctx_t *ctx,
    ngx_http_llm_candidate_t *cand);
/*
 * Usage and cost of an attempt whose answer still comes, with so many tokens
 * of text by now.  The cost is 0 where the price is unknown.
 */
void ngx_http_llm_usage_so_far(ngx_http_llm_attempt_t *at,
    llm_answer_t *reader, int64_t tokens, llm_usage_t *usage, int64_t *cost);


#endif /* _NGX_HTTP_LLM_USAGE_H_INCLUDED_ */
