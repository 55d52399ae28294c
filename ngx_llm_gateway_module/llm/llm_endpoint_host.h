
/*
 * Paths of operations that only providers have; for llm_endpoint.c.
 */


#ifndef _LLM_ENDPOINT_HOST_H_INCLUDED_
#define _LLM_ENDPOINT_HOST_H_INCLUDED_


#include "llm_endpoint.h"


/* as llm_endpoint_path(), of LLM_OP_UPSTREAM with the model in the path */
int llm_endpoint_host_path(const llm_op_t *op, const llm_str_t *model,
    llm_buf_t *out);

/* appends s percent-encoded; nested: but for slashes and colons */
void llm_endpoint_escape(const llm_str_t *s, unsigned nested, llm_buf_t *out);


#endif /* _LLM_ENDPOINT_HOST_H_INCLUDED_ */
