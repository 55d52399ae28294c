
/*
 * Fields of a multipart/form-data body (RFC 7578), read incrementally: names,
 * byte ranges, and the text of those that are no files and short.
 *
 * What two readers might take differently is refused rather than guessed: a
 * part without a name or with two, name*, folded or bare line ends in a
 * header, a transfer encoding that changes bytes, a boundary that begins a
 * value.
 */


#ifndef _LLM_MULTIPART_H_INCLUDED_
#define _LLM_MULTIPART_H_INCLUDED_


#include "llm_base.h"


#define LLM_MULTIPART_MAX_FIELDS    64
#define LLM_MULTIPART_MAX_HEADER    4096     /* bytes of one part's header */
#define LLM_MULTIPART_MAX_TEXT      4096     /* bytes of a value kept */


typedef struct {
    llm_str_t        name;
    llm_str_t        value;      /* empty for files and longer values */
    size_t           start;      /* the value's range in the body */
    size_t           end;
    unsigned         file:1;     /* has a filename */
    unsigned         truncated:1;
} llm_field_t;


typedef struct llm_multipart_s  llm_multipart_t;

/*
 * The boundary parameter of a Content-Type value; LLM_INVALID where there is
 * none, or a longer one than 70 bytes.
 */
int llm_multipart_boundary(const llm_str_t *content_type, llm_str_t *boundary);

llm_multipart_t *llm_multipart_create(llm_arena_t *arena,
    const llm_str_t *boundary);

/* as llm_scan_feed() and llm_scan_end(); the last boundary must have come */
int llm_multipart_feed(llm_multipart_t *m, const unsigned char *data,
    size_t len);
int llm_multipart_end(llm_multipart_t *m);

size_t llm_multipart_offset(const llm_multipart_t *m);
const char *llm_multipart_error(const llm_multipart_t *m);

const llm_field_t *llm_multipart_fields(const llm_multipart_t *m, unsigned *n);
/* LLM_DUPLICATE if the name occurs twice, LLM_DECLINED if it does not */
int llm_multipart_find(const llm_multipart_t *m, const char *name,
    const llm_field_t **field);


#endif /* _LLM_MULTIPART_H_INCLUDED_ */
