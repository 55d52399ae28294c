
/* a form, written as a request in Anthropic's protocol */


#include "llm_messages.h"
#include "llm_sha256.h"


#define LLM_MESSAGES_MAX_CACHES       4
#define LLM_MESSAGES_MAX_USER         256
#define LLM_MESSAGES_MAX_NAME         128
#define LLM_MESSAGES_MAX_HOSTED_NAME  64


static void llm_messages_plan_caches(llm_messages_writer_t *w);
static void llm_messages_write_sampling(llm_messages_writer_t *w);
static void llm_messages_write_member(llm_messages_writer_t *w,
    const char *name, const llm_str_t *value);
static void llm_messages_write_stop(llm_messages_writer_t *w);
static int llm_messages_write_tools(llm_messages_writer_t *w);
static int llm_messages_write_function(llm_messages_writer_t *w,
    const llm_tool_t *tool);
static int llm_messages_write_forced(llm_messages_writer_t *w);
static int llm_messages_write_choice(llm_messages_writer_t *w);
static void llm_messages_write_thinking(llm_messages_writer_t *w);
static int llm_messages_write_config(llm_messages_writer_t *w);
static void llm_messages_write_tier(llm_messages_writer_t *w);
static void llm_messages_write_user(llm_messages_writer_t *w);
static void llm_messages_write_extra(llm_messages_writer_t *w);


/* members of Anthropic's that clients of other protocols may send */

static const char  *llm_messages_extensions[] = {
    "thinking", "output_config", "context_management", "mcp_servers",
    "container", "inference_geo", "speed", "cache_control", NULL
};


int
llm_messages_write_form(llm_translate_t *x, llm_buf_t *out, llm_error_t *err)
{
    int                    rc;
    unsigned               counts;
    llm_messages_writer_t  w;

    memset(&w, 0, sizeof(llm_messages_writer_t));

    w.x = x;
    w.form = x->form;
    w.out = out;

    llm_buf_init(&w.betas, x->arena);

    if (llm_claude_refuse(x, err) != LLM_OK) {
        return LLM_INVALID;
    }

    counts = llm_claude_counts(x->form);

    w.forced = (llm_claude_forced(x, &w.tool) == LLM_OK);

    llm_claude_plan(x, w.forced, &w.plan);
    llm_messages_plan_caches(&w);

    llm_messages_begin(x, out);

    if (!counts) {
        llm_buf_puts(out, ",\"max_tokens\":");
        llm_buf_int(out, w.plan.max_tokens);
        llm_messages_write_sampling(&w);
        llm_messages_write_stop(&w);
    }

    rc = llm_messages_write_tools(&w);

    if (rc == LLM_OK) {
        rc = llm_messages_write_turns(&w, err);
    }

    if (rc == LLM_OK) {
        rc = llm_messages_write_config(&w);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    llm_messages_write_thinking(&w);

    if (!counts) {
        llm_messages_write_tier(&w);
        llm_messages_write_user(&w);
        llm_messages_write_extra(&w);
    }

    llm_claude_body_betas(x, &w.betas);
    llm_messages_end(x, &w.betas, out);

    return LLM_OK;
}


/* of the breakpoints those at the end save most */

static void
llm_messages_plan_caches(llm_messages_writer_t *w)
{
    unsigned            n;
    const llm_tool_t   *tool;
    const llm_turn_t   *turn;
    const llm_block_t  *block;

    n = 0;

    for (tool = w->form->tools; tool; tool = tool->next) {
        n += (tool->cache != LLM_CACHE_NONE);
    }

    for (turn = w->form->turns; turn; turn = turn->next) {
        for (block = turn->blocks; block; block = block->next) {
            n += (block->cache != LLM_CACHE_NONE);
        }
    }

    if (n > LLM_MESSAGES_MAX_CACHES) {
        w->caches = n - LLM_MESSAGES_MAX_CACHES;
    }
}


void
llm_messages_write_cache(llm_messages_writer_t *w, llm_cache_e cache)
{
    if (cache == LLM_CACHE_NONE) {
        return;
    }

    if (w->caches) {
        w->caches--;
        return;
    }

    llm_buf_puts(w->out, cache == LLM_CACHE_1H
                 ? ",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"
                 : ",\"cache_control\":{\"type\":\"ephemeral\"}");
}


static void
llm_messages_write_sampling(llm_messages_writer_t *w)
{
    llm_claude_sampling_t  s;

    llm_claude_sampling(w->x, &w->plan, &s);

    llm_messages_write_member(w, "temperature", &s.temperature);
    llm_messages_write_member(w, "top_p", &s.top_p);
    llm_messages_write_member(w, "top_k", &s.top_k);
}


/* a member with a raw value, if there is one */

static void
llm_messages_write_member(llm_messages_writer_t *w, const char *name,
    const llm_str_t *value)
{
    if (value->len == 0) {
        return;
    }

    llm_buf_puts(w->out, ",\"");
    llm_buf_puts(w->out, name);
    llm_buf_puts(w->out, "\":");
    llm_buf_add(w->out, value->data, value->len);
}


static void
llm_messages_write_stop(llm_messages_writer_t *w)
{
    const char        *comma;
    const llm_item_t  *item;

    comma = ",\"stop_sequences\":[";

    for (item = w->form->stop; item; item = item->next) {

        /* white space alone is refused */

        if (llm_claude_blank(&item->value)) {
            llm_translate_drop(w->x, "stop");
            continue;
        }

        llm_buf_puts(w->out, comma);
        llm_buf_json(w->out, item->value.data, item->value.len);
        comma = ",";
    }

    if (comma[1] == '\0') {
        llm_buf_puts(w->out, "]");
    }
}


static int
llm_messages_write_tools(llm_messages_writer_t *w)
{
    int                rc;
    const char        *comma;
    const llm_tool_t  *tool;

    comma = ",\"tools\":[";

    for (tool = w->form->tools; tool; tool = tool->next) {

        if (tool->search) {

            if (llm_claude_hosted(w->x->to)) {
                llm_translate_drop_name(w->x, &tool->name);
                continue;
            }

            llm_buf_puts(w->out, comma);
            llm_buf_puts(w->out, "{\"type\":\"web_search_20250305\","
                                 "\"name\":\"web_search\"}");
            comma = ",";
            continue;
        }

        if (!llm_claude_allowed(w->form, tool)) {
            continue;
        }

        llm_buf_puts(w->out, comma);
        comma = ",";

        rc = llm_messages_write_function(w, tool);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (w->forced) {
        llm_buf_puts(w->out, comma);
        comma = ",";

        rc = llm_messages_write_forced(w);

        if (rc != LLM_OK) {
            return rc;
        }
    }

    if (comma[1] != '\0') {
        return LLM_OK;
    }

    llm_buf_puts(w->out, "]");

    return llm_messages_write_choice(w);
}


static int
llm_messages_write_function(llm_messages_writer_t *w, const llm_tool_t *tool)
{
    int        rc;
    llm_str_t  name;

    if (llm_messages_name(w, &tool->name, &name) != LLM_OK) {
        return LLM_NOMEM;
    }

    llm_buf_puts(w->out, "{\"name\":");
    llm_buf_json(w->out, name.data, name.len);

    if (tool->description.len) {
        llm_buf_puts(w->out, ",\"description\":");
        llm_buf_json(w->out, tool->description.data, tool->description.len);
    }

    llm_buf_puts(w->out, ",\"input_schema\":");

    rc = llm_claude_schema(w->x, tool, w->out);

    if (rc != LLM_OK) {
        return rc;
    }

    if (llm_claude_strict(w->x, tool)) {
        llm_buf_puts(w->out, ",\"strict\":true");
    }

    llm_messages_write_cache(w, tool->cache);
    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


/* the tool whose arguments are the answer */

static int
llm_messages_write_forced(llm_messages_writer_t *w)
{
    int                rc;
    const llm_form_t  *form;

    form = w->form;

    llm_buf_puts(w->out, "{\"name\":");
    llm_buf_json(w->out, w->tool.data, w->tool.len);
    llm_buf_puts(w->out, ",\"description\":");

    if (form->schema_description.len) {
        llm_buf_json(w->out, form->schema_description.data,
                     form->schema_description.len);

    } else {
        llm_buf_puts(w->out, "\"Gives the final answer.\"");
    }

    llm_buf_puts(w->out, ",\"input_schema\":");

    rc = llm_schema_print(w->x->arena,
                          form->schema_openapi ? LLM_SCHEMA_FROM_OPENAPI
                                               : LLM_SCHEMA_PLAIN,
                          &form->schema, w->out);

    llm_buf_puts(w->out, "}");

    return rc;
}


static int
llm_messages_write_choice(llm_messages_writer_t *w)
{
    unsigned      single;
    llm_str_t     name;
    llm_choice_e  choice;

    name = w->tool;
    choice = llm_claude_choice(w->x, w->forced, &name);

    if (choice == LLM_CHOICE_TOOL
        && llm_messages_name(w, &name, &name) != LLM_OK)
    {
        return LLM_NOMEM;
    }

    single = (w->form->parallel == 0 && w->form->tools);

    switch (choice) {

    case LLM_CHOICE_NONE:
        llm_buf_puts(w->out, ",\"tool_choice\":{\"type\":\"none\"}");
        return LLM_OK;

    case LLM_CHOICE_REQUIRED:
        llm_buf_puts(w->out, ",\"tool_choice\":{\"type\":\"any\"");
        break;

    case LLM_CHOICE_TOOL:
        llm_buf_puts(w->out, ",\"tool_choice\":{\"type\":\"tool\","
                             "\"name\":");
        llm_buf_json(w->out, name.data, name.len);
        break;

    default:

        if (choice == LLM_CHOICE_NONE_TOLD && !single) {
            return LLM_OK;
        }

        llm_buf_puts(w->out, ",\"tool_choice\":{\"type\":\"auto\"");
    }

    llm_buf_puts(w->out, single ? ",\"disable_parallel_tool_use\":true}"
                                : "}");

    return LLM_OK;
}


int
llm_messages_name(llm_messages_writer_t *w, const llm_str_t *name,
    llm_str_t *out)
{
    static const llm_name_rule_t  rule = { LLM_MESSAGES_MAX_NAME, 0, 0, 0 };
    static const llm_name_rule_t  hosted = {
        LLM_MESSAGES_MAX_HOSTED_NAME, 0, 0, 0
    };

    return llm_name_map(w->x, llm_claude_hosted(w->x->to) ? &hosted : &rule,
                        name, out);
}


static void
llm_messages_write_thinking(llm_messages_writer_t *w)
{
    llm_str_t           beta;
    llm_claude_plan_t  *plan;

    plan = &w->plan;

    if (!plan->disabled && !plan->adaptive && plan->budget == 0) {
        return;
    }

    llm_buf_puts(w->out, ",\"thinking\":");
    llm_claude_thinking(w->x, plan, w->out);

    /* hosts refuse it for models that they do not know it of */

    if (plan->budget && w->form->tools && !llm_claude_hosted(w->x->to)) {
        beta.data = (unsigned char *) "interleaved-thinking-2025-05-14";
        beta.len = strlen((char *) beta.data);

        llm_claude_betas(w->x, &beta, &w->betas);
    }
}


/* effort, and the form of the output */

static int
llm_messages_write_config(llm_messages_writer_t *w)
{
    int       rc;
    unsigned  format;

    format = (w->form->output == LLM_OUTPUT_SCHEMA && !w->forced
              && llm_quirk(w->x->to, NATIVE_SCHEMA));

    if ((w->plan.effort == NULL && !format)
        || llm_claude_extra(w->form, "output_config"))
    {
        return LLM_OK;
    }

    llm_buf_puts(w->out, ",\"output_config\":{");

    if (w->plan.effort) {
        llm_buf_puts(w->out, "\"effort\":\"");
        llm_buf_puts(w->out, w->plan.effort);
        llm_buf_puts(w->out, format ? "\"," : "\"");
    }

    if (format) {
        llm_buf_puts(w->out, "\"format\":{\"type\":\"json_schema\","
                             "\"schema\":");

        rc = llm_claude_format(w->form, w->x->arena, w->out);

        if (rc != LLM_OK) {
            return rc;
        }

        llm_buf_puts(w->out, "}");
    }

    llm_buf_puts(w->out, "}");

    return LLM_OK;
}


static void
llm_messages_write_tier(llm_messages_writer_t *w)
{
    const llm_str_t  *tier;

    tier = &w->form->service_tier;

    if (tier->len == 0) {
        return;
    }

    if (llm_claude_hosted(w->x->to)) {
        llm_translate_drop(w->x, "service_tier");

    } else if (llm_str_is(tier, "auto")) {
        llm_buf_puts(w->out, ",\"service_tier\":\"auto\"");

    } else if (llm_str_is(tier, "default")) {
        llm_buf_puts(w->out, ",\"service_tier\":\"standard_only\"");

    } else {
        llm_translate_drop(w->x, "service_tier");
    }
}


/*
 * Anthropic refuses ids that look as if they told who somebody is: mail
 * addresses, telephone numbers.
 */

static void
llm_messages_write_user(llm_messages_writer_t *w)
{
    size_t         i, digits;
    unsigned       telling;
    llm_str_t      user;
    unsigned char  hex[2 * LLM_SHA256_SIZE];

    if (w->form->metadata.len) {
        llm_translate_drop(w->x, "metadata");
    }

    user = w->form->user;

    if (user.len == 0) {
        return;
    }

    telling = (user.len > LLM_MESSAGES_MAX_USER);
    digits = 0;

    for (i = 0; i < user.len; i++) {
        telling |= (user.data[i] == '@');
        digits += (user.data[i] >= '0' && user.data[i] <= '9')
                  || strchr("+-(). ", user.data[i]) != NULL;
    }

    if (telling || digits == user.len) {
        llm_sha256_hex(&user, hex);
        user.data = hex;
        user.len = sizeof(hex);
    }

    llm_buf_puts(w->out, ",\"metadata\":{\"user_id\":");
    llm_buf_json(w->out, user.data, user.len);
    llm_buf_puts(w->out, "}");
}


static void
llm_messages_write_extra(llm_messages_writer_t *w)
{
    size_t             len;
    unsigned           i;
    const llm_item_t  *item;

    for (item = w->form->extra; item; item = item->next) {

        if (llm_str_is(&item->name, "betas")) {
            continue;
        }

        for (i = 0; llm_messages_extensions[i]; i++) {
            len = strlen(llm_messages_extensions[i]);

            if (len == item->name.len
                && memcmp(llm_messages_extensions[i], item->name.data, len)
                   == 0)
            {
                break;
            }
        }

        if (llm_messages_extensions[i]) {
            llm_messages_write_member(w, llm_messages_extensions[i],
                                      &item->value);

        } else {
            llm_translate_drop_name(w->x, &item->name);
        }
    }
}
