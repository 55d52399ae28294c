
/*
 * OpenAI chat completions: the request to a provider, with what providers of
 * this protocol do differently.
 */


#include "llm_chat.h"


#define LLM_CHAT_MAX_STOP  4
#define LLM_CHAT_MAX_USER  64


static void llm_chat_write_sampling(llm_translate_t *x, llm_buf_t *out);
static void llm_chat_write_number(llm_translate_t *x, const char *name,
    const llm_str_t *raw, unsigned refused, llm_buf_t *out);
static void llm_chat_write_stop(llm_translate_t *x, llm_buf_t *out);
static int llm_chat_write_tools(llm_translate_t *x, llm_buf_t *out);
static int llm_chat_write_tool(llm_translate_t *x, const llm_tool_t *tool,
    llm_buf_t *out);
static int llm_chat_write_choice(llm_translate_t *x, llm_buf_t *out);
static int llm_chat_write_format(llm_translate_t *x, llm_buf_t *out);
static void llm_chat_write_reasoning(llm_translate_t *x, llm_buf_t *out);
static void llm_chat_write_ids(llm_translate_t *x, llm_buf_t *out);
static int llm_chat_write_modalities(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err);
static void llm_chat_write_string(const char *name, const llm_str_t *s,
    llm_buf_t *out);
static unsigned llm_chat_search(const llm_to_t *to);


int
llm_chat_write_request(llm_translate_t *x, llm_buf_t *out, llm_error_t *err)
{
    int                rc;
    int64_t            max;
    llm_item_t        *item;
    const llm_form_t  *form;

    form = x->form;

    llm_buf_puts(out, "{\"model\":");
    llm_buf_json(out, x->to->model.data, x->to->model.len);

    rc = llm_chat_write_messages(x, out, err);
    if (rc != LLM_OK) {
        return rc;
    }

    rc = llm_chat_write_tools(x, out);
    if (rc != LLM_OK) {
        return rc;
    }

    max = form->max_tokens;

    if (max >= 0) {

        if (x->to->max_output > 0 && max > x->to->max_output) {
            max = x->to->max_output;
        }

        llm_buf_puts(out, llm_quirk(x->to, MAX_TOKENS)
                          ? ",\"max_tokens\":"
                          : ",\"max_completion_tokens\":");
        llm_buf_int(out, max);
    }

    llm_chat_write_sampling(x, out);
    llm_chat_write_stop(x, out);

    rc = llm_chat_write_format(x, out);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_chat_write_reasoning(x, out);
    llm_chat_write_ids(x, out);

    rc = llm_chat_write_modalities(x, out, err);
    if (rc != LLM_OK) {
        return rc;
    }

    if (form->stream) {
        llm_buf_puts(out, ",\"stream\":true");

        if (!llm_quirk(x->to, NO_STREAM_OPTIONS)) {
            llm_buf_puts(out, ",\"stream_options\":"
                              "{\"include_usage\":true}");
        }
    }

    llm_buf_puts(out, "}");

    if (form->metadata.len) {
        llm_translate_drop(x, "metadata");
    }

    for (item = form->extra; item; item = item->next) {
        llm_translate_drop_name(x, &item->name);
    }

    return LLM_OK;
}


static void
llm_chat_write_sampling(llm_translate_t *x, llm_buf_t *out)
{
    unsigned           fixed;
    const llm_form_t  *form;

    form = x->form;

    /* models that reason sample as they like */

    fixed = llm_quirk(x->to, NO_SAMPLING);

    llm_chat_write_number(x, "temperature", &form->temperature, fixed, out);
    llm_chat_write_number(x, "top_p", &form->top_p, fixed, out);
    llm_chat_write_number(x, "top_k", &form->top_k,
                          !llm_quirk(x->to, TOP_K), out);
    llm_chat_write_number(x, "presence_penalty", &form->presence_penalty,
                          fixed, out);
    llm_chat_write_number(x, "frequency_penalty", &form->frequency_penalty,
                          fixed, out);
    llm_chat_write_number(x, "logit_bias", &form->logit_bias,
                          fixed || llm_quirk(x->to, MISTRAL), out);

    if (form->seed.len && llm_quirk(x->to, MISTRAL)) {
        llm_chat_write_number(x, "random_seed", &form->seed, 0, out);
        return;
    }

    llm_chat_write_number(x, "seed", &form->seed, fixed, out);
}


static void
llm_chat_write_number(llm_translate_t *x, const char *name,
    const llm_str_t *raw, unsigned refused, llm_buf_t *out)
{
    if (raw->len == 0) {
        return;
    }

    if (refused) {
        llm_translate_drop(x, name);
        return;
    }

    llm_buf_puts(out, ",\"");
    llm_buf_puts(out, name);
    llm_buf_puts(out, "\":");
    llm_buf_add(out, raw->data, raw->len);
}


static void
llm_chat_write_stop(llm_translate_t *x, llm_buf_t *out)
{
    unsigned           n;
    const llm_item_t  *item;

    if (x->form->stop == NULL) {
        return;
    }

    if (llm_quirk(x->to, NO_STOP)) {
        llm_translate_drop(x, "stop");
        return;
    }

    n = 0;

    for (item = x->form->stop; item; item = item->next) {

        if (n == LLM_CHAT_MAX_STOP) {
            llm_translate_drop(x, "stop");
            break;
        }

        llm_buf_puts(out, n++ ? "," : ",\"stop\":[");
        llm_buf_json(out, item->value.data, item->value.len);
    }

    llm_buf_puts(out, "]");
}


int
llm_chat_name(llm_translate_t *x, const llm_str_t *name, llm_str_t *out)
{
    static const llm_name_rule_t  rule = { 64, 0, 0, 0 };

    return llm_name_map(x, &rule, name, out);
}


static int
llm_chat_write_tools(llm_translate_t *x, llm_buf_t *out)
{
    int                rc;
    unsigned           n;
    const llm_tool_t  *tool;

    n = 0;

    for (tool = x->form->tools; tool; tool = tool->next) {

        if (tool->search) {

            if (llm_chat_search(x->to)) {
                llm_buf_puts(out, ",\"web_search_options\":{}");

            } else {
                llm_translate_drop_name(x, &tool->name);
            }
        }
    }

    for (tool = x->form->tools; tool; tool = tool->next) {

        if (tool->search || !llm_form_allows(x->form, &tool->name)) {
            continue;
        }

        llm_buf_puts(out, n++ ? "," : ",\"tools\":[");

        rc = llm_chat_write_tool(x, tool, out);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (n == 0) {
        return LLM_OK;
    }

    llm_buf_puts(out, "]");

    /* several at once is what this protocol does unless told otherwise */

    if (x->form->parallel == 0) {

        if (llm_quirk(x->to, NO_PARALLEL)) {
            llm_translate_drop(x, "parallel_tool_calls");

        } else {
            llm_buf_puts(out, ",\"parallel_tool_calls\":false");
        }
    }

    return llm_chat_write_choice(x, out);
}


static int
llm_chat_write_tool(llm_translate_t *x, const llm_tool_t *tool,
    llm_buf_t *out)
{
    int        rc;
    llm_str_t  name;

    rc = llm_chat_name(x, &tool->name, &name);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(out, "{\"type\":\"function\",\"function\":{\"name\":");
    llm_buf_json(out, name.data, name.len);

    if (tool->description.len) {
        llm_chat_write_string(",\"description\":", &tool->description, out);
    }

    llm_buf_puts(out, ",\"parameters\":");

    rc = llm_schema_print(x->arena, tool->openapi ? LLM_SCHEMA_FROM_OPENAPI
                                                  : LLM_SCHEMA_PLAIN,
                          &tool->schema, out);
    if (rc != LLM_OK) {
        return rc;
    }

    if (tool->strict == 1 && !tool->openapi
        && llm_schema_strict(&tool->schema))
    {
        llm_buf_puts(out, ",\"strict\":true");
    }

    llm_buf_puts(out, "}}");

    return LLM_OK;
}


static int
llm_chat_write_choice(llm_translate_t *x, llm_buf_t *out)
{
    int        rc;
    llm_str_t  name;

    switch (x->form->choice) {

    case LLM_CHOICE_AUTO:
        llm_buf_puts(out, ",\"tool_choice\":\"auto\"");
        break;

    case LLM_CHOICE_NONE:
        llm_buf_puts(out, ",\"tool_choice\":\"none\"");
        break;

    case LLM_CHOICE_REQUIRED:
        llm_buf_puts(out, llm_quirk(x->to, MISTRAL)
                          ? ",\"tool_choice\":\"any\""
                          : ",\"tool_choice\":\"required\"");
        break;

    case LLM_CHOICE_TOOL:
        rc = llm_chat_name(x, &x->form->choice_name, &name);
        if (rc != LLM_OK) {
            return rc;
        }

        llm_buf_puts(out, ",\"tool_choice\":{\"type\":\"function\","
                          "\"function\":");
        llm_chat_write_string("{\"name\":", &name, out);
        llm_buf_puts(out, "}}");
        break;

    default: /* LLM_CHOICE_NONE_TOLD */
        break;
    }

    return LLM_OK;
}


static int
llm_chat_write_format(llm_translate_t *x, llm_buf_t *out)
{
    int                rc;
    llm_str_t          name;
    const llm_form_t  *form;

    form = x->form;

    if (form->output == LLM_OUTPUT_TEXT) {
        return LLM_OK;
    }

    if (form->output == LLM_OUTPUT_JSON || llm_quirk(x->to, NO_SCHEMA)) {
        llm_buf_puts(out, ",\"response_format\":{\"type\":\"json_object\"}");
        return LLM_OK;
    }

    name = form->schema_name;

    if (name.len == 0) {
        name.data = (unsigned char *) "output";
        name.len = sizeof("output") - 1;
    }

    rc = llm_chat_name(x, &name, &name);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(out, ",\"response_format\":{\"type\":\"json_schema\","
                      "\"json_schema\":");
    llm_chat_write_string("{\"name\":", &name, out);

    if (form->schema_description.len) {
        llm_chat_write_string(",\"description\":", &form->schema_description,
                              out);
    }

    llm_buf_puts(out, ",\"schema\":");

    rc = llm_schema_print(x->arena, form->schema_openapi
                                    ? LLM_SCHEMA_FROM_OPENAPI
                                    : LLM_SCHEMA_PLAIN, &form->schema, out);
    if (rc != LLM_OK) {
        return rc;
    }

    if (form->schema_strict == 1) {
        llm_buf_puts(out, !form->schema_openapi
                          && llm_schema_strict(&form->schema)
                          ? ",\"strict\":true" : ",\"strict\":false");
    }

    llm_buf_puts(out, "}}");

    return LLM_OK;
}


static void
llm_chat_write_reasoning(llm_translate_t *x, llm_buf_t *out)
{
    unsigned           off;
    llm_effort_e       effort;
    const llm_form_t  *form;

    form = x->form;
    effort = llm_effort_of_form(form, llm_quirk(x->to, XHIGH));
    off = (effort == LLM_EFFORT_NONE);

    if (effort == LLM_EFFORT_NOT_TOLD && !form->adaptive) {
        return;
    }

    if (llm_quirk(x->to, NO_REASONING)) {
        llm_translate_drop(x, form->op->op == LLM_OP_CHAT
                              ? "reasoning_effort" : "reasoning");
        return;
    }

    if (llm_quirk(x->to, DEEPSEEK)) {
        llm_buf_puts(out, off ? ",\"thinking\":{\"type\":\"disabled\"}"
                              : ",\"thinking\":{\"type\":\"enabled\"}");
        return;
    }

    if (llm_quirk(x->to, OPENROUTER)) {

        if (off) {
            llm_buf_puts(out, ",\"reasoning\":{\"enabled\":false}");

        } else if (form->budget > 0) {
            llm_buf_puts(out, ",\"reasoning\":{\"max_tokens\":");
            llm_buf_int(out, form->budget);
            llm_buf_puts(out, "}");

        } else if (effort != LLM_EFFORT_NOT_TOLD) {
            llm_chat_write_string(",\"reasoning\":{\"effort\":",
                                  &llm_effort_names[effort], out);
            llm_buf_puts(out, "}");
        }

        return;
    }

    /* not every model takes "none": it is said where the client said so */

    if (effort == LLM_EFFORT_NOT_TOLD
        || (off && form->effort != LLM_EFFORT_NONE))
    {
        return;
    }

    llm_chat_write_string(",\"reasoning_effort\":", &llm_effort_names[effort],
                          out);
}


/* members that OpenAI knows and many others refuse */

static void
llm_chat_write_ids(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t          user;
    const llm_form_t  *form;

    form = x->form;

    if (llm_form_user(form, LLM_CHAT_MAX_USER, &user) != LLM_OK) {
        out->failed = 1;
        return;
    }

    if (user.len && llm_quirk(x->to, MISTRAL)) {
        llm_translate_drop(x, "user");
        user.len = 0;
    }

    if (user.len) {
        llm_chat_write_string(llm_quirk(x->to, SAFETY_ID)
                              ? ",\"safety_identifier\":" : ",\"user\":",
                              &user, out);
    }

    if (form->cache_key.len) {

        if (llm_quirk(x->to, SAFETY_ID)) {
            llm_chat_write_string(",\"prompt_cache_key\":", &form->cache_key,
                                  out);
        } else {
            llm_translate_drop(x, "prompt_cache_key");
        }
    }

    if (form->verbosity.len) {

        if (llm_quirk(x->to, SAFETY_ID)) {
            llm_chat_write_string(",\"verbosity\":", &form->verbosity, out);

        } else {
            llm_translate_drop(x, "verbosity");
        }
    }

    if (form->service_tier.len) {

        if (llm_quirk(x->to, SAFETY_ID)) {
            llm_chat_write_string(",\"service_tier\":", &form->service_tier,
                                  out);
        } else {
            llm_translate_drop(x, "service_tier");
        }
    }
}


static int
llm_chat_write_modalities(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err)
{
    unsigned           n;
    const llm_item_t  *item;

    for (item = x->form->modalities; item; item = item->next) {

        if (!llm_str_is(&item->value, "text")
            && !(llm_str_is(&item->value, "image")
                 && llm_quirk(x->to, OPENROUTER)))
        {
            return llm_translate_refuse(err,
                         LLM_ERROR_UNSUPPORTED_PARAMETER,
                         x->form->op->protocol == LLM_PROTOCOL_GEMINI
                         ? "generationConfig.responseModalities"
                         : "modalities",
                         "this model's provider answers in text only");
        }
    }

    if (!llm_quirk(x->to, OPENROUTER)) {
        return LLM_OK;
    }

    n = 0;

    for (item = x->form->modalities; item; item = item->next) {
        llm_chat_write_string(n++ ? "," : ",\"modalities\":[", &item->value,
                              out);
    }

    if (n) {
        llm_buf_puts(out, "]");
    }

    return LLM_OK;
}


static void
llm_chat_write_string(const char *name, const llm_str_t *s, llm_buf_t *out)
{
    llm_buf_puts(out, name);
    llm_buf_json(out, s->data, s->len);
}


/* OpenAI's models that search say so in their names */

static unsigned
llm_chat_search(const llm_to_t *to)
{
    size_t  i;

    for (i = 0; i + 6 <= to->model.len; i++) {

        if (memcmp(to->model.data + i, "search", 6) == 0) {
            return 1;
        }
    }

    return 0;
}
