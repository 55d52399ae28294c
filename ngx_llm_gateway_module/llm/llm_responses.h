
/*
 * What the files of OpenAI's Responses API share.
 */


#ifndef _LLM_RESPONSES_H_INCLUDED_
#define _LLM_RESPONSES_H_INCLUDED_


#include "llm_dialect.h"
#include "llm_quirk.h"


/* llm_responses_read.c, _read_item.c, _read_part.c, _read_tool.c */

typedef struct {
    llm_form_t       *form;
    llm_error_t      *err;
    unsigned          item;         /* numbers of what is at hand */
    unsigned          part;
} llm_responses_read_t;

int llm_responses_read_request(llm_form_t *form, const llm_str_t *body,
    llm_error_t *err);
int llm_responses_read_input(llm_form_t *form, const llm_str_t *input,
    llm_error_t *err);
/* a string or an array of parts, as blocks of turn */
int llm_responses_read_content(llm_responses_read_t *r, llm_turn_t *turn,
    const llm_str_t *content);
int llm_responses_read_tools(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
int llm_responses_read_choice(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
/* a member that is a string, or empty */
int llm_responses_text(llm_form_t *form, const llm_str_t *object,
    const char *name, llm_str_t *text);
/* "{namespace}__{name}" */
int llm_responses_join(llm_form_t *form, const llm_str_t *space,
    const llm_str_t *name, llm_str_t *out);

/* llm_responses_write.c, llm_responses_write_item.c */

int llm_responses_write_request(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err);
int llm_responses_write_input(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err);
int llm_responses_name(llm_translate_t *x, const llm_str_t *name,
    llm_str_t *out);

/* llm_responses_answer.c, llm_responses_event.c */

typedef struct llm_responses_item_s  llm_responses_item_t;

struct llm_responses_item_s {
    llm_responses_item_t  *next;
    int64_t                index;
    llm_str_t              id;        /* of the call */
    llm_str_t              name;
    llm_buf_t              pending;   /* arguments not told yet */
    size_t                 sent;      /* bytes of all that came */
    unsigned               opened:1;
    unsigned               done:1;
    unsigned               halves:1;  /* of surrogates were among it */
};

typedef struct {
    llm_responses_item_t  *calls;
    llm_responses_item_t **last;
    llm_responses_item_t  *current;   /* the open call */
    uint64_t               told;      /* bit per output_index: pieces of its
                                         text or reasoning came */
    size_t                 sent;      /* bytes of the part at hand */
    unsigned               summary:1; /* which of two kinds of reasoning this
                                         item is told in */
    unsigned               raw:1;
    unsigned               refused:1;
} llm_responses_reader_t;

int llm_responses_read_answer(llm_translate_t *x, const llm_str_t *body);
int llm_responses_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data);
int llm_responses_read_end(llm_translate_t *x);
/* items of a whole response, and why it ended */
int llm_responses_read_output(llm_translate_t *x, const llm_str_t *response);
void llm_responses_read_status(llm_translate_t *x,
    const llm_str_t *response);
/* one whole item */
void llm_responses_read_whole(llm_translate_t *x, const llm_str_t *item);
/* its encrypted content, as state of the open block or of one of its own */
void llm_responses_read_state(llm_translate_t *x, const llm_str_t *item);
void llm_responses_read_note(llm_translate_t *x, const llm_str_t *note);

/* llm_responses_print.c, _print_part.c, _print_event.c, _print_object.c */

typedef enum {
    LLM_RESPONSES_NO_ITEM = 0,
    LLM_RESPONSES_MESSAGE,
    LLM_RESPONSES_REASONING,
    LLM_RESPONSES_CALL,
    LLM_RESPONSES_CUSTOM,
    LLM_RESPONSES_BUILTIN,
    LLM_RESPONSES_IMAGE
} llm_responses_item_e;

/* of a stream, and of a whole answer, which is a stream without events */

typedef struct {
    llm_buf_t              items;     /* those that are complete, as JSON */
    llm_buf_t              parts;     /* complete parts of the open message */
    llm_buf_t              text;      /* of the open part */
    llm_buf_t              notes;     /* its annotations */
    llm_str_t              id;        /* of the response */
    llm_str_t              model;
    llm_str_t              item_id;
    llm_str_t              call_id;
    llm_str_t              name;
    const llm_tool_t      *tool;
    llm_state_t            state;
    int64_t                sequence;
    uint64_t               base;      /* code points before the open message */
    unsigned               nitems;
    unsigned               nparts;
    unsigned               nnotes;
    llm_responses_item_e   item;      /* the open one */
    unsigned               part:1;    /* one of its parts is open */
    unsigned               refusal:1; /* and is a refusal */
    unsigned               refused:1; /* words of one were told */
    unsigned               redacted:1;     /* of the open reasoning */
    unsigned               begun:1;
    unsigned               whole:1;   /* no events */
    llm_stop_e             stop;
} llm_responses_writer_t;

void llm_responses_write_answer(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out);
void llm_responses_write_part(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);
/* the response object; code of an error, or NULL */
void llm_responses_print_object(llm_translate_t *x, const char *status,
    llm_stop_e stop, const llm_str_t *code, const llm_str_t *message,
    llm_buf_t *out);
/* opens what text, or a refusal, is to be added to */
void llm_responses_say(llm_translate_t *x, unsigned refusal, llm_buf_t *out);
void llm_responses_add(llm_translate_t *x, llm_responses_item_e item,
    const char *prefix, llm_buf_t *out);
/* closes the open item, telling its end */
void llm_responses_close(llm_translate_t *x, llm_buf_t *out);

/*
 * An event is opened, may get members of its own, and is ended.  Events about
 * the open item tell which part of it they mean; index is one of these words
 * or NULL.
 */

#define LLM_RESPONSES_CONTENT  ",\"content_index\":"
#define LLM_RESPONSES_SUMMARY  ",\"summary_index\":"

void llm_responses_event(llm_translate_t *x, const char *type,
    llm_buf_t *out);
void llm_responses_item_event(llm_translate_t *x, const char *type,
    const char *index, llm_buf_t *out);
void llm_responses_event_end(llm_translate_t *x, llm_buf_t *out);
/* a whole one, with a text as its member */
void llm_responses_text_event(llm_translate_t *x, const char *type,
    const char *index, const char *member, const llm_str_t *text,
    llm_buf_t *out);

/* the open item as JSON, complete or as it is when it is added */
void llm_responses_print_item(llm_translate_t *x, unsigned complete,
    llm_buf_t *out);
void llm_responses_print_text_part(llm_translate_t *x, unsigned complete,
    llm_buf_t *out);
void llm_responses_print_usage(const llm_usage_t *u, llm_buf_t *out);
void llm_responses_print_string(const char *name, const llm_str_t *s,
    llm_buf_t *out);


#endif /* _LLM_RESPONSES_H_INCLUDED_ */
