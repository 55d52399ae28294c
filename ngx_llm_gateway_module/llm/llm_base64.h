
/*
 * Base64 of media, opaque state and embeddings.
 */


#ifndef _LLM_BASE64_H_INCLUDED_
#define _LLM_BASE64_H_INCLUDED_


#include "llm_base.h"


/* appends the usual alphabet with padding */
void llm_base64_encode(llm_buf_t *out, const void *data, size_t len);

/*
 * Appends what text stands for, in the usual or the URL's alphabet, padded
 * or not, white space left out.  LLM_OK, LLM_NOMEM, or LLM_INVALID.
 */
int llm_base64_decode(llm_buf_t *out, const llm_str_t *text);

/*
 * Text in the usual alphabet, padded, without white space: itself if it is
 * so already, else a copy.  LLM_OK, LLM_NOMEM, or LLM_INVALID if it is no
 * base64.
 */
int llm_base64_clean(llm_arena_t *arena, const llm_str_t *text,
    llm_str_t *out);


#endif /* _LLM_BASE64_H_INCLUDED_ */
