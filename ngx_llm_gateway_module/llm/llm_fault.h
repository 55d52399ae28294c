
/*
 * Errors inside of answers, for the dialects.
 */


#ifndef _LLM_FAULT_H_INCLUDED_
#define _LLM_FAULT_H_INCLUDED_


#include "llm_dialect.h"


/*
 * Tells the error that json is, or holds, by llm_translate_error(): of an
 * event or of an answer of status 200, well-formed.  LLM_OK, or LLM_DECLINED:
 * it holds none.
 */
int llm_fault_tell(llm_translate_t *x, const llm_str_t *json);


#endif /* _LLM_FAULT_H_INCLUDED_ */
