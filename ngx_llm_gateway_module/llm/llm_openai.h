
/* OpenAI's usage objects, under all the names that they have */


#ifndef _LLM_OPENAI_H_INCLUDED_
#define _LLM_OPENAI_H_INCLUDED_


#include "llm_protocol.h"


/*
 * Reads the usage object that was kept, and what beside it is billed: items,
 * seconds, calls.
 */
void llm_openai_usage(llm_answer_t *a, llm_usage_t *u);


#endif /* _LLM_OPENAI_H_INCLUDED_ */
