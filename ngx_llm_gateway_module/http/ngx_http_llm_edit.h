
/*
 * A body as an attempt sends it, and the parts of its edits that their files
 * share.
 */


#ifndef _NGX_HTTP_LLM_EDIT_H_INCLUDED_
#define _NGX_HTTP_LLM_EDIT_H_INCLUDED_


#include "ngx_http_llm_module.h"


/* _edit.c */

/* what an attempt changes in the body, and the length that it comes to */

typedef struct {
    llm_edit_t              *list;
    unsigned                 n;
    off_t                    length;
} ngx_http_llm_edits_t;

ngx_int_t ngx_http_llm_body_edit(ngx_http_llm_attempt_t *at,
    ngx_http_llm_edits_t *edits);
/* appends the edited body; NGX_DECLINED, and nothing is added, if it is not in
   one piece of memory */
ngx_int_t ngx_http_llm_body_print(ngx_http_llm_attempt_t *at,
    ngx_http_llm_edits_t *edits, llm_buf_t *b);
/* or all of it as a chain of bufs, which point to where it is */
ngx_int_t ngx_http_llm_body_chain(ngx_http_llm_attempt_t *at,
    ngx_http_llm_edits_t *edits, ngx_chain_t **out);

/* the whole body in one piece, read back if it went to a file */
ngx_int_t ngx_http_llm_edit_gather(ngx_http_llm_ctx_t *ctx, llm_str_t *text);


/*
 * _edit_nested.c: puts the upstream model where the body names it inside of
 * members, among the edits of whole members: what a whole member's edit covers
 * is gone with it.
 */
ngx_int_t ngx_http_llm_edit_merge(ngx_http_llm_attempt_t *at,
    llm_edit_t **edits, unsigned *n, int64_t *delta);


#endif /* _NGX_HTTP_LLM_EDIT_H_INCLUDED_ */
