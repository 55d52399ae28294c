
/*
 * A walk over the members and elements of JSON text that llm_scan has found
 * well-formed: without copies, without a tree.  On other text it tells
 * nonsense, but stays within it and ends.
 */


#ifndef _LLM_WALK_H_INCLUDED_
#define _LLM_WALK_H_INCLUDED_


#include "llm_base.h"


typedef struct {
    const unsigned char  *p;
    const unsigned char  *end;
} llm_walk_t;


/* over the one value of a whole text: llm_walk_element() gives it */
void llm_walk_text(llm_walk_t *w, const unsigned char *data, size_t len);

/* over what is inside an object or an array */
void llm_walk_open(llm_walk_t *w, const llm_str_t *text);

/*
 * The next member, or element, as it stands in the text: names and strings
 * with their quotes.  0: there is none.
 */
int llm_walk_member(llm_walk_t *w, llm_str_t *name, llm_str_t *value);
int llm_walk_element(llm_walk_t *w, llm_str_t *value);


/* behind white space, and what stands between names and values */

static inline const unsigned char *
llm_walk_between(const unsigned char *p, const unsigned char *end)
{
    static const uint64_t  between = (uint64_t) 1 << ' '
                                     | (uint64_t) 1 << '\n'
                                     | (uint64_t) 1 << '\r'
                                     | (uint64_t) 1 << '\t'
                                     | (uint64_t) 1 << ','
                                     | (uint64_t) 1 << ':';

    while (p < end && *p < 64 && (between >> *p & 1)) {
        p++;
    }

    return p;
}


#endif /* _LLM_WALK_H_INCLUDED_ */
