
/*
 * One dialect: how it reads and writes requests and answers.  For
 * llm_translate.c and the dialects' own files only.
 */


#ifndef _LLM_DIALECT_H_INCLUDED_
#define _LLM_DIALECT_H_INCLUDED_


#include "llm_translate.h"


/* an answer, whole: what a unary writer prints */

typedef struct {
    llm_str_t        id;
    llm_str_t        model;       /* as the upstream told it */
    llm_block_t     *blocks;      /* names of tools are the client's again */
    llm_block_t    **last;
    llm_item_t      *notes;       /* citations: name is the title, value the
                                     url */
    llm_stop_e       stop;
    llm_str_t        stop_text;   /* stop sequence, or words of a refusal */
} llm_message_t;


typedef struct {
    llm_dialect_e    dialect;

    /* client side: request in, answer out; NULL for upstream-only dialects */

    int            (*read_request)(llm_form_t *form, const llm_str_t *body,
                                   llm_error_t *err);

    /* the whole answer, or LLM_NOMEM by out->failed */
    void           (*write_answer)(llm_translate_t *x, const llm_message_t *m,
                                   llm_buf_t *out);

    /*
     * One part of a stream, framed.  STOP and END come together, when usage
     * is as final as it gets; END prints what closes the stream.  ERROR ends
     * it instead.
     */
    void           (*write_part)(llm_translate_t *x, const llm_part_t *part,
                                 llm_buf_t *out);
    size_t           writer_size; /* of its state, zeroed: x->writer */

    /* upstream side: request out, answer in */

    int            (*write_request)(llm_translate_t *x, llm_buf_t *out,
                                    llm_error_t *err);

    /* both tell parts by llm_translate_part(); LLM_OK or LLM_INVALID */
    int            (*read_answer)(llm_translate_t *x, const llm_str_t *body);
    int            (*read_event)(llm_translate_t *x, const llm_str_t *name,
                                 const llm_str_t *data);
    /* EOF: LLM_INVALID if that is no proper end */
    int            (*read_end)(llm_translate_t *x);
    size_t           reader_size; /* of its state, zeroed: x->reader */
} llm_dialect_t;


extern const llm_dialect_t  llm_dialect_chat;
extern const llm_dialect_t  llm_dialect_responses;
extern const llm_dialect_t  llm_dialect_messages;
extern const llm_dialect_t  llm_dialect_generate;
extern const llm_dialect_t  llm_dialect_converse;


struct llm_translate_s {
    llm_arena_t                 *arena;
    const llm_form_t            *form;
    const llm_to_t              *to;
    const llm_translate_conf_t  *conf;

    const llm_dialect_t         *client;
    const llm_dialect_t         *upstream;
    void                        *writer;      /* of the client's side */
    void                        *reader;      /* of the upstream's side */

    llm_usage_t                  usage;
    unsigned                     has_usage:1;

    llm_buf_t                    dropped;
    llm_buf_t                    headers;
    void                        *names;       /* tools renamed: _name.c */

    /* parts told so far: llm_translate.c */

    llm_buf_t                   *out;         /* of the event at hand */
    llm_message_t               *message;     /* a unary answer, or NULL */
    llm_part_t                   held_stop;
    llm_fault_t                  fault;
    unsigned                     nblocks;
    unsigned                     tools:1;     /* a tool call was told */
    unsigned                     started:1;
    unsigned                     open:1;
    unsigned                     stopped:1;
    unsigned                     ended:1;
    unsigned                     failed:1;    /* ERROR was told, or no memory */
    unsigned                     begun:1;     /* content was told */
};


/*
 * For readers of answers.  What is told passes the checks that hold for all:
 * START comes once and first, blocks are closed before the next opens, a tool
 * call without a fragment gets "{}", a stop with tool calls is TOOL unless it
 * was LENGTH, STOP waits for END.  part's strings are used before it returns.
 */
void llm_translate_part(llm_translate_t *x, const llm_part_t *part);

/* the same for the usual ones; ids and names may be NULL */
void llm_translate_start(llm_translate_t *x, const llm_str_t *id,
    const llm_str_t *model);
void llm_translate_open(llm_translate_t *x, llm_block_e kind,
    const llm_str_t *id, const llm_str_t *name);
void llm_translate_delta(llm_translate_t *x, const llm_str_t *text);
void llm_translate_close(llm_translate_t *x);
void llm_translate_stop(llm_translate_t *x, llm_stop_e stop,
    const llm_str_t *text);
void llm_translate_error(llm_translate_t *x, llm_fault_e fault,
    const llm_str_t *code, const llm_str_t *message);
/* the protocol's own good end came */
void llm_translate_done(llm_translate_t *x);

/* for writers of requests: a parameter that this target does not know */
void llm_translate_drop(llm_translate_t *x, const char *name);

/* for readers and writers: LLM_INVALID with code, param and message */
int llm_translate_refuse(llm_error_t *err, llm_error_e code,
    const char *param, const char *message);


/*
 * Names and ids of tools as a target takes them: pure functions
 * of the client's, so that calls, results and history agree without a store;
 * names are restored in answers by llm_translate_part().
 */

typedef struct {
    unsigned         max;         /* bytes */
    unsigned         dots:1;      /* '.' and ':' are allowed */
    unsigned         letter:1;    /* must begin with a letter or '_' */
    unsigned         alnum:1;     /* letters and digits only */
} llm_name_rule_t;

int llm_name_map(llm_translate_t *x, const llm_name_rule_t *rule,
    const llm_str_t *name, llm_str_t *out);
int llm_id_map(llm_arena_t *arena, const llm_name_rule_t *rule,
    const llm_str_t *id, llm_str_t *out);
/* an id for the n-th thing of this answer: prefix and 24 characters made of
   conf->id, so that it is the same whenever it is asked for */
int llm_id_make(llm_translate_t *x, const char *prefix, unsigned n,
    llm_str_t *out);


/*
 * JSON.  All texts were found well-formed before.
 */

/* decodes a string with its quotes; lone surrogates become U+FFFD */
int llm_form_string(llm_arena_t *arena, const llm_str_t *raw, llm_str_t *out);
/* the value of a member of an object, or LLM_DECLINED; last one wins */
int llm_form_member(const llm_str_t *object, const char *name,
    llm_str_t *value);
/* of arguments in a string: the raw text of an object, whatever it holds
   */
int llm_form_arguments(llm_arena_t *arena, const llm_str_t *text,
    llm_str_t *json);

/* form building; NULL without memory */
llm_turn_t *llm_form_turn(llm_form_t *form, llm_role_e role);
llm_block_t *llm_form_block(llm_form_t *form, llm_turn_t *turn,
    llm_block_e kind);
llm_tool_t *llm_form_tool(llm_form_t *form);
int llm_form_extra(llm_form_t *form, const llm_str_t *name,
    const llm_str_t *raw);
int llm_form_drop(llm_form_t *form, const char *name);

/* media: "data:" URLs taken apart, mime corrected by magic bytes */
int llm_form_media(llm_form_t *form, llm_block_t *block,
    const llm_str_t *url);

/* "gw1:<kind>:<base64>" and back; LLM_DECLINED: it is none */
int llm_state_print(llm_arena_t *arena, const llm_state_t *state,
    llm_str_t *out);
int llm_state_read(llm_arena_t *arena, const llm_str_t *text,
    llm_state_t *state);

/* reasoning: effort to tokens and back */
int64_t llm_effort_budget(llm_effort_e effort);
llm_effort_e llm_effort_of(int64_t budget);
llm_effort_e llm_effort_by_name(const llm_str_t *name);

/* JSON Schema for a target */

typedef enum {
    LLM_SCHEMA_PLAIN = 0,         /* as it is, root type added */
    LLM_SCHEMA_STRICT_OPENAI,
    LLM_SCHEMA_STRICT_ANTHROPIC,
    LLM_SCHEMA_OPENAPI,           /* Gemini's subset */
    LLM_SCHEMA_FROM_OPENAPI       /* and back */
} llm_schema_e;

int llm_schema_print(llm_arena_t *arena, llm_schema_e kind,
    const llm_str_t *schema, llm_buf_t *out);


#endif /* _LLM_DIALECT_H_INCLUDED_ */
