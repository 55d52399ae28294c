
/*
 * Requests of OpenAI's clients that may come as JSON or as a form with files,
 * for llm_convert_*.c only.
 */


#ifndef _LLM_CONVERT_UPLOAD_H_INCLUDED_
#define _LLM_CONVERT_UPLOAD_H_INCLUDED_


#include "llm_convert_state.h"
#include "llm_multipart.h"


#define LLM_UPLOAD_FILES  16

typedef struct {
    llm_str_t        values[24];  /* of the names that were asked for: decoded
                                     text, of other JSON its raw text */
    llm_json_e       types[24];   /* a form's are all strings */
    llm_str_t        files[LLM_UPLOAD_FILES];    /* bytes, or base64 of JSON */
    llm_str_t        names[LLM_UPLOAD_FILES];    /* of their fields */
    llm_str_t        mimes[LLM_UPLOAD_FILES];    /* told, or empty */
    unsigned         nfiles;
    unsigned         base64:1;    /* files are base64 */
} llm_upload_t;

/*
 * Reads members or fields by their names, at most 24; fields with a file are
 * files, whatever their names.  LLM_OK, LLM_NOMEM, LLM_INVALID with err.
 */
int llm_upload_read(llm_convert_t *c, const llm_convert_in_t *in,
    const char *const *names, unsigned n, llm_upload_t *u, llm_error_t *err);

/* the integer that a member or a field is; -1: absent; -2: something else */
int64_t llm_upload_int(const llm_upload_t *u, unsigned i);

/*
 * Appends {"mime":...,"data":...} of a file, by these names.  LLM_OK,
 * LLM_NOMEM, or LLM_INVALID: it is nothing that is known.
 */
int llm_upload_print(llm_convert_t *c, const llm_upload_t *u, unsigned file,
    const char *mime, const char *data, llm_buf_t *out);


#endif /* _LLM_CONVERT_UPLOAD_H_INCLUDED_ */
