
/* Gemini's dialect: how much a model is to think */


#include "llm_generate.h"
#include "llm_quirk.h"


static const char *llm_generate_level(const llm_to_t *to, llm_effort_e effort);
static int64_t llm_generate_budget(const llm_to_t *to, int64_t budget);
static unsigned llm_generate_model_has(const llm_to_t *to, const char *word);


/* a budget or a level, never both */

void
llm_generate_write_thinking(llm_generate_config_t *c)
{
    int64_t            budget;
    unsigned           off, shown, told;
    const char        *level;
    llm_effort_e       effort;
    const llm_to_t    *to;
    const llm_form_t  *f;

    f = c->x->form;
    to = c->x->to;

    told = (f->effort != LLM_EFFORT_NOT_TOLD || f->budget >= 0 || f->adaptive);

    off = (f->effort == LLM_EFFORT_NONE
           || (f->effort == LLM_EFFORT_NOT_TOLD && f->budget == 0));

    shown = f->thoughts == -1 ? (told || f->summary) && !off
                              : f->thoughts == 1;

    if (llm_quirk(to, NO_THINKING)) {

        if (told && !off) {
            llm_translate_drop(c->x, "reasoning_effort");
        }

        return;
    }

    if (!told && !shown) {
        return;
    }

    llm_generate_name(c, "thinkingConfig");
    llm_buf_puts(c->out, shown ? "{\"includeThoughts\":true"
                               : "{\"includeThoughts\":false");

    if (llm_quirk(to, LEVEL)) {
        effort = f->effort;

        if (effort == LLM_EFFORT_NOT_TOLD && f->budget >= 0) {
            effort = llm_effort_of(f->budget);
        }

        level = llm_generate_level(to, effort);

        if (level) {
            llm_buf_puts(c->out, ",\"thinkingLevel\":\"");
            llm_buf_puts(c->out, level);
            llm_buf_puts(c->out, "\"");
        }

    } else if (told) {

        if (f->effort != LLM_EFFORT_NOT_TOLD) {
            budget = llm_effort_budget(f->effort);

        } else {
            budget = f->budget;
        }

        llm_buf_puts(c->out, ",\"thinkingBudget\":");
        llm_buf_int(c->out, llm_generate_budget(to, budget));
    }

    llm_buf_puts(c->out, "}");
}


/* its pro models know neither "off" nor the lowest level */

static const char *
llm_generate_level(const llm_to_t *to, llm_effort_e effort)
{
    switch (effort) {

    case LLM_EFFORT_NOT_TOLD:
        return NULL;

    case LLM_EFFORT_NONE:
    case LLM_EFFORT_MINIMAL:
        return llm_generate_model_has(to, "pro") ? "LOW" : "MINIMAL";

    case LLM_EFFORT_LOW:
        return "LOW";

    case LLM_EFFORT_MEDIUM:
        return "MEDIUM";

    default:
        return "HIGH";
    }
}


/* what models of the second generation take; -1: as much as they like */

static int64_t
llm_generate_budget(const llm_to_t *to, int64_t budget)
{
    int64_t  max;

    if (budget < 0) {
        return -1;
    }

    if (llm_generate_model_has(to, "pro")) {
        max = 32768;

        if (budget < 128) {
            return 128;
        }

    } else {
        max = 24576;
    }

    return budget < max ? budget : max;
}


static unsigned
llm_generate_model_has(const llm_to_t *to, const char *word)
{
    size_t  i, len;

    len = strlen(word);

    for (i = 0; i + len <= to->model.len; i++) {
        if (memcmp(to->model.data + i, word, len) == 0) {
            return 1;
        }
    }

    return 0;
}
