
/*
 * What the files of the Messages dialect share; llm_dialect.h tells what each
 * of them is for.
 */


#ifndef _LLM_MESSAGES_H_INCLUDED_
#define _LLM_MESSAGES_H_INCLUDED_


#include "llm_claude.h"


/* the first block of Claude Code's system prompt: for Anthropic alone */

#define LLM_MESSAGES_BILLING  "x-anthropic-billing-header:"


/*
 * llm_messages_read.c, _content.c, _tool.c: the client's request.  All of
 * them answer LLM_OK, LLM_NOMEM, or LLM_INVALID with err.
 */

/*
 * Appends the blocks of a "content" or "system" member: a string, or an array
 * of blocks.  path names it in errors: "messages[0].content".
 */
int llm_messages_read_content(llm_form_t *form, llm_turn_t *turn,
    const llm_str_t *value, const char *path, llm_error_t *err);

int llm_messages_read_tools(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);
int llm_messages_read_choice(llm_form_t *form, const llm_str_t *value,
    llm_error_t *err);

/* a bad request: err tells path and message; LLM_INVALID or LLM_NOMEM */
int llm_messages_refuse(llm_form_t *form, llm_error_t *err, const char *path,
    const char *message);

/* a cache breakpoint, of a "cache_control" member's raw value or of nothing */
llm_cache_e llm_messages_cache(const llm_str_t *value);


/*
 * llm_messages_write.c, _turn.c, _host.c: the upstream's request.
 */

typedef struct {
    llm_translate_t    *x;
    const llm_form_t   *form;
    llm_buf_t          *out;
    llm_buf_t           betas;    /* names, with commas between them */
    llm_claude_plan_t   plan;
    llm_str_t           tool;     /* that stands for the schema, if forced */
    unsigned            caches;   /* breakpoints still to be left out */
    unsigned            forced:1;
} llm_messages_writer_t;

/*
 * The whole request, and what of it was made from the form alone.  LLM_OK,
 * LLM_NOMEM, or LLM_INVALID with err.
 */
int llm_messages_write(llm_translate_t *x, llm_buf_t *out, llm_error_t *err);
int llm_messages_write_form(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err);

/* the first members, which the host decides, and the last, with the brace */
void llm_messages_begin(llm_translate_t *x, llm_buf_t *out);
void llm_messages_end(llm_translate_t *x, const llm_buf_t *betas,
    llm_buf_t *out);

/* "system" and "messages"; LLM_OK, LLM_NOMEM or LLM_INVALID */
int llm_messages_write_turns(llm_messages_writer_t *w, llm_error_t *err);

/* "cache_control" of a block, where there is one, with a comma before */
void llm_messages_write_cache(llm_messages_writer_t *w, llm_cache_e cache);

/* a tool's name as the upstream takes it; LLM_OK or LLM_NOMEM */
int llm_messages_name(llm_messages_writer_t *w, const llm_str_t *name,
    llm_str_t *out);


/* llm_messages_answer.c: the upstream's answer */

typedef enum {
    LLM_MESSAGES_NONE = 0,        /* or one that is left out */
    LLM_MESSAGES_TEXT,
    LLM_MESSAGES_THINKING,
    LLM_MESSAGES_TOOL,
    LLM_MESSAGES_ANSWER           /* the forced tool: its input is a text */
} llm_messages_open_e;

typedef struct {
    llm_buf_t            event;   /* decoded: Bedrock sends it as base64 */
    llm_scan_t          *scan;
    llm_buf_t            start;   /* message_start, until content comes */
    llm_buf_t            input;   /* of a tool call, told when it opened */
    llm_messages_open_e  open;
    unsigned             answer:1;    /* the forced tool was called */
    unsigned             calls:1;     /* another one was */
} llm_messages_reader_t;

int llm_messages_read_answer(llm_translate_t *x, const llm_str_t *body);
int llm_messages_read_event(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data);
int llm_messages_read_end(llm_translate_t *x);

/* tells the error that an event or an answer is; LLM_OK */
int llm_messages_fault(llm_translate_t *x, const llm_str_t *json);


/* llm_messages_pass.c: the client's own protocol, of another host */

unsigned llm_messages_same(const llm_translate_t *x);

/*
 * Passes an event as it came; what is open is noted, so that the stream can be
 * ended before its time.  type and index are raw.  LLM_OK or LLM_INVALID.
 */
int llm_messages_pass(llm_translate_t *x, const llm_str_t *type,
    const llm_str_t *index, const llm_str_t *data);


/* llm_messages_print.c: the client's answer */

typedef struct {
    unsigned           next;      /* index of the block that is open, or of
                                     the next one */
    llm_str_t          id;        /* of a tool call that is not opened yet */
    llm_str_t          name;
    llm_str_t          whole;     /* an answer that is passed as it is */
    unsigned           held:1;    /* there is one */
    unsigned           open:1;    /* a block is open */
    unsigned           late:1;    /* a block of thinking is, which may wait */
} llm_messages_printer_t;

void llm_messages_print(llm_translate_t *x, const llm_message_t *m,
    llm_buf_t *out);
/* "usage":{...} */
void llm_messages_print_usage(const llm_usage_t *u, llm_buf_t *out);
void llm_messages_print_part(llm_translate_t *x, const llm_part_t *part,
    llm_buf_t *out);


#endif /* _LLM_MESSAGES_H_INCLUDED_ */
