
/*
 * What the files of Gemini's dialect share (generateContent, of the Gemini
 * API and of Vertex).
 */


#ifndef _LLM_GENERATE_H_INCLUDED_
#define _LLM_GENERATE_H_INCLUDED_


#include "llm_dialect.h"
#include "llm_member.h"


/*
 * What a thoughtSignature stands for: Gemini's own state as it is, or in a
 * wrap that of others, and reasoning that its client was not shown.
 */

typedef struct {
    llm_state_t      state;
    llm_str_t        text;        /* reasoning that was not shown */
    unsigned         redacted:1;  /* there is none to be shown */
} llm_generate_carry_t;

/* signatures are base64 to clients; LLM_OK or LLM_NOMEM */
int llm_generate_carry_read(llm_arena_t *arena, const llm_str_t *signature,
    llm_generate_carry_t *carry);
int llm_generate_carry_print(llm_arena_t *arena,
    const llm_generate_carry_t *carry, llm_str_t *signature);


/* reading of requests: turns, their parts, settings */

typedef struct {
    llm_form_t      *form;
    llm_error_t     *err;
    unsigned         turn;        /* indices of what is read */
    unsigned         part;
    llm_block_t     *calls[256];  /* of the last model turn, no answer yet */
    unsigned         ncalls;
    unsigned         depth;       /* requests inside of the request */
} llm_generate_read_t;

int llm_generate_read_part(llm_generate_read_t *r, llm_turn_t *turn,
    const llm_str_t *raw);
int llm_generate_read_config(llm_generate_read_t *r, const llm_str_t *raw);
int llm_generate_read_tools(llm_generate_read_t *r, const llm_str_t *raw);
int llm_generate_read_choice(llm_generate_read_t *r, const llm_str_t *raw);

/* refuses what stands at the place that is read; member of a part, or NULL */
int llm_generate_bad(llm_generate_read_t *r, const char *member,
    const char *message);

/* the string of a request, or LLM_INVALID with param and message */
int llm_generate_read_string(llm_generate_read_t *r, const llm_str_t *raw,
    const char *param, llm_str_t *out);


/* writing of requests: turns, their blocks of _write_part.c */

typedef struct {
    llm_translate_t     *x;
    llm_buf_t           *out;
    llm_error_t         *err;

    const llm_turn_t    *calls_turn;  /* of the model's last content */
    const llm_str_t     *signature;   /* of thinking, for what follows it */
    unsigned             parts;       /* in the content that is open */
    unsigned             called:1;    /* it has a function call */
    unsigned             any:1;       /* a content was written */
} llm_generate_write_t;

/* LLM_OK, LLM_NOMEM, LLM_INVALID with err */
int llm_generate_write_block(llm_generate_write_t *w,
    const llm_block_t *block);
int llm_generate_write_result(llm_generate_write_t *w,
    const llm_block_t *block, const llm_block_t *call);
/* images of a result that cannot stand inside of it */
int llm_generate_write_images(llm_generate_write_t *w,
    const llm_block_t *result);
void llm_generate_write_text(llm_generate_write_t *w, const llm_str_t *text,
    const llm_str_t *signature);
void llm_generate_write_comma(llm_generate_write_t *w);

/* the rest of a request, of _write_config.c and _write_tools.c */

int llm_generate_write_tools(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err);
/* the names of settings come one by one, and all of them are optional */

typedef struct {
    llm_translate_t  *x;
    llm_buf_t        *out;
    size_t            start;      /* of the object */
    unsigned          n;          /* members of it */
} llm_generate_config_t;

void llm_generate_name(llm_generate_config_t *c, const char *name);
void llm_generate_write_thinking(llm_generate_config_t *c);
int llm_generate_write_config(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err);
int llm_generate_write_extra(llm_translate_t *x, llm_buf_t *out);

/*
 * Whether JSON has to be asked for in words, where the model takes no schema
 * beside functions; appends them as a part.
 */
unsigned llm_generate_words(const llm_translate_t *x);
void llm_generate_write_words(llm_translate_t *x, llm_buf_t *out);

/* names of functions as Gemini takes them */
extern const llm_name_rule_t  llm_generate_names;


/* printing of answers: one part of a content */

typedef struct {
    llm_block_e        kind;
    const llm_str_t   *id;        /* of a call */
    const llm_str_t   *name;      /* of a call; of media: the mime */
    const llm_str_t   *text;      /* of a call: a JSON object */
    llm_str_t          signature;
} llm_generate_piece_t;

void llm_generate_print_piece(const llm_generate_piece_t *p, llm_buf_t *out);
void llm_generate_print_note(const llm_str_t *url, const llm_str_t *title,
    llm_buf_t *out);
void llm_generate_print_reason(llm_stop_e stop, unsigned refused,
    llm_buf_t *out);
/* ,"usageMetadata":{...} */
void llm_generate_print_usage(const llm_usage_t *u, llm_buf_t *out);
/* members behind the candidates; usage: what is known of it as well */
void llm_generate_print_tail(const llm_translate_t *x, const llm_str_t *id,
    const llm_str_t *model, unsigned usage, llm_buf_t *out);


/* reading of answers: one part of a content, of _answer_part.c */

/* LLM_OK, LLM_INVALID, LLM_NOMEM */
int llm_generate_get_part(llm_translate_t *x, const llm_str_t *raw);
/* of a call in fragments: nothing more will come */
void llm_generate_get_call_end(llm_translate_t *x);
/* opens a block, unless one of this kind is open */
void llm_generate_get_open(llm_translate_t *x, llm_block_e kind,
    const llm_str_t *mime);
void llm_generate_get_close(llm_translate_t *x);
/* a buffer of the reader's, empty, whose memory is used again */
void llm_generate_get_buf(llm_translate_t *x, llm_buf_t *b);


/* whether the provider was to search: sources may come with its answer */
unsigned llm_generate_searches(const llm_form_t *form);

/*
 * Tells the sources in groundingMetadata as notes of the open text; text is
 * all that the answer says, for their places in it, or empty.
 */
void llm_generate_tell_notes(llm_translate_t *x, const llm_str_t *grounding,
    const llm_str_t *text);


/*
 * A function call that comes in fragments: arguments by path.
 */

typedef struct llm_partial_s  llm_partial_t;

/* NULL without memory; an empty object */
llm_partial_t *llm_partial_create(llm_arena_t *arena);

/*
 * Takes one element of partialArgs.  What makes no sense is left out.
 * LLM_OK, LLM_NOMEM, or LLM_LIMIT: too deep or too many.
 */
int llm_partial_add(llm_partial_t *p, const llm_str_t *fragment);

/* appends the object */
void llm_partial_print(const llm_partial_t *p, llm_buf_t *out);


/* what the dialect's row is made of */

/* states of a reader and of a writer of answers */

typedef struct {
    llm_partial_t   *partial;     /* arguments of the call that is coming, */
    llm_buf_t        call;        /* its name and its signature */
    size_t           name_len;
    llm_buf_t        args;
    llm_buf_t        text;        /* of the answer, where sources may come */
    llm_buf_t        grounding;   /* the last groundingMetadata */
    llm_block_e      open;        /* the block that is open, if any */
    llm_stop_e       stop;
    unsigned         is_open:1;
    unsigned         search:1;    /* sources may come */
    unsigned         tools:1;     /* a call was told */
    unsigned         calling:1;   /* a call is coming in fragments */
    unsigned         answered:1;  /* candidates or a reason to have none */
} llm_generate_reader_t;

typedef struct {
    llm_str_t        id;
    llm_str_t        model;
    llm_buf_t        held;        /* text of a block that is sent whole */
    llm_buf_t        notes;       /* groundingChunks */
    llm_str_t        name;        /* of the open block; or its mime */
    llm_str_t        call_id;
    llm_state_t      state;       /* of the open block */
    llm_str_t        carried;     /* signature for the next call */
    unsigned         any:1;       /* a chunk was sent */
    unsigned         refused:1;
} llm_generate_writer_t;

int llm_generate_read(llm_form_t *form, const llm_str_t *body,
    llm_error_t *err);
int llm_generate_write(llm_translate_t *x, llm_buf_t *out, llm_error_t *err);
int llm_generate_read_answer(llm_translate_t *x, const llm_str_t *body);
int llm_generate_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data);
int llm_generate_read_end(llm_translate_t *x);
void llm_generate_print(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out);
void llm_generate_print_part(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);


#endif /* _LLM_GENERATE_H_INCLUDED_ */
