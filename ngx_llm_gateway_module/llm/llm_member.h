
/*
 * Members of JSON objects by their names; of text that was found well-formed.
 * A name in camelCase stands for its snake_case as well, as Google reads them;
 * one in snake_case for itself alone.
 */


#ifndef _LLM_MEMBER_H_INCLUDED_
#define _LLM_MEMBER_H_INCLUDED_


#include "llm_dialect.h"


/*
 * values[] gets the raw text of the last member of each name, empty where
 * there is none or null.  What is no object has none.
 */
void llm_member_pick(const llm_str_t *object, const char *const *names,
    unsigned n, llm_str_t *values);

/* whether a raw name, with its quotes, reads so */
unsigned llm_member_is(const llm_str_t *raw, const char *name);

/*
 * Some lists may be written as their only element: walks over the elements of
 * an array, or over that one.
 */
void llm_member_list(llm_walk_t *w, const llm_str_t *raw);

/* whether raw is true; of a number a positive one that fits, or -1 */
unsigned llm_member_true(const llm_str_t *raw);
int64_t llm_member_count(const llm_str_t *raw);


#endif /* _LLM_MEMBER_H_INCLUDED_ */
