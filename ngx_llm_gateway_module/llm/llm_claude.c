
#include "llm_claude.h"

#include <stdlib.h>


#define LLM_CLAUDE_MAX_TOKENS  4096

/* thinking needs so much, and so much must be left for the answer */

#define LLM_CLAUDE_MIN_BUDGET  1024


static void llm_claude_drop(llm_translate_t *x, const llm_str_t *value,
    const char *name);
static void llm_claude_plan_thinking(llm_translate_t *x, unsigned forced,
    llm_claude_plan_t *plan);
static const char *llm_claude_effort(const llm_translate_t *x);
static unsigned llm_claude_unthought(const llm_form_t *form);
static unsigned llm_claude_has_thought(const llm_turn_t *turn,
    unsigned *called);
static double llm_claude_double(const llm_str_t *number);


int
llm_claude_refuse(llm_translate_t *x, llm_error_t *err)
{
    const llm_item_t  *item;
    const llm_form_t  *form;

    form = x->form;

    if (form->n > 1) {
        return llm_translate_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER, "n",
                                    "this model gives one answer to a "
                                    "request, n must be 1");
    }

    if (form->logprobs == 1) {
        return llm_translate_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                    "logprobs",
                                    "this model tells no logprobs");
    }

    for (item = form->modalities; item; item = item->next) {

        if (!llm_str_is(&item->value, "text")) {
            return llm_translate_refuse(err, LLM_ERROR_UNSUPPORTED_PARAMETER,
                                        "modalities",
                                        "this model answers by text alone");
        }
    }

    llm_claude_drop(x, &form->seed, "seed");
    llm_claude_drop(x, &form->presence_penalty, "presence_penalty");
    llm_claude_drop(x, &form->frequency_penalty, "frequency_penalty");
    llm_claude_drop(x, &form->logit_bias, "logit_bias");
    llm_claude_drop(x, &form->verbosity, "verbosity");
    llm_claude_drop(x, &form->cache_key, "prompt_cache_key");

    return LLM_OK;
}


static void
llm_claude_drop(llm_translate_t *x, const llm_str_t *value, const char *name)
{
    if (value->len) {
        llm_translate_drop(x, name);
    }
}


void
llm_claude_plan(llm_translate_t *x, unsigned forced, llm_claude_plan_t *plan)
{
    int64_t            max, most;
    const llm_form_t  *form;

    form = x->form;

    memset(plan, 0, sizeof(llm_claude_plan_t));

    forced |= (form->tools
               && (form->choice == LLM_CHOICE_REQUIRED
                   || form->choice == LLM_CHOICE_TOOL));

    llm_claude_plan_thinking(x, forced, plan);

    max = form->max_tokens;
    most = x->to->max_output;

    if (max < 0) {
        max = (most > 0) ? most : plan->budget + LLM_CLAUDE_MAX_TOKENS;
    }

    if (most > 0 && max > most) {
        max = most;
    }

    plan->max_tokens = max;

    if (plan->budget == 0) {
        return;
    }

    if (max < 2 * LLM_CLAUDE_MIN_BUDGET) {
        plan->budget = 0;
        llm_translate_drop(x, "reasoning_effort");
        return;
    }

    if (plan->budget > max - LLM_CLAUDE_MIN_BUDGET) {
        plan->budget = max - LLM_CLAUDE_MIN_BUDGET;
    }
}


/* a tool that must be called leaves no room for thinking before it */

static void
llm_claude_plan_thinking(llm_translate_t *x, unsigned forced,
    llm_claude_plan_t *plan)
{
    llm_str_t          type;
    const llm_to_t    *to;
    const llm_form_t  *form;
    const llm_item_t  *item;

    to = x->to;
    form = x->form;

    item = llm_claude_extra(form, "thinking");

    if (item) {
        (void) llm_form_member(&item->value, "type", &type);
        plan->told = !llm_form_is(&type, "disabled");
        return;
    }

    if (form->effort == LLM_EFFORT_NONE || form->budget == 0) {
        plan->disabled = llm_quirk(to, ADAPTIVE);
        return;
    }

    if (form->effort == LLM_EFFORT_NOT_TOLD && form->budget < 0
        && !form->adaptive)
    {
        return;
    }

    if (llm_quirk(to, NO_THINKING) || forced) {
        llm_translate_drop(x, "reasoning_effort");
        return;
    }

    if (llm_quirk(to, ADAPTIVE)) {
        plan->adaptive = 1;
        plan->effort = llm_claude_effort(x);
        return;
    }

    if (llm_claude_unthought(form)) {
        llm_translate_drop(x, "reasoning_effort");
        return;
    }

    plan->budget = form->budget;

    if (plan->budget < 0) {
        plan->budget = llm_effort_budget(form->effort == LLM_EFFORT_NOT_TOLD
                                         ? LLM_EFFORT_MEDIUM : form->effort);
    }

    if (plan->budget < LLM_CLAUDE_MIN_BUDGET) {
        plan->budget = LLM_CLAUDE_MIN_BUDGET;
    }
}


/* the word for output_config.effort, or NULL: as the model likes */

static const char *
llm_claude_effort(const llm_translate_t *x)
{
    llm_effort_e  effort;

    effort = x->form->effort;

    if (effort == LLM_EFFORT_NOT_TOLD && x->form->budget > 0) {
        effort = llm_effort_of(x->form->budget);
    }

    switch (effort) {

    case LLM_EFFORT_MINIMAL:
    case LLM_EFFORT_LOW:
        return "low";

    case LLM_EFFORT_MEDIUM:
        return "medium";

    case LLM_EFFORT_HIGH:
        return "high";

    case LLM_EFFORT_XHIGH:
        return llm_quirk(x->to, XHIGH) ? "xhigh" : "max";

    case LLM_EFFORT_MAX:
        return "max";

    default:
        return NULL;
    }
}


/*
 * Whether the last round of tool calls lacks the thinking that came with it:
 * a model that thinks refuses it then.
 */

static unsigned
llm_claude_unthought(const llm_form_t *form)
{
    unsigned           thought, called;
    llm_role_e         role;
    const llm_turn_t  *turn;

    thought = 0;
    called = 0;
    role = LLM_ROLE_USER;

    for (turn = form->turns; turn; turn = turn->next) {

        if (turn->role == LLM_ROLE_ASSISTANT) {

            if (role != LLM_ROLE_ASSISTANT) {
                thought = 0;
                called = 0;
            }

            thought |= llm_claude_has_thought(turn, &called);
        }

        role = turn->role;
    }

    return called && !thought;
}


static unsigned
llm_claude_has_thought(const llm_turn_t *turn, unsigned *called)
{
    const llm_block_t  *block;

    for (block = turn->blocks; block; block = block->next) {

        if (block->state.kind == LLM_STATE_ANTHROPIC
            && (block->kind == LLM_BLOCK_THINKING
                || block->kind == LLM_BLOCK_REDACTED))
        {
            return 1;
        }

        *called |= (block->kind == LLM_BLOCK_TOOL_CALL);
    }

    return 0;
}


void
llm_claude_thinking(const llm_translate_t *x, const llm_claude_plan_t *plan,
    llm_buf_t *out)
{
    if (plan->disabled) {
        llm_buf_puts(out, "{\"type\":\"disabled\"}");

    } else if (plan->adaptive) {

        /* some models leave their thoughts out unless they are asked */

        llm_buf_puts(out, x->form->thoughts == 1
                     ? "{\"type\":\"adaptive\",\"display\":\"summarized\"}"
                     : "{\"type\":\"adaptive\"}");

    } else if (plan->budget) {
        llm_buf_puts(out, "{\"type\":\"enabled\",\"budget_tokens\":");
        llm_buf_int(out, plan->budget);
        llm_buf_puts(out, "}");
    }
}


/*
 * Newer models take one of temperature and top_p; thinking takes neither, but
 * a top_p that is next to nothing.
 */

void
llm_claude_sampling(llm_translate_t *x, const llm_claude_plan_t *plan,
    llm_claude_sampling_t *s)
{
    double             top_p;
    unsigned           thinking, none;
    const llm_form_t  *form;

    form = x->form;

    memset(s, 0, sizeof(llm_claude_sampling_t));

    none = llm_quirk(x->to, NO_SAMPLING);
    thinking = plan->budget || plan->adaptive || plan->told;

    if (form->temperature.len) {

        if (none || thinking) {
            llm_translate_drop(x, "temperature");

        } else {
            s->temperature = llm_claude_temperature(&form->temperature);
        }
    }

    if (form->top_p.len) {
        top_p = llm_claude_double(&form->top_p);

        if (none || s->temperature.len
            || (thinking && (top_p < 0.95 || top_p > 1)))
        {
            llm_translate_drop(x, "top_p");

        } else {
            s->top_p = form->top_p;
        }
    }

    if (form->top_k.len) {

        if (none || thinking) {
            llm_translate_drop(x, "top_k");

        } else {
            s->top_k = form->top_k;
        }
    }
}


llm_str_t
llm_claude_temperature(const llm_str_t *number)
{
    static const llm_str_t  one = llm_string("1");

    return llm_claude_double(number) > 1 ? one : *number;
}


/* to be compared only */

static double
llm_claude_double(const llm_str_t *number)
{
    char  text[32];

    if (number->len == 0 || number->len >= sizeof(text)) {
        return 0;
    }

    memcpy(text, number->data, number->len);
    text[number->len] = '\0';

    return strtod(text, NULL);
}


unsigned
llm_claude_run(const llm_translate_t *x, const llm_turn_t *turn,
    unsigned (*usable)(const llm_translate_t *x, const llm_block_t *block),
    llm_claude_run_t *run)
{
    llm_role_e          role;
    const llm_block_t  *block;

    run->first = NULL;
    run->end = NULL;
    run->last = 1;
    run->role = LLM_ROLE_USER;

    for ( /* void */ ; turn; turn = turn->next) {

        for (block = turn->blocks; block; block = block->next) {

            if (usable(x, block)) {
                break;
            }
        }

        if (block == NULL) {
            continue;
        }

        role = turn->role;

        if (role == LLM_ROLE_SYSTEM && !llm_quirk(x->to, MID_SYSTEM)) {
            role = LLM_ROLE_USER;
        }

        if (run->first == NULL) {
            run->first = turn;
            run->role = role;

        } else if (role != run->role) {
            run->end = turn;
            run->last = 0;
            break;
        }
    }

    return run->first != NULL;
}


unsigned
llm_claude_hosted(const llm_to_t *to)
{
    return llm_quirk(to, VERTEX) || llm_quirk(to, BEDROCK)
           || to->dialect == LLM_DIALECT_CONVERSE;
}


unsigned
llm_claude_counts(const llm_form_t *form)
{
    return form->op->op == LLM_OP_COUNT_TOKENS
           || form->op->op == LLM_OP_GEMINI_COUNT;
}


const llm_item_t *
llm_claude_extra(const llm_form_t *form, const char *name)
{
    size_t             len;
    const llm_item_t  *item;

    len = strlen(name);

    for (item = form->extra; item; item = item->next) {

        if (item->name.len == len && memcmp(item->name.data, name, len) == 0) {
            return item;
        }
    }

    return NULL;
}


unsigned
llm_claude_blank(const llm_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {

        if (s->data[i] != ' ' && (s->data[i] < '\t' || s->data[i] > '\r')) {
            return 0;
        }
    }

    return 1;
}


const llm_block_t *
llm_claude_system(const llm_turn_t **turn, const llm_block_t *block)
{
    block = block ? block->next : *turn ? (*turn)->blocks : NULL;

    while (*turn && (*turn)->role == LLM_ROLE_SYSTEM) {

        for ( /* void */ ; block; block = block->next) {

            if (block->kind == LLM_BLOCK_TEXT
                && !llm_claude_blank(&block->text))
            {
                return block;
            }
        }

        *turn = (*turn)->next;
        block = *turn ? (*turn)->blocks : NULL;
    }

    return NULL;
}
