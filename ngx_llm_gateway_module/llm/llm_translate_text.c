
/*
 * Strings of the event at hand, without memory that stays.
 */


#include "llm_dialect.h"


static void llm_translate_decode(llm_translate_t *x, const llm_str_t *raw,
    unsigned halves, llm_str_t *out);


void
llm_translate_string(llm_translate_t *x, const llm_str_t *raw, llm_str_t *out)
{
    llm_translate_decode(x, raw, 0, out);
}


void
llm_translate_text(llm_translate_t *x, const llm_str_t *raw, llm_str_t *out)
{
    llm_translate_decode(x, raw, 1, out);
}


void
llm_translate_member(llm_translate_t *x, const llm_str_t *object,
    const char *name, llm_str_t *out)
{
    llm_str_t  value;

    (void) llm_form_member(object, name, &value);

    llm_translate_decode(x, &value, 0, out);
}


void
llm_translate_member_text(llm_translate_t *x, const llm_str_t *object,
    const char *name, llm_str_t *out)
{
    llm_str_t  value;

    (void) llm_form_member(object, name, &value);

    llm_translate_decode(x, &value, 1, out);
}


static void
llm_translate_decode(llm_translate_t *x, const llm_str_t *raw,
    unsigned halves, llm_str_t *out)
{
    size_t  len;

    out->len = 0;
    out->data = NULL;

    if (llm_form_type(raw) != LLM_JSON_STRING || raw->len < 2) {
        return;
    }

    if (memchr(raw->data, '\\', raw->len) == NULL) {
        out->data = raw->data + 1;
        out->len = raw->len - 2;
        return;
    }

    /* where the buffer moves, what was told of it before stays as it is */

    len = x->scratch.len;

    if ((halves ? llm_form_unescape_halves(&x->scratch, raw)
                : llm_form_unescape(&x->scratch, raw))
        != LLM_OK)
    {
        return;
    }

    out->data = x->scratch.data + len;
    out->len = x->scratch.len - len;
}
