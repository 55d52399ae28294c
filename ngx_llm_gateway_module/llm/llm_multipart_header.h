
/*
 * Header fields with parameters, for llm_multipart.c.
 */


#ifndef _LLM_MULTIPART_HEADER_H_INCLUDED_
#define _LLM_MULTIPART_HEADER_H_INCLUDED_


#include "llm_base.h"


#define LLM_MULTIPART_MAX_BOUNDARY  70


typedef struct {
    llm_str_t        name;       /* lies in the text that was read */
    unsigned         file:1;
} llm_multipart_header_t;


/*
 * Reads a part's header, its empty line included; names are unescaped in
 * place.  LLM_OK, or LLM_INVALID with *error, a static string.
 */
int llm_multipart_header_read(llm_buf_t *text, llm_multipart_header_t *header,
    const char **error);


#endif /* _LLM_MULTIPART_HEADER_H_INCLUDED_ */
