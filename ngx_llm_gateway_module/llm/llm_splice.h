
/*
 * Edits of a JSON object's top-level members, or of a multipart body's
 * fields, as a list of byte ranges and what stands there instead: all other
 * bytes travel as they came, from memory or from a file.
 */


#ifndef _LLM_SPLICE_H_INCLUDED_
#define _LLM_SPLICE_H_INCLUDED_


#include "llm_base.h"
#include "llm_scan.h"


typedef struct {
    size_t           start;       /* first byte that goes */
    size_t           end;         /* first byte that stays; == start: insert */
    llm_str_t        text;        /* what comes instead */
} llm_edit_t;


typedef struct llm_splice_s  llm_splice_t;

/* members as llm_scan_members() lists them; close is the offset of the
   object's last brace */
llm_splice_t *llm_splice_create(llm_arena_t *arena, const llm_member_t *members,
    unsigned n, size_t close);

/*
 * json is the raw JSON text of the value.  set replaces or adds, fill adds
 * where absent, drop removes.  The last call for a name holds.  LLM_OK or
 * LLM_NOMEM.  Texts are not copied.
 */
int llm_splice_set(llm_splice_t *s, const llm_str_t *name,
    const llm_str_t *json);
int llm_splice_fill(llm_splice_t *s, const llm_str_t *name,
    const llm_str_t *json);
int llm_splice_drop(llm_splice_t *s, const llm_str_t *name);

/*
 * The edits in order of offset, disjoint.  *delta is what they add to the
 * body's length, in bytes (negative: shorter).
 */
int llm_splice_finish(llm_splice_t *s, llm_edit_t **edits, unsigned *n,
    int64_t *delta);

/* appends the text as the edits make it; b->failed without memory */
void llm_splice_print(llm_buf_t *b, const llm_str_t *text,
    const llm_edit_t *edits, unsigned n);


#endif /* _LLM_SPLICE_H_INCLUDED_ */
