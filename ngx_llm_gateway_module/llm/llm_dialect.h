
/*
 * One dialect: how it reads and writes requests and answers.  For
 * llm_translate.c and the dialects' own files only.
 */


#ifndef _LLM_DIALECT_H_INCLUDED_
#define _LLM_DIALECT_H_INCLUDED_


#include "llm_scan.h"
#include "llm_translate.h"
#include "llm_walk.h"


/* a citation: the code points of the answer's texts that it stands behind */

typedef struct llm_note_s  llm_note_t;

struct llm_note_s {
    llm_note_t      *next;
    llm_str_t        url;
    llm_str_t        title;
    llm_str_t        text;        /* quoted, or empty */
    uint64_t         from;
    uint64_t         to;
    unsigned         exact:1;     /* the provider told them */
};


/* an answer, whole: what a unary writer prints */

typedef struct {
    llm_str_t        id;
    llm_str_t        model;       /* as the upstream told it */
    llm_block_t     *blocks;      /* names of tools are the client's again */
    llm_block_t    **last;
    llm_note_t      *notes;
    llm_note_t     **last_note;
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
     * One part of a stream, framed.  START comes with the first block; STOP
     * and END come together, when usage is as final as it gets; END prints
     * what closes the stream.  ERROR ends it instead, at any place, also
     * before START: llm_translate_print_error() does for most.
     */
    void           (*write_part)(llm_translate_t *x, const llm_part_t *part,
                                 llm_buf_t *out);
    size_t           writer_size; /* of its state, zeroed: x->writer */

    /* upstream side: request out, answer in */

    int            (*write_request)(llm_translate_t *x, llm_buf_t *out,
                                    llm_error_t *err);

    /*
     * Both tell parts by llm_translate_part(); LLM_OK or LLM_INVALID.  data
     * is well-formed JSON, of chat completions also "[DONE]".
     */
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

    /* parts told so far: llm_translate.c, llm_translate_part.c */

    llm_buf_t                   *out;         /* of the event at hand */
    llm_scan_t                  *scan;        /* checks events */
    llm_buf_t                    scratch;     /* strings of the event */
    llm_message_t               *message;     /* a unary answer, or NULL */
    llm_block_t                 *current;     /* its open block, */
    llm_buf_t                    text;        /* and what came of it */
    llm_part_t                   start;       /* held until content comes */
    llm_part_t                   stop;        /* held until the end */
    llm_fault_t                  fault;
    const llm_error_t           *error;       /* our own, while it is told */
    uint64_t                     points;      /* code points of all texts */
    uint64_t                     from;        /* before the open text */
    uint32_t                     half;        /* of a surrogate pair: waits
                                                 for the other one, or 0 */
    unsigned                     nblocks;
    llm_block_e                  block;       /* the open one */
    unsigned                     open:1;
    unsigned                     fragment:1;  /* it has a DELTA */
    unsigned                     tools:1;     /* a tool call was told */
    unsigned                     started:1;
    unsigned                     stopped:1;
    unsigned                     ended:1;
    unsigned                     failed:1;    /* ERROR was told */
    unsigned                     nomem:1;
    unsigned                     begun:1;     /* START was written */
};


/*
 * For readers of answers.  What is told passes the checks that hold for all:
 * START comes once and first, and waits for content; blocks are closed before
 * the next opens; DELTA, STATE, NOTE without an open block are left out; a
 * tool call without a fragment gets "{}", one without id an id; a stop with
 * tool calls is TOOL unless it was LENGTH, FILTER or REFUSAL; STOP waits for
 * END, the last one told counts.  part's strings are used before it returns.
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

/* of a unary answer: a part into x->message; and a string of it */
void llm_translate_keep(llm_translate_t *x, const llm_part_t *part);
void llm_translate_dup(llm_translate_t *x, llm_str_t *dst,
    const llm_str_t *src);

/*
 * Decodes a string of an event with its quotes, without memory that stays:
 * out is a slice of raw, or lies in x->scratch, until the event is read.
 * Empty if raw is no string.
 */
void llm_translate_string(llm_translate_t *x, const llm_str_t *raw,
    llm_str_t *out);
/* the same for what is told by llm_translate_delta(), which puts halves of
   surrogate pairs together: see llm_form_unescape_halves() */
void llm_translate_text(llm_translate_t *x, const llm_str_t *raw,
    llm_str_t *out);
/* both, of a member of an object */
void llm_translate_member(llm_translate_t *x, const llm_str_t *object,
    const char *name, llm_str_t *out);
void llm_translate_member_text(llm_translate_t *x, const llm_str_t *object,
    const char *name, llm_str_t *out);

/* for writers: an ERROR as the client's protocol words and frames it */
void llm_translate_print_error(llm_translate_t *x, llm_buf_t *out);

/* for writers of requests: a parameter that this target does not know, as chat
   completions call it; and by the client's own name */
void llm_translate_drop(llm_translate_t *x, const char *name);
void llm_translate_drop_name(llm_translate_t *x, const llm_str_t *name);

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
/* the client's name of a tool that was renamed, or name itself */
void llm_name_restore(const llm_translate_t *x, const llm_str_t *name,
    llm_str_t *out);
int llm_id_map(llm_arena_t *arena, const llm_name_rule_t *rule,
    const llm_str_t *id, llm_str_t *out);
/* an id for the n-th thing of this answer: prefix and 24 characters made of
   conf->id, so that it is the same whenever it is asked for */
int llm_id_make(llm_translate_t *x, const char *prefix, unsigned n,
    llm_str_t *out);


/*
 * JSON.  All texts were found well-formed before.
 */

/*
 * Decodes a string with its quotes; lone surrogates become U+FFFD.  One that
 * has no escapes is a slice of raw.  LLM_INVALID: raw is no string.
 */
int llm_form_string(llm_arena_t *arena, const llm_str_t *raw, llm_str_t *out);
/* the same, appended to a buffer */
int llm_form_unescape(llm_buf_t *b, const llm_str_t *raw);

/*
 * The same of a piece of a longer text: lone surrogates stay what they are, in
 * LLM_FORM_HALF bytes each, as UTF-8 would have them.  The bytes before the
 * first one, and the surrogate; all bytes if there is none.
 */

#define LLM_FORM_HALF  3

int llm_form_unescape_halves(llm_buf_t *b, const llm_str_t *raw);
size_t llm_form_half(const unsigned char *p, const unsigned char *end,
    uint32_t *half);

/* whether a name or a string, with its quotes, reads so */
int llm_form_is(const llm_str_t *raw, const char *s);
/* raw JSON's type by its first byte */
llm_json_e llm_form_type(const llm_str_t *raw);
/* the value of a member of an object, or LLM_DECLINED; last one wins */
int llm_form_member(const llm_str_t *object, const char *name,
    llm_str_t *value);
/* of arguments in a string, decoded: the raw text of an object, whatever
   the string holds */
int llm_form_arguments(llm_arena_t *arena, const llm_str_t *text,
    llm_str_t *json);
/* LLM_OK if text is one JSON value; *type is its type */
int llm_form_check(llm_arena_t *arena, const llm_str_t *text,
    llm_json_e *type);
/* appends raw JSON on one line, so that it can stand in an event */
void llm_form_print_raw(llm_buf_t *out, const llm_str_t *raw);
/* the member that holds a request's turns, as its client calls it */
const char *llm_form_param(const llm_form_t *form);
/* a billing line of Claude Code's system prompt: for Anthropic only, others'
   caches would miss for it */
unsigned llm_form_billing(const llm_block_t *block);
/* the text blocks of a list in one string, sep between them */
int llm_form_text(llm_arena_t *arena, const llm_block_t *blocks,
    const char *sep, llm_str_t *out);
/* its code points */
uint64_t llm_form_points(const llm_str_t *text);
/* the tool of that name, or NULL; the last call of that id in the history,
   or NULL */
const llm_tool_t *llm_form_find_tool(const llm_form_t *form,
    const llm_str_t *name);
const llm_block_t *llm_form_find_call(const llm_form_t *form,
    const llm_str_t *id);

/*
 * Form building; NULL without memory.  Turns stand as the client has them:
 * writers merge neighbours of one role where their protocol wants that.
 */
llm_turn_t *llm_form_turn(llm_form_t *form, llm_role_e role);
/* the last turn, if it is of that role, or a new one */
llm_turn_t *llm_form_same_turn(llm_form_t *form, llm_role_e role);
llm_block_t *llm_form_block(llm_form_t *form, llm_turn_t *turn,
    llm_block_e kind);
/* the same at the end of a list, of a tool's result */
llm_block_t *llm_form_append(llm_form_t *form, llm_block_t **list,
    llm_block_e kind);
/* a TEXT, or nothing if text is empty; LLM_OK or LLM_NOMEM */
int llm_form_add_text(llm_form_t *form, llm_turn_t *turn,
    const llm_str_t *text);
llm_tool_t *llm_form_tool(llm_form_t *form);
int llm_form_extra(llm_form_t *form, const llm_str_t *name,
    const llm_str_t *raw);
int llm_form_drop(llm_form_t *form, const char *name);
/* appends to a list of items: stop sequences, modalities, names */
int llm_form_item(llm_form_t *form, llm_item_t **list, const llm_str_t *name,
    const llm_str_t *value);

/*
 * A custom tool's name, description and format: a function of one string, with
 * the grammar told in words.  And the string of a call's arguments, or all of
 * them where the model did not keep to that.
 */
int llm_form_read_custom(llm_form_t *form, llm_tool_t *tool,
    const llm_str_t *custom);
int llm_form_custom_input(llm_arena_t *arena, const llm_str_t *json,
    llm_str_t *text);
/* whether a choice among some tools leaves this one */
unsigned llm_form_allows(const llm_form_t *form, const llm_str_t *name);
/* the end user, or a digest of a longer name */
int llm_form_user(const llm_form_t *form, size_t max, llm_str_t *user);

/*
 * Media: "data:" URLs taken apart, other URLs kept; base64 with its mime as
 * told.  Both leave base64 without white space in the usual alphabet, and
 * correct the mime by magic bytes.  LLM_INVALID: it is no base64.
 */
int llm_form_media(llm_form_t *form, llm_block_t *block,
    const llm_str_t *url);
int llm_form_base64(llm_form_t *form, llm_block_t *block,
    const llm_str_t *mime, const llm_str_t *data);
/* a "data:" URL of base64, as a JSON string */
void llm_form_print_data_url(const llm_str_t *mime, const llm_str_t *data,
    llm_buf_t *out);

/* "gw1:<kind>:<base64>" and back; LLM_DECLINED: it is none.  What was TEXT is
   read as LLM_STATE_NONE */
int llm_state_print(llm_arena_t *arena, const llm_state_t *state,
    llm_str_t *out);
int llm_state_read(llm_arena_t *arena, const llm_str_t *text,
    llm_state_t *state);

/* reasoning: effort to tokens and back; budget 0: off, -1: not told */
extern const llm_str_t  llm_effort_names[LLM_EFFORT_N];    /* [0] empty */

int64_t llm_effort_budget(llm_effort_e effort);
llm_effort_e llm_effort_of(int64_t budget);
llm_effort_e llm_effort_by_name(const llm_str_t *name);
/*
 * As OpenAI's protocols have it: what was told, or what a budget comes to.
 * Words above "high" are for models that know them, and for clients that chose
 * the word themselves.
 */
llm_effort_e llm_effort_of_form(const llm_form_t *form, unsigned xhigh);

/*
 * Top-level members of a request that mean the same in each protocol: a table
 * of them, and a reader.  What is null is not told.
 */

typedef enum {
    LLM_MEMBER_NUMBER = 0,        /* llm_str_t, raw */
    LLM_MEMBER_OBJECT,            /* llm_str_t, raw */
    LLM_MEMBER_STRING,            /* llm_str_t, decoded */
    LLM_MEMBER_COUNT,             /* int64_t, not negative */
    LLM_MEMBER_FLAG,              /* int */
    LLM_MEMBER_IGNORED
} llm_member_e;

typedef struct {
    const char      *name;        /* NULL ends the table */
    llm_member_e     type;
    size_t           offset;      /* in llm_form_t */
} llm_form_member_t;

/* LLM_OK, LLM_DECLINED: not in the table, LLM_NOMEM, LLM_INVALID with err */
int llm_form_read_member(llm_form_t *form, const llm_form_member_t *table,
    const llm_str_t *name, const llm_str_t *value, llm_error_t *err);

/*
 * LLM_INVALID; the parameter's name is made as by printf(), and stands in
 * quotes before text in the message.
 */
int llm_form_refuse(llm_form_t *form, llm_error_t *err, llm_error_e code,
    const char *text, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* JSON Schema for a target */

typedef enum {
    LLM_SCHEMA_PLAIN = 0,         /* as it is, root type added */
    LLM_SCHEMA_STRICT_OPENAI,
    LLM_SCHEMA_STRICT_ANTHROPIC,
    LLM_SCHEMA_OPENAPI,           /* Gemini's subset */
    LLM_SCHEMA_FROM_OPENAPI       /* and back */
} llm_schema_e;

/* appends it; an empty one is that of an object without properties */
int llm_schema_print(llm_arena_t *arena, llm_schema_e kind,
    const llm_str_t *schema, llm_buf_t *out);
/* whether OpenAI's strict mode takes it: nothing is optional or more */
unsigned llm_schema_strict(const llm_str_t *schema);


#endif /* _LLM_DIALECT_H_INCLUDED_ */
