
/* names of features that are not for everybody yet */


#include "llm_claude.h"


static unsigned llm_claude_takes_beta(const llm_to_t *to,
    const llm_str_t *beta);


/* what Bedrock and Vertex take; they refuse whatever they do not know */

static const llm_str_t  llm_claude_hosted_betas[] = {
    llm_string("computer-use-2024-10-22"),
    llm_string("computer-use-2025-01-24"),
    llm_string("computer-use-2025-11-24"),
    llm_string("token-efficient-tools-2025-02-19"),
    llm_string("output-128k-2025-02-19"),
    llm_string("interleaved-thinking-2025-05-14"),
    llm_string("dev-full-thinking-2025-05-14"),
    llm_string("fine-grained-tool-streaming-2025-05-14"),
    llm_string("context-1m-2025-08-07"),
    llm_string("context-management-2025-06-27"),
    llm_string("tool-search-tool-2025-10-19"),
    llm_string("tool-examples-2025-10-29"),
    llm_string("effort-2025-11-24"),
    llm_string("")
};


void
llm_claude_betas(const llm_translate_t *x, const llm_str_t *list,
    llm_buf_t *out)
{
    llm_str_t  rest, beta, taken;

    rest = *list;

    while (llm_claude_next_beta(&rest, &beta)) {

        taken.data = out->data;
        taken.len = out->len;

        if (!llm_claude_takes_beta(x->to, &beta)
            || llm_claude_has_beta(&taken, &beta))
        {
            continue;
        }

        if (out->len) {
            llm_buf_puts(out, ",");
        }

        llm_buf_add(out, beta.data, beta.len);
    }
}


static unsigned
llm_claude_takes_beta(const llm_to_t *to, const llm_str_t *beta)
{
    size_t            i;
    unsigned char     c;
    const llm_str_t  *known;

    if (llm_claude_hosted(to)) {

        for (known = llm_claude_hosted_betas; known->len; known++) {

            if (known->len == beta->len
                && memcmp(known->data, beta->data, beta->len) == 0)
            {
                return 1;
            }
        }

        return 0;
    }

    /* it is a client's word, and goes into a header */

    for (i = 0; i < beta->len; i++) {
        c = beta->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
        {
            return 0;
        }
    }

    return 1;
}


unsigned
llm_claude_has_beta(const llm_str_t *list, const llm_str_t *beta)
{
    llm_str_t  rest, one;

    rest = *list;

    while (llm_claude_next_beta(&rest, &one)) {

        if (one.len == beta->len
            && memcmp(one.data, beta->data, beta->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


unsigned
llm_claude_next_beta(llm_str_t *list, llm_str_t *beta)
{
    while (list->len
           && (list->data[0] == ',' || list->data[0] == ' '
               || list->data[0] == '\t'))
    {
        list->data++;
        list->len--;
    }

    beta->data = list->data;
    beta->len = 0;

    while (list->len && list->data[0] != ',' && list->data[0] != ' '
           && list->data[0] != '\t')
    {
        list->data++;
        list->len--;
        beta->len++;
    }

    return beta->len != 0;
}



void
llm_claude_body_betas(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t          value, name;
    llm_walk_t         walk;
    const llm_item_t  *item;

    item = llm_claude_extra(x->form, "betas");

    if (item == NULL || llm_form_type(&item->value) != LLM_JSON_ARRAY) {
        return;
    }

    llm_walk_open(&walk, &item->value);

    while (llm_walk_element(&walk, &value)) {
        llm_translate_string(x, &value, &name);
        llm_claude_betas(x, &name, out);
    }
}
