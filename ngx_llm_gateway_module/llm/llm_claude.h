
/*
 * What writers of requests share that Claude reads, whoever hosts it:
 * Anthropic's protocol and Bedrock's.
 */


#ifndef _LLM_CLAUDE_H_INCLUDED_
#define _LLM_CLAUDE_H_INCLUDED_


#include "llm_dialect.h"
#include "llm_quirk.h"


/*
 * Refuses what would make another answer than the client asked for, and drops
 * what neither protocol has.  LLM_OK, or LLM_INVALID with err.
 */
int llm_claude_refuse(llm_translate_t *x, llm_error_t *err);


/* how long the answer may be, and how it is thought about */

typedef struct {
    int64_t          max_tokens;
    int64_t          budget;      /* tokens; 0: no thinking of that kind */
    const char      *effort;      /* of adaptive thinking, or NULL */
    unsigned         adaptive:1;
    unsigned         disabled:1;  /* to be told so */
    unsigned         told:1;      /* the client told "thinking" itself */
} llm_claude_plan_t;

/* forced: the model must call a tool, whatever form->choice says */
void llm_claude_plan(llm_translate_t *x, unsigned forced,
    llm_claude_plan_t *plan);

/* "thinking" of a request, its raw value; nothing if the plan has none */
void llm_claude_thinking(const llm_translate_t *x,
    const llm_claude_plan_t *plan, llm_buf_t *out);

/* temperature, top_p and top_k as the model takes them, or empty */

typedef struct {
    llm_str_t        temperature;
    llm_str_t        top_p;
    llm_str_t        top_k;
} llm_claude_sampling_t;

/* a temperature that others count to 2, as far as it goes here: to 1 */
llm_str_t llm_claude_temperature(const llm_str_t *number);

void llm_claude_sampling(llm_translate_t *x, const llm_claude_plan_t *plan,
    llm_claude_sampling_t *s);


/*
 * The name of the tool that stands for a JSON schema where the model has no
 * other means to keep to one; LLM_DECLINED where there is none.
 */
int llm_claude_forced(const llm_translate_t *x, llm_str_t *name);

/* the choice of a tool then; *name is the one that it is for */
llm_choice_e llm_claude_choice(const llm_translate_t *x, unsigned forced,
    llm_str_t *name);

/* "input_schema" and the like of a function; LLM_OK or LLM_NOMEM */
int llm_claude_schema(const llm_translate_t *x, const llm_tool_t *tool,
    llm_buf_t *out);

/* whether a function may be called, and whether its schema is kept to */
unsigned llm_claude_allowed(const llm_form_t *form, const llm_tool_t *tool);
unsigned llm_claude_strict(const llm_translate_t *x, const llm_tool_t *tool);


/*
 * Neighbours of one role are one message: turns that say nothing do not part
 * them.  usable tells whether a block is said at all.
 */

typedef struct {
    const llm_turn_t  *first;
    const llm_turn_t  *end;       /* the turn behind them, or NULL */
    llm_role_e         role;
    unsigned           last:1;    /* nothing is said behind them */
} llm_claude_run_t;

/*
 * The next run from turn on; 0: there is none.  Turns of the system are the
 * user's, unless the model takes them anywhere.
 */
unsigned llm_claude_run(const llm_translate_t *x, const llm_turn_t *turn,
    unsigned (*usable)(const llm_translate_t *x, const llm_block_t *block),
    llm_claude_run_t *run);


/*
 * Appends those of a list of betas, separated by commas, that the upstream
 * takes and that are not there yet: all of them, or what is known of a host
 * that refuses others.
 */
void llm_claude_betas(const llm_translate_t *x, const llm_str_t *list,
    llm_buf_t *out);

/* the next name of such a list; 0: there is none */
unsigned llm_claude_next_beta(llm_str_t *list, llm_str_t *beta);

/* whether a list names it */
unsigned llm_claude_has_beta(const llm_str_t *list, const llm_str_t *beta);

/* betas that a client of another protocol names in the body; appended */
void llm_claude_body_betas(llm_translate_t *x, llm_buf_t *out);


/*
 * Tells an exception of an AWS event stream, whose type is name and whose
 * payload is data; anything else that is no event is left alone.
 */
void llm_claude_exception(llm_translate_t *x, const llm_str_t *name,
    const llm_str_t *data);


/* the upstream is not Anthropic's own */
unsigned llm_claude_hosted(const llm_to_t *to);

/* the client asks for a count of tokens only */
unsigned llm_claude_counts(const llm_form_t *form);

/* the schema of an answer in JSON, appended; LLM_OK or LLM_NOMEM */
int llm_claude_format(const llm_form_t *form, llm_arena_t *arena,
    llm_buf_t *out);

/* a member of the client's that its protocol has not, or NULL */
const llm_item_t *llm_claude_extra(const llm_form_t *form, const char *name);

/* nothing but white space, or nothing at all */
unsigned llm_claude_blank(const llm_str_t *s);

/*
 * The next text of the system turns at the front that says something, behind
 * block; *turn, whose block that is, begins as the form's first with a NULL
 * block.  NULL: that was the last, and *turn is what follows them.
 */
const llm_block_t *llm_claude_system(const llm_turn_t **turn,
    const llm_block_t *block);


#endif /* _LLM_CLAUDE_H_INCLUDED_ */
