
/*
 * One conversion, for llm_convert_*.c only.  A family has a file of its own
 * and rows in the table of llm_convert.c.
 */


#ifndef _LLM_CONVERT_STATE_H_INCLUDED_
#define _LLM_CONVERT_STATE_H_INCLUDED_


#include "llm_convert.h"
#include "llm_dialect.h"
#include "llm_member.h"
#include "llm_quirk.h"


/* kinds of providers; bits */

#define LLM_HOST_OPENAI      0x01
#define LLM_HOST_XAI         0x02    /* OpenAI's protocol, videos of its own */
#define LLM_HOST_ANTHROPIC   0x04    /* also Claude on Vertex AI */
#define LLM_HOST_GEMINI      0x08
#define LLM_HOST_VERTEX      0x10
#define LLM_HOST_BEDROCK     0x20

#define LLM_HOST_GOOGLE      (LLM_HOST_GEMINI|LLM_HOST_VERTEX)


/* a video job, all of which its id tells */

typedef struct {
    int64_t              seconds;
    int64_t              created;
    llm_str_t            size;
    llm_str_t            name;        /* the provider's */
} llm_convert_job_t;


typedef struct {
    llm_op_e             client;
    unsigned             hosts;
    llm_convert_e        how;

    int                (*request)(llm_convert_t *c,
                                  const llm_convert_in_t *in,
                                  llm_convert_call_t *call, llm_error_t *err);
    /* body was found well-formed */
    int                (*answer)(llm_convert_t *c, const llm_str_t *body,
                                 llm_convert_answer_t *answer);
    /* of LLM_CONVERT_LOCAL */
    int                (*local)(llm_convert_t *c, const llm_convert_in_t *in,
                                llm_convert_answer_t *answer,
                                llm_error_t *err);
} llm_convert_row_t;


struct llm_convert_s {
    llm_arena_t                 *arena;
    const llm_op_t              *client;
    const llm_to_t              *to;
    const llm_translate_conf_t  *conf;
    const llm_convert_row_t     *row;
    unsigned                     host;

    llm_buf_t                    dropped;
    llm_fault_t                  fault;
    unsigned                     failed:1;

    llm_usage_t                  usage;
    llm_str_t                    raw;         /* the provider's usage */
    unsigned                     has_usage:1;

    /* what the answer needs of the request */

    uint64_t                     bytes;       /* of its texts */
    unsigned                     n;           /* inputs, images */
    unsigned                     base64:1;    /* embeddings */
    unsigned                     batch:1;     /* Gemini's, of embeddings */
    unsigned                     plain:1;     /* a transcript as text */
    unsigned                     wav:1;       /* speech */
    unsigned                     content:1;   /* of a video */
    llm_str_t                    size;        /* as the client wrote it */
    llm_convert_job_t            job;
    llm_str_t                    file;        /* path of a video's file */
};


extern const llm_convert_row_t  llm_convert_embed_rows[];
extern const llm_convert_row_t  llm_convert_count_rows[];
extern const llm_convert_row_t  llm_convert_image_rows[];
extern const llm_convert_row_t  llm_convert_audio_rows[];
extern const llm_convert_row_t  llm_convert_video_rows[];


/* for requests: LLM_INVALID with err */

int llm_convert_refuse(llm_error_t *err, llm_error_e code, const char *param,
    const char *message);
/* a member that says nothing to the provider */
void llm_convert_drop(llm_convert_t *c, const char *name);
/* POST to an operation of the provider, of the target's model */
int llm_convert_post(llm_convert_t *c, llm_op_e op, llm_convert_call_t *call,
    llm_error_t *err);
/* whether the target's model has word in its name */
unsigned llm_convert_model_has(const llm_convert_t *c, const char *word);

/* for answers: a JSON body of status 200; an error, as LLM_DECLINED */

void llm_convert_json(llm_convert_answer_t *answer);
int llm_convert_fail(llm_convert_t *c, llm_fault_e fault, int status,
    const char *code, const llm_str_t *message);

/* usage of a body that answers op */
void llm_convert_read_usage(llm_convert_t *c, llm_op_e op,
    const llm_str_t *body);


#endif /* _LLM_CONVERT_STATE_H_INCLUDED_ */
