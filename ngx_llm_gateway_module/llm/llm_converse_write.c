
/* a form, written as a request to Bedrock's Converse API */


#include "llm_converse.h"


#define LLM_CONVERSE_MAX_METADATA  16
#define LLM_CONVERSE_MAX_VALUE     256


static void llm_converse_plan(llm_converse_writer_t *w,
    llm_claude_sampling_t *s);
static void llm_converse_write_inference(llm_converse_writer_t *w,
    const llm_claude_sampling_t *s);
static void llm_converse_write_stop(llm_converse_writer_t *w);
static const char *llm_converse_write_member(llm_converse_writer_t *w,
    const char *comma, const char *name, const llm_str_t *value);
static int llm_converse_write_output(llm_converse_writer_t *w);
static void llm_converse_write_fields(llm_converse_writer_t *w,
    const llm_claude_sampling_t *s);
static const char *llm_converse_write_claude(llm_converse_writer_t *w,
    const char *comma);
static const char *llm_converse_write_nova(llm_converse_writer_t *w,
    const char *comma, const llm_str_t *top_k);
static const char *llm_converse_effort(const llm_converse_writer_t *w);
static void llm_converse_write_metadata(llm_converse_writer_t *w);
static unsigned llm_converse_plain(const llm_str_t *s);
static void llm_converse_write_tier(llm_converse_writer_t *w);
static void llm_converse_write_extra(llm_converse_writer_t *w);
static unsigned llm_converse_has(const llm_str_t *s, const char *word);


const llm_dialect_t  llm_dialect_converse = {
    LLM_DIALECT_CONVERSE,

    NULL,
    NULL,
    NULL,
    0,

    llm_converse_write,
    llm_converse_read_answer,
    llm_converse_read_event,
    llm_converse_read_end,
    sizeof(llm_converse_reader_t)
};


int
llm_converse_write(llm_translate_t *x, llm_buf_t *out, llm_error_t *err)
{
    int                    rc;
    unsigned               counts;
    llm_converse_writer_t  w;
    llm_claude_sampling_t  s;

    memset(&w, 0, sizeof(llm_converse_writer_t));

    w.x = x;
    w.form = x->form;
    w.out = out;
    w.family = llm_converse_family(&x->to->model);

    if (llm_claude_refuse(x, err) != LLM_OK) {
        return LLM_INVALID;
    }

    counts = llm_claude_counts(x->form);

    w.forced = (llm_claude_forced(x, &w.tool) == LLM_OK);

    if (w.family == LLM_CONVERSE_CLAUDE) {
        llm_claude_plan(x, w.forced, &w.plan);
        llm_claude_sampling(x, &w.plan, &s);

    } else {
        llm_converse_plan(&w, &s);
    }

    llm_buf_puts(out, counts ? "{\"input\":{\"converse\":{" : "{");

    rc = llm_converse_write_turns(&w, err);

    if (rc == LLM_OK) {
        rc = llm_converse_write_tools(&w);
    }

    if (rc != LLM_OK) {
        return rc;
    }

    if (counts) {
        llm_buf_puts(out, "}}}");
        return LLM_OK;
    }

    rc = llm_converse_write_output(&w);

    if (rc != LLM_OK) {
        return rc;
    }

    llm_converse_write_inference(&w, &s);
    llm_converse_write_fields(&w, &s);
    llm_converse_write_metadata(&w);
    llm_converse_write_tier(&w);
    llm_converse_write_extra(&w);

    llm_buf_puts(out, "}");

    return LLM_OK;
}


/* what others than Claude take: thinking leaves room for sampling there */

static void
llm_converse_plan(llm_converse_writer_t *w, llm_claude_sampling_t *s)
{
    int64_t  most;

    most = w->x->to->max_output;

    w->plan.max_tokens = w->form->max_tokens;

    if (most > 0 && w->plan.max_tokens > most) {
        w->plan.max_tokens = most;
    }

    s->temperature = llm_claude_temperature(&w->form->temperature);
    s->top_p = w->form->top_p;
    s->top_k = w->form->top_k;
}


llm_converse_family_e
llm_converse_family(const llm_str_t *model)
{
    if (llm_converse_has(model, "claude")) {
        return LLM_CONVERSE_CLAUDE;
    }

    if (llm_converse_has(model, "nova-2")) {
        return LLM_CONVERSE_NOVA_2;
    }

    if (llm_converse_has(model, "nova")) {
        return LLM_CONVERSE_NOVA;
    }

    if (llm_converse_has(model, "gpt-oss")) {
        return LLM_CONVERSE_GPT_OSS;
    }

    return LLM_CONVERSE_OTHER;
}


static unsigned
llm_converse_has(const llm_str_t *s, const char *word)
{
    size_t  i, len;

    len = strlen(word);

    for (i = 0; i + len <= s->len; i++) {

        if (memcmp(s->data + i, word, len) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Claude takes the signatures of any host back, others only their own */

llm_state_e
llm_converse_state(llm_converse_family_e family)
{
    return (family == LLM_CONVERSE_CLAUDE) ? LLM_STATE_ANTHROPIC
                                           : LLM_STATE_BEDROCK;
}


static void
llm_converse_write_inference(llm_converse_writer_t *w,
    const llm_claude_sampling_t *s)
{
    const char  *comma;

    comma = ",\"inferenceConfig\":{";

    /* the others have limits of their own, which nobody has to name */

    if (w->form->max_tokens >= 0 || w->family == LLM_CONVERSE_CLAUDE) {
        llm_buf_puts(w->out, comma);
        llm_buf_puts(w->out, "\"maxTokens\":");
        llm_buf_int(w->out, w->plan.max_tokens);
        comma = ",";
    }

    comma = llm_converse_write_member(w, comma, "temperature",
                                      &s->temperature);
    comma = llm_converse_write_member(w, comma, "topP", &s->top_p);

    if (w->form->stop) {
        llm_buf_puts(w->out, comma);
        llm_converse_write_stop(w);
        comma = ",";
    }

    if (comma[1] == '\0') {
        llm_buf_puts(w->out, "}");
    }
}


static void
llm_converse_write_stop(llm_converse_writer_t *w)
{
    const llm_item_t  *item;

    llm_buf_puts(w->out, "\"stopSequences\":[");

    for (item = w->form->stop; item; item = item->next) {
        llm_buf_json(w->out, item->value.data, item->value.len);
        llm_buf_puts(w->out, item->next ? "," : "");
    }

    llm_buf_puts(w->out, "]");
}


/* a member with a raw value, if there is one; the comma for the next */

static const char *
llm_converse_write_member(llm_converse_writer_t *w, const char *comma,
    const char *name, const llm_str_t *value)
{
    if (value->len == 0) {
        return comma;
    }

    llm_buf_puts(w->out, comma);
    llm_buf_puts(w->out, "\"");
    llm_buf_puts(w->out, name);
    llm_buf_puts(w->out, "\":");
    llm_buf_add(w->out, value->data, value->len);

    return ",";
}


/* the schema stands in a string here */

static int
llm_converse_write_output(llm_converse_writer_t *w)
{
    llm_buf_t          schema;
    const llm_form_t  *form;

    form = w->form;

    if (form->output != LLM_OUTPUT_SCHEMA || w->forced) {
        return LLM_OK;
    }

    llm_buf_init(&schema, w->x->arena);

    if (llm_claude_format(form, w->x->arena, &schema) != LLM_OK
        || schema.failed)
    {
        return LLM_NOMEM;
    }

    llm_buf_puts(w->out, ",\"outputConfig\":{\"textFormat\":{\"type\":"
                         "\"json_schema\",\"structure\":{\"jsonSchema\":{"
                         "\"name\":");

    if (form->schema_name.len) {
        llm_buf_json(w->out, form->schema_name.data, form->schema_name.len);

    } else {
        llm_buf_puts(w->out, "\"output\"");
    }

    if (form->schema_description.len) {
        llm_buf_puts(w->out, ",\"description\":");
        llm_buf_json(w->out, form->schema_description.data,
                     form->schema_description.len);
    }

    llm_buf_puts(w->out, ",\"schema\":");
    llm_buf_json(w->out, schema.data, schema.len);
    llm_buf_puts(w->out, "}}}}");

    return LLM_OK;
}


/* what each family has beside Converse's own members */

static void
llm_converse_write_fields(llm_converse_writer_t *w,
    const llm_claude_sampling_t *s)
{
    const char  *comma, *effort;

    comma = ",\"additionalModelRequestFields\":{";

    switch (w->family) {

    case LLM_CONVERSE_CLAUDE:
        comma = llm_converse_write_member(w, comma, "top_k", &s->top_k);
        comma = llm_converse_write_claude(w, comma);
        break;

    case LLM_CONVERSE_NOVA:
    case LLM_CONVERSE_NOVA_2:
        comma = llm_converse_write_nova(w, comma, &s->top_k);
        break;

    default:

        if (s->top_k.len) {
            llm_translate_drop(w->x, "top_k");
        }

        effort = llm_converse_effort(w);

        if (effort == NULL) {
            break;
        }

        if (w->family != LLM_CONVERSE_GPT_OSS || effort[0] == 'n') {
            llm_translate_drop(w->x, "reasoning_effort");
            break;
        }

        llm_buf_puts(w->out, comma);
        llm_buf_puts(w->out, "\"reasoning_effort\":\"");
        llm_buf_puts(w->out, effort);
        llm_buf_puts(w->out, "\"");
        comma = ",";
    }

    if (w->form->parallel == 0 && w->form->tools
        && w->family != LLM_CONVERSE_CLAUDE)
    {
        llm_translate_drop(w->x, "parallel_tool_calls");
    }

    if (comma[1] == '\0') {
        llm_buf_puts(w->out, "}");
    }
}


static const char *
llm_converse_write_claude(llm_converse_writer_t *w, const char *comma)
{
    llm_buf_t           betas;
    llm_str_t           list, beta;
    llm_claude_plan_t  *plan;

    plan = &w->plan;

    if (plan->disabled || plan->adaptive || plan->budget) {
        llm_buf_puts(w->out, comma);
        llm_buf_puts(w->out, "\"thinking\":");
        llm_claude_thinking(w->x, plan, w->out);
        comma = ",";
    }

    if (plan->effort) {
        llm_buf_puts(w->out, comma);
        llm_buf_puts(w->out, "\"output_config\":{\"effort\":\"");
        llm_buf_puts(w->out, plan->effort);
        llm_buf_puts(w->out, "\"}");
        comma = ",";
    }

    if (w->form->parallel == 0 && w->form->tools) {

        if (w->form->choice <= LLM_CHOICE_AUTO && !w->forced) {
            llm_buf_puts(w->out, comma);
            llm_buf_puts(w->out, "\"tool_choice\":{\"type\":\"auto\","
                                 "\"disable_parallel_tool_use\":true}");
            comma = ",";

        } else {
            llm_translate_drop(w->x, "parallel_tool_calls");
        }
    }

    llm_buf_init(&betas, w->x->arena);

    llm_claude_betas(w->x, &w->x->conf->betas, &betas);
    llm_claude_body_betas(w->x, &betas);

    w->out->failed |= betas.failed;

    if (betas.len == 0) {
        return comma;
    }

    llm_buf_puts(w->out, comma);
    llm_buf_puts(w->out, "\"anthropic_beta\":");

    list.data = betas.data;
    list.len = betas.len;
    comma = "[";

    while (llm_claude_next_beta(&list, &beta)) {
        llm_buf_puts(w->out, comma);
        llm_buf_json(w->out, beta.data, beta.len);
        comma = ",";
    }

    llm_buf_puts(w->out, "]");

    return ",";
}


static const char *
llm_converse_write_nova(llm_converse_writer_t *w, const char *comma,
    const llm_str_t *top_k)
{
    const char  *effort;

    if (top_k->len) {
        llm_buf_puts(w->out, comma);
        llm_buf_puts(w->out, "\"inferenceConfig\":{\"topK\":");
        llm_buf_add(w->out, top_k->data, top_k->len);
        llm_buf_puts(w->out, "}");
        comma = ",";
    }

    effort = llm_converse_effort(w);

    if (effort == NULL) {
        return comma;
    }

    if (w->family != LLM_CONVERSE_NOVA_2) {
        llm_translate_drop(w->x, "reasoning_effort");
        return comma;
    }

    llm_buf_puts(w->out, comma);

    if (effort[0] == 'n') {
        llm_buf_puts(w->out, "\"reasoningConfig\":{\"type\":\"disabled\"}");

    } else {
        llm_buf_puts(w->out, "\"reasoningConfig\":{\"type\":\"enabled\","
                             "\"maxReasoningEffort\":\"");
        llm_buf_puts(w->out, effort);
        llm_buf_puts(w->out, "\"}");
    }

    return ",";
}


/* "none", "low", "medium" or "high"; NULL: not told */

static const char *
llm_converse_effort(const llm_converse_writer_t *w)
{
    llm_effort_e  effort;

    effort = w->form->effort;

    if (effort == LLM_EFFORT_NOT_TOLD) {
        effort = llm_effort_of(w->form->budget);
    }

    switch (effort) {

    case LLM_EFFORT_NOT_TOLD:
        return NULL;

    case LLM_EFFORT_NONE:
        return "none";

    case LLM_EFFORT_MINIMAL:
    case LLM_EFFORT_LOW:
        return "low";

    case LLM_EFFORT_MEDIUM:
        return "medium";

    default:
        return "high";
    }
}


/* a few short words, or nothing: Bedrock refuses what is not plain */

static void
llm_converse_write_metadata(llm_converse_writer_t *w)
{
    unsigned    n;
    llm_buf_t   b;
    llm_str_t   raw, text, name, value;
    llm_walk_t  walk;

    llm_buf_init(&b, w->x->arena);
    n = 0;

    if (w->form->user.len) {

        if (llm_converse_plain(&w->form->user)) {
            llm_buf_puts(&b, ",\"user\":");
            llm_buf_json(&b, w->form->user.data, w->form->user.len);
            n++;

        } else {
            llm_translate_drop(w->x, "user");
        }
    }

    if (llm_form_type(&w->form->metadata) == LLM_JSON_OBJECT) {
        llm_walk_open(&walk, &w->form->metadata);

        while (llm_walk_member(&walk, &raw, &text)) {

            llm_translate_string(w->x, &raw, &name);
            llm_translate_string(w->x, &text, &value);

            if (n == LLM_CONVERSE_MAX_METADATA || name.len == 0
                || !llm_converse_plain(&name) || !llm_converse_plain(&value)
                || (w->form->user.len && llm_str_is(&name, "user")))
            {
                llm_translate_drop(w->x, "metadata");
                continue;
            }

            llm_buf_puts(&b, ",");
            llm_buf_json(&b, name.data, name.len);
            llm_buf_puts(&b, ":");
            llm_buf_json(&b, value.data, value.len);
            n++;
        }
    }

    w->out->failed |= b.failed;

    if (n && !b.failed) {
        llm_buf_puts(w->out, ",\"requestMetadata\":{");
        llm_buf_add(w->out, b.data + 1, b.len - 1);
        llm_buf_puts(w->out, "}");
    }
}


static unsigned
llm_converse_plain(const llm_str_t *s)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < s->len; i++) {
        c = s->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || (c && strchr(" :_@$#=/+,-.", c) != NULL)))
        {
            return 0;
        }
    }

    return i <= LLM_CONVERSE_MAX_VALUE;
}


static void
llm_converse_write_tier(llm_converse_writer_t *w)
{
    const llm_str_t  *tier;

    tier = &w->form->service_tier;

    if (tier->len == 0 || llm_str_is(tier, "auto")) {
        return;
    }

    if (!llm_str_is(tier, "default") && !llm_str_is(tier, "flex")
        && !llm_str_is(tier, "priority") && !llm_str_is(tier, "reserved"))
    {
        llm_translate_drop(w->x, "service_tier");
        return;
    }

    llm_buf_puts(w->out, ",\"serviceTier\":{\"type\":");
    llm_buf_json(w->out, tier->data, tier->len);
    llm_buf_puts(w->out, "}");
}


static void
llm_converse_write_extra(llm_converse_writer_t *w)
{
    const llm_item_t  *item;

    for (item = w->form->extra; item; item = item->next) {

        if (llm_str_is(&item->name, "guardrailConfig")) {
            (void) llm_converse_write_member(w, ",", "guardrailConfig",
                                             &item->value);

        } else if (!llm_str_is(&item->name, "betas")
                   || w->family != LLM_CONVERSE_CLAUDE)
        {
            llm_translate_drop_name(w->x, &item->name);
        }
    }
}
