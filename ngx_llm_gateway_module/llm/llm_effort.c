
/*
 * How hard a model is to think: words of one protocol, tokens of another.
 */


#include "llm_dialect.h"


const llm_str_t  llm_effort_names[LLM_EFFORT_N] = {
    { 0, NULL },
#define LLM_EFFORT_NAME(e, name)  llm_string(#name),
    LLM_EFFORT_MAP(LLM_EFFORT_NAME)
#undef LLM_EFFORT_NAME
};


/* what Google's own endpoint for OpenAI clients takes these words for */

static const int64_t  llm_effort_budgets[LLM_EFFORT_N] = {
    -1, 0, 1024, 1024, 8192, 24576, 32000, 32000
};


int64_t
llm_effort_budget(llm_effort_e effort)
{
    return llm_effort_budgets[effort];
}


llm_effort_e
llm_effort_of(int64_t budget)
{
    unsigned  i;

    if (budget < 0) {
        return LLM_EFFORT_NOT_TOLD;
    }

    if (budget == 0) {
        return LLM_EFFORT_NONE;
    }

    for (i = LLM_EFFORT_LOW; i < LLM_EFFORT_XHIGH; i++) {

        if (budget <= llm_effort_budgets[i]) {
            return (llm_effort_e) i;
        }
    }

    return LLM_EFFORT_XHIGH;
}


llm_effort_e
llm_effort_by_name(const llm_str_t *name)
{
    unsigned  i;

    for (i = 1; i < LLM_EFFORT_N; i++) {

        if (llm_effort_names[i].len == name->len
            && memcmp(llm_effort_names[i].data, name->data, name->len) == 0)
        {
            return (llm_effort_e) i;
        }
    }

    return LLM_EFFORT_NOT_TOLD;
}


llm_effort_e
llm_effort_of_form(const llm_form_t *form, unsigned xhigh)
{
    llm_effort_e  effort;

    effort = form->effort;

    if (effort == LLM_EFFORT_NOT_TOLD) {
        effort = llm_effort_of(form->budget);
    }

    if (effort <= LLM_EFFORT_HIGH
        || form->op->protocol == LLM_PROTOCOL_OPENAI)
    {
        return effort;
    }

    return xhigh ? LLM_EFFORT_XHIGH : LLM_EFFORT_HIGH;
}
