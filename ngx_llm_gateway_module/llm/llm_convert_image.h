
/*
 * Images, for llm_convert_image*.c only.
 */


#ifndef _LLM_CONVERT_IMAGE_H_INCLUDED_
#define _LLM_CONVERT_IMAGE_H_INCLUDED_


#include "llm_convert_upload.h"


int llm_image_answer(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer);


#endif /* _LLM_CONVERT_IMAGE_H_INCLUDED_ */
