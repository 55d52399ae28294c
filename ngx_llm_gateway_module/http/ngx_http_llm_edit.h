
/*
 * The parts of a body's edits that their files share.
 */


#ifndef _NGX_HTTP_LLM_EDIT_H_INCLUDED_
#define _NGX_HTTP_LLM_EDIT_H_INCLUDED_


#include "ngx_http_llm_module.h"


/* _edit.c: the whole body in one piece, read back if it went to a file */
ngx_int_t ngx_http_llm_edit_gather(ngx_http_llm_ctx_t *ctx, llm_str_t *text);


/*
 * _edit_nested.c: puts the upstream model where the body names it inside of
 * members, among the edits of whole members: what a whole member's edit covers
 * is gone with it.
 */
ngx_int_t ngx_http_llm_edit_merge(ngx_http_llm_attempt_t *at,
    llm_edit_t **edits, unsigned *n, int64_t *delta);


#endif /* _NGX_HTTP_LLM_EDIT_H_INCLUDED_ */
