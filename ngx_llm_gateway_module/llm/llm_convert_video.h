
/*
 * Video jobs, for llm_convert_video*.c only.
 */


#ifndef _LLM_CONVERT_VIDEO_H_INCLUDED_
#define _LLM_CONVERT_VIDEO_H_INCLUDED_


#include "llm_convert_upload.h"


#define LLM_VIDEO_MAX_SECONDS  60


typedef struct {
    llm_upload_t     upload;
    llm_str_t        prompt;
    llm_str_t        size;
    int64_t          seconds;
    const char      *ratio;
    const char      *resolution;
} llm_video_t;


/* how a job stands */

typedef struct {
    const char      *status;      /* OpenAI's word */
    int64_t          progress;    /* per cent */
    llm_str_t        code;        /* of a job that failed */
    llm_str_t        message;
    llm_str_t        url;         /* where the video is */
    llm_str_t        data;        /* or itself in base64, raw, its mime */
    llm_str_t        mime;
} llm_video_state_t;


/* what OpenAI's clients get: the job; LLM_OK or LLM_NOMEM */
int llm_video_print(llm_convert_t *c, const llm_video_state_t *state,
    llm_convert_answer_t *answer);

/* an answer to a poll: the job, or for its content what leads there */
int llm_video_polled(llm_convert_t *c, const llm_str_t *body,
    llm_convert_answer_t *answer);

/* ids that tell the whole job; LLM_OK, LLM_NOMEM, LLM_INVALID */
int llm_video_id_print(llm_arena_t *arena, const llm_convert_job_t *job,
    llm_str_t *id);
int llm_video_id_read(llm_arena_t *arena, const llm_str_t *id,
    llm_convert_job_t *job);


#endif /* _LLM_CONVERT_VIDEO_H_INCLUDED_ */
