
/*
 * What the files of OpenAI's chat completions share.
 */


#ifndef _LLM_CHAT_H_INCLUDED_
#define _LLM_CHAT_H_INCLUDED_


#include "llm_dialect.h"
#include "llm_quirk.h"


/* llm_chat_read.c, llm_chat_read_message.c, _part.c, llm_chat_read_tool.c */

typedef struct {
    llm_form_t      *form;
    llm_error_t     *err;
    unsigned         message;     /* numbers of what is at hand */
    unsigned         part;
    unsigned         ncalls;      /* of the older kind, which have no id */
} llm_chat_read_t;

int llm_chat_read_request(llm_form_t *form, const llm_str_t *body,
    llm_error_t *err);
int llm_chat_read_messages(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
int llm_chat_read_tools(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
int llm_chat_read_functions(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
int llm_chat_read_choice(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
/* a string or an array of parts, as blocks of turn */
int llm_chat_read_content(llm_chat_read_t *r, llm_turn_t *turn,
    const llm_str_t *content);
/* a member that is a string, or empty */
int llm_chat_member_text(llm_chat_read_t *r, const llm_str_t *object,
    const char *name, llm_str_t *text);
/* a breakpoint in an object's cache_control */
llm_cache_e llm_chat_cache(const llm_str_t *object);

/* llm_chat_write.c, llm_chat_write_message.c, llm_chat_write_assistant.c */

typedef struct {
    llm_translate_t  *x;
    llm_buf_t        *out;
    llm_error_t      *err;
    llm_buf_t         images;     /* of tool results: parts of the next user
                                     message */
    const llm_turn_t *asked;      /* the last turn in which the user spoke */
    unsigned          nmessages;
} llm_chat_write_t;

int llm_chat_write_request(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err);
int llm_chat_write_messages(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err);
int llm_chat_write_assistant(llm_chat_write_t *w, const llm_turn_t *turn);
/* opens a message up to its content */
void llm_chat_write_role(llm_chat_write_t *w, const char *role);
/* a call's id as this protocol takes it, as JSON */
int llm_chat_write_id(llm_chat_write_t *w, const llm_str_t *id);
/* a tool's name as this protocol takes it */
int llm_chat_name(llm_translate_t *x, const llm_str_t *name, llm_str_t *out);

/* llm_chat_answer.c, llm_chat_delta.c */

typedef struct llm_chat_call_s  llm_chat_call_t;

struct llm_chat_call_s {
    llm_chat_call_t  *next;
    int64_t           index;
    llm_str_t         id;
    llm_str_t         name;
    llm_str_t         signature;    /* Gemini's */
    llm_buf_t         pending;      /* arguments not told yet */
    unsigned          depth;
    unsigned          begun:1;      /* an argument's first bracket came */
    unsigned          string:1;     /* where in the arguments it is */
    unsigned          escape:1;
    unsigned          opened:1;
};

typedef struct {
    llm_chat_call_t  *calls;
    llm_chat_call_t **last;
    llm_chat_call_t  *current;      /* the open one */
    llm_buf_t         late;         /* text that came amid arguments */
    llm_buf_t         details;      /* OpenRouter's, elements */
    unsigned          refused:1;    /* words of a refusal came */
    unsigned          finished:1;
} llm_chat_reader_t;

int llm_chat_read_answer(llm_translate_t *x, const llm_str_t *body);
int llm_chat_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data);
int llm_chat_read_end(llm_translate_t *x);
/* a message or a delta: both have the same members */
void llm_chat_read_delta(llm_translate_t *x, const llm_str_t *delta);
/* all that waited is told */
void llm_chat_read_flush(llm_translate_t *x);

/* llm_chat_print.c, llm_chat_print_part.c */

typedef struct {
    llm_buf_t         prefix;       /* of each chunk */
    llm_buf_t         text;         /* of a block that must come whole */
    llm_state_t       state;
    llm_str_t         id;
    llm_str_t         mime;
    const llm_tool_t *tool;         /* a custom one that is called */
    unsigned          ncalls;
    unsigned          nimages;
    unsigned          custom:1;     /* the open call is of a custom tool */
    unsigned          skip:1;       /* the open block is not told */
    unsigned          refused:1;    /* words of a refusal were told */
} llm_chat_writer_t;

void llm_chat_write_answer(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out);
void llm_chat_write_part(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
/* refused: in words of a block, which is an answer like any other */
const char *llm_chat_finish(const llm_translate_t *x, llm_stop_e stop,
    unsigned refused);
/* "chatcmpl-..." of an upstream's id, or made up */
void llm_chat_print_id(llm_translate_t *x, const llm_str_t *id,
    llm_buf_t *out);
void llm_chat_print_usage(const llm_usage_t *u, llm_buf_t *out);
/* members of a call but for its index, and without the brackets */
void llm_chat_print_call(llm_translate_t *x, const llm_str_t *id,
    const llm_str_t *name, unsigned custom, const llm_str_t *arguments,
    const llm_state_t *state, llm_buf_t *out);
/* one element of thinking_blocks */
void llm_chat_print_thinking(llm_translate_t *x, llm_block_e kind,
    const llm_str_t *text, const llm_state_t *state, llm_buf_t *out);
void llm_chat_print_image(const llm_str_t *mime, const llm_str_t *data,
    unsigned index, llm_buf_t *out);
void llm_chat_print_note(const llm_str_t *url, const llm_str_t *title,
    uint64_t from, uint64_t to, llm_buf_t *out);
/* {"google":{"thought_signature":...}} */
void llm_chat_print_signature(const llm_str_t *signature, llm_buf_t *out);


#endif /* _LLM_CHAT_H_INCLUDED_ */
