
/*
 * OpenAI Responses API: the request to a provider.
 */


#include "llm_responses.h"


#define LLM_RESPONSES_MIN_TOKENS  16
#define LLM_RESPONSES_MAX_USER    64


static void llm_responses_write_max(llm_translate_t *x, llm_buf_t *out);
static void llm_responses_write_number(llm_translate_t *x, const char *name,
    const llm_str_t *raw, llm_buf_t *out);
static void llm_responses_drop_rest(llm_translate_t *x);
static int llm_responses_write_tools(llm_translate_t *x, llm_buf_t *out);
static int llm_responses_write_tool(llm_translate_t *x,
    const llm_tool_t *tool, llm_buf_t *out);
static int llm_responses_write_choice(llm_translate_t *x, llm_buf_t *out);
static int llm_responses_write_text(llm_translate_t *x, llm_buf_t *out);
static int llm_responses_write_format(llm_translate_t *x, llm_buf_t *out);
static void llm_responses_write_reasoning(llm_translate_t *x,
    llm_buf_t *out);
static int llm_responses_write_ids(llm_translate_t *x, llm_buf_t *out);
static int llm_responses_check_modalities(llm_translate_t *x,
    llm_error_t *err);


int
llm_responses_write_request(llm_translate_t *x, llm_buf_t *out,
    llm_error_t *err)
{
    int                rc;
    llm_item_t        *item;
    const llm_form_t  *form;

    form = x->form;

    rc = llm_responses_check_modalities(x, err);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_responses_print_string("{\"model\":", &x->to->model, out);

    rc = llm_responses_write_input(x, out, err);
    if (rc != LLM_OK) {
        return rc;
    }

    rc = llm_responses_write_tools(x, out);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_responses_write_max(x, out);
    llm_responses_write_number(x, "temperature", &form->temperature, out);
    llm_responses_write_number(x, "top_p", &form->top_p, out);

    rc = llm_responses_write_text(x, out);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_responses_write_reasoning(x, out);

    rc = llm_responses_write_ids(x, out);
    if (rc != LLM_OK) {
        return rc;
    }

    /* nothing is kept there: state travels with the client's own history */

    llm_buf_puts(out, form->stream ? ",\"store\":false,\"stream\":true}"
                                   : ",\"store\":false}");

    llm_responses_drop_rest(x);

    for (item = form->extra; item; item = item->next) {
        llm_translate_drop_name(x, &item->name);
    }

    return LLM_OK;
}


static void
llm_responses_write_max(llm_translate_t *x, llm_buf_t *out)
{
    int64_t  max;

    max = x->form->max_tokens;

    if (max < 0) {
        return;
    }

    if (x->to->max_output > 0 && max > x->to->max_output) {
        max = x->to->max_output;
    }

    if (max < LLM_RESPONSES_MIN_TOKENS) {
        max = LLM_RESPONSES_MIN_TOKENS;
    }

    llm_buf_puts(out, ",\"max_output_tokens\":");
    llm_buf_int(out, max);
}


static void
llm_responses_write_number(llm_translate_t *x, const char *name,
    const llm_str_t *raw, llm_buf_t *out)
{
    if (raw->len == 0) {
        return;
    }

    if (llm_quirk(x->to, NO_SAMPLING)) {
        llm_translate_drop(x, name);
        return;
    }

    llm_buf_puts(out, ",\"");
    llm_buf_puts(out, name);
    llm_buf_puts(out, "\":");
    llm_buf_add(out, raw->data, raw->len);
}


/* what this protocol has no word for */

static void
llm_responses_drop_rest(llm_translate_t *x)
{
    unsigned           i;
    const llm_form_t  *form = x->form;

    const struct {
        const char  *name;
        unsigned     told;
    } rest[] = {
        { "stop", form->stop != NULL },
        { "seed", form->seed.len != 0 },
        { "top_k", form->top_k.len != 0 },
        { "logit_bias", form->logit_bias.len != 0 },
        { "presence_penalty", form->presence_penalty.len != 0 },
        { "frequency_penalty", form->frequency_penalty.len != 0 },
        { "metadata", form->metadata.len != 0 }
    };

    for (i = 0; i < sizeof(rest) / sizeof(rest[0]); i++) {

        if (rest[i].told) {
            llm_translate_drop(x, rest[i].name);
        }
    }
}


int
llm_responses_name(llm_translate_t *x, const llm_str_t *name, llm_str_t *out)
{
    static const llm_name_rule_t  rule = { 64, 0, 0, 0 };

    return llm_name_map(x, &rule, name, out);
}


static int
llm_responses_write_tools(llm_translate_t *x, llm_buf_t *out)
{
    int                rc;
    unsigned           n;
    const llm_tool_t  *tool;

    n = 0;

    for (tool = x->form->tools; tool; tool = tool->next) {

        if (!tool->search && !llm_form_allows(x->form, &tool->name)) {
            continue;
        }

        llm_buf_puts(out, n++ ? "," : ",\"tools\":[");

        rc = llm_responses_write_tool(x, tool, out);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (n == 0) {
        return LLM_OK;
    }

    llm_buf_puts(out, "]");

    if (x->form->parallel == 0) {

        if (llm_quirk(x->to, NO_PARALLEL)) {
            llm_translate_drop(x, "parallel_tool_calls");

        } else {
            llm_buf_puts(out, ",\"parallel_tool_calls\":false");
        }
    }

    return llm_responses_write_choice(x, out);
}


static int
llm_responses_write_tool(llm_translate_t *x, const llm_tool_t *tool,
    llm_buf_t *out)
{
    int        rc;
    llm_str_t  name;

    if (tool->search) {
        llm_buf_puts(out, "{\"type\":\"web_search\"}");
        return LLM_OK;
    }

    rc = llm_responses_name(x, &tool->name, &name);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_responses_print_string("{\"type\":\"function\",\"name\":", &name,
                               out);

    if (tool->description.len) {
        llm_responses_print_string(",\"description\":", &tool->description,
                                   out);
    }

    llm_buf_puts(out, ",\"parameters\":");

    rc = llm_schema_print(x->arena, tool->openapi ? LLM_SCHEMA_FROM_OPENAPI
                                                  : LLM_SCHEMA_PLAIN,
                          &tool->schema, out);
    if (rc != LLM_OK) {
        return rc;
    }

    /* not told is strict here, which refuses optional parameters */

    llm_buf_puts(out, tool->strict == 1 && !tool->openapi
                      && llm_schema_strict(&tool->schema)
                      ? ",\"strict\":true}" : ",\"strict\":false}");

    return LLM_OK;
}


static int
llm_responses_write_choice(llm_translate_t *x, llm_buf_t *out)
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
        llm_buf_puts(out, ",\"tool_choice\":\"required\"");
        break;

    case LLM_CHOICE_TOOL:
        rc = llm_responses_name(x, &x->form->choice_name, &name);
        if (rc != LLM_OK) {
            return rc;
        }

        llm_responses_print_string(",\"tool_choice\":{\"type\":\"function\","
                                   "\"name\":", &name, out);
        llm_buf_puts(out, "}");
        break;

    default: /* LLM_CHOICE_NONE_TOLD */
        break;
    }

    return LLM_OK;
}


static int
llm_responses_write_text(llm_translate_t *x, llm_buf_t *out)
{
    int                rc;
    const llm_form_t  *form;

    form = x->form;

    if (form->output == LLM_OUTPUT_TEXT && form->verbosity.len == 0) {
        return LLM_OK;
    }

    llm_buf_puts(out, ",\"text\":{");

    if (form->verbosity.len) {
        llm_responses_print_string("\"verbosity\":", &form->verbosity, out);
    }

    if (form->output != LLM_OUTPUT_TEXT) {
        llm_buf_puts(out, form->verbosity.len ? ",\"format\":"
                                              : "\"format\":");

        rc = llm_responses_write_format(x, out);
        if (rc != LLM_OK) {
            return rc;
        }
    }

    llm_buf_puts(out, "}");

    return LLM_OK;
}


static int
llm_responses_write_format(llm_translate_t *x, llm_buf_t *out)
{
    int                rc;
    llm_str_t          name;
    const llm_form_t  *form;

    form = x->form;

    if (form->output == LLM_OUTPUT_JSON) {
        llm_buf_puts(out, "{\"type\":\"json_object\"}");
        return LLM_OK;
    }

    name = form->schema_name;

    if (name.len == 0) {
        name.data = (unsigned char *) "output";
        name.len = sizeof("output") - 1;
    }

    rc = llm_responses_name(x, &name, &name);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_responses_print_string("{\"type\":\"json_schema\",\"name\":", &name,
                               out);

    if (form->schema_description.len) {
        llm_responses_print_string(",\"description\":",
                                   &form->schema_description, out);
    }

    llm_buf_puts(out, ",\"schema\":");

    rc = llm_schema_print(x->arena, form->schema_openapi
                                    ? LLM_SCHEMA_FROM_OPENAPI
                                    : LLM_SCHEMA_PLAIN, &form->schema, out);
    if (rc != LLM_OK) {
        return rc;
    }

    llm_buf_puts(out, form->schema_strict == 1 && !form->schema_openapi
                      && llm_schema_strict(&form->schema)
                      ? ",\"strict\":true}" : ",\"strict\":false}");

    return LLM_OK;
}


static void
llm_responses_write_reasoning(llm_translate_t *x, llm_buf_t *out)
{
    unsigned           off;
    llm_effort_e       effort;
    const llm_form_t  *form;

    form = x->form;
    effort = llm_effort_of_form(form, llm_quirk(x->to, XHIGH));

    if (llm_quirk(x->to, NO_REASONING)) {

        if (effort != LLM_EFFORT_NOT_TOLD) {
            llm_translate_drop(x, form->op->op == LLM_OP_CHAT
                                  ? "reasoning_effort" : "reasoning");
        }

        return;
    }

    off = (effort == LLM_EFFORT_NONE);

    /* not every model takes "none": it is said where the client said so */

    if (effort != LLM_EFFORT_NOT_TOLD
        && (!off || form->effort == LLM_EFFORT_NONE))
    {
        llm_responses_print_string(",\"reasoning\":{\"effort\":",
                                   &llm_effort_names[effort], out);

        llm_buf_puts(out, off || form->thoughts == 0
                          ? "}" : ",\"summary\":\"auto\"}");

    } else if (form->thoughts == 1 || form->adaptive) {
        llm_buf_puts(out, ",\"reasoning\":{\"summary\":\"auto\"}");
    }

    llm_buf_puts(out, ",\"include\":[\"reasoning.encrypted_content\"]");
}


static int
llm_responses_write_ids(llm_translate_t *x, llm_buf_t *out)
{
    llm_str_t          user;
    const llm_form_t  *form;

    form = x->form;

    if (llm_form_user(form, LLM_RESPONSES_MAX_USER, &user) != LLM_OK) {
        return LLM_NOMEM;
    }

    if (user.len) {
        llm_responses_print_string(llm_quirk(x->to, SAFETY_ID)
                                   ? ",\"safety_identifier\":"
                                   : ",\"user\":", &user, out);
    }

    if (form->cache_key.len) {
        llm_responses_print_string(",\"prompt_cache_key\":",
                                   &form->cache_key, out);
    }

    if (form->service_tier.len) {
        llm_responses_print_string(",\"service_tier\":", &form->service_tier,
                                   out);
    }

    return LLM_OK;
}


static int
llm_responses_check_modalities(llm_translate_t *x, llm_error_t *err)
{
    const llm_item_t  *item;

    for (item = x->form->modalities; item; item = item->next) {

        if (!llm_str_is(&item->value, "text")) {
            return llm_translate_refuse(err,
                         LLM_ERROR_UNSUPPORTED_PARAMETER,
                         x->form->op->protocol == LLM_PROTOCOL_GEMINI
                         ? "generationConfig.responseModalities"
                         : "modalities",
                         "this model's provider answers in text only");
        }
    }

    return LLM_OK;
}
