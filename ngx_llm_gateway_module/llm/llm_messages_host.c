
/*
 * Anthropic's models where others host them: the same request with another
 * frame around it.  A request that came in this dialect is not taken apart.
 */


#include "llm_base64.h"
#include "llm_messages.h"


typedef struct {
    llm_str_t    name;
    llm_str_t    beta;            /* it goes only together with this one */
} llm_messages_pair_t;


static int llm_messages_rehost(llm_translate_t *x, llm_buf_t *out);
static void llm_messages_rehost_system(const llm_str_t *value,
    llm_buf_t *out);
static void llm_messages_rehost_tools(llm_translate_t *x,
    const llm_str_t *value, llm_buf_t *out);
static unsigned llm_messages_homebound(const llm_str_t *type);
static unsigned llm_messages_stays(llm_translate_t *x, const llm_str_t *name);


/* members that a host has only together with a beta, or not at all */

static const llm_messages_pair_t  llm_messages_pairs[] = {
    { llm_string("context_management"),
      llm_string("context-management-2025-06-27") },
    { llm_string("mcp_servers"),   llm_string("") },
    { llm_string("container"),     llm_string("") },
    { llm_string("inference_geo"), llm_string("") },
    { llm_string("speed"),         llm_string("") },
    { llm_string("service_tier"),  llm_string("") },
    { llm_string("diagnostics"),   llm_string("") },
    { llm_string(""),              llm_string("") }
};


/* tools that Anthropic runs itself, by the beginning of their types */

static const char  *llm_messages_home[] = {
    "\"web_search_", "\"web_fetch_", "\"code_execution_", "\"mcp_toolset",
    NULL
};


int
llm_messages_write(llm_translate_t *x, llm_buf_t *out, llm_error_t *err)
{
    int        rc;
    unsigned   wrap;
    llm_buf_t  body, *b;

    wrap = llm_quirk(x->to, BEDROCK) && llm_claude_counts(x->form);
    b = out;

    if (wrap) {
        llm_buf_init(&body, x->arena);
        b = &body;
    }

    rc = (x->client->dialect == LLM_DIALECT_MESSAGES)
         ? llm_messages_rehost(x, b)
         : llm_messages_write_form(x, b, err);

    if (rc != LLM_OK) {
        return rc;
    }

    if (b->failed) {
        return LLM_NOMEM;
    }

    if (wrap) {
        llm_buf_puts(out, "{\"input\":{\"invokeModel\":{\"body\":\"");
        llm_base64_encode(out, body.data, body.len);
        llm_buf_puts(out, "\"}}}");
    }

    return out->failed ? LLM_NOMEM : LLM_OK;
}


void
llm_messages_begin(llm_translate_t *x, llm_buf_t *out)
{
    unsigned  counts;

    counts = llm_claude_counts(x->form);

    if (llm_quirk(x->to, BEDROCK)) {
        llm_buf_puts(out, "{\"anthropic_version\":\"bedrock-2023-05-31\"");

        if (counts) {
            /* it wants a body that could be sent as it is */
            llm_buf_puts(out, ",\"max_tokens\":1024");
        }

        return;
    }

    if (llm_quirk(x->to, VERTEX)) {
        llm_buf_puts(out, "{\"anthropic_version\":\"vertex-2023-10-16\"");

    } else {
        llm_buf_puts(out, "{");
    }

    if (counts || !llm_quirk(x->to, VERTEX)) {
        llm_buf_puts(out, llm_quirk(x->to, VERTEX) ? ",\"model\":"
                                                   : "\"model\":");
        llm_buf_json(out, x->to->model.data, x->to->model.len);
    }

    if (x->form->stream && !counts) {
        llm_buf_puts(out, ",\"stream\":true");
    }
}


void
llm_messages_end(llm_translate_t *x, const llm_buf_t *betas, llm_buf_t *out)
{
    llm_buf_t    list;
    llm_str_t    names, beta;
    const char  *comma;

    llm_buf_init(&list, x->arena);

    names.data = betas->data;
    names.len = betas->len;

    llm_claude_betas(x, &x->conf->betas, &list);
    llm_claude_betas(x, &names, &list);

    if (betas->failed || list.failed) {
        out->failed = 1;
        return;
    }

    if (list.len && !llm_quirk(x->to, BEDROCK)) {
        llm_buf_puts(&x->headers, "anthropic-beta: ");
        llm_buf_add(&x->headers, list.data, list.len);
        llm_buf_puts(&x->headers, "\r\n");

    } else if (list.len) {
        names.data = list.data;
        names.len = list.len;
        comma = ",\"anthropic_beta\":[";

        while (llm_claude_next_beta(&names, &beta)) {
            llm_buf_puts(out, comma);
            llm_buf_json(out, beta.data, beta.len);
            comma = ",";
        }

        llm_buf_puts(out, "]");
    }

    llm_buf_puts(out, "}");
}


static int
llm_messages_rehost(llm_translate_t *x, llm_buf_t *out)
{
    unsigned    hosted;
    llm_buf_t   betas;
    llm_str_t   object, raw, name, value;
    llm_walk_t  w;

    hosted = llm_claude_hosted(x->to);

    llm_buf_init(&betas, x->arena);
    llm_messages_begin(x, out);

    llm_walk_text(&w, x->form->body.data, x->form->body.len);

    if (!llm_walk_element(&w, &object)) {
        return LLM_INVALID;
    }

    llm_walk_open(&w, &object);

    while (llm_walk_member(&w, &raw, &value)) {

        if (llm_form_is(&raw, "model")
            || llm_form_is(&raw, "stream")
            || llm_form_is(&raw, "anthropic_version")
            || llm_form_is(&raw, "anthropic_beta")
            || (llm_form_is(&raw, "max_tokens")
                && llm_claude_counts(x->form)))
        {
            continue;
        }

        if (llm_form_string(x->arena, &raw, &name) != LLM_OK) {
            return LLM_NOMEM;
        }

        if (hosted && !llm_messages_stays(x, &name)) {
            llm_translate_drop_name(x, &name);
            continue;
        }

        if (hosted && llm_str_is(&name, "system")) {
            llm_messages_rehost_system(&value, out);
            continue;
        }

        if (hosted && llm_str_is(&name, "tools")) {
            llm_messages_rehost_tools(x, &value, out);
            continue;
        }

        llm_buf_puts(out, ",");
        llm_buf_add(out, raw.data, raw.len);
        llm_buf_puts(out, ":");
        llm_buf_add(out, value.data, value.len);
    }

    llm_messages_end(x, &betas, out);

    return LLM_OK;
}


/* without the block that only Anthropic itself takes out again */

static void
llm_messages_rehost_system(const llm_str_t *value, llm_buf_t *out)
{
    unsigned     n;
    llm_str_t    element, text;
    const char  *comma;
    llm_walk_t   w;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        llm_buf_puts(out, ",\"system\":");
        llm_buf_add(out, value->data, value->len);
        return;
    }

    comma = ",\"system\":[";

    llm_walk_open(&w, value);

    for (n = 0; llm_walk_element(&w, &element); n++) {

        if (n == 0
            && llm_form_member(&element, "text", &text) == LLM_OK
            && text.len > sizeof(LLM_MESSAGES_BILLING)
            && memcmp(text.data, "\"" LLM_MESSAGES_BILLING,
                      sizeof(LLM_MESSAGES_BILLING))
               == 0)
        {
            continue;
        }

        llm_buf_puts(out, comma);
        llm_buf_add(out, element.data, element.len);
        comma = ",";
    }

    if (comma[1] == '\0') {
        llm_buf_puts(out, "]");
    }
}


static void
llm_messages_rehost_tools(llm_translate_t *x, const llm_str_t *value,
    llm_buf_t *out)
{
    llm_str_t    element, type;
    const char  *comma;
    llm_walk_t   w;

    if (llm_form_type(value) != LLM_JSON_ARRAY) {
        return;
    }

    comma = ",\"tools\":[";

    llm_walk_open(&w, value);

    while (llm_walk_element(&w, &element)) {

        if (llm_form_member(&element, "type", &type) == LLM_OK
            && llm_messages_homebound(&type))
        {
            llm_translate_drop(x, "tools");
            continue;
        }

        llm_buf_puts(out, comma);
        llm_buf_add(out, element.data, element.len);
        comma = ",";
    }

    if (comma[1] == '\0') {
        llm_buf_puts(out, "]");
    }
}


static unsigned
llm_messages_homebound(const llm_str_t *type)
{
    size_t    len;
    unsigned  i;

    for (i = 0; llm_messages_home[i]; i++) {
        len = strlen(llm_messages_home[i]);

        if (type->len > len
            && memcmp(type->data, llm_messages_home[i], len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* a member goes where its beta goes, or the host calls it an extra input */

static unsigned
llm_messages_stays(llm_translate_t *x, const llm_str_t *name)
{
    const llm_messages_pair_t  *pair;

    if (llm_str_is(name, "output_config")) {
        return llm_quirk(x->to, ADAPTIVE) || llm_quirk(x->to, NATIVE_SCHEMA);
    }

    for (pair = llm_messages_pairs; pair->name.len; pair++) {

        if (pair->name.len == name->len
            && memcmp(pair->name.data, name->data, name->len) == 0)
        {
            return pair->beta.len
                   && llm_claude_has_beta(&x->conf->betas, &pair->beta);
        }
    }

    return 1;
}
