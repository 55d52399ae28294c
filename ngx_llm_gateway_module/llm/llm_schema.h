
/*
 * What the files on JSON Schema share.
 */


#ifndef _LLM_SCHEMA_H_INCLUDED_
#define _LLM_SCHEMA_H_INCLUDED_


#include "llm_dialect.h"


/*
 * Each node's members are looked through several times, which a large text
 * at a deep place would make slow.  What is larger is any object.
 */

#define LLM_SCHEMA_MAX_SIZE  (256 * 1024)


/* whether a raw name is in a list that NULL ends */
unsigned llm_schema_is(const llm_str_t *name, const char **names);

/* appends a schema, a JSON object, as Gemini's OpenAPI subset */
void llm_schema_print_openapi(const llm_str_t *schema, llm_buf_t *out);


#endif /* _LLM_SCHEMA_H_INCLUDED_ */
